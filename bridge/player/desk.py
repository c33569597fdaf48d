"""The desk in front of the mixer: holds requests to voices that are still being loaded, and passes on the others."""

from __future__ import annotations

import threading

from bridge.domain.tempo import Tempo
from bridge.player.messages import NOW, Change, Stop
from bridge.player.mixer import Mixer
from bridge.player.voice import Voice

STOPPED = "stopped before it began"


class Desk:
    """Thread-safe. Until a mixer is open, requests are dropped, except for those to pending voices."""

    def __init__(self) -> None:
        self._lock, self._opened = threading.Lock(), threading.Event()
        self._mixer: Mixer | None = None
        self._tempo = Tempo()
        # Requests to voices that are still being loaded; a voice that is stopped in the meantime is removed.
        self._pending: dict[int, list[Change | Stop]] = {}

    def open(self, mixer: Mixer) -> None:
        """Make `mixer` the active one."""
        with self._lock:
            mixer.requests.append(self._tempo)
            self._mixer = mixer
        self._opened.set()

    def mixer(self, wait_s: float | None = 0.0) -> Mixer | None:
        """The active mixer, or None. Waits at most `wait_s` seconds for one (None: forever)."""
        self._opened.wait(wait_s)
        return self._mixer

    def expect(self, voice: int) -> None:
        """Announce a voice that will `arrive` or be given up."""
        with self._lock:
            self._pending[voice] = []

    def arrive(self, voice: Voice) -> str:
        """Start a voice whose samples are loaded. Returns "", or the reason why it does not start."""
        with self._lock:
            requests = self._pending.pop(voice.number, None)
            if requests is None or self._mixer is None:
                return STOPPED
            self._mixer.requests.append(voice)
            self._mixer.requests.extend(requests)
            return ""

    def give_up(self, voice: int) -> None:
        """Drop a pending voice."""
        with self._lock:
            self._pending.pop(voice, None)

    def stop(self, stop: Stop) -> None:
        """Stop voices, including pending ones, which would otherwise start later."""
        with self._lock:
            if stop.voice is None:
                self._pending.clear()
            elif stop.voice in self._pending:
                if stop.when == NOW:
                    del self._pending[stop.voice]
                else:  # the mixer does not know the voice yet
                    self._pending[stop.voice].append(stop)
                return
            if self._mixer is not None:
                self._mixer.requests.append(stop)

    def change(self, change: Change) -> None:
        """Change a voice now, or when it begins."""
        with self._lock:
            if change.voice in self._pending:
                self._pending[change.voice].append(change)
            elif self._mixer is not None:
                self._mixer.requests.append(change)

    def set_tempo(self, tempo: Tempo) -> None:
        """Set the tempo of this mixer and of later ones."""
        with self._lock:
            self._tempo = tempo
            if self._mixer is not None:
                self._mixer.requests.append(tempo)
