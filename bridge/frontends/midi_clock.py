"""Tempo and beat from a MIDI clock."""

from __future__ import annotations

from collections import deque
from typing import Any

from bridge.domain.limits import BPM
from bridge.live.stage import Stage

AVERAGED_BEATS = 8
STEADY_BPM = 0.15  # ignore smaller changes: after each change, pads with bars generate their takes again
NEW_TEMPO = 0.02  # a change by a larger share is a new tempo, not jitter
CLOCKS_PER_BEAT = 24  # MIDI 1.0 detailed specification, "System Real Time Messages"


class MidiClock:
    """Sets tempo and beat of the stage from a MIDI clock, averaged over AVERAGED_BEATS."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._clocks, self._running = 0, False
        self._beats: deque[float] = deque(maxlen=AVERAGED_BEATS + 1)  # seconds of time.perf_counter

    def move(self, message: Any) -> None:
        """Start, continue, stop, or jump to a song position."""
        self._running = message.type in ("start", "continue") or (self._running and message.type == "songpos")
        self._beats.clear()
        if message.type == "start":
            self._clocks = -1  # the next clock is beat 0
        elif message.type == "songpos":
            self._clocks = message.pos * CLOCKS_PER_BEAT // 4 - 1  # in sixteenths

    def tick(self, at: float) -> None:
        """Count a clock received at `at`."""
        if not self._running:
            return
        self._clocks += 1
        if self._clocks % CLOCKS_PER_BEAT:
            return
        tempo = self._stage.tempo
        self._beats.append(at)
        beat_s = (self._beats[-1] - self._beats[0]) / max(1, len(self._beats) - 1)
        if 60 / BPM.high <= beat_s <= 60 / BPM.low:
            bpm = round(60 / beat_s, 1)
            change, new_tempo = abs(bpm - tempo.bpm), NEW_TEMPO * tempo.bpm
            # The average of a few beats is rough.
            if change > (STEADY_BPM if len(self._beats) > AVERAGED_BEATS // 2 else new_tempo):
                self._stage.set_tempo(bpm, tempo.beats_per_bar, at)
                if change > new_tempo:  # earlier beats had the old tempo
                    self._beats.clear()
                    self._beats.append(at)
        self._stage.beat(self._clocks / CLOCKS_PER_BEAT, at)
