"""Ask: a prompt as it came in, before presets and defaults are applied; Shape: what is done to its samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """What a frontend asks for. None means: let the preset, or else the default, decide."""

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
    quantize: str | None = None  # beat, bar or off: when it is played
    then: str | None = None  # an OSC message to another program, and its port
    then_port: int | None = None
    gate: int | None = None  # pads only: 1 ends the sound when the button is let go
    loop: int | None = None  # 1: without a seam
    key: str | None = None
    trim: str | None = None
    fade_in_ms: float | None = None
    fade_out_ms: float | None = None
    lufs: float | None = None
    format: str | None = None
    bits: int | None = None
    channels: int | None = None
    take: int | None = None  # recalled clips only: this one of its job's


@dataclass(frozen=True, slots=True)
class Shape:
    """What is done to the samples on their way into a file.

    `trim`: `onset` cuts what comes before the first sound and fills up with silence at the end, `free` cuts at both ends, so
    that the clip becomes shorter. Fades in milliseconds. `lufs`: the loudness (ITU-R BS.1770) that the clip is brought to, as
    far as its peaks allow; None: its peak is brought to −1 dBFS. `bits` of a sample: 16, 24, or 32 for floating point;
    `channels`: 2 has the same in both. `folder`: a sub-folder, "" for none.
    """

    fade_in_ms: float = 1.0
    fade_out_ms: float = 15.0
    folder: str = ""
    trim: str = "off"
    lufs: float | None = None
    format: str = "wav"
    bits: int = 24
    channels: int = 1


DEFAULT_SHAPE = Shape()
