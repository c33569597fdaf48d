"""FIELDS, the table of the keys of an ask, and Ask and Shape, which hold their values.

Every door reads FIELDS: OSC, the command line, lists in the inbox, presets, kits, pads, recipes, and the docs. A new
shaping key is a row of FIELDS, an attribute of Ask and of Shape, and the work in `audio.shape`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bridge.domain import limits, source_keys
from bridge.domain.fields import EVERYWHERE, Door, Field
from bridge.domain.source import END_S, HOWS, PARTS, PLACE_S, Source
from bridge.domain.words import length_in
from bridge.errors import BadArgument

OSC, COMMAND, LIST, PAD, PRESET, KIT = Door.OSC, Door.COMMAND, Door.LIST, Door.PAD, Door.PRESET, Door.KIT
ANY_SHAPE = EVERYWHERE | PRESET
MAX_PRESET_CHARACTERS = 40

FIELDS = {
    field.name: field
    for field in (
        # The prompt and the seconds have no key in a message: they come first.
        Field("text", "text", "sound", "the prompt", doors=PAD),
        Field("seconds", "number", "sound", "the length in seconds", limits.SECONDS, default=4.0,
              doors=LIST | PAD | PRESET | KIT),
        Field("id", "id", "job", "your name for the job (number or text), returned in every reply", doors=OSC),
        Field("seed", "whole", "sound", "the same seed, prompt and length make the same clip; the name of a file ends with it; drawn at "
              "random if left out", limits.SEED, doors=EVERYWHERE | KIT),
        Field("negative", "text", "sound", f"what it should not sound like; at most {limits.MAX_PROMPT_CHARACTERS:,} characters",
              doors=EVERYWHERE | PRESET | KIT),
        Field("preset", "text", "sound", "the name of a preset", doors=EVERYWHERE | KIT, longest=MAX_PRESET_CHARACTERS),
        Field("steps", "whole", "sound", "denoising steps: more is slower and finer", limits.STEPS, doors=EVERYWHERE | PRESET | KIT),
        Field("guidance", "number", "sound", "how strictly the prompt is followed; 1 or less switches guidance off", limits.GUIDANCE,
              doors=EVERYWHERE | PRESET | KIT),
        Field("takes", "whole", "job", "several results for one ask, each a file, best first", limits.TAKES, default=1,
              doors=OSC | COMMAND | LIST | PRESET),
        Field("note", "note", "sound", "the pitch of a tone: a name such as `c3`, `a#4`, `eb2`, or a MIDI number; the starter "
              "plays it in tune, AudioLDM 2 only reads it as a word", doors=EVERYWHERE | PRESET),
        Field("transcript", "text", "sound", "the words to speak; for speech checkpoints only "
              "(`anhnct/audioldm2_gigaspeech`), which need it"),
        Field("lyrics", "text", "sound", "the words to sing, with ` / ` between lines: `[verse] the lights go down / the night is young`; "
              "for checkpoints that sing (ACE-Step 1.5)"),
        Field("deadline_s", "number", "job", "seconds until the clip must be ready: takes, then steps (down to the preset's "
              "`least_steps`) are lowered to meet it, or the job fails at once with `too_late`", limits.DEADLINE_S,
              doors=OSC | COMMAND | LIST),
        Field("sink", "choice", "playback", "where the clip goes: a file, the audio device (no file), or both; with `both`, the file is "
              "written even if nothing can be heard, and `remark` says why", choices=limits.SINKS,
              default="folder", doors=OSC | COMMAND),
        Field("gain", "number", "playback", "the gain it is played with, as a factor; a limiter keeps the sum at −1 dBFS", limits.GAIN,
              default=1.0),
        Field("pan", "number", "playback", "where it is played, from −1 (left) to 1 (right)", limits.PAN, default=0.0),
        Field("bars", "number", "sound", "the length in bars, instead of seconds: exact to the frame; a beat that is detected "
              "is stretched to the tempo", limits.BARS),
        Field("bpm", "number", "sound", "the tempo of the bars, if it differs from `/bridge/tempo`", limits.BPM),
        Field("key", "key", "sound", "the key of a phrase, such as `c`, `f#m` or `eb minor`: a clear root is shifted to it"),
        Field("quantize", "choice", "playback", "when it is played: at once, or on the next beat or bar of `/bridge/tempo`",
              choices=limits.QUANTIZE, default="off", doors=OSC | COMMAND | PAD),
        Field("gate", "flag", "playback", "for pads only; 1: the sound ends when the button is released (velocity 0)", default=0,
              doors=OSC | PAD),
        Field("reply_port", "whole", "job", "the port on your machine for replies, if not the one you send from; any message may "
              "end with it", limits.PORT, doors=OSC),
        Field("loop", "flag", "sound", "1: the end runs into the beginning without a seam; `/bridge/done` says how well",
              default=0, doors=ANY_SHAPE),
        Field("vary", "source", "sound", "make another version of this sound", doors=EVERYWHERE | KIT),
        Field("strength", "number", "sound", "how far `vary` goes: 0 is the source, 1 a new sound", limits.STRENGTH, default=0.5,
              doors=ANY_SHAPE | KIT),
        Field("parts", "choice", "sound", "`hits`: vary each hit of a rhythm by itself, in its place; `whole`: all at once; by default "
              "what suits the source and the checkpoint", choices=PARTS, doors=EVERYWHERE | KIT),
        Field("continue", "source", "sound", "go on after this sound, which the clip begins with; for a stream `1`: each clip goes on "
              "after the one before"),
        Field("fill", "source", "sound", "replace the seconds from `from` to `to` of this sound, and keep the rest"),
        Field("from", "number", "sound", "where the gap of `fill` begins, or the part that `vary` and `continue` use, in seconds", PLACE_S),
        Field("to", "number", "sound", "where it ends", END_S),
        Field("more", "number", "sound", "the seconds that `continue` adds, instead of the length of the whole clip", limits.SECONDS,
              doors=ANY_SHAPE),
        Field("more_bars", "number", "sound", "the bars that `continue` adds, in the tempo of the source if it has one", limits.BARS,
              doors=ANY_SHAPE),
        Field("trim", "choice", "shape", "`onset`: cut what comes before the sound (the length stays); `free`: also the silence "
              "after it", choices=limits.TRIMS, default="off", doors=ANY_SHAPE, whole_clip=True),
        Field("reverse", "flag", "shape", "1: play the clip backwards; it is reversed after trimming and before fading", default=0,
              doors=ANY_SHAPE, whole_clip=True),
        Field("fade_in_ms", "number", "shape", "fade in over this many milliseconds", limits.FADE_MS, default=1.0, doors=ANY_SHAPE),
        Field("fade_out_ms", "number", "shape", "fade out over this many milliseconds", limits.FADE_MS, default=15.0, doors=ANY_SHAPE),
        Field("lufs", "number", "shape", "the loudness, instead of a peak of −1 dBFS, as far as peaks allow", limits.LUFS,
              doors=ANY_SHAPE, whole_clip=True),
        Field("format", "choice", "shape", "the format of the file", choices=limits.FORMATS, default="wav", doors=ANY_SHAPE),
        Field("bits", "choice", "shape", "the bits of a sample; 32 is floating point, which FLAC does not have", choices=limits.WIDTHS,
              default=24, doors=ANY_SHAPE),
        Field("channels", "whole", "shape", "0: as the checkpoint makes them (the starter and AudioLDM 2: one); 1: mixed down; 2: two, "
              "with the same signal if the checkpoint makes one", limits.CHANNELS, default=0, doors=ANY_SHAPE),
        Field("folder", "folder", "shape", "a sub-folder of the sample folder", default="", doors=PRESET),
        Field("then", "then", "job", "an OSC message to send to `then_port` of your machine when the file is complete, such as "
              "`/b_allocRead i:10 s:{path}`; `{path}`, `{id}`, `{seconds}`, `{frames}` and `{sample_rate}` are filled in",
              doors=OSC),
        Field("then_port", "whole", "job", "the port for `then`: 57110 is scsynth", limits.PORT, doors=OSC),
    )
}  # fmt: skip

KEY_IN_TEXT = re.compile(r"(?:^|\s)@(\w+)\s")
# For kits only: it becomes the key `note` of several asks.
NOTES = Field(
    "notes",
    "text",
    "sound",
    "make the prompt that has no key of its own at each of these pitches, such as `c4..g4`",
    doors=KIT,
)


def fields_of(door: Door) -> dict[str, Field]:
    """The keys that a door accepts."""
    return {name: field for name, field in FIELDS.items() if door in field.doors}


KIT_FIELDS = fields_of(KIT) | {"notes": NOTES}


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt as a door received it. None: the preset decides, or else the default."""

    text: str
    seconds: float | None = None
    seed: int | None = None
    negative: str | None = None
    preset: str | None = None
    steps: int | None = None
    guidance: float | None = None
    takes: int | None = None
    note: str | None = None
    transcript: str | None = None
    deadline_s: float | None = None
    sink: str | None = None
    gain: float | None = None
    pan: float | None = None
    bars: float | None = None
    bpm: float | None = None
    quantize: str | None = None
    then: str | None = None
    then_port: int | None = None
    gate: int | None = None
    loop: int | None = None
    key: str | None = None
    trim: str | None = None
    reverse: int | None = None
    fade_in_ms: float | None = None
    fade_out_ms: float | None = None
    lufs: float | None = None
    format: str | None = None
    bits: int | None = None
    channels: int | None = None
    vary: str | None = None
    strength: float | None = None
    parts: str | None = None
    continue_: str | None = None
    fill: str | None = None
    from_: float | None = None
    to: float | None = None
    more: float | None = None
    more_bars: float | None = None
    lyrics: str | None = None
    source: Source | None = field(default=None, compare=False)  # what vary, continue or fill names, once it was found
    take: int | None = None  # of a recalled clip: its number among the takes of its job
    crop: tuple[float, float] | None = None  # of a recalled clip: the part of the whole one, in seconds

    @classmethod
    def of(cls, text: str, values: dict[str, Any]) -> Ask:
        """The ask with this text and these checked values by the names of their keys."""
        return cls(
            text, **{FIELDS[name].attribute if name in FIELDS else name: value for name, value in values.items()}
        )

    @property
    def values(self) -> dict[str, Any]:
        """The keys that are set, by name, without the text."""
        values = {name: getattr(self, key.attribute, None) for name, key in FIELDS.items() if name != "text"}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def how(self) -> str:
        """`vary`, `continue` or `fill`, whichever is set; "" if the ask has no source."""
        return next((name for name in HOWS if getattr(self, FIELDS[name].attribute) is not None), "")

    @property
    def reference(self) -> str:
        """What names the source; "" if the ask has none."""
        return getattr(self, FIELDS[self.how].attribute) if self.how else ""

    def check(self) -> None:
        """Raises BadArgument for keys that exclude or need each other."""
        source_keys.check(self.values)
        if self.bars is None and self.more_bars is None and self.bpm is not None:
            raise BadArgument("bpm is the tempo of bars: send bars too, or leave bpm out.")
        if self.bars is not None and self.seconds is not None:
            raise BadArgument("The length is in seconds or in bars, not both: leave one of them out.")
        if self.key is not None and self.note is not None:
            raise BadArgument("note is the pitch of a tone, key that of a phrase: leave one of them out.")
        if (self.then is None) != (self.then_port is None):
            raise BadArgument("then and then_port go together, the message and its port: send both or neither.")
        check_shape(self.shape)

    @property
    def unread(self) -> str:
        """A remark about a key or a length inside the text, as in "snare @seed 9" sent as one text; "" if there is neither."""
        names = KEY_IN_TEXT.findall(self.text) if self.take is None else ()  # recall asks for the same text again
        key = next((name for name in names if name in FIELDS), "")
        remark = f"a key inside the text is not read: send {key} and its value after the text" if key else ""
        return remark or self.unread_length

    @property
    def unread_length(self) -> str:
        """A remark about a length inside the text, as in "snare 0.3". "" if the text has none, or if the ask also sets a length
        outside the text. A hint only: "bell 5" may be the name of a sound, and free text reaches the checkpoint unchanged."""
        number = length_in(self.text) if self.seconds is None and self.bars is None else ""
        return f"a length inside the text is not read: send {number} as a number after the text" if number else ""

    @property
    def shape(self) -> dict[str, Any]:
        """The shaping keys that are set."""
        values = {name: getattr(self, name, None) for name, field in FIELDS.items() if field.part == "shape"}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the samples are shaped on their way into a file.

    `trim`: `onset` cuts what comes before the first sound and pads the end with silence; `free` cuts both ends, so that the
    clip becomes shorter. `reverse`: 1 reverses the trimmed clip. Fades are in milliseconds. `lufs`: the loudness
    (ITU-R BS.1770) to reach as far as the peaks allow; None: the peak becomes −1 dBFS. `bits` per sample: 16, 24, or 32 for
    floating point. `channels`: 1 mixes down, 2 has two, 0 those of the checkpoint. `folder`: a sub-folder, "" for none.
    """

    fade_in_ms: float = FIELDS["fade_in_ms"].default
    fade_out_ms: float = FIELDS["fade_out_ms"].default
    folder: str = FIELDS["folder"].default
    trim: str = FIELDS["trim"].default
    reverse: int = FIELDS["reverse"].default
    lufs: float | None = FIELDS["lufs"].default
    format: str = FIELDS["format"].default
    bits: int = FIELDS["bits"].default
    channels: int = FIELDS["channels"].default

    @property
    def needs_whole_clip(self) -> bool:
        """Whether shaping the beginning needs the end of the clip."""
        return any(getattr(self, name) != field.default for name, field in FIELDS.items() if field.whole_clip)


DEFAULT_SHAPE = Shape()


def check_shape(values: dict[str, Any]) -> None:
    """Raises BadArgument for shaping keys that exclude each other."""
    if values.get("format") == "flac" and values.get("bits") == 32:
        raise BadArgument("bits 32 is floating point, which FLAC does not support: use 24, or the format wav or aiff.")


@dataclass(frozen=True, slots=True)
class Request:
    """An ask that is made ahead, for a kit, the stream or a pad. `first`: before the jobs that wait. `into`: a kit's
    sub-folder, "" for none."""

    ask: Ask
    owner: str
    first: bool = False
    into: str = ""
