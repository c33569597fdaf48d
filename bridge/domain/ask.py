"""An ask: a prompt as it came in, before presets and defaults are applied."""

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
