"""OSCQuery (Vidvox's proposal): the tree of all addresses as JSON, and values as they change, over a WebSocket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bridge.domain.events import Event, PadChanged, PadSet, PresetChanged
from bridge.frontends.http import answers, tree
from bridge.frontends.http.outbox import Outbox
from bridge.frontends.http.tree import Place
from bridge.frontends.http.values import Values
from bridge.frontends.osc.socket import encode

ATTRIBUTES = (
    "FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "TAGS", "EXTENDED_TYPE",
    "CRITICAL", "OVERLOADS", "HTML",
)  # fmt: skip
EXTENSIONS = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "LISTEN", "PATH_CHANGED")
MAX_LISTENED = 512  # addresses of one WebSocket


@dataclass(eq=False, slots=True)
class Audience:
    """A client with a WebSocket. `sent`: the last values that it got of each address that it listens to."""

    machine: str
    outbox: Outbox
    sent: dict[str, list[Any] | None] = field(default_factory=dict)


class OscQuery:
    """The tree and those who listen to it."""

    def __init__(self, values: Values, osc_port: int, port: int) -> None:
        self._root = tree.build()
        self._values, self._osc_port, self._port = values, osc_port, port
        self._audiences: set[Audience] = set()
        self._pads = values.pads()

    # ---- the tree ----

    def answer(self, path: str, query: list[str], machine: str, local: str) -> web.Response:
        """The answer to a request of `machine` that came to our address `local`. `query`: the names in it."""
        if len(query) > 1:
            return answers.sentence(400, "Ask for one attribute at a time.")
        if query == ["HOST_INFO"]:
            return answers.as_json(self._host_info(local))
        if query and query[0] not in ATTRIBUTES:
            return answers.sentence(400, f"There is no such attribute; these are known: {', '.join(ATTRIBUTES)}.")
        place = tree.find(self._root, path)
        if place is None:
            return answers.sentence(404, "There is no such address; / has all.")
        found = self._node(place, machine, whole=not query or query == ["CONTENTS"])
        if not query:
            return answers.as_json(found)
        return answers.as_json({query[0]: found[query[0]]}) if query[0] in found else answers.nothing()

    def _node(self, place: Place, machine: str, whole: bool) -> dict[str, Any]:
        choices = (
            self._values.choices() if place.path in ("/", "/bridge") or place.path.startswith("/bridge/set") else {}
        )
        return self._described(place, machine, whole, choices, self._values.pads())

    def _described(
        self, place: Place, machine: str, whole: bool, choices: dict[str, tuple[str, ...]], pads: list[int]
    ) -> dict[str, Any]:
        node = tree.attributes(place, self._values.of(place, machine), choices)
        if whole and place.branch.branches:
            below = tree.contents(place, pads)
            node["CONTENTS"] = {name: self._described(one, machine, True, choices, pads) for name, one in below}
        return node

    def _host_info(self, local: str) -> dict[str, Any]:
        return {
            "NAME": "Clipbridge",
            "EXTENSIONS": dict.fromkeys(EXTENSIONS, True),
            "OSC_IP": local,
            "OSC_PORT": self._osc_port,
            "OSC_TRANSPORT": "UDP",
            "WS_IP": local,
            "WS_PORT": self._port,
        }

    # ---- those who listen ----

    def join(self, machine: str, outbox: Outbox) -> Audience:
        """A WebSocket was opened."""
        if not self._audiences:
            self._pads = self._values.pads()
        audience = Audience(machine, outbox)
        self._audiences.add(audience)
        return audience

    def leave(self, audience: Audience) -> None:
        """A WebSocket was closed."""
        self._audiences.discard(audience)

    def on_text(self, audience: Audience, text: str) -> None:
        """A command of a client: LISTEN or IGNORE. Anything else is passed over, as the proposal wants it."""
        try:
            command = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(command, dict) or not isinstance(path := command.get("DATA"), str):
            return
        if command.get("COMMAND") == "IGNORE":
            audience.sent.pop(path, None)
        elif command.get("COMMAND") == "LISTEN" and len(audience.sent) < MAX_LISTENED:
            place = tree.find(self._root, path)
            if place is not None and place.branch.access & tree.READ and path not in audience.sent:
                audience.sent[path] = None
                self._send(audience, path, self._values.of(place, audience.machine))

    def on_event(self, event: Event) -> None:
        """Tell those who listen to its address, and all if the tree has changed."""
        said = self._values.on_event(event)
        if not self._audiences:
            return
        if said is not None:
            for audience in self._audiences:
                if said[0] in audience.sent:
                    self._send(audience, *said)
        if isinstance(event, PresetChanged):
            self._announce_change(f"{tree.SET}preset")
        elif isinstance(event, PadChanged | PadSet) and (pads := self._values.pads()) != self._pads:
            self._pads = pads
            self._announce_change("/bridge/pad")

    def look(self) -> None:
        """Send the values that have changed and of which no event tells: the tempo, and what a machine has set."""
        for audience in self._audiences:
            for path, sent in audience.sent.items():
                if path == "/bridge/tempo" or path.startswith(tree.SET):
                    place = tree.find(self._root, path)
                    values = None if place is None else self._values.of(place, audience.machine)
                    if values != sent:
                        self._send(audience, path, values)

    def _send(self, audience: Audience, path: str, values: list[Any] | None) -> None:
        audience.sent[path] = values
        if values is not None:
            audience.outbox.put(encode(path, tuple(values)))

    def _announce_change(self, path: str) -> None:
        for audience in self._audiences:
            audience.outbox.put(json.dumps({"COMMAND": "PATH_CHANGED", "DATA": path}))
