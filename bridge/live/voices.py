"""Live: the voices in the player process. Everything here runs on the event loop and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bridge.domain.limits import VOICE_FADE_MS
from bridge.domain.tempo import Tempo
from bridge.errors import NoAudio, UnknownVoice
from bridge.player.messages import (
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
    When,
)
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")

PLAYER_BUDGET_S = 15.0  # some systems take seconds to open a device; a player that is silent for longer hangs
REMEMBERED_VOICES = 1_000
MAX_PAUSE_S = 30.0  # before a device that opens but plays nothing is opened again


class Live:
    """`player` is not started yet. `scratch`: a folder for the samples on their way to it. `announce_voice(voice, owner, state,
    why)` and `announce_device(state, why)` are called with what happens: `waiting`, `began`, `ended`; `open`, `lost`, `unusable`,
    `failed`."""

    def __init__(self, player: Worker, scratch: Path, opens_at_start: bool = False) -> None:
        self.announce_voice: Callable[[int, Any, str, str], None] = lambda voice, owner, state, why: None
        self.announce_device: Callable[[str, str], None] = lambda state, why: None
        self.on_new_player: Callable[[], None] = lambda: None  # it holds nothing yet
        self.state, self.why = "closed", ""
        self.sample_rate = 0  # of the device, while it is open
        self.underflows = 0
        self.tempo = Tempo(at=time.perf_counter())
        self.scratch = scratch / str(os.getpid())
        self._player, self._opens_at_start = player, opens_at_start
        self._player.on_message, self._player.on_death = self._on_message, self._on_death
        self._voices: OrderedDict[int, tuple[Any, list[str]]] = OrderedDict()  # owner, and the files it is loaded from
        self._last = self._slots = 0
        self._spawned = self._watched = False
        self._silent_openings = 0  # in a row: the device opened and played nothing

    def start(self) -> None:
        """Remove the files of killed daemons, and spawn the player if it is to open a device at once."""
        for left in self.scratch.parent.glob("*"):
            others = left.name.isdecimal() and int(left.name) != os.getpid() and psutil.pid_exists(int(left.name))
            if not others:
                shutil.rmtree(left, ignore_errors=True)
        if self._opens_at_start:
            self.spawn()
            self._watch()
            self._player.send(Open())

    def spawn(self) -> None:
        """Spawn the player, unless it runs. Not before the engine is ready, unless somebody waits for sound: its imports
        would delay the engine's by half a second."""
        if not self._spawned:
            self._spawned = True
            self._player.start()
            self._player.send(self.tempo)

    def tick(self) -> None:
        """Supervise the player."""
        self._player.tick()

    async def close(self) -> None:
        """End the player and all sound."""
        await self._player.close()
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    def check(self) -> None:
        """Raises NoAudio if nothing can be played now."""
        if self.state in ("unusable", "failed"):
            raise NoAudio(f"Nothing can be played now: {self.why} Leave sink out, and the clip goes to the folder.")

    def open(self) -> None:
        """Open the audio device, unless it is open: something is to be played soon."""
        if self.state == "closed":
            self.spawn()
            self._watch()
            self._player.send(Open())

    def continue_voice(self, voice: int, file: str, sample_rate: int, last: bool) -> None:
        """Append the next part of a voice's clip; ignored if the voice has ended."""
        if voice in self._voices:
            self._voices[voice][1].append(file)
            self._player.send(Play(voice, file, sample_rate, goes_on=True, last=last))
        else:
            self.discard(file)

    def set_tempo(self, tempo: Tempo) -> None:
        """Set the tempo, and where beats and bars fall, from now on."""
        self.tempo = tempo
        if self._spawned and self.state != "failed":
            self._player.send(tempo)

    def play(
        self,
        owner: Any,
        file: str,
        sample_rate: int,
        gain: float,
        pan: float,
        when: When = NOW,
        frames: int = 0,
        loop: bool = False,
    ) -> int:
        """Play a clip, repeatedly if `loop`; returns the number of its voice. `frames`: the length of the whole clip if `file`
        is only its beginning. Raises NoAudio."""
        self.check()
        self.open()
        voice = self._new(owner, file)
        self._player.send(Play(voice, file, sample_rate, gain, pan, loop, when, frames))
        return voice

    def slot(self) -> int:
        """A new number for `hold`."""
        self._slots += 1
        return self._slots

    def hold(self, slot: int, file: str, sample_rate: int, fade_ms: float = 0.0) -> None:
        """Load a file into the player, so that it can be played without delay."""
        if self.state != "failed":
            self.open()
            self._player.send(Hold(slot, file, sample_rate, fade_ms))

    def release(self, slot: int) -> None:
        """Unload what is held under `slot`."""
        if self._spawned and self.state != "failed":
            self._player.send(Release(slot))

    def sound(
        self,
        owner: Any,
        slot: int,
        gain: float,
        pan: float,
        when: When = NOW,
        after: int | None = None,
        overlap_ms: float = 0.0,
        loop: bool = False,
    ) -> int:
        """Play what is held under `slot` (see messages.Sound); returns the number of its voice. Raises NoAudio."""
        self.check()
        if self.state != "open":  # else a press would use up a take that nobody hears
            raise NoAudio("The audio device is not open yet, or is being opened again: press again in a moment.")
        voice = self._new(owner, "")
        self._player.send(Sound(voice, slot, gain, pan, when, after, overlap_ms, loop))
        return voice

    def sounds(self, voice: int) -> bool:
        """Whether a voice has not ended yet."""
        return voice in self._voices

    def stop(self, voice: int | None = None, fade_ms: float = VOICE_FADE_MS.low, when: When = NOW) -> None:
        """Silence one voice, or all. Raises UnknownVoice."""
        self._check(voice)
        if self._spawned and self.state != "failed":
            self._player.send(Stop(voice, fade_ms, when))

    def change(self, voice: int, **how: Any) -> None:
        """Change gain, pan or loop of a voice (see messages.Change). Raises UnknownVoice."""
        self._check(voice)
        self._player.send(Change(voice, **how))

    def discard(self, file: str) -> None:
        """Remove a file of samples."""
        if file:
            with contextlib.suppress(OSError):
                Path(file).unlink()

    def restart_if_failed(self) -> None:
        """Start the player again if it was given up."""
        if self.state == "failed":
            self._set_state("closed", "")
            self._reopen()

    def _new(self, owner: Any, file: str) -> int:
        self._last += 1
        self._voices[self._last] = (owner, [file])
        while len(self._voices) > REMEMBERED_VOICES:
            for old in self._voices.popitem(last=False)[1][1]:
                self.discard(old)
        return self._last

    def _check(self, voice: int | None) -> None:
        if voice is not None and voice not in self._voices:
            raise UnknownVoice(f"There is no voice {voice}.")

    def _on_message(self, message: Any) -> None:
        if isinstance(message, Ended):
            self._end(message.voice, message.why)
        elif isinstance(message, Began):
            owner, _files = self._voices.get(message.voice, (None, []))
            self.announce_voice(message.voice, owner, "began", "")
        elif isinstance(message, Alive):
            self.underflows = message.underflows
            self._silent_openings = 0
        elif isinstance(message, Opened):
            self._player.settled()
            where = (
                f"{message.device}, {message.sample_rate} Hz, {message.channels} channels, {message.latency_ms:g} ms"
            )
            self.sample_rate = message.sample_rate
            self._set_state("open", where)
        elif isinstance(message, Unusable):
            self._watch()
            self._set_state("unusable", message.why)
        elif isinstance(message, Lost):
            self._lose(message.why)
            self._watched = False
            self._player.watch(None)  # it waits to be ended
            self._silent_openings = 0 if message.sounded else self._silent_openings + 1
            pause_s = min(2.0**self._silent_openings, MAX_PAUSE_S) if self._silent_openings else 0.0
            asyncio.get_running_loop().call_later(pause_s, self._reopen_if_lost)

    def _end(self, voice: int, why: str) -> None:
        owner, files = self._voices.pop(voice, (None, []))
        for file in files:
            self.discard(file)
        self.announce_voice(voice, owner, "ended", why)

    def _lose(self, why: str) -> None:
        self._set_state("lost", why)
        for voice in list(self._voices):
            self._end(voice, why)

    def _reopen_if_lost(self) -> None:
        if self.state == "lost":
            self._reopen()

    def _reopen(self) -> None:
        # Closing the stream of a dead audio server hangs, so a new process opens the device.
        for voice in list(self._voices):  # asked of the old player in the meantime
            self._end(voice, "the player was started again")
        self._player.restart()
        self._watch()
        self._player.send(Open())
        self._player.send(self.tempo)
        self.on_new_player()

    def _watch(self) -> None:
        """Watch the player from the first request on: later ones must not give a hanging player more time."""
        if not self._watched:
            self._watched = True
            self._player.watch(PLAYER_BUDGET_S, "opening the audio device, or playing")

    def _on_death(self, reason: str, given_up: bool) -> None:
        opening, self._watched = self._watched, False
        if given_up:
            self._lose(f"the player stopped ({reason})")
            self._set_state(
                "failed", f"The player stopped five times in a row ({reason}); /bridge/restart tries again."
            )
            return
        if self.state != "closed" or opening or self._voices:
            self._lose(f"the player stopped ({reason})")
        # The player is started when this returns; messages sent before that are lost.
        asyncio.get_running_loop().call_soon(self._on_started_again)

    def _on_started_again(self) -> None:
        if self.state != "closed":
            self._watch()
            self._player.send(Open())
        self._player.send(self.tempo)
        self.on_new_player()

    def _set_state(self, state: str, why: str) -> None:
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            log.info("audio %s %s", state, why)
            self.announce_device(state, why)
