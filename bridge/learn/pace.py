"""Pace: when to listen to the held-out sounds, save the state, make a clip, and stop."""

from __future__ import annotations

from bridge.learn.record import Record

FIRST_CLIP_S, CLIP_EVERY_S = 20.0, 60.0
SAVE_EVERY_S = 30.0
LISTENS = 40  # in the whole time
LEAST_LISTEN_S, MOST_LISTEN_S = 2.0, 15.0
PATIENCE = 8  # so often in a row the loss of the held-out sounds may not be lower


class Pace:
    """`budget_s`: seconds of learning, in all. `seconds` are those of a record: of all runs together."""

    def __init__(self, budget_s: float, record: Record) -> None:
        self._budget_s = budget_s
        self._listen_every_s = min(max(budget_s / LISTENS, LEAST_LISTEN_S), MOST_LISTEN_S)
        self._listened_s = self._saved_s = record.seconds
        first_s = min(FIRST_CLIP_S, budget_s / 2)
        self._next_clip_s = record.seconds + CLIP_EVERY_S if record.clips else first_s

    def is_over(self, record: Record) -> bool:
        """Whether the time is spent, or the held-out sounds no longer gain."""
        return record.seconds >= self._budget_s or record.worse >= PATIENCE

    def fraction(self, record: Record) -> float:
        """How much of the time is spent, 0 to 1."""
        return min(1.0, record.seconds / self._budget_s)

    def seconds_left(self, record: Record) -> float:
        """The seconds of learning that are left."""
        return max(0.0, self._budget_s - record.seconds)

    def wants_listening(self, record: Record) -> bool:
        """Whether to measure the loss of the held-out sounds; the answer is yes once."""
        if record.seconds - self._listened_s < self._listen_every_s:
            return False
        self._listened_s = record.seconds
        return True

    def wants_saving(self, record: Record) -> bool:
        """Whether to save the state; the answer is yes once."""
        if record.seconds - self._saved_s < SAVE_EVERY_S:
            return False
        self._saved_s = record.seconds
        return True

    def wants_clip(self, record: Record) -> bool:
        """Whether to make a clip; the answer is yes once."""
        if record.seconds < self._next_clip_s:
            return False
        self._next_clip_s = record.seconds + CLIP_EVERY_S
        return True
