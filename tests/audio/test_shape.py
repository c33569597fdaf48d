from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.shape import OUTPUT_RATE, PEAK_DBFS, loudness, shape
from bridge.domain.ask import DEFAULT_SHAPE, Shape
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


@pytest.mark.parametrize("level", [0.0, 5e-5])
def test_silence_is_refused_and_a_constant_is_silence(level: float) -> None:
    with pytest.raises(BadAudio, match="silence"):
        shape(tone(0.1, 16_000, level=level) + np.float32(0.2), 16_000, 0.1, NO_FADES)


@pytest.mark.parametrize("excess_db", [1.0, 6.0, 20.0])
def test_flat_tops_are_refused_and_loud_rounded_ones_are_not(excess_db: float) -> None:
    loud = tone(0.5, 48_000, level=10 ** (excess_db / 20))
    shape(loud, 48_000, 0.5, NO_FADES)
    with pytest.raises(BadAudio, match="clipped"):
        shape(np.clip(loud, -1, 1), 48_000, 0.5, NO_FADES)


def test_noise_and_low_tones_are_not_taken_for_clipped() -> None:
    rng = np.random.default_rng(1)
    shape(rng.uniform(-1, 1, (24_000, 1)).astype(np.float32), 48_000, 0.5, NO_FADES)
    shape(tone(0.5, 48_000, hertz=100.0), 48_000, 0.5, NO_FADES)
    shape(np.tanh(tone(0.5, 48_000, level=2.0)), 48_000, 0.5, NO_FADES)  # a loud tone of a network that ends in a tanh


def late(seconds: float = 0.3) -> np.ndarray:
    """A burst that begins after `seconds` and has died away long before the end."""
    samples = np.zeros((48_000, 1), np.float32)
    start = round(seconds * 48_000)
    samples[start : start + 9_600] = tone(0.2, 48_000) * np.linspace(1, 0, 9_600, dtype=np.float32)[:, None]
    return samples


def test_trim_moves_the_sound_to_the_beginning_with_its_pre_roll_and_keeps_the_length() -> None:
    clip = shape(late(), 48_000, 1.0, Shape(fade_in_ms=0, fade_out_ms=0, trim="onset"))[:, 0]
    onset = int(np.argmax(np.abs(clip) > 0.01 * np.abs(clip).max()))
    assert len(clip) == 48_000 and 200 <= onset <= 245  # 5 ms are 240 frames


def test_trim_free_ends_where_the_sound_does() -> None:
    clip = shape(late(), 48_000, 1.0, Shape(fade_in_ms=0, fade_out_ms=0, trim="free"))
    assert 9_500 < len(clip) <= 9_600 + 240


def test_reverse_plays_the_trimmed_sound_backwards_and_fades_at_the_ends_that_are_heard() -> None:
    def trimmed(reverse: int, fade_out_ms: float = 0) -> np.ndarray:
        how = Shape(fade_in_ms=0, fade_out_ms=fade_out_ms, trim="onset", reverse=reverse)
        return shape(late(), 48_000, 1.0, how)[:, 0]

    assert np.array_equal(trimmed(1), trimmed(0)[::-1]) and not np.array_equal(trimmed(1), trimmed(0))
    faded, plain = trimmed(1, 50), trimmed(1)
    assert np.abs(faded[-480:]).max() < np.abs(plain[-480:]).max() / 4
    louder = faded[:-2_400].max() / plain[:-2_400].max()  # the level follows the fades
    assert np.allclose(faded[:-2_400], plain[:-2_400] * louder, atol=1e-3)
    assert DEFAULT_SHAPE.needs_whole_clip is False and Shape(reverse=1).needs_whole_clip


def test_a_reversed_loop_has_no_seam_either() -> None:
    period = tone(0.5, 48_000, hertz=440.0)[:24_000]
    clip = shape(period, 48_000, 0.5, Shape(reverse=1), loop=True)[:, 0]
    twice = np.abs(np.fft.rfft(np.concatenate([clip, clip])))
    assert np.array_equal(clip, shape(period, 48_000, 0.5, NO_FADES, loop=True)[::-1, 0])
    assert np.argmax(twice) == 440 and np.delete(twice, 440).max() < 1e-3 * twice[440]


@pytest.mark.parametrize(("seconds", "lufs"), [(3.0, -23.0), (3.0, -30.0), (0.2, -20.0)])
def test_loudness_is_what_was_asked_for(seconds: float, lufs: float) -> None:
    clip = shape(tone(seconds, 48_000), 48_000, seconds, Shape(0, 0, lufs=lufs))
    assert loudness(clip) == pytest.approx(lufs, abs=0.2)


def test_a_full_scale_tone_of_1_khz_has_the_loudness_that_the_standard_says() -> None:
    # ITU-R BS.1770-4: a 0 dBFS sine of 997 Hz in one channel reads -3.01 LKFS.
    assert loudness(tone(3.0, 48_000, hertz=997.0, level=1.0)) == pytest.approx(-3.01, abs=0.05)


def test_loudness_stops_where_the_peak_would_go_too_high() -> None:
    samples = tone(2.0, 48_000, level=0.01)
    samples[1_000] = 1.0
    clip = shape(samples, 48_000, 2.0, Shape(0, 0, lufs=-10.0))
    assert np.abs(clip).max() == pytest.approx(PEAK, abs=1e-4) and loudness(clip) < -15


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_period_becomes_a_loop_of_the_exact_length_that_goes_on_at_its_beginning(rate: int) -> None:
    period = tone(0.5, rate, hertz=440.0)[: rate // 2]
    clip = shape(period, rate, 0.499, NO_FADES, loop=True)[:, 0]
    assert len(clip) == round(0.499 * 48_000)
    twice = np.abs(np.fft.rfft(np.concatenate([clip, clip])))
    assert np.argmax(twice) == 440 and np.delete(twice, 440).max() < 1e-3 * twice[440]  # one line, no click


def test_what_came_in_is_not_changed() -> None:
    samples = tone(0.5, 48_000)
    before = samples.copy()
    shape(np.frombuffer(samples.tobytes(), np.float32).reshape(-1, 1), 48_000, 0.5, Shape(100, 100))
    shape(samples, 48_000, 0.5, Shape(100, 100))
    assert np.array_equal(samples, before)
