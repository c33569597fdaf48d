"""What machines have set with /bridge/set/<key>, for their next triggers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MAX_MACHINES = 64


class Settings:
    """The keys of each machine, by its IP address; the machine that set something longest ago is forgotten first."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def of(self, machine: str) -> dict[str, Any]:
        """A copy of what this machine has set."""
        return dict(self._keys.get(machine, {}))

    def of_writer(self, machine: str) -> dict[str, Any]:
        """What this machine has set, to be changed."""
        keys = self._keys.setdefault(machine, {})
        self._keys.move_to_end(machine)
        while len(self._keys) > MAX_MACHINES:
            self._keys.popitem(last=False)
        return keys
