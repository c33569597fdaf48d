"""The player process: clips through the audio device, silence at once when asked, back by itself when a device is gone.

One thread hears what is asked and hands it to the mixer; one loads clips; PortAudio's own thread renders. Where the
device is lost this process says so and is replaced: PortAudio hangs in what would close a stream of a dead server.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import soxr

from bridge import portable
from bridge.audio.mixer import LEAST_FADE_MS, Mixer, Samples, Voice, clean, fade_ends
from bridge.audio.shape import around
from bridge.errors import NoAudio
from bridge.playback import (
    NOW,
    Alive,
    Began,
    Change,
    Ended,
    Hold,
    Lost,
    Open,
    Opened,
    Play,
    Release,
    Sound,
    Stop,
    Unusable,
)
from bridge.sinks import device as devices
from bridge.tempo import Tempo

log = logging.getLogger("clipbridge")

LOOK_S = 0.05
ALIVE_S = 1.0
RETRY_S, SLOW_RETRY_S = 1.0, 5.0
LEAVING_S = 0.1  # the fade, and what the device has not played yet
CLOSING_S = 1.0  # 0.12 s on JACK with blocks of 21 ms
HOLDING_S = 1.0  # what is held is loaded before a device is called open, if that takes no longer
LATE_S = 0.25  # a press whose take is still being loaded sounds so late at most
STILL_S = 1.5  # a device that asks for nothing so long is lost, whatever it says
WAIT_S = 3.0  # a clip that could not begin so long after it was asked for is not wanted any more
FALLBACK_AFTER = 2  # tries, before the system's default is taken in the place of the device that was asked for


def main(connection: Connection, name: str, at_once: bool) -> None:
    """Serve until the pipe ends. `name`: of the device, "" for the system's default; `at_once`: open it before anything is
    to be played. Runs in a process of its own."""
    # ALSA and JACK print lines of their own each time a device is looked for; Python's still come through.
    sys.stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    portable.raise_priority()
    gc.freeze()  # what is imported is not looked through again and again
    Player(connection, name, at_once).run()


class Player:
    """See the module."""

    def __init__(self, connection: Connection, name: str, at_once: bool) -> None:
        self._connection, self._name = connection, name
        self._wanted = threading.Event()
        if at_once:
            self._wanted.set()
        self._mixer: Mixer | None = None
        self._output: devices.Output | None = None
        self._tempo = Tempo()
        self._to_load: queue.SimpleQueue[tuple[Play, int, float]] = queue.SimpleQueue()
        self._usable = threading.Event()  # there is a mixer
        self._to_hold: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._held: dict[int, Samples] = {}
        self._holding: set[int] = set()
        self._silenced = 0  # how often everything was stopped
        # Voices that wait for their samples, and what was asked of them since.
        self._loading: dict[int, list[Change]] = {}
        self._stopped: set[int] = set()  # those of them that were stopped
        self._growing: dict[int, Voice] = {}  # whose clips are still being decoded
        self._leaving, self._at_device = threading.Event(), threading.Lock()
        self._saying, self._asking = threading.Lock(), threading.Lock()

    def run(self) -> None:
        """Open, watch, tell; never returns."""
        for work in (self._hear, self._load, self._hold):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        self._wanted.wait()
        output = self._open()
        told = time.monotonic()
        moved, frames = told, 0
        while True:
            time.sleep(LOOK_S)
            now = time.monotonic()
            self._tell_voices()
            if output.frames != frames:
                moved, frames = now, output.frames
            with self._at_device:
                active = self._output is not None and output.active
            if self._leaving.is_set():
                threading.Event().wait()
            if not active or now - moved > STILL_S:
                self._say(Lost(f"{output.device.name} is gone", sounded=output.frames > 0))
                threading.Event().wait()  # we are replaced now
            if output.faults:
                error = output.faults[0]
                self._close()
                self._say(Lost(f"the mixer failed ({type(error).__name__}: {error})"))
                threading.Event().wait()
            if now - told > ALIVE_S and output.frames:
                told = now
                self._say(Alive(output.underflows))

    def _open(self) -> devices.Output:
        tries = 0
        while True:
            try:
                there = devices.outputs(anew=tries > 0)
                try:
                    chosen, mixer, output = _opened(self._name, there)
                except NoAudio:
                    if tries < FALLBACK_AFTER or not self._name:
                        raise
                    chosen, mixer, output = _opened("", there)
            except NoAudio as error:
                self._say(Unusable(str(error)))
                tries += 1
                time.sleep(RETRY_S if tries < 20 else SLOW_RETRY_S)
                continue
            mixer.asked.append(self._tempo)
            self._mixer, self._output = mixer, output
            self._usable.set()
            held = threading.Event()
            self._to_hold.put(held.set)
            held.wait(HOLDING_S)
            self._say(Opened(chosen.name, chosen.sample_rate, chosen.channels, output.latency_ms))
            return output

    def _hear(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self._leave()
            if isinstance(message, Open):
                self._wanted.set()
            elif isinstance(message, Play):
                self._wanted.set()
                with self._asking:
                    if not message.goes_on:
                        self._loading[message.voice] = []
                self._to_load.put((message, self._silenced, time.monotonic()))
            elif isinstance(message, Hold):
                self._wanted.set()
                self._holding.add(message.slot)
                self._to_hold.put(partial(self._keep, message))
            elif isinstance(message, Release):
                self._holding.discard(message.slot)
                self._held.pop(message.slot, None)
            elif isinstance(message, Sound):
                self._sound(message)
            elif isinstance(message, Tempo):
                self._tempo = message
                if self._mixer is not None:
                    self._mixer.asked.append(message)
            elif isinstance(message, Stop):
                with self._asking:  # or a voice that is being loaded would begin behind the stop
                    if message.voice is None:
                        self._silenced += 1
                    elif message.voice in self._loading and message.when == NOW:
                        self._stopped.add(message.voice)
                    if self._mixer is not None:
                        self._mixer.asked.append(message)
            elif isinstance(message, Change):
                with self._asking:
                    if message.voice in self._loading:
                        self._loading[message.voice].append(message)
                    elif self._mixer is not None:
                        self._mixer.asked.append(message)

    def _leave(self) -> None:
        """End without a click."""
        self._leaving.set()
        if self._mixer is not None and self._mixer.voices:
            self._mixer.asked.append(Stop(None, LEAST_FADE_MS))
            time.sleep(LEAVING_S)
        self._close()
        os._exit(0)

    def _close(self) -> None:
        """Take leave of the device, once: a JACK server that is not told plays nobody's sound for half a minute. PortAudio may
        hang in that, so it is not waited for long."""

        def close() -> None:
            with self._at_device:
                output, self._output = self._output, None
                if output is not None:
                    output.close()

        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(CLOSING_S)

    def _load(self) -> None:
        while True:
            play, silenced, asked_at = self._to_load.get()
            try:
                why = self._begin(play, silenced, asked_at)
            except Exception as error:  # noqa: BLE001 - a clip that cannot be read; the others can
                why = f"its samples cannot be read ({type(error).__name__}: {error})"
            if not play.goes_on:
                with self._asking:
                    self._loading.pop(play.voice, None)
                    self._stopped.discard(play.voice)
            if why:
                self._say(Ended(play.voice, why))

    def _begin(self, play: Play, silenced: int, asked_at: float) -> str:
        """Load a clip, or a part of one, and give it to the mixer; or why not."""
        if play.goes_on:
            self._go_on(play)
            return ""
        if not self._usable.wait(max(0.0, asked_at + WAIT_S - time.monotonic())) or self._mixer is None:
            return "there is no audio device"
        if time.monotonic() > asked_at + WAIT_S:
            return "it could not begin in time"
        samples = _read(play.file, play.sample_rate, self._mixer.sample_rate, play.loop)
        voice = self._mixer.voice(play.voice, samples, play.gain, play.pan, play.loop)
        voice.when = play.when
        if play.frames > len(samples) and play.sample_rate == self._mixer.sample_rate:
            whole = np.zeros((play.frames, samples.shape[1]), np.float32)
            whole[: len(samples)] = voice.samples
            voice.samples, voice.filled = whole, len(samples)
            self._growing[play.voice] = voice
        with self._asking:
            if silenced != self._silenced or play.voice in self._stopped:
                return "stopped before it began"
            self._mixer.asked.append(voice)
            self._mixer.asked.extend(self._loading.pop(play.voice, []))
        return ""

    def _go_on(self, play: Play) -> None:
        voice = self._growing.get(play.voice)
        if voice is None:
            return  # it has ended
        samples = clean(np.load(play.file, allow_pickle=False))[: len(voice.samples) - voice.filled]
        voice.samples[voice.filled : voice.filled + len(samples)] = samples
        voice.filled = len(voice.samples) if play.last else voice.filled + len(samples)
        if play.last:
            self._growing.pop(play.voice, None)

    def _hold(self) -> None:
        self._usable.wait()  # a device may come late; what is held is for then
        while True:
            self._to_hold.get()()

    def _keep(self, hold: Hold) -> None:
        assert self._mixer is not None
        try:
            samples = clean(_read(hold.file, hold.sample_rate, self._mixer.sample_rate))
            fade_ends(samples, self._mixer.frames(hold.fade_ms))
        except Exception as error:  # noqa: BLE001 - its pad was cleared meanwhile, or it is damaged: a press is told
            log.info("a take cannot be held: %s", error)
            return
        self._held[hold.slot] = samples
        if hold.slot not in self._holding:  # released meanwhile
            self._held.pop(hold.slot, None)

    def _sound(self, sound: Sound) -> None:
        with self._asking:
            if sound.slot in self._held or sound.slot not in self._holding:
                self._begin_held(sound)
            else:  # behind its own Hold
                self._loading[sound.voice] = []
                self._to_hold.put(partial(self._sound_late, sound, self._silenced, time.monotonic() + LATE_S))

    def _sound_late(self, sound: Sound, silenced: int, latest: float) -> None:
        with self._asking:
            since = self._loading.pop(sound.voice, [])
            if silenced != self._silenced or sound.voice in self._stopped:
                self._stopped.discard(sound.voice)
                self._say(Ended(sound.voice, "stopped before it began"))
            elif time.monotonic() > latest:
                self._say(Ended(sound.voice, "it could not begin in time"))
            else:
                self._begin_held(sound, since)

    def _begin_held(self, sound: Sound, changes: Sequence[Change] = ()) -> None:
        samples = self._held.get(sound.slot)
        if samples is None or self._mixer is None:
            self._say(Ended(sound.voice, "it was not ready"))
            return
        voice = self._mixer.cleaned_voice(sound.voice, samples, sound.gain, sound.pan, sound.loop)
        voice.when, voice.after = sound.when, sound.after
        voice.overlap = self._mixer.frames(sound.overlap_ms)
        self._mixer.asked.append(voice)
        self._mixer.asked.extend(changes)

    def _tell_voices(self) -> None:
        while self._mixer is not None and self._mixer.began:
            self._say(Began(self._mixer.began.popleft()))
        while self._mixer is not None and self._mixer.ended:
            voice = self._mixer.ended.popleft()
            self._growing.pop(voice, None)
            self._say(Ended(voice))

    def _say(self, message: Any) -> None:
        broken = False
        with self._saying:
            try:
                self._connection.send(message)
            except (BrokenPipeError, OSError):
                broken = True
        if broken and not self._leaving.is_set():
            self._leave()


def _opened(name: str, there: list[devices.Device]) -> tuple[devices.Device, Mixer, devices.Output]:
    """A device and what renders into it. Raises NoAudio."""
    chosen = devices.choose(name, there)
    mixer = Mixer(chosen.sample_rate, chosen.channels)
    return chosen, mixer, devices.Output(chosen, mixer.render)


def _read(file: str, sample_rate: int, wanted_rate: int, loop: bool = False) -> Samples:
    """The samples of a file at the rate of the device."""
    samples: Samples = np.load(file, allow_pickle=False)
    if loop and sample_rate != wanted_rate and len(samples):
        return around(samples, round(len(samples) * wanted_rate / sample_rate))
    return samples if sample_rate == wanted_rate else soxr.resample(samples, sample_rate, wanted_rate, "HQ")
