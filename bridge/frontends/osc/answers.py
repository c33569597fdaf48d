"""How the OSC frontend answers: to one asker, to all who listen, and after a look at the disk."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bridge.core.core import Core
from bridge.domain.events import Event
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc.addresses import REPLIES, Reply, reply_of
from bridge.frontends.osc.socket import encode, exact

log = logging.getLogger("clipbridge.osc")

T = TypeVar("T")
Target = tuple[str, int]

MAX_WHY = 600
MAX_LOOKS = 8  # at the disk, at a time


class Answers:
    """What the parts of the OSC frontend have in common. `_transport` is there when the first datagram comes."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.port = 0
        self._transport: Any = None
        self._subscribers: dict[Target, float] = {}
        self._looks = 0

    def _send(self, target: Target, address: str, *values: Any) -> None:
        self._transport.sendto(encode(address, values), target)

    def _reply(self, target: Target, address: str, facts: Mapping[str, Any]) -> None:
        """Send these facts as the table says."""
        self._send(target, *_message(REPLIES[address], facts))

    def _send_event(self, target: Target, event: Event) -> None:
        """Send one event to one asker."""
        if (reply := reply_of(event)) is not None:
            self._send(target, *_message(reply, event.facts()))

    def on_event(self, event: Event) -> None:
        """Send it to who asked for it and to the subscribers."""
        if reply_of(event) is not None:
            for target in self._audience(event.reply_to):
                self._send_event(target, event)

    def _refuse(self, sender: Target, address: str, error: BaseException) -> None:
        if isinstance(error, ClipbridgeError):
            self._send(sender, "/bridge/error", address, error.code, str(error)[:MAX_WHY])
        else:
            log.error("%s failed", address, exc_info=error)
            self._send(sender, "/bridge/error", address, "internal", "Clipbridge failed on this message; see its log.")

    def _aside(self, look: Callable[[], T], then: Callable[[T], None], sender: Target, address: str) -> None:
        """Look at the disk on a thread of its own, and go on with what was found: a network disk may take seconds."""
        if self._looks >= MAX_LOOKS:
            raise BadArgument(f"{MAX_LOOKS} questions wait for the disk already; ask again later.")
        self._looks += 1

        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                finish = functools.partial(then, look())
            except Exception as error:  # noqa: BLE001 - told and logged
                finish = functools.partial(self._refuse, sender, address, error)
            with contextlib.suppress(RuntimeError):  # the daemon has ended meanwhile
                loop.call_soon_threadsafe(done, finish)

        def done(finish: Callable[[], None]) -> None:
            self._looks -= 1
            if not self._transport.is_closing():
                try:
                    finish()
                except Exception as error:  # noqa: BLE001 - told and logged
                    self._refuse(sender, address, error)

        # Not the loop's executor, which the end of the daemon would wait for, however long the disk takes.
        threading.Thread(target=work, name="look at the disk", daemon=True).start()

    def _audience(self, *askers: Target | None) -> list[Target]:
        """Who is told of an event: those who asked, then the subscribers, each once."""
        self._drop_old_subscribers()
        return list(dict.fromkeys([*(asker for asker in askers if asker is not None), *self._subscribers]))

    def _drop_old_subscribers(self) -> None:
        now = time.monotonic()
        for target in [target for target, until in self._subscribers.items() if until < now]:
            del self._subscribers[target]


def _message(reply: Reply, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """Address and arguments. Texts are cut so that the datagram stays small, an id goes back in the type it came in."""
    changes: dict[str, Any] = {"why": facts["why"][:MAX_WHY]} if "why" in facts else {}
    changes |= {"id": exact(facts["id"])} if "id" in facts else {}
    address, values = reply.message({**facts, **changes})
    return address, *values
