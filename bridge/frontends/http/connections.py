"""The TCP port: who is let in, and how many. What is refused here has not been read."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import socket
from collections.abc import Callable

from bridge.config import OscConfig
from bridge.errors import ConfigError, PortTaken
from bridge.system import portable

log = logging.getLogger("clipbridge.http")

MAX_CONNECTIONS = 320
MAX_OF_A_MACHINE = 64
PAUSE_S = 0.2  # when the system has no more sockets
BACKLOG = 128
REQUESTS_A_SECOND, REQUESTS_AT_ONCE = 100.0, 1_000.0  # of one machine: some clients ask for each address by itself
REMEMBERED_MACHINES = 256


def listen(config: OscConfig, port: int) -> socket.socket:
    """A socket that listens beside the OSC port. Raises PortTaken, ConfigError."""
    try:
        return portable.listen_tcp(config.host, port, BACKLOG)
    except OSError as error:
        if portable.is_port_taken(error):
            raise PortTaken(
                f"Another program uses TCP port {port}. Close it, or choose another one: --set network.port=57202"
            ) from error
        raise ConfigError(f"Clipbridge cannot listen on {config.host}, TCP port {port}: {error.strerror}.") from error


class Rate:
    """So many a second, and a burst at once."""

    def __init__(self, a_second: float, at_once: float, now: float) -> None:
        self._a_second, self._at_once = a_second, at_once
        self._left, self._then = at_once, now

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Whether one more may come now, or something that counts as `cost` of them; counts it."""
        self._left = min(self._at_once, self._left + (now - self._then) * self._a_second)
        self._then = now
        if self._left < cost:
            return False
        self._left -= cost
        return True


class Connections:
    """Accepts connections from machines for which `may_reach` is true, and hands each to a protocol from `protocol`."""

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], may_reach: Callable[[str], bool]
    ) -> None:
        self._listener, self._protocol, self._may_reach = listener, protocol, may_reach
        self._visitors: dict[asyncio.Transport, str] = {}  # the machine of each connection
        self._rates: collections.OrderedDict[str, Rate] = collections.OrderedDict()

    async def accept(self) -> None:
        """Accept connections until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                peer, address = await loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("a connection could not be accepted: %s", error)
                await asyncio.sleep(PAUSE_S)
                continue
            if not self._has_room(address[0]):
                peer.close()
                continue
            try:
                transport, _ = await loop.connect_accepted_socket(self._protocol, peer)
            except OSError:  # it is gone already
                peer.close()
                continue
            self._visitors[transport] = address[0]

    def allows(self, machine: str, cost: float) -> bool:
        """Whether a machine may send one more request now, which counts as `cost` small ones; counts it."""
        now = asyncio.get_running_loop().time()
        rate = self._rates.setdefault(machine, Rate(REQUESTS_A_SECOND, REQUESTS_AT_ONCE, now))
        self._rates.move_to_end(machine)
        while len(self._rates) > REMEMBERED_MACHINES:
            self._rates.popitem(last=False)
        return rate.allows(now, cost)

    def _has_room(self, machine: str) -> bool:
        if not self._may_reach(machine):
            return False
        self._drop_closed()
        own = sum(visitor == machine for visitor in self._visitors.values())
        return len(self._visitors) < MAX_CONNECTIONS and own < MAX_OF_A_MACHINE

    def _drop_closed(self) -> None:
        for transport in [transport for transport in self._visitors if transport.is_closing()]:
            del self._visitors[transport]

    def close(self) -> None:
        """Close what is still open."""
        with contextlib.suppress(OSError):
            self._listener.close()
        for transport in self._visitors:
            transport.abort()
