"""The player process: clips through the audio device, silence at once when asked, back by itself when a device is gone.

One thread hears what is asked, one loads clips, one takes; PortAudio's own renders. Where the device is lost this process says
so and is replaced: PortAudio hangs in what would close a stream of a dead server.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from bridge.domain.tempo import Tempo
from bridge.errors import NoAudio
from bridge.player.clip_voices import ClipVoices
from bridge.player.desk import Desk
from bridge.player.device import Device, Output, choose, leave, outputs
from bridge.player.held import Held
from bridge.player.messages import (
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
from bridge.player.mixer import LEAST_FADE_MS, Mixer
from bridge.system import portable

DEVICE_POLL_S = 0.05
ALIVE_S = 1.0
RETRY_S, SLOW_RETRY_S = 1.0, 5.0
LEAVING_S = 0.1  # the fade, and what the device has not played yet
CLOSING_S = 1.0  # 0.12 s on JACK with blocks of 21 ms
HOLDING_S = 1.0  # what is held is loaded before a device is called open, if that takes no longer
STILL_S = 1.5  # a device that asks for nothing so long is lost, whatever it says
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
        self._output: Output | None = None
        self._desk = Desk()
        self._clips, self._held = ClipVoices(self._desk, self._say), Held(self._desk, self._say)
        self._leaving, self._at_device, self._saying = threading.Event(), threading.Lock(), threading.Lock()

    def run(self) -> None:
        """Open, watch, tell; never returns."""
        for work in (self._hear, self._clips.run, self._held.run):
            threading.Thread(target=work, name=work.__qualname__, daemon=True).start()
        self._wanted.wait()
        output, opened = self._open()
        loaded, is_told = self._held.loaded(), False
        since = told = moved = time.monotonic()
        frames = 0
        while True:
            time.sleep(DEVICE_POLL_S)
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
            if not is_told and (loaded.is_set() or now - since > HOLDING_S):
                is_told = True
                self._say(opened)
            if now - told > ALIVE_S and output.frames:
                told = now
                self._say(Alive(output.underflows))

    def _open(self) -> tuple[Output, Opened]:
        tries = 0
        while True:
            try:
                with self._at_device:
                    chosen, mixer, output = self._try(tries)
            except NoAudio as error:
                self._say(Unusable(str(error)))
                tries += 1
                time.sleep(RETRY_S if tries < 20 else SLOW_RETRY_S)
                continue
            self._output = output
            self._desk.open(mixer)
            return output, Opened(chosen.name, chosen.sample_rate, chosen.channels, output.latency_ms)

    def _try(self, tries: int) -> tuple[Device, Mixer, Output]:
        """Open the device that was asked for, or after some tries the system's own. Raises NoAudio."""
        there = outputs(anew=tries > 0)
        try:
            return _opened(self._name, there)
        except NoAudio:
            if tries < FALLBACK_AFTER or not self._name:
                raise
            return _opened("", there)

    def _hear(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self._leave()
            if isinstance(message, (Open, Play, Hold)):
                self._wanted.set()
            if isinstance(message, Play):
                self._clips.play(message)
            elif isinstance(message, Hold):
                self._held.hold(message)
            elif isinstance(message, Release):
                self._held.release(message.slot)
            elif isinstance(message, Sound):
                self._held.sound(message)
            elif isinstance(message, Tempo):
                self._desk.set_tempo(message)
            elif isinstance(message, Stop):
                self._desk.stop(message)
            elif isinstance(message, Change):
                self._desk.change(message)

    def _leave(self) -> None:
        """End without a click."""
        self._leaving.set()
        mixer = self._desk.mixer()
        sounding = mixer is not None and (mixer.voices or mixer.asked)
        self._desk.stop(Stop(None, LEAST_FADE_MS))
        if sounding:
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
                leave()

        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(CLOSING_S)

    def _tell_voices(self) -> None:
        mixer = self._desk.mixer()
        while mixer is not None and mixer.began:
            self._say(Began(mixer.began.popleft()))
        while mixer is not None and mixer.ended:
            voice = mixer.ended.popleft()
            self._clips.ended(voice)
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


def _opened(name: str, there: list[Device]) -> tuple[Device, Mixer, Output]:
    """A device and what renders into it. Raises NoAudio."""
    chosen = choose(name, there)
    mixer = Mixer(chosen.sample_rate, chosen.channels)
    return chosen, mixer, Output(chosen, mixer.render)
