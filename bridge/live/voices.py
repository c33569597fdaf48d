"""Live: the voices in the player process. Runs on the event loop and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bridge.domain.limits import VOICE_FADE_MS
from bridge.errors import NoAudio, UnknownVoice
from bridge.live.audition import Audition
from bridge.live.player_link import PlayerLink
from bridge.player.messages import NOW, Change, Hold, Play, Release, Sound, Stop, When
from bridge.system.supervise import Worker

REMEMBERED_VOICES = 1_000


class Live:
    """`player_child` is not started yet. `scratch`: a folder for the samples on their way to it. The stage, built later, sets the
    callbacks: `announce_voice(voice, owner, state, why)` with `waiting`, `began` or `ended`, `announce_device(state, why)` with the
    state of `player`, and `on_new_player()`."""

    def __init__(self, player_child: Worker, scratch: Path, opens_at_start: bool = False) -> None:
        self.announce_voice: Callable[[int, Any, str, str], None] = lambda voice, owner, state, why: None
        self.announce_device: Callable[[str, str], None] = lambda state, why: None
        self.on_new_player: Callable[[], None] = lambda: None
        self.player = PlayerLink(player_child, self)
        self.scratch = scratch / str(os.getpid())
        self._opens_at_start = opens_at_start
        self._voices: OrderedDict[int, tuple[Any, list[str]]] = OrderedDict()  # owner, and the files with its samples
        self._last_voice = self._last_slot = 0

    def start(self) -> None:
        """Remove the files of killed daemons, and open the audio device if that is to happen at the start."""
        for folder in self.scratch.parent.glob("*"):
            pid = int(folder.name) if folder.name.isdecimal() else 0
            if pid in (0, os.getpid()) or not psutil.pid_exists(pid):
                shutil.rmtree(folder, ignore_errors=True)
        if self._opens_at_start:
            self.player.open()

    async def close(self) -> None:
        """End the player and all sound."""
        await self.player.close()
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    # ---- clips ----

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
        """Play a clip, repeatedly if `loop`. Returns the number of its voice. `frames`: the length of the whole clip if `file`
        is only its beginning. Raises NoAudio."""
        self.player.check()
        self.player.open()
        voice = self._new(owner, file)
        self.player.send(Play(voice, file, sample_rate, gain, pan, loop, when, frames))
        return voice

    def play_file(self, audition: Audition) -> int:
        """Play an audio file. Returns the number of its voice, which the player reports to have begun. Raises NoAudio."""
        self.player.check()
        self.player.open()
        voice = self._new(audition, "")
        one, when = audition, When(time.perf_counter()) if audition.when == NOW else audition.when
        self.player.send(Play(voice, one.file, 0, one.gain, one.pan, one.loop, when, from_s=one.from_s, to_s=one.to_s))
        return voice

    def continue_voice(self, voice: int, file: str, sample_rate: int, last: bool) -> None:
        """Append the next part of a voice's clip; ignored if the voice has ended."""
        if voice in self._voices:
            self._voices[voice][1].append(file)
            self.player.send(Play(voice, file, sample_rate, goes_on=True, last=last))
        else:
            self.discard(file)

    def discard(self, file: str) -> None:
        """Remove a file of samples, if `file` names one."""
        if file:
            with contextlib.suppress(OSError):
                Path(file).unlink()

    # ---- takes that the player holds ----

    def slot(self) -> int:
        """A new number for `hold`."""
        self._last_slot += 1
        return self._last_slot

    def hold(self, slot: int, file: str, sample_rate: int, fade_ms: float = 0.0) -> None:
        """Load a file into the player, so that it can be played without delay."""
        self.player.open()
        self.player.send(Hold(slot, file, sample_rate, fade_ms))

    def release(self, slot: int) -> None:
        """Unload a slot."""
        self.player.send(Release(slot))

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
        """Play a slot (see messages.Sound). Returns the number of its voice. Raises NoAudio."""
        self.player.check()
        if self.player.state != "open":  # a press would use up a take that nobody hears
            raise NoAudio("The audio device is not open yet, or is being opened again: press again in a moment.")
        voice = self._new(owner, "")
        self.player.send(Sound(voice, slot, gain, pan, when, after, overlap_ms, loop))
        return voice

    # ---- voices ----

    def sounds(self, voice: int) -> bool:
        """Whether a voice has not ended yet."""
        return voice in self._voices

    def stop(self, voice: int | None = None, fade_ms: float = VOICE_FADE_MS.low, when: When = NOW) -> None:
        """Silence one voice, or all. Raises UnknownVoice."""
        self._check(voice)
        self.player.send(Stop(voice, fade_ms, when))

    def change(self, voice: int, **how: Any) -> None:
        """Change gain, pan or loop of a voice (see messages.Change). Raises UnknownVoice."""
        self._check(voice)
        self.player.send(Change(voice, **how))

    def _new(self, owner: Any, file: str) -> int:
        self._last_voice += 1
        self._voices[self._last_voice] = (owner, [file])
        while len(self._voices) > REMEMBERED_VOICES:
            _, (_, files) = self._voices.popitem(last=False)
            for old in files:
                self.discard(old)
        return self._last_voice

    def _check(self, voice: int | None) -> None:
        if voice is not None and voice not in self._voices:
            raise UnknownVoice(f"There is no voice {voice}.")

    # ---- reports of the link (PlayerListener) ----

    def on_began(self, voice: int) -> None:
        """A scheduled voice has begun."""
        owner, _ = self._voices.get(voice, (None, []))
        self.announce_voice(voice, owner, "began", "")

    def on_ended(self, voice: int, why: str) -> None:
        """A voice has ended."""
        owner, files = self._voices.pop(voice, (None, []))
        for file in files:
            self.discard(file)
        self.announce_voice(voice, owner, "ended", why)

    def on_lost(self, why: str) -> None:
        """The player has lost all voices."""
        for voice in list(self._voices):
            self.on_ended(voice, why)

    def on_device(self, state: str, why: str) -> None:
        """The state of the audio device changed."""
        self.announce_device(state, why)

    def on_empty(self) -> None:
        """A new player holds no takes."""
        self.on_new_player()
