"""The player process: plays clips on the audio device.

One thread receives messages, one loads clips, one audio files, one takes; PortAudio's thread renders. When the device is lost, this
process reports it and is replaced: PortAudio hangs when it closes a stream of a dead server.

The mixing thread must get Python's lock within its margin. So nothing here may hold that lock for long: every library is loaded before
the device is open (loading one holds it), NumPy, soxr and libsndfile let it go while they work, and the collector finds little to scan.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from bridge.domain.outputs import ONE_PAIR, Pairs
from bridge.domain.tempo import Tempo
from bridge.player.clip_voices import ClipVoices
from bridge.player.desk import Desk
from bridge.player.device import name_jack_client
from bridge.player.held import HeldTakes
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
from bridge.player.opening import Opening
from bridge.player.stall import Stall
from bridge.player.voice import MIN_FADE_MS
from bridge.system import portable

SWITCH_S = 0.0005  # a thread that runs Python lets another one run after this long
DEVICE_POLL_S = 0.05
ALIVE_S = 1.0
FADE_OUT_S = 0.1  # for the fade, and for frames that the device has not played yet
LOADING_TIMEOUT_S = 1.0  # wait this long for held takes to load before reporting the device as open
STALLED_S = 1.5  # a device that requests no audio for this long is treated as lost


def main(connection: Connection, name: str, pairs: Pairs = ONE_PAIR, apart_from: str | None = None) -> None:
    """Serve until the pipe ends. `name`: the audio device, "" for the system's default. It is opened by Open, Play or Hold. `pairs`
    and `apart_from`: as for Opening."""
    # ALSA and JACK print to standard error whenever devices are listed. Python's own output still gets through.
    sys.stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    portable.raise_priority()
    sys.setswitchinterval(SWITCH_S)
    if apart_from is not None:  # by one name, JACK's patch bays would connect the cue as they did the main output
        name_jack_client("Clipbridge cue")
    Player(connection, Opening(name, pairs, apart_from)).run()


class Player:
    """The state of the player process."""

    def __init__(self, connection: Connection, opening: Opening) -> None:
        self._connection, self._opening = connection, opening
        self._desk = Desk()
        self._clips, self._held = ClipVoices(self._desk, self._say), HeldTakes(self._desk, self._say)
        self._files = ClipVoices(self._desk, self._say)  # apart: they may be on a disk that hangs
        self._needed, self._leaving, self._saying = threading.Event(), threading.Event(), threading.Lock()

    def run(self) -> NoReturn:
        """Open the device, watch it and report; never returns."""
        for work in (self._receive, self._clips.run, self._files.run, self._held.run):
            threading.Thread(target=work, name=work.__qualname__, daemon=True).start()
        self._needed.wait()
        device, mixer, output = self._opening.open(lambda why: self._say(Unusable(why)))
        gc.freeze()  # the collector need not scan what was imported
        self._desk.open(mixer)
        all_loaded, is_reported = self._held.when_loaded(), False
        opened_at = alive_at = time.monotonic()
        stall = Stall(opened_at)
        while True:
            time.sleep(DEVICE_POLL_S)
            now = time.monotonic()
            self._report_voices()
            stalled_s = stall.seconds(now, output.frames)
            is_active = self._opening.active
            if self._leaving.is_set():
                _wait_for_the_end()
            if not is_active or stalled_s > STALLED_S:
                self._say(Lost(f"{device.name} is gone", sounded=output.frames > 0))
                _wait_for_the_end()
            if output.faults:
                error = output.faults[0]
                self._opening.close()
                self._say(Lost(f"the mixer failed ({type(error).__name__}: {error})"))
                _wait_for_the_end()
            if not is_reported and (all_loaded.is_set() or now - opened_at > LOADING_TIMEOUT_S):
                is_reported = True
                plan, latency_ms = mixer.layout, output.latency_ms
                self._say(Opened(device.name, device.sample_rate, plan.channels, latency_ms, plan.remark, plan.no_cue))
            if now - alive_at > ALIVE_S and output.frames:
                alive_at = now
                self._say(Alive(output.underflows))

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
            match message:
                case Play(sample_rate=0):
                    self._files.play(message)
                case Play():
                    self._clips.play(message)
                case Hold():
                    self._held.hold(message)
                case Release():
                    self._held.release(message.slot)
                case Sound():
                    self._held.sound(message)
                case Tempo():
                    self._desk.set_tempo(message)
                case Stop():
                    self._desk.stop(message)
                case Change():
                    self._desk.change(message)

    def _leave(self) -> None:
        """Fade out, close the device and end the process."""
        self._leaving.set()
        mixer = self._desk.mixer()
        sounding = mixer is not None and (mixer.voices or mixer.requests)
        self._desk.stop(Stop(None, MIN_FADE_MS))
        if sounding:
            time.sleep(FADE_OUT_S)
        self._opening.close()
        os._exit(0)

    def _report_voices(self) -> None:
        mixer = self._desk.mixer()
        while mixer is not None and mixer.began:
            self._say(Began(mixer.began.popleft()))
        while mixer is not None and mixer.ended:
            voice = mixer.ended.popleft()
            self._clips.forget(voice)
            self._files.forget(voice)
            self._say(Ended(voice))

    def _say(self, message: Any) -> None:
        is_broken = False
        with self._saying:
            try:
                self._connection.send(message)
            except (BrokenPipeError, OSError):
                is_broken = True
        if is_broken and not self._leaving.is_set():
            self._leave()


def _wait_for_the_end() -> NoReturn:
    """Wait until the front ends or replaces this process."""
    while True:
        threading.Event().wait()
