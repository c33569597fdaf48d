"""A clip in the tempo that was asked for: its first beat at its first frame, its beats on the grid, exactly as long as its bars.

How it is called, by the shaper, when bars were asked for and before trimming, fades and level (nothing is measured, and
nothing heavy imported, unless it is called; python-stretch only if something must be stretched):

    if prompt.bars and "tempo is to be kept":
        conformed = conform(samples_at_48_khz, prompt.bpm, prompt.bars, prompt.beats_per_bar, prompt.loop)

`samples` may be longer than the bars, and best are by a tenth and a beat: what a clip has too much is cut off, what it has too
little is filled up from a bar before. `remark` is "" if all is as asked, else a sentence for the reply.
`stretched` tells whether the beats are on the grid now; if not, a caller may try the next seed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.audio.beats import Samples, attacks, measure
from bridge.audio.stretch import exactly, stretch
from bridge.domain.clip import OUTPUT_RATE

MIN_TEMPO_CONFIDENCE = 0.5  # confidence below which nothing is stretched
SLOWEST, FASTEST = 0.8, 1.25  # ratios of the lengths; beyond, one hears it
IN_TUNE = 1e-4  # a ratio so near to 1 is 1: 1 ms in 10 s
WHOLE_S = 0.002  # a loop whose length is so near to its beats is whole
FILL_FADE = 240  # frames in which a clip goes over into what it is filled up with: 5 ms
CANNOT_STRETCH = (
    "Without python-stretch no tempo can be changed (pip install python-stretch); the clip's tempo is as it came."
)


@dataclass(frozen=True, slots=True)
class Conformed:
    """`samples`: (round(bars × beats_per_bar × 60 / bpm × 48000), channels). `measured_bpm`: 0 if no tempo was found. `ratio`:
    new length to old one, 1 for a clip that was not stretched. `confidence` of the measurement, 0…1."""

    samples: Samples
    measured_bpm: float
    ratio: float
    confidence: float
    remark: str
    stretched: bool


def conform(samples: Samples, bpm: float, bars: float, beats_per_bar: int, loop: bool) -> Conformed:
    """Bring (frames, 1 or 2 channels) at 48 kHz, without NaN, to `bars` bars at `bpm`. For a `loop` the end goes on at the
    beginning. Where no tempo is sure, or it is too far off, the clip is only cut or filled with silence to its length."""
    samples = np.asarray(samples, np.float32)
    frames = round(bars * beats_per_bar * 60 / bpm * OUTPUT_RATE)
    found = measure(samples, bpm)
    ratio = found.bpm / bpm
    if found.confidence < MIN_TEMPO_CONFIDENCE:
        why = "No steady beat was found in the clip, so its tempo is as it came."
    elif not SLOWEST <= ratio <= FASTEST:
        why = f"The clip plays at {found.bpm:.4g} BPM, too far from {bpm:.4g} BPM to be stretched; its tempo is as it came."
    else:
        why = ""
    if why:
        return Conformed(exactly(samples, frames), found.bpm, 1.0, found.confidence, why, False)
    beat = OUTPUT_RATE * 60 / found.bpm  # frames
    wanted, start = round(bars * beats_per_bar * beat), round(found.downbeat)
    source, filled = _bars(samples, start, wanted, beat, beats_per_bar, loop)
    if abs(len(source) / frames - 1) < IN_TUNE:
        ratio, out = 1.0, _resized(source, frames)
    else:
        ratio = frames / len(source)
        try:
            out = stretch(source, frames, attacks(source).tolist(), loop)
        except ImportError:
            return Conformed(exactly(samples, frames), found.bpm, 1.0, found.confidence, CANNOT_STRETCH, False)
    return Conformed(out, found.bpm, ratio, found.confidence, _remark(filled / beat, found.bpm), True)


def _bars(
    samples: Samples, start: int, wanted: int, beat: float, beats_per_bar: int, loop: bool
) -> tuple[Samples, int]:
    """`wanted` frames from `start` on, and how many of them the clip did not have."""
    count = len(samples)
    if loop and abs(count - wanted) <= WHOLE_S * OUTPUT_RATE:
        return np.roll(samples, -start, axis=0), 0
    bar = round(beat * beats_per_bar)
    period = bar if bar + FILL_FADE < count else round(beat)
    before, after = max(0, -start), max(0, start + wanted - count)
    if before:
        samples = _continued(samples[::-1], before, period)[::-1]
    if after:
        samples = _continued(samples, after, period)
    start += before
    out = samples[start : start + wanted].copy()
    if loop:
        # What comes before the first beat leads over into it at the end, too.
        fade = min(FILL_FADE, wanted)
        lead = samples[start - fade : start] if start >= fade else samples[start + period - fade : start + period]
        if len(lead) == fade:
            ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
            out[-fade:] = out[-fade:] * (1 - ramp) + lead * ramp
    return out, after


def _continued(samples: Samples, more: int, period: int) -> Samples:
    """The samples, and `more` frames that are as those one period before; silence if there is no whole period."""
    count, fade = len(samples), FILL_FADE
    if period + fade > count:
        return exactly(samples, count + more)
    out = exactly(samples, count + more).copy()
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
    out[count - fade : count] *= 1 - ramp
    out[count - fade : count] += samples[count - fade - period : count - period] * ramp
    for at in range(count, count + more, period):
        size = min(period, count + more - at)
        out[at : at + size] = out[at - period : at - period + size]
    return out


def _resized(samples: Samples, frames: int) -> Samples:
    """A few frames more or less, which nobody hears: at the end."""
    return np.array(exactly(samples, frames), np.float32)


def _remark(beats: float, bpm: float) -> str:
    if beats < 0.02:  # too little to be told
        return ""
    return f"At {bpm:.4g} BPM the clip was {beats:.2g} beats too short; they repeat those of a bar before."
