"""Change length or pitch independently with Signalsmith Stretch, keeping attacks sharp.

Its window of 120 ms or more would smear a drum hit into the time before it. So the clip is cut just before each attack: each slice
starts unchanged at its new position, and only the sound after the attack is stretched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from bridge.domain.clip import OUTPUT_RATE

Samples = npt.NDArray[np.float32]

LEAD = 48  # frames before an attack that move with it: 1 ms
SLICE_FADE = 96  # frames of the crossfade between slices, before LEAD: 2 ms
HEAD = 1_920  # frames of an attack that stay unchanged: 40 ms
JOIN = 480  # frames of the crossfade from the attack to the stretched part: 10 ms
SHORT, LONG = 5_760, 12_000  # window in frames: 120 ms, its default; 250 ms, which separates the notes of a low chord
SEED = 1  # for its random phases at large ratios: the same clip must give the same bytes


def stretch(samples: Samples, frames: int, attacks: Sequence[int] = (), loop: bool = False) -> Samples:
    """Stretch `samples`, (frames, 1 or 2 channels) at 48 kHz, to exactly `frames`. `attacks`: frames, ascending, at least 20 ms
    apart; an attack at frame a moves to round(a × ratio) and stays sharp. The end of a `loop` continues at its beginning."""
    samples = np.asarray(samples, np.float32)
    if not len(samples) or frames <= 0:
        return np.zeros((max(0, frames), samples.shape[1]), np.float32)
    places = [int(place) for place in attacks if 0 <= place < len(samples)]
    if len(samples) == frames:
        return samples.copy()
    if not places:
        return _stretched_loop(samples, frames) if loop else _signalsmith(samples, frames)
    if not loop:
        return _sliced(samples, frames, places)
    # Rotate, so that the first slice begins at 0 and the last one fades into it.
    ratio, lead = frames / len(samples), LEAD + SLICE_FADE
    turned = places[0] - lead
    rolled = np.roll(samples, -turned, axis=0)
    out = _sliced(np.concatenate([rolled, rolled[:SLICE_FADE]]), frames, [place - turned for place in places], ratio)
    return np.roll(out, round(places[0] * ratio) - lead, axis=0)


def pitch_shift(samples: Samples, cents: float, attacks: Sequence[int] = (), loop: bool = False) -> Samples:
    """Transpose `samples` by `cents` (−2400 to 2400) without changing their length."""
    ratio = 2 ** (cents / 1200)
    pad = min(len(samples), OUTPUT_RATE // 10) if loop else 0
    wide = np.pad(samples, ((pad, pad), (0, 0)), mode="wrap") if pad else samples
    quick = np.asarray(soxr.resample(wide, OUTPUT_RATE * ratio, OUTPUT_RATE, "HQ"), np.float32)
    start = round(pad / ratio)
    quick = quick[start : start + max(1, round(len(samples) / ratio))]
    return stretch(quick, len(samples), [round(place / ratio) for place in attacks], loop)


def fit_length(samples: Samples, frames: int) -> Samples:
    """The first `frames` frames, padded with silence if there are fewer."""
    samples = samples[:frames]
    return np.pad(samples, ((0, frames - len(samples)), (0, 0))) if len(samples) < frames else samples


def _sliced(samples: Samples, frames: int, places: list[int], ratio: float = 0.0) -> Samples:
    """Stretch slices that are cut before each attack. `ratio`: 0, or for a loop new length to old; its first attack must be at
    LEAD + SLICE_FADE, and SLICE_FADE frames of its beginning follow its end."""
    loop, lead = ratio > 0, LEAD + SLICE_FADE
    ratio = ratio or frames / len(samples)
    cuts = [place - lead for place in places if place >= lead]
    goals = [round((cut if loop else cut + lead) * ratio) - (0 if loop else lead) for cut in cuts]
    used = [
        (cut, goal) for cut, goal in zip(cuts, goals, strict=True) if loop or (cut > 0 < goal < frames - SLICE_FADE)
    ]
    first = not used or places[0] - lead < used[0][0]  # an attack too close to the beginning for a fade
    slices = [(cut, goal, True) for cut, goal in used]
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
    """Stretch a slice to `frames`. With `attack` its first 40 ms (at most half of it) stay unchanged."""
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


def _stretched_loop(samples: Samples, frames: int) -> Samples:
    """Stretch a loop without attacks, with copies of itself before and after it."""
    lead = round(LONG * frames / len(samples))
    return _signalsmith(np.pad(samples, ((LONG, LONG), (0, 0)), mode="wrap"), frames + 2 * lead)[lead : lead + frames]


def _signalsmith(samples: Samples, frames: int) -> Samples:
    from python_stretch import Signalsmith  # late: few clips are stretched

    # Continue the end with its mirror image: a window that reaches into silence would fade out.
    block = LONG if _is_sustained(samples) else SHORT
    tail = round(block * frames / len(samples))
    padded = np.pad(samples, ((0, block), (0, 0)), mode="symmetric")
    stretcher = Signalsmith.Stretch(SEED)
    stretcher.configure(samples.shape[1], block, block // 4)
    stretcher.timeFactor = len(padded) / (frames + tail)  # a speed, despite its name
    out = np.asarray(stretcher.process(np.ascontiguousarray(padded.T)), np.float32)
    return np.array(fit_length(out.T, frames))


def _is_sustained(samples: Samples) -> bool:
    """Whether the sound is long enough for a long window and does not die away."""
    half = len(samples) // 2
    first, second = (float(np.square(part, dtype=np.float64).sum()) for part in (samples[:half], samples[half:]))
    return half >= LONG and second > 0.1 * first
