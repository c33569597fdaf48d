"""Record: how far a folder is learned, in a small file beside the state, so that learning goes on after a crash."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path

from bridge.domain.learning import HOWS
from bridge.system.writing import write_whole

FILE = "record.json"
STATE = "state.safetensors"
MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """`folder`: that is learned, and `how`: see LearnAsk. `seconds` and `steps` of learning so far. `base`: the loss of the held-out
    sounds before it, `best`: the lowest so far; None before they are known. `worse`: how often in a row it was not lower. `clips`:
    that were made to be heard."""

    folder: str
    how: str = HOWS[0]
    seconds: float = 0.0
    steps: int = 0
    base: float | None = None
    best: float | None = None
    worse: int = 0
    clips: int = 0

    def measured(self, loss: float) -> Record:
        """The record after a loss of the held-out sounds."""
        base = loss if self.base is None else self.base
        if self.best is None or loss < self.best:
            return dataclasses.replace(self, base=base, best=loss, worse=0)
        return dataclasses.replace(self, base=base, worse=self.worse + 1)


def load(place: Path) -> Record | None:
    """The record in a folder; None if it is missing or unusable."""
    try:
        file = place / FILE
        if file.stat().st_size > MAX_BYTES:
            return None
        values = json.loads(file.read_text("utf-8"))
        record = Record(**values)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    numbers = (record.seconds, record.steps, record.worse, record.clips)
    losses = [loss for loss in (record.base, record.best) if loss is not None]
    usable = all(type(number) in (int, float) and math.isfinite(number) and number >= 0 for number in numbers)
    usable = usable and all(type(loss) in (int, float) and math.isfinite(loss) for loss in losses)
    return record if usable and isinstance(record.folder, str) and record.how in HOWS else None


def save(place: Path, record: Record) -> None:
    """Write the record into an existing folder, whole or not at all. Raises OSError."""
    write_whole(place / FILE, json.dumps(dataclasses.asdict(record)).encode())
