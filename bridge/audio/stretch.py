"""Longer or shorter at the same pitch, higher or lower at the same length: Signalsmith Stretch, which leaves attacks alone here.

Its window of 120 ms or more smears a drum into the time before it. So a clip is cut just before each attack, each slice begins as it
was, at its new place, and only what rings after the attack is stretched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from bridge.domain.clip import OUTPUT_RATE

Samples = npt.NDArray[np.float32]

LEAD = 48  # frames before an attack that belong to it: 1 ms
SLICE_FADE = 96  # frames in which one slice fades into the next, before that: 2 ms
HEAD = 1_920  # frames of an attack that stay as they are: 40 ms
JOIN = 480  # frames in which they fade into what is stretched: 10 ms
SHORT, LONG = (
    5_760,
    12_000,
)  # frames of its window: its own 120 ms; and 250 ms, which keep the notes of a low chord apart
SEED = 1  # of the noise that it makes when it stretches far: the same clip again is the same bytes


def stretch(samples: Samples, frames: int, attacks: Sequence[int] = (), loop: bool = False) -> Samples:
    """`samples` (frames, 1 or 2 channels) at 48 kHz in exactly `frames` frames. `attacks`: frames, rising, at least 20 ms
    apart; what is at frame a is then at round(a × ratio), as sharp as it was. `loop`: the end goes on at the beginning."""
    samples = np.asarray(samples, np.float32)
    if not len(samples) or frames <= 0:
        return np.zeros((max(0, frames), samples.shape[1]), np.float32)
    places = [int(place) for place in attacks if 0 <= place < len(samples)]
    if len(samples) == frames:
        return samples.copy()
    if not places:
        return _around(samples, frames) if loop else _signalsmith(samples, frames)
    if not loop:
        return _sliced(samples, frames, places)
    # So that the first slice begins at 0, and the last one fades into it.
    ratio, lead = frames / len(samples), LEAD + SLICE_FADE
    turned = places[0] - lead
    rolled = np.roll(samples, -turned, axis=0)
    out = _sliced(np.concatenate([rolled, rolled[:SLICE_FADE]]), frames, [place - turned for place in places], ratio)
    return np.roll(out, round(places[0] * ratio) - lead, axis=0)


def pitch_shift(samples: Samples, cents: float, attacks: Sequence[int] = (), loop: bool = False) -> Samples:
    """`samples` `cents` higher (lower: negative; −2400 to 2400), as long as they were."""
    ratio = 2 ** (cents / 1200)
    pad = min(len(samples), OUTPUT_RATE // 10) if loop else 0
    wide = np.pad(samples, ((pad, pad), (0, 0)), mode="wrap") if pad else samples
    quick = np.asarray(soxr.resample(wide, OUTPUT_RATE * ratio, OUTPUT_RATE, "HQ"), np.float32)
    start = round(pad / ratio)
    quick = quick[start : start + max(1, round(len(samples) / ratio))]
    return stretch(quick, len(samples), [round(place / ratio) for place in attacks], loop)


def exactly(samples: Samples, frames: int) -> Samples:
    """The first `frames` frames, silence behind them where there are fewer."""
    samples = samples[:frames]
    return np.pad(samples, ((0, frames - len(samples)), (0, 0))) if len(samples) < frames else samples


def _sliced(samples: Samples, frames: int, places: list[int], ratio: float = 0.0) -> Samples:
    """Cut before each attack. `ratio` for a loop: its first attack stands at LEAD + SLICE_FADE, SLICE_FADE frames of its beginning
    follow its end; 0 for others."""
    loop, lead = ratio > 0, LEAD + SLICE_FADE
    ratio = ratio or frames / len(samples)
    cuts = [place - lead for place in places if place >= lead]
    goals = [round((cut if loop else cut + lead) * ratio) - (0 if loop else lead) for cut in cuts]
    kept = [
        (cut, goal) for cut, goal in zip(cuts, goals, strict=True) if loop or (cut > 0 < goal < frames - SLICE_FADE)
    ]
    first = not kept or places[0] - lead < kept[0][0]  # an attack too near to the beginning for a fade
    slices = [(cut, goal, True) for cut, goal in kept]
    if not loop:
        slices.insert(0, (0, 0, first))
    out = np.zeros((frames + SLICE_FADE, samples.shape[1]), np.float32)
    ramp = np.linspace(0.0, 1.0, SLICE_FADE, dtype=np.float32)[:, None]
    for number, (cut, goal, attack) in enumerate(slices):
        last = number + 1 == len(slices)
        if last:
            end, until = (len(samples), frames + SLICE_FADE) if loop else (len(samples), frames)
        else:
            end, until = slices[number + 1][0] + SLICE_FADE, slices[number + 1][1] + SLICE_FADE
        piece = _slice(samples[cut:end], until - goal, attack)
        if number or loop:
            piece[:SLICE_FADE] *= ramp[: len(piece)]
        if not last or loop:
            piece[-SLICE_FADE:] *= ramp[::-1][-len(piece) :]
        out[goal:until] += piece
    if loop:
        out[:SLICE_FADE] += out[frames:]
    return out[:frames]


def _slice(samples: Samples, frames: int, attack: bool) -> Samples:
    """One slice in `frames` frames; with `attack` its first 40 ms (half of it, if that is less) stay as they are."""
    if len(samples) == frames:
        return samples.copy()
    if not attack:
        return _signalsmith(samples, frames)
    head = min(LEAD + SLICE_FADE + HEAD, min(len(samples), frames) // 2)
    join = min(JOIN, head // 2)
    rest = _signalsmith(samples[head - join :], frames - head + join)
    ramp = np.linspace(0.0, 1.0, join, dtype=np.float32)[:, None]
    rest[:join] = samples[head - join : head] * (1 - ramp) + rest[:join] * ramp
    return np.concatenate([samples[: head - join], rest])


def _around(samples: Samples, frames: int) -> Samples:
    """A loop without attacks: stretched with what comes before and after it, which is itself."""
    lead = round(LONG * frames / len(samples))
    return _signalsmith(np.pad(samples, ((LONG, LONG), (0, 0)), mode="wrap"), frames + 2 * lead)[lead : lead + frames]


def _signalsmith(samples: Samples, frames: int) -> Samples:
    from python_stretch import Signalsmith  # late: only a clip that must be stretched needs it

    # What follows the end is its mirror image: a window that looks into silence would fade out.
    block = LONG if _held(samples) else SHORT
    tail = round(block * frames / len(samples))
    padded = np.pad(samples, ((0, block), (0, 0)), mode="symmetric")
    stretcher = Signalsmith.Stretch(SEED)
    stretcher.configure(samples.shape[1], block, block // 4)
    stretcher.timeFactor = len(padded) / (frames + tail)  # a speed, despite its name
    out = np.asarray(stretcher.process(np.ascontiguousarray(padded.T)), np.float32)
    return np.array(exactly(out.T, frames))


def _held(samples: Samples) -> bool:
    """Whether it is long enough for a long window, and goes on sounding instead of dying away."""
    half = len(samples) // 2
    first, second = (float(np.square(part, dtype=np.float64).sum()) for part in (samples[:half], samples[half:]))
    return half >= LONG and second > 0.1 * first
