"""A prompt and its result: Prompt, Piece, TakeFile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.domain.ask import DEFAULT_SHAPE, Shape
from bridge.domain.limits import seed_after
from bridge.domain.source import Source

UNMET = ("key", "note", "tempo")  # what a clip may lack although it was requested
OUTPUT_RATE = 48_000  # Hz, of every clip; what samplers and DAWs run at
CLIP_NAME = re.compile(r"(.+_s\d+_[0-9a-f]{4})(?![0-9a-zA-Z])")


def clip_name_in(stem: str) -> str:
    """The name of the clip from which a file of this name was made, without a suffix: `kick_s7_1a2b` of `kick_s7_1a2b-2`; "" if
    it is not the name of a clip."""
    match = CLIP_NAME.match(stem)
    return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a whole clip that was kept, in its seconds."""

    from_s: float
    to_s: float

    def within(self, outer: Crop | None) -> Crop:
        """The same part in seconds of the whole clip, if it is a part of the part `outer`."""
        return self if outer is None else Crop(outer.from_s + self.from_s, outer.from_s + self.to_s)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that makes a clip again, with the same versions and compute.

    `text`: as the musician wrote it; `full_text`: for the engine (a preset puts words around it). Take `n` (from 1) has the
    seed `seed + n - 1`, so that a take can be made alone.
    `unmet`: of UNMET, in that order, once the clip is made. It changes nothing about the sound, which recall makes from the same request.
    `in_tempo`: the engine made it in the tempo of its bars, from the first beat on.
    `crop`: the part of the clip that is kept; the other attributes are those of the whole one.
    `source`: the audio that it starts from, if any.
    """

    text: str
    full_text: str
    seconds: float
    seed: int
    negative: str | None = None  # these three: None until the checkpoint is known, or if it has no such setting
    steps: int | None = None
    guidance: float | None = None
    takes: int = 1
    preset: str = ""
    shape: Shape = DEFAULT_SHAPE
    note: str = ""  # "c#4", or "" for none
    transcript: str = ""  # the words that a speech checkpoint speaks
    bars: float = 0.0  # 0: the length is in seconds
    bpm: float = 0.0  # of the bars
    beats_per_bar: int = 4
    loop: bool = False  # the end runs into the beginning without a seam
    key: str = ""  # "f#m", or "" for none
    unmet: tuple[str, ...] = ()
    in_tempo: bool = False
    crop: Crop | None = None
    source: Source | None = None
    lyrics: str = ""  # the words that are sung, with " / " between lines

    @property
    def claimed(self) -> Prompt:
        """The prompt without what is unmet, and with the length that is left of it: what the file, the library and the reply may say
        of the clip. A part of a loop does not loop, and has no whole number of bars; it keeps the tempo if it is at least a beat long."""
        has_tempo, whole = "tempo" not in self.unmet, self
        if self.crop is not None:
            seconds = self.crop.to_s - self.crop.from_s
            has_tempo = has_tempo and seconds * self.bpm >= 60
            whole = replace(self, seconds=seconds, bars=0.0, loop=False)
        return replace(
            whole,
            key="" if "key" in self.unmet else self.key,
            note="" if "note" in self.unmet else self.note,
            bars=whole.bars if has_tempo else 0.0,
            bpm=self.bpm if has_tempo else 0.0,
        )

    def lacking(self, unmet: Iterable[str]) -> Prompt:
        """The prompt with these added to `unmet`."""
        return replace(self, unmet=tuple(name for name in UNMET if name in {*self.unmet, *unmet}))

    @property
    def as_it_comes(self) -> bool:
        """Whether the beginning can be shaped before the end is decoded."""
        return not (self.loop or self.bars or self.key or self.source or self.shape.needs_whole_clip)

    @property
    def conforms(self) -> bool:
        """Whether its beats are moved to its bars. Not if they are there already, or those of a source in that tempo."""
        if not self.bars or self.source is None:
            return self.bars > 0 and not self.in_tempo
        same_length = abs(self.source.seconds - self.seconds) * OUTPUT_RATE < 1
        return not self.source.keeps and not (same_length and self.source.bpm == self.bpm)

    @property
    def made_seconds(self) -> float:
        """The length that the engine makes: that of the clip, or of a source whose beats are moved to other bars afterwards."""
        return self.source.seconds if self.source is not None and self.conforms else self.seconds

    @property
    def units(self) -> int:
        """The units of the engine's work: the denoising steps that are run, or 1 in a family without steps."""
        if self.steps and self.source is not None:
            return max(1, self.source.steps_of(self.steps))
        return self.steps or 1

    @property
    def evaluations(self) -> int:
        """Runs of the network in each unit: two with guidance."""
        return 2 if self.guidance is not None and self.guidance > 1.0 else 1

    def seed_of(self, take: int) -> int:
        """The seed of take `take` (1-based)."""
        return seed_after(self.seed, take - 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of finished samples of one take, on its way from the engine to the shaper.

    `samples`: little-endian float32, frames × channels, interleaved, as bytes, because the front has no NumPy. `take` counts
    from 1, `start_frame` from 0 at the engine's rate.
    """

    take: int
    start_frame: int
    samples: bytes
    channels: int
    last: bool


@dataclass(frozen=True, slots=True)
class TakeFile:
    """One complete take in the sample folder. `path` is absolute, with `/` on every system."""

    take: int
    path: str
    seconds: float
    frames: int
    sample_rate: int
    channels: int
    seed: int
    score: float
    measured: tuple[tuple[str, float | str], ...] = ()  # the measured facts in /bridge/done
    remark: str = ""
    unmet: tuple[str, ...] = ()  # see Prompt
