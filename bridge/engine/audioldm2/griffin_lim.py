"""Phases for magnitudes: the accelerated Griffin-Lim algorithm, from phases that already have the attacks in their places.

The algorithm is that of Nenov, Nguyen, Balazs ("Faster than Fast: Accelerating the Griffin-Lim Algorithm", ICASSP 2023) with one
momentum. Their steps lie between spectra; since the transform is linear, ours lie between waves, which are a quarter as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from bridge.engine.audioldm2.frames import Frames

OVERSHOOT = 1.25
# By how much the phase falls from bin to bin where the level rises by a neper a frame, over window / hop. The published ratio of a
# Hann window is 0.256; with this one, clicks land nearer to their places.
SLOPE = 0.22
STEEPEST = 3.0  # change of level, nepers a frame; what is steeper begins or ends in silence
ATTACK, EDGE = 0.3, 0.1  # a frame whose level rises by this on average has an attack, and how soft that limit is


def first_phases(magnitude: torch.Tensor, hop: int, circular: bool) -> torch.Tensor:
    """Phases in radians for magnitudes (frames, bins): those of a click where the level jumps, random ones elsewhere.

    The slope of a frame's phases over frequency says where in its window a click lies, and follows from the change of the level
    over time (Průša, Balazs, Søndergaard, "A noniterative method for reconstruction of phase from STFT magnitude", IEEE/ACM TASLP
    2017). So the frames around a click agree on its place from the beginning.
    """
    frames, bins = magnitude.shape
    generator = torch.Generator("cpu").manual_seed(0)  # the same for each clip, so that it sounds the same again
    drawn = torch.rand((frames, bins), generator=generator).to(magnitude.device)
    level = torch.log(magnitude + 1e-5)
    before, behind = (level[-1:], level[:1]) if circular else (level[:1], level[-1:])
    change = 0.5 * (torch.cat([level[1:], behind]) - torch.cat([before, level[:-1]]))
    change = change.clamp(-STEEPEST, STEEPEST)
    rise = (magnitude * change.clamp(min=0)).sum(1) / (magnitude.sum(1) + 1e-9)
    random = ((ATTACK - rise) / EDGE + 0.5).clamp(0, 1)
    slope = SLOPE * 2 * (bins - 1) / hop
    click = math.pi * torch.arange(bins, device=magnitude.device) - slope * change.cumsum(1)
    return torch.lerp(click, 2 * math.pi * drawn, random[:, None])


def spectrum_of(magnitude: torch.Tensor, phases: torch.Tensor) -> torch.Tensor:
    """The complex spectrum of magnitudes and phases in radians, in a quarter of the time of torch.polar."""
    return torch.complex(magnitude * phases.cos(), magnitude * phases.sin())


def wave_of(
    spectrum: torch.Tensor,
    magnitude: torch.Tensor,
    frames: Frames,
    steps: int,
    momentum: float,
    correct: Callable[[torch.Tensor], torch.Tensor] = lambda wave: wave,
) -> torch.Tensor:
    """The wave (samples,) whose spectrum has the `magnitude` (frames, bins), searched from a complex `spectrum` of that shape in so
    many steps. `correct` puts into a wave what is known of it."""
    ahead = before = correct(frames.to_wave(spectrum))
    for step in range(steps):
        wave = correct(frames.with_magnitude(ahead, magnitude))
        if step == steps - 1:
            return wave
        wave = torch.lerp(ahead, wave, OVERSHOOT)
        ahead = wave + momentum * (wave - before)
        before = wave
    return before
