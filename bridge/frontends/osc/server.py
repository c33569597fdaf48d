"""The OSC frontend: a datagram goes through the guard to the function of its address; events go to askers and subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from bridge.config import OscConfig
from bridge.core.core import Core
from bridge.domain.events import Event, JobEvent
from bridge.domain.limits import PORT
from bridge.domain.nearest import nearest
from bridge.errors import UnknownAddress
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import guard, jobs
from bridge.frontends.osc.addresses import METHODS, NUMBERS, Method
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.replies import REPLIES
from bridge.frontends.osc.socket import bind, decode
from bridge.frontends.osc.subscribers import Target, is_socket

log = logging.getLogger("clipbridge.osc")

MAX_REPORTED_FAULTS = 8  # of one datagram: a broken packet must not cause a hundred answers
PATTERN = re.compile(r"[*?\[\]{}]")  # OSC 1.0 matches addresses with these; we do not
NUMBERED = re.compile(r"^/bridge/(voice|pad)/([0-9]{1,9}|<n>)/")
SET_PREFIX = "/bridge/set/"
STOP = "/bridge/stop"

# What checks a message of a sender with few rights: the row of METHODS that its address belongs to, and its arguments.
Permit = Callable[[str, list[Any]], None]


@contextlib.asynccontextmanager
async def serve_osc(core: Core, config: OscConfig) -> AsyncIterator[OscFrontend]:
    """Answer OSC until the context ends. Raises PortTaken or AlreadyRunning if the port is not free."""
    udp = bind(config)
    loop = asyncio.get_running_loop()
    transport, frontend = await loop.create_datagram_endpoint(lambda: OscFrontend(core, config), sock=udp)
    core.listeners.append(frontend)
    try:
        yield frontend
    finally:
        core.listeners.remove(frontend)
        transport.close()


class OscFrontend(asyncio.DatagramProtocol):
    """One UDP socket. Each datagram is handled at once on the event loop; nothing in here waits."""

    def __init__(self, core: Core, config: OscConfig) -> None:
        self.host, self.port = "", 0
        self.osc = Osc(core)
        self._allowed = [ipaddress.ip_network(entry, strict=False) for entry in config.allow]

    def on_event(self, event: Event) -> None:
        """Send the event to its asker and to the subscribers."""
        self.osc.publish(event)
        if isinstance(event, JobEvent) and event.kind == "done":
            jobs.send_then(self.osc, event)

    # ---- datagrams ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.host, self.port = transport.get_extra_info("sockname")[:2]
        self.osc.transport, self.osc.port = transport, self.port

    def error_received(self, error: Exception) -> None:
        # Some systems report a reply to a closed port as an error; only that client is gone.
        log.debug("a reply did not arrive: %s", error)

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        sender: Target = (address[0], address[1])
        if self._may_speak(sender):
            self.receive(data, sender)

    def receive(self, data: bytes, sender: Target, permit: Permit | None = None) -> None:
        """Run the messages in a datagram, or in a frame of a WebSocket. `permit` raises ClipbridgeError for what this sender may not."""
        messages, faults = guard.check(data)
        if STOP in (where for where, _ in faults):
            self.osc.core.panic()  # whatever was sent with it
        for where, why in [fault for fault in faults if fault[0]][:MAX_REPORTED_FAULTS]:
            if where not in REPLIES:
                self.osc.send(sender, "/bridge/error", where, "malformed", why)
        for message, time_tag in messages:
            self._dispatch(message, sender, time_tag, permit)

    def may_reach(self, machine: str) -> bool:
        """Whether a machine may speak to us: this one, and those that osc.allow lists."""
        return self._is_ours(machine) or any(_ip(machine) in network for network in self._allowed)

    def _may_speak(self, sender: Target) -> bool:
        # Our own packet came back: never answer ourselves.
        return not (sender[1] == self.port and self._is_ours(sender[0])) and self.may_reach(sender[0])

    def _is_ours(self, machine: str) -> bool:
        return _ip(machine).is_loopback or machine == self.host

    def _dispatch(self, datagram: bytes, sender: Target, time_tag: float, permit: Permit | None) -> None:
        address, arguments = decode(datagram)
        numbered = NUMBERED.match(address)
        row = f"/bridge/{numbered[1]}/<n>/{address[numbered.end() :]}" if numbered else address
        if row in REPLIES:
            return  # another Clipbridge answers us; answering it would never end
        key = address.removeprefix(SET_PREFIX) if address.startswith(SET_PREFIX) else ""
        method = METHODS.get(f"{SET_PREFIX}<key>" if address.startswith(SET_PREFIX) else row)
        try:
            if method is None or method.takes_last_reply_port:
                sender = self._answer_to(arguments, sender)
            if method is None:
                raise unknown_address(address)
            if permit is not None:
                permit(row, arguments)
            number = _number(method, numbered)
            # Two daemons that answered each other's /bridge/status would never stop. Our answer has arguments, so it is refused
            # here with /bridge/error, which is never answered.
            if method.answers_itself:
                args.check_alone(arguments, address)
            if method.button and not args.press(arguments):
                return
            method.handler(self.osc, Request(address, arguments, sender, number, key, time_tag, datagram))
        except Exception as error:  # noqa: BLE001 - sent and logged
            self.osc.refuse(sender, address, error)

    def _answer_to(self, arguments: list[Any], sender: Target) -> Target:
        """Where the answer goes: to a last `reply_port N`, which is removed from `arguments`, to the port that the machine
        has set, or to the sender; to a WebSocket always through it."""
        if is_socket(sender):
            return sender
        port = self.osc.settings.of(sender[0]).get("reply_port", sender[1])
        if len(arguments) >= 2 and arguments[-2] == "reply_port":
            port = int(args.number(arguments[-1], "reply_port", PORT, whole=True))
            del arguments[-2:]
        self.osc.check_port(port)
        return sender[0], port


def _ip(machine: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(machine.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip  # a socket on :: sees IPv4 senders like this


def unknown_address(address: str) -> UnknownAddress:
    """The error for an address that METHODS does not have."""
    if PATTERN.search(address):
        return UnknownAddress("Address patterns are not matched: send a message to each address.")
    longer = (known for known in METHODS if known.startswith(f"{address.rstrip('/')}/"))
    guess = next(longer, "") or nearest(address, METHODS)
    return UnknownAddress(
        f"There is no such address; did you mean {guess}?"
        if guess
        else "There is no such address; host_scripts/OSC.md lists all."
    )


def _number(method: Method, numbered: re.Match[str] | None) -> int:
    """The number in an address, 0 if there is none. Raises BadArgument if it is out of range."""
    if numbered is None or "<n>" not in method.address:
        return 0
    kind = numbered[1]
    return int(args.number(numbered[2], f"the number of the {kind}", NUMBERS[kind], whole=True))
