"""The way to the mixer: what is asked of a voice whose samples are still being loaded is done when they arrive, in order."""

from __future__ import annotations

import threading

from bridge.domain.tempo import Tempo
from bridge.player.messages import NOW, Change, Stop
from bridge.player.mixer import Mixer, Voice

STOPPED = "stopped before it began"


class Desk:
    """Any thread may call anything. Before a mixer is there, all but what waits for one is let go."""

    def __init__(self) -> None:
        self._lock, self._there = threading.Lock(), threading.Event()
        self._mixer: Mixer | None = None
        self._tempo = Tempo()
        # What was asked of voices that are not there yet; one that is stopped meanwhile is not expected any more.
        self._coming: dict[int, list[Change | Stop]] = {}

    def open(self, mixer: Mixer) -> None:
        """From now on that one is rendered."""
        with self._lock:
            mixer.asked.append(self._tempo)
            self._mixer = mixer
        self._there.set()

    def mixer(self, wait_s: float | None = 0.0) -> Mixer | None:
        """The mixer, waiting so long for it (None: for ever)."""
        self._there.wait(wait_s)
        return self._mixer

    def expect(self, voice: int) -> None:
        """A voice will arrive, or be given up."""
        with self._lock:
            self._coming[voice] = []

    def arrive(self, voice: Voice) -> str:
        """Its samples are there: it begins, or why it does not. A mixer is there."""
        with self._lock:
            asked = self._coming.pop(voice.number, None)
            if asked is None or self._mixer is None:
                return STOPPED
            self._mixer.asked.append(voice)
            self._mixer.asked.extend(asked)
            return ""

    def give_up(self, voice: int) -> None:
        """It will not arrive."""
        with self._lock:
            self._coming.pop(voice, None)

    def stop(self, stop: Stop) -> None:
        """Also what is not there yet, or it would begin behind the stop."""
        with self._lock:
            if stop.voice is None:
                self._coming.clear()
            elif stop.voice in self._coming:
                if stop.when == NOW:
                    del self._coming[stop.voice]
                else:  # the mixer would find nothing to stop
                    self._coming[stop.voice].append(stop)
                return
            if self._mixer is not None:
                self._mixer.asked.append(stop)

    def change(self, change: Change) -> None:
        """At once, or when it begins."""
        with self._lock:
            if change.voice in self._coming:
                self._coming[change.voice].append(change)
            elif self._mixer is not None:
                self._mixer.asked.append(change)

    def set_tempo(self, tempo: Tempo) -> None:
        """Of this mixer, and of the next."""
        with self._lock:
            self._tempo = tempo
            if self._mixer is not None:
                self._mixer.asked.append(tempo)
