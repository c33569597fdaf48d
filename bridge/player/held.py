"""Takes held in memory, so that a pad sounds without reading a file."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial

from bridge.errors import ClipbridgeError
from bridge.player.desk import Desk
from bridge.player.held_file import whole
from bridge.player.messages import Ended, Held, Hold, Sound
from bridge.player.samples import read
from bridge.player.voice import Samples, clean, fade_ends

log = logging.getLogger("clipbridge")

MAX_LATE_S = 0.25  # a voice whose take is still being loaded starts at most this late


class HeldTakes:
    """`run` loads on one thread; the other methods are called on another. `say` reports voices that could not start."""

    def __init__(self, desk: Desk, say: Callable[[Ended | Held], None]) -> None:
        self._desk, self._say = desk, say
        self._samples: dict[int, Samples] = {}
        self._slots: set[int] = set()
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run(self) -> None:
        """Load queued takes, forever, once a device is open."""
        self._desk.mixer(None)
        while True:
            self._work.get()()

    def hold(self, hold: Hold) -> None:
        """Queue a take for loading."""
        self._slots.add(hold.slot)
        self._work.put(partial(self._load, hold))

    def release(self, slot: int) -> None:
        """Drop a take."""
        self._slots.discard(slot)
        self._samples.pop(slot, None)

    def when_loaded(self) -> threading.Event:
        """An event that is set when all takes queued so far are loaded."""
        loaded = threading.Event()
        self._work.put(loaded.set)
        return loaded

    def sound(self, sound: Sound) -> None:
        """Start a voice with a held take, after its Hold if that is still being loaded."""
        self._desk.expect(sound.voice)
        if sound.slot in self._slots and sound.slot not in self._samples:
            now = time.perf_counter()
            start = now if sound.when.at is None else max(now, sound.when.at)
            self._work.put(partial(self._begin, sound, start + MAX_LATE_S))
        else:
            self._begin(sound)

    def _load(self, hold: Hold) -> None:
        mixer = self._desk.mixer()
        assert mixer is not None
        try:
            samples = clean(_samples_of(hold, mixer.sample_rate))
            fade_ends(samples, mixer.frames(hold.fade_ms), hold.same)
        except Exception as error:  # noqa: BLE001 - its pad was cleared, or the file is damaged: a press reports it
            log.info("a take cannot be loaded: %s", error)
            if not hold.sample_rate:
                known = isinstance(error, ClipbridgeError)
                self._say(
                    Held(hold.slot, str(error) if known else f"It cannot be read ({type(error).__name__}: {error}).")
                )
            return
        self._samples[hold.slot] = samples
        if not hold.sample_rate:
            self._say(Held(hold.slot))
        if hold.slot not in self._slots:  # released in the meantime
            self._samples.pop(hold.slot, None)

    def _begin(self, sound: Sound, latest: float | None = None) -> None:
        mixer, samples = self._desk.mixer(), self._samples.get(sound.slot)
        if mixer is None or samples is None:
            why = "it was not ready"
        elif latest is not None and time.perf_counter() > latest:
            why = "it could not begin in time"
        else:
            voice = mixer.cleaned_voice(sound.voice, samples, sound.gain, sound.pan, sound.loop, sound.output)
            voice.when, voice.after = sound.when, sound.after
            voice.overlap = mixer.frames(sound.overlap_ms)
            why = self._desk.arrive(voice)
        if why:
            self._desk.give_up(sound.voice)
            self._say(Ended(sound.voice, why))


def _samples_of(hold: Hold, device_rate: int) -> Samples:
    if hold.sample_rate:
        return read(hold.file, hold.sample_rate, device_rate)
    return whole(hold, device_rate)
