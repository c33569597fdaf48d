"""The current values of the tree: what a machine has set, the tempo, and the last values of each event."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from bridge.domain.events import Event, PadChanged
from bridge.frontends.http.tree import SETTABLE, Place
from bridge.frontends.osc.answers import Osc
from bridge.frontends.osc.folders import without_folders
from bridge.frontends.osc.replies import reply_of
from bridge.frontends.osc.socket import Toggle

PADS_LISTED = 16  # those of the touch page; others are listed while they are set
MAX_REMEMBERED = 1_024  # addresses with a last value


class Values:
    """`osc` has the settings of each machine, and the core."""

    def __init__(self, osc: Osc) -> None:
        self._osc = osc
        self._last: OrderedDict[str, list[Any]] = OrderedDict()

    def on_event(self, event: Event) -> tuple[str, list[Any]] | None:
        """Remember the values of an event. Returns its address and these values; None if programs elsewhere are not told."""
        reply = reply_of(event)
        if reply is None or reply.is_private:
            return None
        address, values = reply.message(event.facts())
        named = [without_folders(value) for value in values[: len(reply.names)]]
        texts = [not part.startswith(("i ", "f ")) for part in reply.positional.split(", ")]
        values = [str(value) if is_text else value for value, is_text in zip(named, texts, strict=False)]
        self._last[address] = values
        self._last.move_to_end(address)
        if len(self._last) > MAX_REMEMBERED:
            self._last.popitem(last=False)
        return address, values

    def of(self, place: Place, machine: str) -> list[Any] | None:
        """The values at a place as a machine sees them; None if it has none now."""
        if place.branch.key:
            return self._setting(place.branch.key, machine)
        if place.path == "/bridge/tempo":
            return [float(self._osc.core.stage.tempo.bpm)]
        if place.path == "/bridge/state":
            return [self._osc.core.state, without_folders(self._osc.core.why)]
        known = self._last.get(place.path)
        if known is None and place.path.startswith("/bridge/pad/") and place.path.endswith("/state"):
            number = int(place.path.split("/")[3])
            states = {pad: state for pad, *state in self._osc.core.stage.pads.states()}
            changed = PadChanged(number, *states.get(number, ()))
            return [changed.state, float(changed.value)]
        return known

    def _setting(self, name: str, machine: str) -> list[Any] | None:
        value = self._osc.settings.of(machine).get(name, SETTABLE[name].default)
        if value is None:
            return None
        kind = SETTABLE[name].kind
        return [Toggle(value) if kind == "flag" else float(value) if kind == "number" else value]

    def pads(self) -> list[int]:
        """The numbers of the pads that are listed."""
        return sorted({*range(PADS_LISTED), *(pad for pad, *_ in self._osc.core.stage.pads.states())})

    def choices(self) -> dict[str, tuple[str, ...]]:
        """The choices of keys that are known only now."""
        return {"preset": tuple(self._osc.core.presets.all())}
