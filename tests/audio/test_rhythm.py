"""Rhythms: what is one, and how one goes on after its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soxr

from bridge.audio import beats, continuing, hits
from bridge.audio.beats import Samples
from bridge.audio.rhythm import Rhythm, rhythm_of
from bridge.starter.catalogue import BY_NAME, draw
from bridge.starter.sounds.parts import SAMPLE_RATE
from tests.rhythms import PATTERNS, RATE, chord, clicks, places, rhythm, tone


def beat(pattern: str, bpm: float, bars: float = 2, start_s: float = 0.0, loose_s: float = 0.0) -> Samples:
    return rhythm(pattern, bpm, bars, start_s, loose_s)[:, 0]


def goes_on(wave: Samples, bpm: float, frames: int, rate: int = RATE) -> Samples:
    """The rhythm, continued with its own hits."""
    told = rhythm_of(wave, rate, bpm)
    assert told is not None
    bar = continuing.period(told, rate, len(wave), 4)
    placed = continuing.repeated(hits.cut(wave, rate, told.onsets), len(wave), frames, bar, rate)
    base = continuing.base(wave, frames, placed[0].start, bar, rate)
    return hits.put_back(base, rate, placed, [one.sound for one in placed])


@pytest.mark.parametrize("rate", [44_100, 16_000])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_rhythm_is_told_at_the_rate_of_an_engine(pattern: str, rate: int) -> None:
    wave = np.asarray(soxr.resample(beat(pattern, 92), RATE, rate, "HQ"), np.float32)
    told = rhythm_of(wave, rate, 92)
    assert told is not None and told.bpm == 92
    strong = [at * rate for name, at in places(pattern, 2, 92) if name in ("kick", "snare")]
    assert max(np.abs(told.onsets - at).min() for at in strong) < 0.003 * rate


@pytest.mark.parametrize("bpm", [60, 90, 120, 174])
@pytest.mark.parametrize("pattern", ["four on the floor", "rock", "breakbeat"])
def test_the_tempo_need_not_be_known(pattern: str, bpm: float) -> None:
    told = rhythm_of(beat(pattern, bpm), RATE)
    assert told is not None
    assert any(told.bpm == pytest.approx(bpm * octave, rel=0.005) for octave in (0.5, 1, 2))


def test_a_known_tempo_near_the_measured_one_is_the_exact_one() -> None:
    played = rhythm_of(beat("rock", 100, 4, loose_s=0.01), RATE, 100)
    assert played is not None and played.bpm == 100
    other = rhythm_of(beat("rock", 103, 4), RATE, 100)
    assert other is not None and other.bpm == pytest.approx(103, rel=1e-3)


def test_four_hits_without_a_beat_are_a_rhythm_without_a_tempo() -> None:
    wave = np.zeros(4 * RATE, np.float32)
    for at in (5_000, 40_000, 97_000, 121_000, 171_000):
        wave[at : at + 1_200] += clicks(60, 0.1)[:1_200, 0]
    told = rhythm_of(wave, RATE)
    assert told is not None and len(told.onsets) == 5 and told.bpm == 0
    assert continuing.period(told, RATE, len(wave), 4) == 0


def starter(name: str, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    dense = replace(
        draw(rng, BY_NAME[name]), force=1.0
    )  # each snap of a sparse crackle may be a hit: of 20 with -1 there are 7
    wave = BY_NAME[name].make(rng, dense, 3 * SAMPLE_RATE)
    return np.asarray(soxr.resample(wave / np.abs(wave).max(), SAMPLE_RATE, RATE, "HQ"), np.float32)


SINGLE = ("kick", "snare", "clap", "closed_hat", "crash", "rain", "wind", "fire", "thunder", "pad", "organ", "riser")


@pytest.mark.parametrize("name", SINGLE)
def test_single_sounds_and_textures_are_no_rhythms(name: str) -> None:
    assert [rhythm_of(starter(name, seed), RATE) for seed in (1, 2, 3)] == [None] * 3


def test_neither_silence_nor_noise_nor_a_tone_is_a_rhythm() -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, 3 * RATE).astype(np.float32)
    for wave in (np.zeros(3 * RATE, np.float32), noise, tone(110, 3)[:, 0], chord(220, (0, 4, 7), 3)[:, 0], noise[:10]):
        assert rhythm_of(wave, RATE) is None


@pytest.mark.parametrize("bpm", [60, 97.3, 174])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_rhythm_goes_on_as_if_it_had_been_longer(pattern: str, bpm: float) -> None:
    two, four = beat(pattern, bpm, 2), beat(pattern, bpm, 4)
    out = goes_on(two, bpm, len(four))
    assert np.array_equal(out[: len(two) - round(0.03 * RATE)], two[: -round(0.03 * RATE)])
    onsets = beats.attacks(out[:, None])
    strong = [at * RATE for name, at in places(pattern, 4, bpm) if name in ("kick", "snare")]
    assert max(np.abs(onsets - at).min() for at in strong) < 0.003 * RATE
    measured = beats.measure(out[:, None], bpm)
    assert measured.bpm == pytest.approx(bpm, rel=0.002) and measured.confidence > 0.5


@pytest.mark.parametrize("bars", [1.37, 1.5, 2.25])
def test_a_rhythm_that_ends_within_a_bar_keeps_its_phase(bars: float) -> None:
    bpm = 112
    source, whole = beat("rock", bpm, bars), beat("rock", bpm, 4)
    out = goes_on(source, bpm, len(whole))
    onsets = beats.attacks(out[:, None])
    kicks = [at * RATE for name, at in places("rock", 4, bpm) if name == "kick"]
    # The pattern repeats after a bar, so the kicks are those of the longer rhythm.
    assert max(np.abs(onsets - at).min() for at in kicks) < 0.003 * RATE


def test_a_pause_in_the_last_bar_is_a_pause_in_each_that_follows() -> None:
    source = beat("four on the floor", 120, 2).copy()
    source[int(3.02 * RATE) :] = 0.0  # the last beat and a half of the second bar
    source[int(3.02 * RATE) - 480 : int(3.02 * RATE)] *= np.linspace(1, 0, 480)
    out = goes_on(source, 120, 8 * RATE)
    for bar in (2, 3):
        assert np.abs(out[int((2 * bar + 1.05) * RATE) : int((2 * bar + 1.95) * RATE)]).max() < 0.01
        assert np.abs(out[int(2 * bar * RATE) : int((2 * bar + 0.5) * RATE)]).max() > 0.3


def test_a_source_shorter_than_a_bar_repeats_its_beats() -> None:
    told = Rhythm(np.array([0]), 120.0)
    assert continuing.period(told, 48_000, 50_000, 4) == 48_000  # two beats of 24,000 frames
    assert continuing.period(told, 48_000, 47_000, 4) == 48_000  # nearly two
    assert continuing.period(told, 48_000, 10_000, 4) == 0
    assert continuing.period(told, 48_000, 500_000, 3) == 72_000


@pytest.mark.parametrize("extra_s", [-0.012, 0.0, 0.1, 0.2])
def test_there_is_no_click_at_the_join(extra_s: float) -> None:
    source = beat("four on the floor", 120, 2, 0.0)
    longer = beat("four on the floor", 120, 4)
    source = longer[: round((4 + extra_s) * RATE)]
    out = goes_on(source, 120, len(longer))
    around = slice(len(source) - 2_000, len(source) + 2_000)
    assert np.abs(np.diff(out[around])).max() < 1.3 * np.abs(np.diff(longer[around])).max()
    assert np.sqrt(np.square(out[around]).mean()) == pytest.approx(np.sqrt(np.square(longer[around]).mean()), rel=0.3)
