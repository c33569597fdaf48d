"""Live: the voices in the player processes. Runs on the event loop and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bridge.domain.limits import VOICE_FADE_MS
from bridge.domain.outputs import CUE, MAIN
from bridge.domain.tempo import Tempo
from bridge.errors import NoAudio, UnknownVoice
from bridge.live.audition import Audition
from bridge.live.cue import Cue
from bridge.live.player_link import PlayerLink
from bridge.player.messages import NOW, Change, Hold, Play, Release, Sound, Stop, When
from bridge.system.supervise import Worker

REMEMBERED_VOICES = 1_000


@dataclass(slots=True)
class Sounding:
    """A voice that has not ended. `files`: those with its samples. `link`: to the player that has it. `slot`: of the player, 0 for
    none."""

    owner: Any
    files: list[str]
    link: PlayerLink
    slot: int = 0


class Live:
    """`player_child` is not started yet. `scratch`: a folder for the samples on their way to it. `cue_child`: a second player, for a
    cue with a device of its own; `cue_pair`: the channels of the main device for a cue there, such as "3-4". The stage, built later,
    sets the callbacks: `announce_voice(voice, owner, state, why)` with `waiting`, `began` or `ended`, `announce_device(state, why)`
    with the state of `player`, `announce_cue(state, why)`, `announce_held(slot, why)` about an audio file, and `on_new_player()`."""

    def __init__(
        self,
        player_child: Worker,
        scratch: Path,
        opens_at_start: bool = False,
        cue_child: Worker | None = None,
        cue_pair: str = "",
    ) -> None:
        self.announce_voice: Callable[[int, Any, str, str], None] = lambda voice, owner, state, why: None
        self.announce_device: Callable[[str, str], None] = lambda state, why: None
        self.announce_cue: Callable[[str, str], None] = lambda state, why: None
        self.announce_held: Callable[[int, str], None] = lambda slot, why: None
        self.on_new_player: Callable[[], None] = lambda: None
        self.player = PlayerLink(player_child, self)
        second = None if cue_child is None else PlayerLink(cue_child, self, "cue")
        self._links = [self.player, *([second] if second else [])]
        self.cue = Cue(self.player, second, cue_pair)
        self._last_cue = self.cue.state
        self.set_tempo(self.player.tempo)
        self.scratch = scratch / str(os.getpid())
        self._opens_at_start = opens_at_start
        self._voices: OrderedDict[int, Sounding] = OrderedDict()
        self._last_voice = self._last_slot = 0

    def start(self) -> None:
        """Remove the files of killed daemons, and open the audio device if that is to happen at the start."""
        for folder in self.scratch.parent.glob("*"):
            pid = int(folder.name) if folder.name.isdecimal() else 0
            if pid in (0, os.getpid()) or not psutil.pid_exists(pid):
                shutil.rmtree(folder, ignore_errors=True)
        if self._opens_at_start:
            self.player.open()

    def tick(self) -> None:
        """Supervise the players."""
        for link in self._links:
            link.tick()

    def set_tempo(self, tempo: Tempo) -> None:
        """Set the tempo, and where beats and bars fall, from now on."""
        for link in self._links:
            link.set_tempo(tempo)

    def restart_if_failed(self) -> None:
        """Start the players again that were given up."""
        for link in self._links:
            link.restart_if_failed()

    async def close(self) -> None:
        """End the players and all sound."""
        await asyncio.gather(*(link.close() for link in self._links))
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    # ---- clips ----

    def open(self, output: str) -> tuple[PlayerLink, str]:
        """Open the device of the main output or the cue, unless it is open. Returns the link to its player, and the output there.
        Raises NoAudio."""
        if output == CUE:
            self.cue.check()
            link, output = self.cue.route
        else:
            self.player.check()
            link = self.player
        link.open()
        return link, output

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
        link, _ = self.open(MAIN)
        voice = self._new(owner, file, link)
        link.send(Play(voice, file, sample_rate, gain, pan, loop, when, frames))
        return voice

    def play_file(self, audition: Audition) -> int:
        """Play an audio file. Returns the number of its voice, which the player reports to have begun. Raises NoAudio."""
        link, output = self.open(audition.output)
        voice = self._new(audition, "", link)
        one, when = audition, When(time.perf_counter()) if audition.when == NOW else audition.when
        sound = Play(
            voice, one.file, 0, one.gain, one.pan, one.loop, when, from_s=one.from_s, to_s=one.to_s, output=output
        )
        link.send(sound)
        return voice

    def continue_voice(self, voice: int, file: str, sample_rate: int, last: bool) -> None:
        """Append the next part of a voice's clip; ignored if the voice has ended."""
        if (sounding := self._voices.get(voice)) is not None:
            sounding.files.append(file)
            sounding.link.send(Play(voice, file, sample_rate, goes_on=True, last=last))
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

    def hold_file(self, slot: int, file: str, loop: bool, longest_s: float) -> None:
        """Load an audio file into the player, which reports whether it could."""
        self.player.open()
        self.player.send(Hold(slot, file, 0, loop=loop, longest_s=longest_s))

    def hold(self, slot: int, file: str, sample_rate: int, fade_ms: float = 0.0, same: bool = False) -> None:
        """Load a file into the player, so that it can be played without delay. `fade_ms`, `same`: see messages.Hold."""
        self.player.open()
        self.player.send(Hold(slot, file, sample_rate, fade_ms, same=same))

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
        output: str = MAIN,
    ) -> int:
        """Play a slot (see messages.Sound). Returns the number of its voice. `output`: main or pads. Raises NoAudio."""
        self.player.check()
        if self.player.state != "open":  # a press would use up a take that nobody hears
            raise NoAudio("The audio device is not open yet, or is being opened again: press again in a moment.")
        voice = self._new(owner, "", self.player, slot)
        self.player.send(Sound(voice, slot, gain, pan, when, after, overlap_ms, loop, output))
        return voice

    # ---- voices ----

    def sounds(self, voice: int) -> bool:
        """Whether a voice has not ended yet."""
        return voice in self._voices

    def sounding(self, voice: int) -> Sounding:
        """A voice that sounds, or will. Raises UnknownVoice."""
        if voice not in self._voices:
            raise UnknownVoice(f"There is no voice {voice}: it may have ended.")
        return self._voices[voice]

    def stop(self, voice: int | None = None, fade_ms: float = VOICE_FADE_MS.low, when: When = NOW) -> None:
        """Silence one voice, or all. Raises UnknownVoice."""
        for link in self._links if voice is None else [self._link_of(voice)]:
            link.send(Stop(voice, fade_ms, when))

    def change(self, voice: int, **how: Any) -> None:
        """Change gain, pan or loop of a voice (see messages.Change). Raises UnknownVoice."""
        self._link_of(voice).send(Change(voice, **how))

    def _new(self, owner: Any, file: str, link: PlayerLink, slot: int = 0) -> int:
        self._last_voice += 1
        self._voices[self._last_voice] = Sounding(owner, [file], link, slot)
        while len(self._voices) > REMEMBERED_VOICES:
            _, oldest = self._voices.popitem(last=False)
            for old in oldest.files:
                self.discard(old)
        return self._last_voice

    def _link_of(self, voice: int) -> PlayerLink:
        if voice not in self._voices:
            raise UnknownVoice(f"There is no voice {voice}.")
        return self._voices[voice].link

    # ---- reports of the links (PlayerListener) ----

    def on_began(self, voice: int) -> None:
        """A scheduled voice has begun."""
        sounding = self._voices.get(voice)
        self.announce_voice(voice, sounding and sounding.owner, "began", "")

    def on_held(self, slot: int, why: str) -> None:
        """An audio file is held, or cannot be."""
        self.announce_held(slot, why)

    def on_ended(self, voice: int, why: str) -> None:
        """A voice has ended."""
        sounding = self._voices.pop(voice, None)
        for file in sounding.files if sounding else ():
            self.discard(file)
        self.announce_voice(voice, sounding and sounding.owner, "ended", why)

    def on_lost(self, link: PlayerLink, why: str) -> None:
        """A player has lost all its voices."""
        for voice in [number for number, sounding in self._voices.items() if sounding.link is link]:
            self.on_ended(voice, why)

    def on_device(self, link: PlayerLink) -> None:
        """The state of an audio device changed."""
        if link is self.player:
            self.announce_device(link.state, link.why)
        if self.cue.state != self._last_cue:
            self._last_cue = self.cue.state
            self.announce_cue(*self._last_cue)

    def on_empty(self, link: PlayerLink) -> None:
        """A new player holds no takes."""
        if link is self.player:
            self.on_new_player()
