"""What the functions behind the OSC addresses get: the request, and the means to answer it."""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.core.core import Core
from bridge.core.sources import Place
from bridge.domain.ask import Ask
from bridge.domain.events import Event, JobId
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc.clock import Clock
from bridge.frontends.osc.folders import without_folders
from bridge.frontends.osc.replies import REPLIES, Reply, reply_of
from bridge.frontends.osc.settings import Settings
from bridge.frontends.osc.socket import encode, exact
from bridge.frontends.osc.subscribers import Subscribers, Target, is_socket
from bridge.system.aside import run_aside

log = logging.getLogger("clipbridge.osc")

T = TypeVar("T")

MAX_WHY = 600  # characters
MAX_READS = 8  # requests that wait for the disk at a time


@dataclass(frozen=True, slots=True)
class Request:
    """A received message. `sender`: where its answer goes. `number`: the pad or voice in its address, `key` the key in
    it. `time_tag`: of its bundle, in seconds since 1970; 0 for at once. `datagram`: the message as received."""

    address: str
    arguments: list[Any]
    sender: Target
    number: int = 0
    key: str = ""
    time_tag: float = 0.0
    datagram: bytes = b""

    @property
    def machine(self) -> str:
        """The IP address of the sender, which owns its jobs."""
        return self.sender[0]

    @property
    def is_local(self) -> bool:
        """Whether the sender is on this machine."""
        return is_local(self.sender)


def is_local(target: Target) -> bool:
    """Whether a client is a program on this machine. A page in a browser may not name files, wherever it is."""
    return not is_socket(target) and ipaddress.ip_address(target[0].partition("%")[0]).is_loopback


class Osc:
    """The core, the socket and the state of each client. `transport` and `port` are set before the first request. `sockets`: what
    sends to each client that has a WebSocket."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.port = 0
        self.transport: Any = None
        self.sockets: dict[Target, Callable[[bytes], None]] = {}
        self.settings, self.subscribers, self.clock = Settings(), Subscribers(), Clock()
        self._reads = 0

    def send(self, target: Target, address: str, *values: Any) -> None:
        """Send a message; to a WebSocket without the folders of this machine."""
        self.deliver(encode(address, tuple(map(without_folders, values)) if is_socket(target) else values), target)

    def deliver(self, datagram: bytes, target: Target) -> None:
        """Send an encoded message. A WebSocket may be closed by now."""
        if not is_socket(target):
            self.transport.sendto(datagram, target)
        elif (send := self.sockets.get(target)) is not None:
            send(datagram)

    def reply(self, target: Target, address: str, facts: Mapping[str, Any]) -> None:
        """Send facts in the form that REPLIES has for the address."""
        self.send(target, *_message(REPLIES[address], facts))

    def send_event(self, target: Target, event: Event) -> None:
        """Send an event to one client."""
        if (reply := reply_of(event)) is not None:
            self.send(target, *_message(reply, event.facts()))

    def publish(self, event: Event) -> None:
        """Send an event to its asker, to the subscribers, and to all WebSockets."""
        if (reply := reply_of(event)) is None:
            return
        asker = event.reply_to
        for target in self.subscribers.audience(None if asker is None or is_socket(asker) else asker):
            if not reply.is_private or is_local(target):
                self.send_event(target, event)
        if self.sockets and not reply.is_private:
            address, *values = _message(reply, event.facts())
            datagram = encode(address, tuple(map(without_folders, values)))
            for send in list(self.sockets.values()):
                send(datagram)

    def refuse(self, target: Target, address: str, error: BaseException) -> None:
        """Send /bridge/error about a message to `address`. Errors other than ClipbridgeError are logged, not described."""
        if isinstance(error, ClipbridgeError):
            self.send(target, "/bridge/error", address, error.code, str(error)[:MAX_WHY])
        else:
            log.error("%s failed", address, exc_info=error)
            self.send(target, "/bridge/error", address, "internal", "Clipbridge failed on this message; see its log.")

    def check_port(self, port: int, name: str = "reply_port ") -> None:
        """Raises BadArgument if a client wants answers sent to our own port."""
        if port == self.port:
            raise BadArgument(f"{name}{port} is the port Clipbridge itself listens on; give your own.")

    def with_source(
        self,
        ask: Ask,
        request: Request,
        answer: Callable[[Ask], None],
        refuse: Callable[[ClipbridgeError], None] | None = None,
        job_id: JobId | None = None,
        place: Place = (),
    ) -> None:
        """Call `answer` with the ask once the source that it names is found; at once if it names none. An error of either is refused by
        `refuse`, or else with /bridge/error. `job_id`: of the job that the ask will become. `place`: what else it is for."""

        def fail(error: Exception) -> None:
            if refuse is not None and isinstance(error, ClipbridgeError):
                refuse(error)
            else:
                self.refuse(request.sender, request.address, error)

        def found(ask: Ask) -> None:
            try:
                answer(ask)
            except Exception as error:  # noqa: BLE001 - sent and logged
                fail(error)

        try:
            self.core.sources.find(ask, request.machine, request.is_local, found, fail, job_id, place)
        except ClipbridgeError as error:
            fail(error)

    def off_loop(
        self,
        read: Callable[[], T],
        answer: Callable[[T], None],
        target: Target,
        address: str,
        refuse: Callable[[ClipbridgeError], None] | None = None,
    ) -> None:
        """Call `read` on a thread of its own, because a network disk may take seconds, then `answer` with its result on the
        event loop. An error of either is refused by `refuse`, or else with /bridge/error to `target`. Raises BadArgument if
        too many requests wait for the disk."""
        if self._reads >= MAX_READS:
            raise BadArgument(f"{MAX_READS} questions wait for the disk already; ask again later.")
        self._reads += 1

        def fail(error: Exception) -> None:
            if refuse is not None and isinstance(error, ClipbridgeError):
                refuse(error)
            else:
                self.refuse(target, address, error)

        def done(finish: Callable[[], None]) -> None:
            self._reads -= 1
            if not self.transport.is_closing():
                try:
                    finish()
                except Exception as error:  # noqa: BLE001 - sent and logged
                    fail(error)

        run_aside(
            read,
            lambda result: done(functools.partial(answer, result)),
            lambda error: done(functools.partial(fail, error)),
        )


def _message(reply: Reply, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """Address and arguments. Texts are cut so that the datagram stays small; an id keeps the type it was sent with."""
    changes: dict[str, Any] = {"why": facts["why"][:MAX_WHY]} if "why" in facts else {}
    changes |= {"id": exact(facts["id"])} if "id" in facts else {}
    address, values = reply.message({**facts, **changes})
    return address, *values
