"""Give a hit the onset, the level and the length of another."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from bridge.audio.beats import Curve
from bridge.audio.stretch import Samples

TRIES, NEAR_S = 4, 0.002  # an onset that is not this near after so many shifts gets the attack of the other hit
MOST_SHIFT_S = 0.015
RISE_S = 0.001  # of the fade in of a hit
LEVEL_S = 0.1  # of a hit, over which levels are compared
CROSSOVER_HZ = 200.0
LEAST_SHARE = 0.1  # of the level of a hit: a softer band is not matched
LACKING = 3.0  # a replacement lacks the band that it would have to raise this many times more than the other one
LONGEST_S, LONG_FADE_S = 1.5, 0.1  # of a hit that is replaced; what rings on for longer stays
CLOSER_S = ((0.008, 0.06), (0.02, 0.2))  # the attack that is kept, and how long the sound is no louder
# A tail is no louder than this times the other hit's before the next hit begins, or it would hide that.
TAIL_S, TAIL_LOUDER = 0.04, 1.25
BEFORE_S, AFTER_S, REACH_S = 0.015, 0.003, 0.019  # as bridge.audio.beats compares them around an attack
ENVELOPE_S = 0.01


class Place(Protocol):
    """The hit whose place another one takes, see bridge.audio.hits.Hit."""

    @property
    def lead(self) -> int: ...
    @property
    def sound(self) -> Samples: ...
    @property
    def under(self) -> Samples: ...
    @property
    def before(self) -> Samples: ...


def fitted(replacement: Samples, hit: Place, rate: int, balanced: bool = False) -> Samples:
    """A replacement (frames,) with the onset, the level and the length of a hit; the hit itself if the replacement is silent. `balanced`:
    it also gets the level of the hit below and above CROSSOVER_HZ, and that part of the hit which it lacks: of a kick and a clap at
    once, the kick."""
    target = _onset(hit, hit.sound, rate)
    shift, best, least = 0, hit.sound, math.inf
    for _ in range(TRIES):
        moved = np.pad(replacement, (shift, 0)) if shift >= 0 else replacement[-shift:]
        sound = _levelled(moved, hit, rate, balanced)
        off = target - _onset(hit, sound, rate)
        if abs(off) < least:
            best, least = sound, abs(off)
        if not off or abs(shift + off) > MOST_SHIFT_S * rate:
            break
        shift += off
    return best if least <= NEAR_S * rate else closer(best, hit, rate, 1)


def _levelled(replacement: Samples, hit: Place, rate: int, balanced: bool) -> Samples:
    """A replacement with the level of a hit at its beginning, and at most that at its end; silent before the hit's onset."""
    size, lead = len(hit.sound), hit.lead
    most = min(len(replacement), size, round(LONGEST_S * rate))
    beginning = slice(0, min(most, lead + round(LEVEL_S * rate)))
    wanted, current = _level(hit.sound[beginning]), _level(replacement[beginning])
    if current <= 1e-9:
        return hit.sound
    part = replacement[:most] * np.float32(wanted / current)
    if balanced:
        part = _balanced(part, hit.sound[:most], beginning, rate)
    rise = min(lead, most, round(RISE_S * rate))
    part[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    out = hit.sound.copy()
    if most < size:
        over = min(most, round(LONG_FADE_S * rate))
        ramp = np.linspace(0.0, 1.0, over, dtype=np.float32)
        part[most - over :] = part[most - over :] * ramp[::-1] + hit.sound[most - over : most] * ramp
    out[:most] = part
    tail = max(0, min(size - lead, round(TAIL_S * rate)))
    limit = TAIL_LOUDER * _envelope(hit.sound, rate) / np.maximum(_envelope(out, rate), 1e-9)
    quieter = 1 - np.minimum(1.0, limit[size - tail :])
    out[size - tail :] *= (1 - quieter * np.minimum(1.0, np.linspace(0.0, 2.0, tail))).astype(np.float32)
    return out


def _balanced(part: Samples, sound: Samples, beginning: slice, rate: int) -> Samples:
    """A part of a replacement with the lows and highs as loud as those of a sound of the same length, or with those of the sound."""
    bands = [(low, whole - low) for whole in (part, sound) for low in (_low(whole, rate),)]
    gains = [_level(old[beginning]) / max(_level(new[beginning]), 1e-9) for new, old in zip(*bands, strict=True)]
    shares = [_level(band[beginning]) / max(_level(sound[beginning]), 1e-9) for band in bands[1]]
    out = np.zeros_like(part)
    for new, old, gain, share, other in zip(*bands, gains, shares, gains[::-1], strict=True):
        if share < LEAST_SHARE:
            out += new * np.float32(min(gain, other))
        elif min(shares) >= LEAST_SHARE and gain > LACKING * other:
            out += old
        else:
            out += new * np.float32(gain)
    return out


def _low(wave: Samples, rate: int) -> Samples:
    """What of a wave is below CROSSOVER_HZ, without a shift."""
    size = len(wave) + rate // 10  # silence behind it, so that its end does not sound at its beginning
    hertz = np.fft.rfftfreq(size, 1 / rate)
    octaves = np.log2(np.maximum(hertz, 1.0) / CROSSOVER_HZ)
    shape = 0.5 - 0.5 * np.sin(np.pi * np.clip(octaves, -0.5, 0.5))
    return np.fft.irfft(np.fft.rfft(wave, size) * shape, size)[: len(wave)].astype(np.float32)


def closer(sound: Samples, hit: Place, rate: int, closeness: int) -> Samples:
    """A sound that is more like the hit in whose place it is, for an onset that cannot be heard otherwise. `closeness`: 1, it has the
    attack of the hit, and is no louder for a while; 2, for longer; from 3 on it is the hit."""
    if closeness > len(CLOSER_S):
        return hit.sound
    attack_s, limited_s = CLOSER_S[closeness - 1]
    end = min(len(sound), hit.lead + round(limited_s * rate))
    limit = _envelope(hit.sound, rate)[:end] / np.maximum(_envelope(sound, rate)[:end], 1e-9)
    own = np.clip((np.arange(end) - hit.lead) / (attack_s * rate) - 1, 0, 1)
    out = sound.copy()
    out[:end] = (1 - own) * hit.sound[:end] + own * np.minimum(1.0, limit) * sound[:end]
    return out


def _onset(hit: Place, sound: Samples, rate: int) -> int:
    """The frame at which a sound that replaces a hit rises most over what goes on, counted from the hit's start. The wave counts, in
    which kicks are loud, and its differences, in which hats are."""
    before, after, reach = (round(seconds * rate) for seconds in (BEFORE_S, AFTER_S, REACH_S))
    size = min(len(sound), hit.lead + reach + after)
    wave = np.concatenate([hit.before, hit.under[:size] + sound[:size]])
    both = np.stack([wave, np.diff(wave, prepend=np.float32(0))])
    power = np.pad(np.cumsum(np.square(both, dtype=np.float64), axis=1), ((0, 0), (1, 0)))
    places = np.arange(max(before, len(hit.before)), len(wave) - after)
    if not len(places):
        return hit.lead
    later = (power[:, places + after] - power[:, places]) / after
    earlier = (power[:, places] - power[:, places - before]) / before
    floor = 1e-4 * later.max(axis=1, keepdims=True) + 1e-15
    return int(places[np.argmax(np.log((later + floor) / (earlier + floor)).sum(axis=0))]) - len(hit.before)


def _envelope(wave: Samples, rate: int) -> Curve:
    """The level around each frame."""
    width = round(ENVELOPE_S * rate)
    power = np.cumsum(np.pad(np.square(wave, dtype=np.float64), (width // 2 + 1, width - width // 2 - 1)))
    return np.sqrt(np.maximum((power[width:] - power[:-width])[: len(wave)] / width, 0.0))


def _level(wave: Samples) -> float:
    return math.sqrt(float(np.square(wave, dtype=np.float64).mean())) if len(wave) else 0.0
