from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.shape import OUTPUT_RATE, PEAK_DBFS, shape
from bridge.clip import Shape
from bridge.errors import BadAudio

NO_FADES = Shape(fade_in_ms=0, fade_out_ms=0)
PEAK = 10 ** (PEAK_DBFS / 20)


def tone(seconds: float, rate: int, hertz: float = 440.0, level: float = 0.3) -> np.ndarray:
    time = np.arange(int(np.ceil(seconds * rate))) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[:, None]


@pytest.mark.parametrize("seconds", [0.1, 0.57, 1.0, 2.3333, 10.24])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_clip_is_exactly_as_long_as_was_promised(seconds: float, rate: int) -> None:
    assert shape(tone(seconds, rate), rate, seconds, NO_FADES).shape == (round(seconds * OUTPUT_RATE), 1)


def test_pitch_survives_resampling_and_the_peak_is_at_minus_one_dbfs() -> None:
    clip = shape(tone(1.0, 16_000), 16_000, 1.0, NO_FADES)[:, 0]
    spectrum = np.abs(np.fft.rfft(clip))
    assert np.argmax(spectrum) == 440
    assert np.abs(clip).max() == pytest.approx(PEAK, abs=1e-5)


def test_fades_start_and_end_at_silence_and_leave_the_middle_alone() -> None:
    clip = shape(tone(1.0, 48_000), 48_000, 1.0, Shape(fade_in_ms=10, fade_out_ms=100))[:, 0]
    plain = shape(tone(1.0, 48_000), 48_000, 1.0, NO_FADES)[:, 0]
    assert clip[0] == 0 and clip[-1] == 0
    assert np.abs(clip[:20]).max() < 0.01 and np.abs(clip[-200:]).max() < 0.01
    assert np.allclose(clip[480:-4800], plain[480:-4800], atol=1e-4)


def test_a_clip_whose_loudest_moment_is_faded_away_is_as_loud_as_the_others() -> None:
    samples = tone(1.0, 48_000, level=0.1)
    samples[:200] = 1.0
    clip = shape(samples, 48_000, 1.0, Shape(fade_in_ms=50, fade_out_ms=0))
    assert np.abs(clip).max() == pytest.approx(PEAK, abs=1e-5)


def test_fades_longer_than_the_clip_meet_in_the_middle() -> None:
    clip = shape(tone(0.1, 48_000), 48_000, 0.1, Shape(fade_in_ms=5_000, fade_out_ms=5_000))
    assert len(clip) == 4_800 and np.isfinite(clip).all() and np.abs(clip).max() > 0.1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    samples = tone(0.5, 16_000)
    samples[100] = bad
    with pytest.raises(BadAudio):
        shape(samples, 16_000, 0.5, NO_FADES)


def test_silence_stays_silence() -> None:
    assert not shape(np.zeros((1_600, 1), np.float32), 16_000, 0.1, NO_FADES).any()


def test_what_came_in_is_not_changed() -> None:
    samples = tone(0.5, 48_000)
    before = samples.copy()
    shape(np.frombuffer(samples.tobytes(), np.float32).reshape(-1, 1), 48_000, 0.5, Shape(100, 100))
    shape(samples, 48_000, 0.5, Shape(100, 100))
    assert np.array_equal(samples, before)
