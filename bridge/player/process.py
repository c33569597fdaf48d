"""The player process: plays clips on the audio device.

One thread receives messages, one loads clips, one loads takes; PortAudio's thread renders. When the device is lost, this
process reports it and is replaced: PortAudio hangs when it closes a stream of a dead server.
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
from bridge.player.mixer import MIN_FADE_MS, Mixer
from bridge.system import portable

DEVICE_POLL_S = 0.05
ALIVE_S = 1.0
RETRY_S, SLOW_RETRY_S = 1.0, 5.0
FADE_OUT_S = 0.1  # for the fade, and for frames that the device has not played yet
CLOSE_TIMEOUT_S = 1.0  # closing takes 0.12 s on JACK with blocks of 21 ms
LOADING_TIMEOUT_S = 1.0  # wait this long for held takes to load before reporting the device as open
STALLED_S = 1.5  # a device that requests no audio for this long is treated as lost
FALLBACK_AFTER = 2  # attempts, before the system's default device is used instead of the requested one


def main(connection: Connection, name: str) -> None:
    """Serve until the pipe ends. `name`: the audio device, "" for the system's default. It is opened when something is to
    be played or `Open` comes."""
    # ALSA and JACK print to standard error whenever devices are listed. Python's own output still gets through.
    sys.stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    portable.raise_priority()
    gc.freeze()  # the collector need not scan imported modules
    Player(connection, name).run()


class Player:
    """The state of the player process."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self._needed = threading.Event()
        self._output: Output | None = None
        self._desk = Desk()
        self._clips, self._held = ClipVoices(self._desk, self._say), Held(self._desk, self._say)
        self._leaving, self._at_device, self._saying = threading.Event(), threading.Lock(), threading.Lock()

    def run(self) -> None:
        """Open the device, watch it and report; never returns."""
        for work in (self._receive, self._clips.run, self._held.run):
            threading.Thread(target=work, name=work.__qualname__, daemon=True).start()
        self._needed.wait()
        output, opened = self._open()
        loaded, is_reported = self._held.loaded(), False
        since = reported = moved = time.monotonic()
        frames = 0
        while True:
            time.sleep(DEVICE_POLL_S)
            now = time.monotonic()
            self._report_voices()
            if output.frames != frames:
                moved, frames = now, output.frames
            with self._at_device:
                active = self._output is not None and output.active
            if self._leaving.is_set():
                threading.Event().wait()
            if not active or now - moved > STALLED_S:
                self._say(Lost(f"{output.device.name} is gone", sounded=output.frames > 0))
                threading.Event().wait()  # this process is replaced now
            if output.faults:
                error = output.faults[0]
                self._close()
                self._say(Lost(f"the mixer failed ({type(error).__name__}: {error})"))
                threading.Event().wait()
            if not is_reported and (loaded.is_set() or now - since > LOADING_TIMEOUT_S):
                is_reported = True
                self._say(opened)
            if now - reported > ALIVE_S and output.frames:
                reported = now
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
        """Open the requested device, or after some attempts the system's default. Raises NoAudio."""
        available = outputs(refresh=tries > 0)
        try:
            return _opened(self._name, available)
        except NoAudio:
            if tries < FALLBACK_AFTER or not self._name:
                raise
            return _opened("", available)

    def _receive(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                self._leave()
            if isinstance(message, (Open, Play, Hold)):
                self._needed.set()
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
        """Fade out, close the device and end the process."""
        self._leaving.set()
        mixer = self._desk.mixer()
        sounding = mixer is not None and (mixer.voices or mixer.requests)
        self._desk.stop(Stop(None, MIN_FADE_MS))
        if sounding:
            time.sleep(FADE_OUT_S)
        self._close()
        os._exit(0)

    def _close(self) -> None:
        """Close the device, once: after a client vanishes, a JACK server may play nobody's sound for half a minute. Waits at
        most CLOSE_TIMEOUT_S, because PortAudio may hang."""

        def close() -> None:
            with self._at_device:
                output, self._output = self._output, None
                if output is not None:
                    output.close()
                leave()

        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)

    def _report_voices(self) -> None:
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


def _opened(name: str, available: list[Device]) -> tuple[Device, Mixer, Output]:
    """Open a device with a new mixer. Raises NoAudio."""
    chosen = choose(name, available)
    mixer = Mixer(chosen.sample_rate, chosen.channels)
    return chosen, mixer, Output(chosen, mixer.render)
