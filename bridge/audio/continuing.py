"""Continue a rhythm: the hits of its last bar again, bar after bar, where they were in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.audio.hits import Hit
from bridge.audio.rhythm import Rhythm
from bridge.audio.stretch import Samples, fit_length

EARLY_S = 0.03  # a hit this close to the end belongs to the bar that follows: hardly any of it is there
JOIN_S = 0.02
MISSING_BEATS = 0.1  # of a bar that still counts as whole


def period(rhythm: Rhythm, rate: int, frames: int, beats_per_bar: int) -> float:
    """The frames of the last bar of a rhythm of `frames` frames, or of all its beats if it is shorter; 0 if it has no tempo, or no beat."""
    if not rhythm.bpm:
        return 0.0
    beat = 60 / rhythm.bpm * rate
    return min(beats_per_bar, int(frames / beat + MISSING_BEATS)) * beat


def repeated(hits: Sequence[Hit], count: int, frames: int, bar: float, rate: int) -> list[Hit]:
    """The hits of the last bar of a rhythm of `count` frames, at their places in all bars until frame `frames`. `bar`: its frames. They
    are not moved to a grid, so that they swing as before."""
    end = count - round(EARLY_S * rate)
    last = [hit for hit in hits if end - bar <= hit.start + hit.lead < end]
    starts: list[tuple[int, Hit]] = []
    for number in range(1, int((frames - end) / bar) + 2):
        starts += [(hit.start + round(number * bar), _whole(hit, hits, bar, count, rate)) for hit in last]
    starts = [(start, hit) for start, hit in starts if start + hit.lead < frames]
    ends = [*(start for start, _ in starts[1:]), frames]
    return [hit.at(start, end) for (start, hit), end in zip(starts, ends, strict=True) if end > start]


def base(wave: Samples, frames: int, first: int, bar: float, rate: int) -> Samples:
    """A wave followed by silence, `frames` in all. Until the first new hit begins, at frame `first`, what sounded there a bar before goes
    on."""
    count, out = len(wave), fit_length(wave[:, None], frames)[:, 0].copy()
    join = min(round(JOIN_S * rate), count)
    begin = count - join - round(bar)
    if first <= count or begin < 0:
        fade = min(join, count)
        return out if first <= count else _faded(out, count, fade)
    before = wave[begin : begin + join + first - count]
    ramp = np.linspace(0.0, 1.0, join, dtype=np.float32)
    out[count - join : count] *= np.sqrt(1 - ramp)
    out[count - join : count] += np.sqrt(ramp) * before[:join]
    out[count : count - join + len(before)] = before[join:]
    return out


def _whole(hit: Hit, hits: Sequence[Hit], bar: float, count: int, rate: int) -> Hit:
    """The hit, or that of the bar before in its place if the end of the rhythm cuts it off."""
    if hit.end < count:
        return hit
    place = hit.start + hit.lead - bar
    same = [other for other in hits if abs(other.start + other.lead - place) < EARLY_S * rate]
    return next((other for other in same if len(other.sound) > len(hit.sound)), hit)


def _faded(wave: Samples, count: int, fade: int) -> Samples:
    wave[count - fade : count] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return wave
