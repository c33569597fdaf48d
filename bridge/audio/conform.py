"""Bring a clip to the requested tempo: first beat at the first frame, beats on the grid, exactly as long as its bars.

The shaper calls `conform` before trimming, fades and level. The samples may be longer than the bars, ideally by a tenth and a
beat: any excess is cut off, and a gap is filled with the sound of the bar before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.audio.beats import attacks, measure
from bridge.audio.stretch import Samples, fit_length, stretch
from bridge.domain.clip import OUTPUT_RATE

MIN_TEMPO_CONFIDENCE = 0.5  # with less confidence a clip is not stretched
SLOWEST, FASTEST = 0.8, 1.25  # ratios of lengths beyond which stretching is audible
SAME_TEMPO = 1e-4  # a ratio this close to 1 counts as 1: 1 ms in 10 s
LOOP_TOLERANCE_S = 0.002  # a loop this close to its whole beats counts as whole
FILL_FADE = 240  # frames of the crossfade into the filled part: 5 ms
CANNOT_STRETCH = "The clip keeps its own tempo: changing it requires python-stretch (pip install python-stretch)."


@dataclass(frozen=True, slots=True)
class Conformed:
    """`samples`: (round(bars × beats_per_bar × 60 / bpm × 48000), channels). `measured_bpm`: 0 if no tempo was found. `ratio`: new
    length to old, 1 if the clip was not stretched. `confidence`: of the measurement, 0 to 1. `remark`: "" or a sentence about
    what was not possible. `stretched`: whether the beats are on the grid; if not, another seed may do better."""

    samples: Samples
    measured_bpm: float
    ratio: float
    confidence: float
    remark: str
    stretched: bool

    @property
    def off_tempo(self) -> bool:
        """Whether the clip has a steady beat at another tempo. A sound without a beat has exactly the bars that it was cut to."""
        return not self.stretched and self.confidence >= MIN_TEMPO_CONFIDENCE


def conform(samples: Samples, bpm: float, bars: float, beats_per_bar: int, loop: bool) -> Conformed:
    """Bring `samples`, (frames, 1 or 2 channels) at 48 kHz without NaN, to `bars` bars at `bpm`. The end of a `loop` continues at
    its beginning. If the tempo is uncertain or too far off, the clip is only cut, or padded with silence, to its length."""
    samples = np.asarray(samples, np.float32)
    frames = round(bars * beats_per_bar * 60 / bpm * OUTPUT_RATE)
    beats = measure(samples, bpm)
    ratio = beats.bpm / bpm
    if beats.confidence < MIN_TEMPO_CONFIDENCE:
        why = "No steady beat was found in the clip, so it keeps its own tempo."
    elif not SLOWEST <= ratio <= FASTEST:
        why = f"The clip plays at {beats.bpm:.4g} BPM, too far from {bpm:.4g} BPM to be stretched, so it keeps its own tempo."
    else:
        why = ""
    if why:
        return Conformed(fit_length(samples, frames), beats.bpm, 1.0, beats.confidence, why, False)
    beat = OUTPUT_RATE * 60 / beats.bpm  # frames
    length, start = round(bars * beats_per_bar * beat), round(beats.downbeat)
    source, filled = _bars(samples, start, length, beat, beats_per_bar, loop)
    if abs(len(source) / frames - 1) < SAME_TEMPO:
        ratio, out = 1.0, np.array(fit_length(source, frames))  # a few frames more or less are inaudible
    else:
        ratio = frames / len(source)
        try:
            out = stretch(source, frames, attacks(source).tolist(), loop)
        except ImportError:
            return Conformed(fit_length(samples, frames), beats.bpm, 1.0, beats.confidence, CANNOT_STRETCH, False)
    return Conformed(out, beats.bpm, ratio, beats.confidence, _remark(filled / beat, beats.bpm), True)


def _bars(
    samples: Samples, start: int, length: int, beat: float, beats_per_bar: int, loop: bool
) -> tuple[Samples, int]:
    """`length` frames from `start` on, and the number of them that were missing at the end."""
    count = len(samples)
    if loop and abs(count - length) <= LOOP_TOLERANCE_S * OUTPUT_RATE:
        return np.roll(samples, -start, axis=0), 0
    bar = round(beat * beats_per_bar)
    period = bar if bar + FILL_FADE < count else round(beat)
    before, after = max(0, -start), max(0, start + length - count)
    if before:
        samples = _continued(samples[::-1], before, period)[::-1]
    if after:
        samples = _continued(samples, after, period)
    start += before
    out = samples[start : start + length].copy()
    if loop:
        # The lead-in of the first beat also leads into it at the end of the loop.
        fade = min(FILL_FADE, length)
        lead = samples[start - fade : start] if start >= fade else samples[start + period - fade : start + period]
        if len(lead) == fade:
            ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
            out[-fade:] = out[-fade:] * (1 - ramp) + lead * ramp
    return out, after


def _continued(samples: Samples, more: int, period: int) -> Samples:
    """The samples and `more` frames that repeat those one period before, or silence if the clip is shorter than a period."""
    count, fade = len(samples), FILL_FADE
    if period + fade > count:
        return fit_length(samples, count + more)
    out = fit_length(samples, count + more).copy()
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
    out[count - fade : count] *= 1 - ramp
    out[count - fade : count] += samples[count - fade - period : count - period] * ramp
    for at in range(count, count + more, period):
        size = min(period, count + more - at)
        out[at : at + size] = out[at - period : at - period + size]
    return out


def _remark(beats: float, bpm: float) -> str:
    if beats < 0.02:  # too little to mention
        return ""
    return f"At {bpm:.4g} BPM the clip was {beats:.2g} beats too short; the bar before was repeated to fill them."
