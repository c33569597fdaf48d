"""The clients that get all events: those that subscribed within the last minute."""

from __future__ import annotations

import time

from bridge.errors import BadArgument

Target = tuple[str, int]  # IP address and port; a port above HIGHEST_PORT is the number of a WebSocket

HIGHEST_PORT = 65_535

LEASE_S = 60.0
MAX_SUBSCRIBERS = 64


def is_socket(target: Target) -> bool:
    """Whether a client has a WebSocket, and no UDP port: it gets all events as long as that is open."""
    return target[1] > HIGHEST_PORT


class Subscribers:
    """Targets with a lease of LEASE_S seconds each."""

    def __init__(self) -> None:
        self._until: dict[Target, float] = {}

    def add(self, target: Target) -> None:
        """Begin or renew a lease. Raises BadArgument if there are MAX_SUBSCRIBERS already."""
        self._drop_expired()
        if target not in self._until and len(self._until) >= MAX_SUBSCRIBERS:
            raise BadArgument(f"There are {MAX_SUBSCRIBERS} subscribers already.")
        self._until[target] = time.monotonic() + LEASE_S

    def remove(self, target: Target) -> None:
        """End a lease, if there is one."""
        self._until.pop(target, None)

    def __contains__(self, target: object) -> bool:
        return target in self._until

    def audience(self, asker: Target | None = None) -> list[Target]:
        """The recipients of an event: the asker, then the subscribers, each once."""
        self._drop_expired()
        return list(dict.fromkeys([*([] if asker is None else [asker]), *self._until]))

    def _drop_expired(self) -> None:
        now = time.monotonic()
        for target in [target for target, until in self._until.items() if until < now]:
            del self._until[target]
