"""The keys that machines have set with /bridge/set/<key> for their next triggers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MAX_MACHINES = 64


class Settings:
    """The keys of each machine, by IP address; of too many machines, the one that set a key longest ago is forgotten."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def of(self, machine: str) -> dict[str, Any]:
        """A copy of the machine's keys."""
        return dict(self._keys.get(machine, {}))

    def of_writer(self, machine: str) -> dict[str, Any]:
        """The machine's keys, to be changed."""
        keys = self._keys.setdefault(machine, {})
        self._keys.move_to_end(machine)
        while len(self._keys) > MAX_MACHINES:
            self._keys.popitem(last=False)
        return keys
