"""Tempo: measuring it, stretching to it, and leaving alone clips that have none."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from bridge.audio import beats
from bridge.audio.conform import MIN_TEMPO_CONFIDENCE, conform
from bridge.audio.stretch import pitch_shift, stretch
from tests.rhythms import PATTERNS, RATE, clicks, hit, places, rhythm, tone, worst_off_ms

TEMPI = range(70, 181, 10)


def grid(bpm: float, count: int) -> list[float]:
    return [beat * 60 / bpm * RATE for beat in range(count)]


@pytest.mark.parametrize("off", [0.92, 1.0, 1.08])
@pytest.mark.parametrize("bpm", TEMPI)
def test_clicks_end_within_5_ms_of_the_grid_and_fill_their_bars_exactly(bpm: int, off: float) -> None:
    target = bpm * off
    result = conform(clicks(bpm, 2.3 * 240 / bpm, start_s=0.037), target, 2, 4, loop=False)
    assert result.remark == "" and result.stretched and result.confidence > MIN_TEMPO_CONFIDENCE
    assert len(result.samples) == round(2 * 240 / target * RATE)
    assert result.measured_bpm == pytest.approx(bpm, rel=5e-4)
    assert result.ratio == pytest.approx(bpm / target, rel=1e-3)
    assert worst_off_ms(result.samples, grid(target, 8)) < 5


@pytest.mark.parametrize("off", [0.92, 1.0, 1.08])
@pytest.mark.parametrize("bpm", [70, 97.3, 128, 180])
def test_a_loop_that_is_whole_is_turned_so_that_its_beat_comes_first(bpm: float, off: float) -> None:
    whole = np.roll(clicks(bpm, 4 * 240 / bpm), 9_000, axis=0)
    result = conform(whole, bpm * off, 4, 4, loop=True)
    assert result.remark == "" and len(result.samples) == round(4 * 240 / (bpm * off) * RATE)
    assert worst_off_ms(np.concatenate([result.samples] * 2), grid(bpm * off, 32)) < 5


@pytest.mark.parametrize(
    ("bpm", "off", "loop"), [(70, 0.93, False), (110, 1.0, True), (174, 0.93, False), (174, 1.07, True)]
)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_drums_are_on_the_grid_and_keep_their_swing_and_syncopation(
    pattern: str, bpm: int, off: float, loop: bool
) -> None:
    target = bpm * off
    result = conform(rhythm(pattern, bpm, 2.5, start_s=0.08), target, 2, 4, loop)
    assert result.remark == "" and result.confidence > MIN_TEMPO_CONFIDENCE
    assert result.measured_bpm == pytest.approx(bpm, rel=1e-3)
    kicks = [second * RATE for name, second in places(pattern, 2, target) if name in ("kick", "snare")]
    onsets = beats.attacks(result.samples)
    assert max(np.abs(onsets - kick).min() for kick in kicks) < 0.005 * RATE


def test_a_clip_that_is_too_short_at_its_tempo_is_filled_from_a_bar_before_and_says_so() -> None:
    result = conform(clicks(100, 8 * 60 / 108), 108, 2, 4, loop=False)
    assert "too short" in result.remark and result.stretched
    assert worst_off_ms(result.samples, grid(108, 8)) < 5


def test_an_attack_that_was_cut_off_at_the_start_does_not_move_the_grid() -> None:
    cut = clicks(120, 5.0, start_s=0.5)[24_000 + 240 :]
    result = conform(cut, 126, 2, 4, loop=False)
    assert worst_off_ms(result.samples, grid(126, 8)) < 5


@pytest.mark.parametrize(("played", "target"), [(70, 138), (180, 92), (150, 75), (90, 180)])
def test_half_and_double_tempo_are_taken_for_the_one_that_was_asked_for(played: int, target: int) -> None:
    result = beats.measure(rhythm("rock", played, 4), target)
    assert result.bpm == pytest.approx(played * (2 if target > played else 0.5), rel=1e-3)


def test_a_tempo_that_is_too_far_off_is_reported_and_kept() -> None:
    sound = clicks(100, 5.0)
    result = conform(sound, 142, 2, 4, loop=False)
    assert not result.stretched and result.ratio == 1.0 and "100 BPM" in result.remark
    assert len(result.samples) == round(2 * 240 / 142 * RATE)
    assert np.array_equal(result.samples, sound[: len(result.samples)])


def drone(seconds: float) -> np.ndarray:
    return tone(110, seconds)


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.2, (round(seconds * RATE), 1)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros((round(seconds * RATE), 1), np.float32)


def one_hit(seconds: float) -> np.ndarray:
    out = silence(seconds)
    sound = hit("kick")[: len(out)]
    out[: len(sound), 0] = sound
    return out


def scattered(seconds: float) -> np.ndarray:
    rng, out = np.random.default_rng(2), silence(seconds + 1)
    for at in rng.integers(0, round(seconds * RATE), round(3 * seconds)):
        out[at : at + 20_000, 0] += hit("snare")[:20_000]
    return out[: round(seconds * RATE)]


BEATLESS = [drone, noise, silence, one_hit, scattered]


@pytest.mark.parametrize(
    ("make", "seconds", "loop"), [*itertools.product(BEATLESS, (0.1, 1.0, 4.0), (False, True)), (noise, 60.0, False)]
)
def test_what_has_no_beat_is_not_stretched_and_says_so(make: object, seconds: float, loop: bool) -> None:
    sound = make(seconds)  # type: ignore[operator]
    bars = seconds * 120 / 240
    result = conform(sound, 120, bars, 4, loop)
    assert not result.stretched and result.remark and result.confidence < MIN_TEMPO_CONFIDENCE
    assert np.array_equal(result.samples, sound)


def test_half_a_minute_of_drums_is_still_on_the_grid_at_its_end() -> None:
    result = conform(rhythm("rock", 119.3, 15), 120, 14, 4, loop=False)
    kicks = [second * RATE for name, second in places("rock", 14, 120) if name == "kick"]
    onsets = beats.attacks(result.samples)
    assert len(result.samples) == 28 * RATE
    assert max(np.abs(onsets - kick).min() for kick in kicks) < 0.005 * RATE


def test_two_channels_stay_together() -> None:
    sound = clicks(100, 6.0)
    both = np.concatenate([sound, -0.5 * sound], axis=1)
    result = conform(both, 107, 2, 4, loop=True).samples
    assert result.shape[1] == 2 and np.abs(result[:, 1] + 0.5 * result[:, 0]).max() < 1e-3
    opposite = conform(np.concatenate([sound, -sound], axis=1), 107, 2, 4, loop=False)
    assert opposite.stretched


def test_the_same_clip_gives_the_same_bytes() -> None:
    sound = rhythm("breakbeat", 100, 2.5)
    assert np.array_equal(conform(sound, 93, 2, 4, True).samples, conform(sound, 93, 2, 4, True).samples)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("before", "after"), [(11, 17), (960, 961), (5_000, 4_001), (48_000, 59_999), (96_001, 77_000)]
)
def test_stretching_gives_exactly_as_many_frames_as_were_asked(before: int, after: int, channels: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (before, channels)).astype(np.float32)
    for attacks in ([], [0], list(range(0, before, 2_000)), [before // 2]):
        for loop in (False, True):
            out = stretch(sound, after, attacks, loop)
            assert out.shape == (after, channels) and out.dtype == np.float32 and np.isfinite(out).all()


@pytest.mark.parametrize("ratio", [0.8, 0.92, 1.08, 1.25])
@pytest.mark.parametrize("drum", ["kick", "snare", "closed_hat", "rim"])
def test_an_attack_stays_as_sharp_as_it_was_and_nothing_sounds_before_it(drum: str, ratio: float) -> None:
    sound, starts = silence(4.0), list(range(4_800, 180_000, 16_000))
    for at in starts:
        sound[at : at + 12_000, 0] += hit(drum)[:12_000]
    out = stretch(sound, round(len(sound) * ratio), starts)[:, 0]
    for at in starts:
        start = round(at * ratio)
        assert np.allclose(out[start : start + 900], sound[at : at + 900, 0], atol=1e-4)
        before, after = out[start - 960 : start - 48], out[start : start + 960]
        assert np.square(before).mean() < 0.01 * np.square(after).mean()


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_a_stretched_loop_goes_on_at_its_beginning_without_a_click(ratio: float) -> None:
    sound = tone(100, 2.0, partials=3)  # 200 periods
    for attacks in ([], [10_000, 50_000]):
        out = stretch(sound, round(len(sound) * ratio), attacks, loop=True)[:, 0]
        seam = np.abs(np.diff(np.concatenate([out[-50:], out[:50]]))).max()
        assert seam < 1.5 * np.abs(np.diff(out)).max() and seam < 2 * np.abs(np.diff(sound[:, 0])).max()
        assert np.sqrt(np.square(out).mean()) == pytest.approx(np.sqrt(np.square(sound).mean()), rel=0.15)


@pytest.mark.parametrize("cents", [-600, -130, 70, 500])
def test_a_pitch_shift_keeps_the_length_and_moves_the_pitch(cents: float) -> None:
    for loop in (False, True):
        out = pitch_shift(tone(440, 2.0, partials=1), cents, [0], loop)
        assert len(out) == 2 * RATE
        spectrum = np.abs(np.fft.rfft(out[:, 0] * np.hanning(len(out))))
        assert np.argmax(spectrum) / 2 == pytest.approx(440 * 2 ** (cents / 1200), abs=1.0)


def test_measuring_loads_nothing_heavy() -> None:
    code = (
        "import sys, numpy, bridge.audio.conform, bridge.audio.key;"
        "from bridge.audio import beats; beats.measure(numpy.zeros((48000, 1), 'float32'), 120);"
        "print(*sorted({'scipy', 'librosa', 'numba', 'sklearn', 'torch', 'python_stretch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_without_the_stretcher_the_clip_is_delivered_as_it_came_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_stretch", None)
    result = conform(clicks(100, 6.0), 107, 2, 4, loop=False)
    assert not result.stretched and "pip install" in result.remark
    assert len(result.samples) == round(2 * 240 / 107 * RATE)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_drums_played_by_hand_are_trusted_too(pattern: str) -> None:
    result = conform(rhythm(pattern, 100, 4.5, 0.08, loose_s=0.006), 105, 4, 4, loop=False)
    assert result.stretched and result.measured_bpm == pytest.approx(100, rel=5e-3)
