"""What happens to the sum of a rhythm: filters, dust and saturation, on a line or on a ring."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave, distorted, filtered, scale, white

SETTLED = SAMPLE_RATE // 8  # samples after which the filters have forgotten how they began
HEARD = 0.25  # from which on a brightness is audible
BRIGHTEN = 2.5  # how much of what is above 2 kHz is added to the brightest, less HEARD
DRIVE = 1.3
HISS, CLICKS = 0.010, 0.25  # levels at the most dust
CLICKS_PER_S = 12


def finished(rng: np.random.Generator, wave: Wave, a: Attributes, ring: bool) -> Wave:
    """The sum, filtered, dusty, distorted and gently limited as its attributes say. The end of a `ring` runs into its beginning also in
    the filters."""
    wave = wave / (np.abs(wave).max() + 1e-9)
    n, before = len(wave), 0
    if ring:
        before = SETTLED
        wave = np.concatenate([np.resize(wave[::-1], before)[::-1], wave])
    noise = _noise(rng, n) if a.dust >= 0.5 else None
    if noise is not None:
        wave = np.tanh(2.0 * wave).astype(np.float32)
        wave = filtered(filtered(wave, "low", scale(8_000, 4_000, 2 * a.dust - 1)), "high", 60)
    if a.brightness < -HEARD:
        wave = filtered(wave, "low", scale(500, 7_000, 1 + 2.6 * (a.brightness + HEARD)), 0.8, 2)
    elif a.brightness > HEARD:
        wave = wave + BRIGHTEN * (a.brightness - HEARD) * filtered(wave, "high", 2_000)
    wave = wave[before:]
    if noise is not None:
        wave = 0.8 * wave + a.dust * noise
    return distorted(np.tanh(DRIVE * wave / max(1.0, float(np.abs(wave).max()))).astype(np.float32), a.distortion)


def _noise(rng: np.random.Generator, n: int) -> Wave:
    """The hiss and crackle of an old record, which goes on around a ring of n samples."""
    clicks = np.zeros(n, dtype=np.float32)
    places = rng.integers(0, n, rng.poisson(CLICKS_PER_S * n / SAMPLE_RATE))
    clicks[places] = rng.normal(0, 0.5, len(places))
    hiss, around = white(rng, n), np.arange(-SETTLED, n) % n
    noise = HISS * filtered(hiss[around], "band", 4_500, 0.5) + CLICKS * filtered(clicks[around], "band", 2_500, 0.6)
    return np.asarray(noise[SETTLED:], dtype=np.float32)
