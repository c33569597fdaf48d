"""Takes that the player holds in memory, so that a press sounds without anything being read."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial

from bridge.player.desk import Desk
from bridge.player.messages import Ended, Hold, Sound
from bridge.player.mixer import Samples, clean, fade_ends
from bridge.player.samples import read

log = logging.getLogger("clipbridge")

LATE_S = 0.25  # a press whose take is still being loaded sounds so late at most, behind its moment


class Held:
    """One thread loads (`run`), one hears what is asked. `say` tells what became of a voice that does not sound."""

    def __init__(self, desk: Desk, say: Callable[[Ended], None]) -> None:
        self._desk, self._say = desk, say
        self._samples: dict[int, Samples] = {}
        self._wanted: set[int] = set()
        self._to_do: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run(self) -> None:
        """Load what is to be held, for ever. A device may come late; what is held is for then."""
        self._desk.mixer(None)
        while True:
            self._to_do.get()()

    def hold(self, hold: Hold) -> None:
        """Load it soon."""
        self._wanted.add(hold.slot)
        self._to_do.put(partial(self._load, hold))

    def release(self, slot: int) -> None:
        """It is not needed any more."""
        self._wanted.discard(slot)
        self._samples.pop(slot, None)

    def loaded(self) -> threading.Event:
        """Set when all that is to be held by now is."""
        loaded = threading.Event()
        self._to_do.put(loaded.set)
        return loaded

    def sound(self, sound: Sound) -> None:
        """Begin a voice with what is held; behind its own Hold if that has not been loaded yet."""
        self._desk.expect(sound.voice)
        if sound.slot in self._wanted and sound.slot not in self._samples:
            now = time.perf_counter()
            moment = now if sound.when.at is None else max(now, sound.when.at)
            self._to_do.put(partial(self._begin, sound, moment + LATE_S))
        else:
            self._begin(sound)

    def _load(self, hold: Hold) -> None:
        mixer = self._desk.mixer()
        assert mixer is not None
        try:
            samples = clean(read(hold.file, hold.sample_rate, mixer.sample_rate))
            fade_ends(samples, mixer.frames(hold.fade_ms))
        except Exception as error:  # noqa: BLE001 - its pad was cleared meanwhile, or it is damaged: a press is told
            log.info("a take cannot be held: %s", error)
            return
        self._samples[hold.slot] = samples
        if hold.slot not in self._wanted:  # released meanwhile
            self._samples.pop(hold.slot, None)

    def _begin(self, sound: Sound, latest: float | None = None) -> None:
        mixer, samples = self._desk.mixer(), self._samples.get(sound.slot)
        if mixer is None or samples is None:
            why = "it was not ready"
        elif latest is not None and time.perf_counter() > latest:
            why = "it could not begin in time"
        else:
            voice = mixer.cleaned_voice(sound.voice, samples, sound.gain, sound.pan, sound.loop)
            voice.when, voice.after = sound.when, sound.after
            voice.overlap = mixer.frames(sound.overlap_ms)
            why = self._desk.arrive(voice)
        if why:
            self._desk.give_up(sound.voice)
            self._say(Ended(sound.voice, why))
