"""The seconds of a file that a view shows over its width."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.panel.waveform import Waveform


@dataclass(frozen=True, slots=True)
class Span:
    """From `start_s` to `end_s`, which may lie behind the end of the file."""

    start_s: float = 0.0
    end_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def x(self, seconds: float, width: int) -> int:
        """Where a time is, in a view of `width` points."""
        return round((seconds - self.start_s) / self.seconds * (width - 1)) if self.seconds > 0 else 0

    def at(self, x: float, width: int) -> float:
        """The time at a place, within the span."""
        return self.start_s + min(max(0.0, x / max(1, width - 1)), 1.0) * self.seconds

    def cut(self, waveform: Waveform) -> tuple[Waveform, float]:
        """The columns of a file's waveform within the span, and the share of the width that they cover, from the left."""
        columns, length = len(waveform.low), waveform.seconds
        if not columns or self.seconds <= 0 or (self.start_s <= 0 and abs(self.end_s - length) < length / columns):
            return waveform, 1.0
        first, last = (round(min(max(0.0, s / length), 1.0) * columns) for s in (self.start_s, self.end_s))
        if last <= first:
            return waveform.part(0, 0), 1.0
        share = min(1.0, (length - self.start_s) / self.seconds)
        return waveform.part(first, last), share
