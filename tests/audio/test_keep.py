"""New sound is pasted to a source whose samples stay, and nobody hears where."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bridge.audio.beats import Samples
from bridge.audio.keep import JOIN, continued, filled
from bridge.audio.levels import rms
from tests.rhythms import RATE, hit

SECOND = RATE
FIRST, LAST = SECOND // 2, SECOND  # the gap of most tests, in 1.5 s


def sine(hz: float, phase: float = 0.0, peak: float = 0.5, seconds: float = 1.5) -> Samples:
    wave = peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE + phase)
    return wave.astype(np.float32)[:, None]


def noise(seed: int, level: float = 0.1, seconds: float = 1.5, channels: int = 1) -> Samples:
    return np.random.default_rng(seed).normal(0, level, (round(seconds * RATE), channels)).astype(np.float32)


def bends(samples: Samples) -> Samples:
    """How sharply a wave bends at each frame: a click bends it more than anything else."""
    return np.abs(np.diff(samples, 2, axis=0)).max(axis=1)


def levels_db(samples: Samples, block: int) -> Samples:
    whole = len(samples) // block * block
    return 10 * np.log10(np.square(samples[:whole]).reshape(-1, block * samples.shape[1]).mean(axis=1) + 1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_the_source_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = 1 + seed % 2
    source = noise(seed, 0.2, float(rng.uniform(0.05, 1.5)), channels)
    more = int(rng.integers(RATE // 10, RATE))
    rendering = noise(seed + 100, float(rng.uniform(0.01, 2)), (len(source) + more) / RATE)
    longer = continued(source, rendering, len(source) + more)
    join = min(JOIN, len(source) // 2)
    assert longer.shape == (len(source) + more, channels) and longer.dtype == np.float32
    assert np.array_equal(longer[: len(source) - join], source[:-join])
    gap = int(rng.integers(RATE // 20, len(source) + 1)) if len(source) > RATE // 20 else len(source)
    first = int(rng.integers(0, len(source) - gap + 1))
    patched = filled(source, rendering[: len(source)], first, first + gap)
    assert patched.shape == source.shape and patched.dtype == np.float32
    assert np.array_equal(patched[:first], source[:first]) and np.array_equal(
        patched[first + gap :], source[first + gap :]
    )
    assert not np.array_equal(patched[first : first + gap], source[first : first + gap])
    assert np.abs(longer).max() <= 1 and np.abs(patched).max() <= 1


@pytest.mark.parametrize(("first", "last"), [(FIRST, LAST), (FIRST, FIRST + RATE // 20), (0, 9_600), (60_000, 72_000)])
def test_a_rendering_equal_to_the_source_gives_the_source(first: int, last: int) -> None:
    for source in (noise(1), sine(220), noise(2, channels=2)):
        assert np.abs(filled(source, source, first, last) - source).max() < 1e-6
    assert np.abs(continued(source[:SECOND], source, len(source)) - source).max() < 1e-6


@pytest.mark.parametrize("hz", [41.2, 110.0, 261.6, 1_000.0, 4_000.0])
@pytest.mark.parametrize("phase", np.arange(0, 6.3, 0.7))
def test_a_tone_of_any_phase_goes_on_without_a_click_or_a_dip(hz: float, phase: float) -> None:
    rendering = sine(hz, phase, 0.2)
    usual = bends(sine(hz)).max()
    longer = continued(sine(hz, seconds=1), rendering, len(rendering))
    patched = filled(sine(hz), rendering, FIRST, LAST)
    short = filled(sine(hz), rendering, FIRST, FIRST + RATE // 20)
    for samples in (longer, patched):
        assert bends(samples).max() < (2.0 if hz < 50 else 1.2) * usual  # 10 ms hold no whole period of the lowest
        assert np.ptp(levels_db(samples[: RATE + 9_600], 2_400)) < (3.0 if hz < 100 else 1.0)
    assert bends(short).max() < 3 * usual  # 50 ms cannot be in phase at both ends at every pitch


@pytest.mark.parametrize("seed", range(20))
def test_the_power_of_a_noise_is_constant_across_a_join(seed: int) -> None:
    """Within 1 dB: measured over 15 joins at once, because 10 ms of noise vary by more."""
    total = np.zeros(6)
    for turn in range(15):
        source, rendering = noise(1_000 * seed + turn, 0.1), noise(1_000 * seed + turn + 500, 0.03)
        around = slice(SECOND - 2_400, SECOND + 480)
        longer = continued(source[:SECOND], rendering, len(source))[around]
        total += np.square(longer.reshape(6, 480)).mean(axis=1)
    assert np.ptp(10 * np.log10(total)) < 1.0


@pytest.mark.parametrize("seed", range(20))
def test_a_noise_has_no_click_at_a_join(seed: int) -> None:
    """The energy of its differences in 2 ms, which a click would raise, is nowhere far above that of the source."""
    source = noise(seed)
    for samples in (
        continued(source[:SECOND], noise(seed + 100, 0.5), len(source)),
        filled(source, noise(seed + 100, 0.02), FIRST, LAST),
    ):
        jumps = levels_db(np.diff(samples, axis=0), 96)
        assert jumps.max() < levels_db(np.diff(source, axis=0), 96).max() + 1.5


@pytest.mark.parametrize("hz", [110.0, 440.0, 2_000.0])
@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5])
def test_a_hole_in_a_tone_is_filled_without_a_click(hz: float, phase: float) -> None:
    source = sine(hz)
    source[FIRST:LAST] = 0
    patched = filled(source, sine(hz, phase, 0.3), FIRST, LAST)
    assert bends(patched).max() < 1.2 * bends(sine(hz)).max()
    assert np.ptp(levels_db(patched, 2_400)) < 1.0


def test_a_hole_right_after_the_beginning_is_filled_without_a_click() -> None:
    source = sine(440)
    source[700:9_600] = 0
    assert bends(filled(source, sine(440, 1.0, 0.3), 700, 9_600)).max() < 1.5 * bends(sine(440)).max()


def test_a_hole_in_a_noise_has_no_dip_at_its_ends() -> None:
    total = np.zeros(60)
    for seed in range(60):
        source = noise(seed)
        source[FIRST:LAST] = 0
        patched = filled(source, noise(seed + 500, 0.02), FIRST, LAST)
        total += 10 ** (levels_db(patched[FIRST - 2_400 : FIRST + 12_000], 240) / 10)
    assert np.abs(10 * np.log10(total / 60 / 0.01)).max() < 1.5


@pytest.mark.parametrize("defect", [slice(0, 4), slice(600, 603), slice(1_300, 1_340)])
def test_a_click_in_a_gap_is_not_heard(defect: slice) -> None:
    source = sine(300, peak=0.3)
    source[FIRST:LAST][defect] = 0.95
    source[FIRST:LAST][::-1][defect] = -0.95
    patched = filled(source, sine(300, 1.0), FIRST, LAST)
    assert bends(patched).max() < 1.2 * bends(sine(300, peak=0.3)).max()


def test_an_old_hit_at_the_beginning_of_a_gap_is_not_heard() -> None:
    source = noise(1, 0.003)
    source[FIRST : FIRST + 9_600, 0] += 0.8 * hit("snare")[:9_600]
    patched = filled(source, noise(2, 0.003), FIRST, LAST)
    assert rms(patched[FIRST : FIRST + JOIN]) < 2 * 0.003
    source = noise(1, 0.003)
    source[FIRST : FIRST + 9_600] += sine(60, seconds=0.2)  # without an edge
    assert rms(filled(source, noise(2, 0.003), FIRST, LAST)[FIRST : FIRST + JOIN]) < 2 * 0.003


@pytest.mark.parametrize("gain_db", [-18.0, 0.0, 12.0])
def test_new_sound_has_the_level_of_the_source_next_to_it(gain_db: float) -> None:
    rendering = noise(2, 0.1 * 10 ** (gain_db / 20))
    source = noise(1) * np.linspace(1.0, 0.25, len(noise(1)), dtype=np.float32)[:, None]  # 12 dB quieter at its end
    same = rendering.copy()
    patched = filled(source, same, FIRST, LAST)
    ratios = [
        levels_db(patched[place : place + 4_800], 4_800)[0] - levels_db(source[place : place + 4_800], 4_800)[0]
        for place in range(FIRST, LAST, 4_800)
    ]
    assert np.abs(ratios).max() < 1.0
    longer = continued(source[:SECOND], same, len(source))
    assert abs(levels_db(longer[SECOND:], 24_000)[0] - levels_db(source[SECOND - 4_800 : SECOND], 4_800)[0]) < 1.5


@pytest.mark.parametrize("tail", [0.0, 7e-4])
def test_a_silent_tail_does_not_silence_what_comes_after_it(tail: float) -> None:
    source, rendering = noise(1, 0.2, seconds=1), noise(2, 0.05)
    source[RATE // 2 :] *= np.float32(tail)
    rendering[RATE // 2 : SECOND] *= 0.01
    longer = continued(source, rendering, len(rendering))
    assert rms(longer[SECOND:]) == pytest.approx(0.2, rel=0.1)


def test_a_gap_with_silence_on_one_side_has_the_level_of_the_other() -> None:
    source = noise(1)
    source[:FIRST] = 0
    patched = filled(source, noise(2, 0.02), FIRST, LAST)
    assert rms(patched[FIRST + JOIN : LAST]) == pytest.approx(0.1, rel=0.1)


def test_a_filling_of_silence_keeps_its_own_level() -> None:
    silence = np.zeros((SECOND, 1), np.float32)
    assert rms(filled(silence, noise(1, 0.05), 9_600, 24_000)[12_000:20_000]) == pytest.approx(0.05, rel=0.1)


def test_a_gap_as_long_as_the_source_is_all_new() -> None:
    patched = filled(noise(1), noise(2, 0.02), 0, len(noise(1)))
    assert rms(patched) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("balance", [(1.0, 1.0), (1.0, 0.3), (0.0, 1.0), (1.0, -1.0)])
def test_new_sound_in_one_channel_takes_the_balance_of_the_source(balance: tuple[float, float]) -> None:
    source = sine(220) @ np.array([balance], np.float32)
    rendering = sine(220, 2.0, 0.1)
    expected = sine(220) @ np.array([balance], np.float32)
    assert np.abs(filled(source, rendering, FIRST, LAST) - expected).max() < 0.03
    assert np.abs(continued(source[:SECOND], rendering, len(rendering)) - expected).max() < 0.03


def test_new_sound_in_two_channels_keeps_both() -> None:
    source = np.concatenate([sine(220), sine(330, peak=0.2)], axis=1)
    rendering = source * np.float32(0.3)
    assert np.abs(continued(source[:SECOND], rendering, len(source)) - source).max() < 1e-3
    assert np.abs(filled(source[:, :1], rendering[:, :1], FIRST, LAST) - source[:, :1]).max() < 1e-3
    assert filled(source[:, :1], rendering, FIRST, LAST).shape == (len(source), 1)


def test_new_sound_in_two_channels_that_cancel_keeps_the_sign_of_each() -> None:
    source = sine(220) @ np.array([[1.0, -1.0]], np.float32)
    rendering = source * np.float32(0.3)
    assert np.abs(continued(source[:SECOND], rendering, len(source)) - source).max() < 1e-3
    assert np.abs(filled(source, rendering, FIRST, LAST) - source).max() < 1e-3


@pytest.mark.parametrize("phase", [0.0, 1.5, 3.0])
def test_only_the_new_sound_is_lowered_where_it_would_exceed_full_scale(phase: float) -> None:
    source = sine(97, peak=0.999)
    loud = np.concatenate([sine(97, phase, 0.1, seconds=0.9), 3 * sine(211, seconds=0.6)])
    longer, patched = continued(source[:SECOND], loud, len(source)), filled(source, loud, FIRST, LAST)
    assert np.abs(longer).max() <= 1 and np.abs(patched).max() <= 1
    assert np.array_equal(longer[: SECOND - JOIN], source[: SECOND - JOIN])
    assert np.array_equal(patched[LAST:], source[LAST:])
    assert rms(patched[FIRST + JOIN : FIRST + 4 * JOIN]) > 0.1
    other = filled(source, sine(211, phase, 0.999), FIRST, LAST)
    assert np.abs(other).max() <= 1 and bends(other).max() < 8 * bends(sine(211)).max()


def test_a_filling_that_fits_at_other_lags_at_both_ends_is_detuned_by_17_cents_at_most() -> None:
    for hz, phase in product((150.0, 333.3, 800.0), (0.0, 2.0, 4.0)):
        patched = filled(sine(hz), sine(hz * 1.004, phase), FIRST, LAST)
        turns = np.flatnonzero((patched[FIRST:LAST, 0][:-1] < 0) & (patched[FIRST:LAST, 0][1:] >= 0))
        cents = 1200 * np.log2((len(turns) - 1) * RATE / (turns[-1] - turns[0]) / hz)
        assert abs(cents) < 8 + 18 and bends(patched).max() < 1.3 * bends(sine(hz)).max()
        for place in (FIRST, LAST - JOIN):
            assert np.abs(patched - sine(hz))[place : place + JOIN].max() < 0.3


def any_sound(rng: np.random.Generator, frames: int, channels: int) -> Samples:
    """Noise at any level, with an offset, a silent beginning or end, or full scale; or a tone; or silence."""
    sound, kind, place = (
        rng.normal(0, 10 ** rng.uniform(-4, 0), (frames, channels)),
        rng.integers(7),
        rng.integers(frames),
    )
    if kind == 1:
        sound = np.sin(np.arange(frames) * rng.uniform(0.001, 3))[:, None] * rng.uniform(-1, 1, (1, channels))
    sound[slice(place) if kind == 2 else slice(place, None if kind == 3 else place)] = 0
    sound = {4: np.sign(sound), 5: sound + 0.5, 6: 0 * sound}.get(int(kind), sound)
    return np.asarray(np.clip(sound, -1, 1), np.float32)


@pytest.mark.parametrize("seed", range(20))
def test_no_sound_of_any_length_breaks_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _turn in range(10):
        frames, more = int(rng.choice([1, 2, 10, 470, 481, 1_000, 5_000])), int(rng.choice([1, 5, 480, 2_000]))
        source = any_sound(rng, frames, int(rng.integers(1, 3)))
        rendering = any_sound(rng, max(1, round((frames + more) * rng.choice([0.5, 1.0]))), int(rng.integers(1, 3)))
        longer, join = continued(source, rendering, frames + more), min(JOIN, frames // 2)
        assert longer.shape == (frames + more, source.shape[1]) and np.abs(longer).max() <= 1
        assert np.array_equal(longer[: frames - join], source[: frames - join])
        first = int(rng.integers(frames))
        last = int(rng.integers(first + 1, frames + 1))
        patched = filled(source, rendering, first, last)
        assert patched.shape == source.shape and np.abs(patched).max() <= 1
        assert np.array_equal(patched[:first], source[:first]) and np.array_equal(patched[last:], source[last:])
