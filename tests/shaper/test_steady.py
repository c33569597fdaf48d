"""The level of a stream that goes on after itself."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.levels import loud_rms, steady_level
from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.shaper.steady import Steady

RATE = 48_000


def noise(level: float, seconds: float = 5.0) -> np.ndarray:
    return (level * np.random.default_rng(1).standard_normal((round(seconds * RATE), 1))).astype(np.float32)


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    return 20 * float(np.log10(loud_rms(a) / loud_rms(b)))


def after(path: str) -> Prompt:
    return Prompt("rain", "rain", 5.0, 1, source=Source(path, "", "continue", 1.0, 4.0, 5.0))


@pytest.mark.parametrize("loss_db", [-3.0, 0.0, 3.0])
def test_clips_that_each_lose_or_gain_level_stay_at_that_of_the_first(loss_db: float) -> None:
    steady, first = Steady(), noise(0.1)
    last = steady.held(first, Prompt("rain", "rain", 5.0, 1), "/s/0.npy")
    assert last is first
    for number in range(1, 12):
        kept = last[-RATE:]
        made = np.concatenate([kept, noise(loud_rms(kept) * 10 ** (loss_db / 20), 4.0)])
        last = steady.held(made, after(f"/s/{number - 1}.npy"), f"/s/{number}.npy")
        assert np.array_equal(last[:RATE], kept)
        assert abs(decibels(last[-2 * RATE :], first)) < 1.5


def test_the_level_glides_and_never_jumps() -> None:
    steady = Steady()
    steady.held(noise(0.1), Prompt("rain", "rain", 5.0, 1), "/s/0.npy")
    flat = np.full((5 * RATE, 1), np.float32(0.04))
    held = steady.held(flat, after("/s/0.npy"), "/s/1.npy")
    assert np.abs(np.diff(held[:, 0])).max() < 1e-5 and held[-1, 0] > 0.08


def test_a_loud_clip_is_not_pushed_above_full_scale_and_silence_stays_silent() -> None:
    steady = Steady()
    steady.held(noise(0.2), Prompt("rain", "rain", 5.0, 1), "/s/0.npy")
    spiky = noise(0.02)
    spiky[3 * RATE] = 0.9
    assert np.abs(steady.held(spiky, after("/s/0.npy"), "/s/1.npy")).max() <= 0.99
    silent = np.zeros((5 * RATE, 1), np.float32)
    assert not steady.held(silent, after("/s/1.npy"), "/s/2.npy").any()


def test_a_stream_whose_shaper_was_started_again_takes_the_level_of_what_it_goes_on_after() -> None:
    made = np.concatenate([noise(0.1, 1.0), noise(0.05, 4.0)])
    held = Steady().held(made, after("/s/9.npy"), "/s/10.npy")
    assert abs(decibels(held[-2 * RATE :], made[:RATE])) < 1.5


@pytest.mark.parametrize(("change_db", "is_steady"), [(0.0, True), (-1.5, True), (-6.0, False), (6.0, False)])
def test_a_sound_that_fades_or_swells_at_its_end_is_not_steady(change_db: float, is_steady: bool) -> None:
    sound = noise(0.1, 3.0)
    sound[2 * RATE :] *= 10 ** (change_db / 20)
    assert bool(steady_level(sound)) == is_steady
    assert not steady_level(sound[-RATE // 2 :]) and not steady_level(np.zeros_like(sound))
