"""Linear prediction, with waves of which it is known how they go on."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.prediction import ahead

RATE = 44_100


def chord(samples: int) -> np.ndarray:
    t = np.arange(samples) / RATE
    hertz = np.array([65.4, 220.0, 277.2, 1_318.5])[:, None]
    return (0.2 * np.sin(2 * np.pi * hertz * t + hertz).sum(0)).astype(np.float32)


def test_tones_go_on_in_phase() -> None:
    whole = chord(12_000)
    after = ahead(whole[:11_000], 1_000)
    assert np.abs(after - whole[11_000:]).max() < 0.02 * np.abs(whole).max()


def test_what_decays_goes_on_decaying() -> None:
    t = np.arange(12_000) / RATE
    whole = (np.sin(2 * np.pi * 440 * t) * np.exp(-t / 0.05)).astype(np.float32)
    after = ahead(whole[:10_000], 2_000)
    assert np.abs(after - whole[10_000:]).max() < 0.1 * np.abs(whole[10_000:]).max()


def test_noise_fades() -> None:
    noise = np.random.default_rng(0).normal(size=20_000).astype(np.float32) * 0.1
    after = ahead(noise, 2_000)
    assert np.sqrt(np.mean(after[1_000:] ** 2)) < 0.02


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 10, 400])
def test_a_short_or_silent_wave_is_no_problem(samples: int) -> None:
    for wave in (np.zeros(samples, np.float32), np.ones(samples, np.float32), chord(samples)):
        after = ahead(wave, 100)
        assert (
            after.shape == (100,) and after.dtype == np.float32 and np.isfinite(after).all() and np.abs(after).max() < 2
        )
    assert not ahead(np.zeros(samples, np.float32), 100).any()
