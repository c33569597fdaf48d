"""What the list shows: words and filters, as arguments of /bridge/find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.domain.limits import BPM, SECONDS


@dataclass(frozen=True, slots=True)
class ClipQuery:
    """A search. 0 or "": no limit; `preset` None: any. `best_only`: of each job the best take alone, which the list does itself."""

    words: str = ""
    bpm_from: int = 0
    bpm_to: int = 0
    seconds_from: float = 0.0
    seconds_to: float = 0.0
    favourite: bool = False
    preset: str | None = None
    order: str = "newest"
    best_only: bool = False

    def arguments(self) -> list[Any]:
        """The arguments of /bridge/find. A range whose ends are the wrong way round is turned."""
        arguments: list[Any] = [self.words.strip(), "order", self.order]
        ranges = (("bpm", self.bpm_from, self.bpm_to, BPM), ("seconds", self.seconds_from, self.seconds_to, SECONDS))
        for name, low, high, allowed in ranges:
            if low or high:
                ends = sorted((low or allowed.low, high or allowed.high))
                ends = [min(max(end, allowed.low), allowed.high) for end in ends]
                arguments += [f"{name}_from", float(ends[0]), f"{name}_to", float(ends[1])]
        if self.favourite:
            arguments += ["favourite", 1]
        if self.preset is not None:
            arguments += ["preset", self.preset]
        return arguments

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves clips out."""
        return self.arguments()[3:] != [] or bool(self.words.strip()) or self.best_only
