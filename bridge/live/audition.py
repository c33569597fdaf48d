"""An audio file that somebody wants to hear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.domain.outputs import MAIN
from bridge.player.messages import NOW, When


@dataclass(frozen=True, slots=True)
class Audition:
    """`path`: as the asker spells it; `file`: as the disk does. The seconds `from_s` to `to_s` are played (None: to its end).
    `panics`: the number of panics (see Stage) before it was asked for. `output`: main or cue."""

    reply_to: Any
    path: str
    panics: int = 0
    file: str = ""
    gain: float = 1.0
    pan: float = 0.0
    loop: bool = False
    when: When = NOW
    from_s: float = 0.0
    to_s: float | None = None
    output: str = MAIN
