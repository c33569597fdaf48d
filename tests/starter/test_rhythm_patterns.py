"""The starter's rhythms: on the grid, regular, closed on a ring, and as their adjectives say."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from bridge.starter.catalogue import SINGLES
from bridge.starter.measures import share_above
from bridge.starter.rhythm_measures import onsets_s, share_on_grid
from bridge.starter.rhythms.catalogue import RHYTHMS, USUAL_BPM
from bridge.starter.rhythms.drum_styles import DRUMS
from bridge.starter.rhythms.pattern import BARS, BEATS_PER_BAR, Hit, swung
from bridge.starter.rhythms.play import PLAYERS
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave
from bridge.starter.sounds.sound import Sound
from tests.starter.rhythm_grid import grid_seconds, hit_seconds

BY_NAME = {rhythm.name: rhythm for rhythm in RHYTHMS}
NAMES = [rhythm.name for rhythm in RHYTHMS]
of_each = pytest.mark.parametrize("rhythm", RHYTHMS, ids=NAMES)
of_each_name = pytest.mark.parametrize("name", NAMES)
SEEDS = range(6)
SOFT_ATTACKS = ("chord_progression", "shaker_loop")


def plan(name: str, seed: int, density: float = 0.0, swing: float = 0.0, half: bool = False) -> list[Hit]:
    a = Attributes(density=density, swing=swing, half=half, chord="minor" if seed % 2 else "major")
    return PLAYERS[name].plan(np.random.default_rng(seed), a)


def bar(hits: list[Hit], number: int) -> list[tuple[float, str, float, int]]:
    begin = number * BEATS_PER_BAR
    return sorted(
        (round(hit.beat - begin, 6), hit.part, hit.velocity, hit.semitones)
        for hit in hits
        if begin <= hit.beat < begin + BEATS_PER_BAR
    )


def ring(rhythm: Sound, seed: int, n: int, a: Attributes) -> Wave:
    assert rhythm.ring is not None
    return rhythm.ring(np.random.default_rng(seed), a, n)


@of_each_name
def test_straight_hits_are_on_sixteenths_but_for_the_rolls_of_trap(name: str) -> None:
    for seed in SEEDS:
        for density in (-0.8, 0.0, 0.8):
            hits = plan(name, seed, density)
            assert hits and all(0 <= hit.beat < BARS * BEATS_PER_BAR and 0 < hit.velocity <= 1 for hit in hits)
            on_grid = [hit for hit in hits if abs(hit.beat * 4 - round(hit.beat * 4)) < 1e-6]
            assert len(on_grid) == len(hits) or name == "trap_loop"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "trap_loop" and name not in SOFT_ATTACKS])
def test_what_is_heard_begins_within_10_ms_of_the_grid(name: str) -> None:
    wave = PLAYERS[name].make(np.random.default_rng(2), Attributes(density=0.5, bpm=112.0), 3 * SAMPLE_RATE)
    assert len(onsets_s(wave)) > 3 and share_on_grid(wave, 112.0) > 0.95


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SOFT_ATTACKS])
def test_hits_are_heard_where_the_plan_has_them(name: str) -> None:
    a = Attributes(swing=1.0, bpm=100.0, chord="minor")
    wave = PLAYERS[name].make(np.random.default_rng(3), a, 3 * SAMPLE_RATE)
    planned = hit_seconds(plan(name, 3, swing=1.0), 100.0, 3.0)
    onsets = [onset for onset in onsets_s(wave) if onset < 2.98]  # the end of the clip looks like one
    near = [float(np.abs(planned - onset).min()) for onset in onsets]
    assert np.mean(np.array(near) < 0.010) > 0.9


@of_each_name
def test_a_busy_rhythm_has_more_hits_than_a_sparse_one_and_a_plain_one_is_between(name: str) -> None:
    for seed in SEEDS:
        sparse, plain, busy = (len(bar(plan(name, seed, density), 0)) for density in (-0.7, 0.0, 0.7))
        assert sparse < busy and sparse <= plain <= busy


@of_each_name
def test_swing_makes_what_is_between_late_and_leaves_the_beats(name: str) -> None:
    for seed in SEEDS:
        for density in (-0.7, 0.0, 0.7):
            if name == "trap_loop" and density > -0.5:
                continue  # the hits of a roll are between
            beats = [hit.beat % 1 for hit in plan(name, seed, density, swing=1.0)]
            places = {round(beat * 12, 6) for beat in beats}
            sixteenths, eighths = {0.0, 4.0, 6.0, 10.0}, {0.0, 4.0, 8.0, 10.0}
            assert places <= sixteenths or places <= eighths
            assert places != {0.0} and places != {0.0, 6.0}


def test_swing_is_a_third_at_most_and_keeps_the_order() -> None:
    steps = [step / 16 for step in range(65)]
    for eighths, pair in ((False, 0.5), (True, 1.0)):
        moved = [swung(beat, 1.0, eighths) for beat in steps]
        assert moved == sorted(moved) and moved[-1] == 4.0
        assert swung(pair / 2, 1.0, eighths) == pytest.approx(pair * 2 / 3)
        assert [swung(beat, 0.0, eighths) for beat in steps] == pytest.approx(steps)


@pytest.mark.parametrize("name", DRUMS)
def test_three_bars_are_alike_and_the_fourth_only_differs_when_busy(name: str) -> None:
    fills = 0
    for seed in range(12):
        for density in (-0.7, 0.0, 0.7):
            hits = plan(name, seed, density)
            bars = [bar(hits, number) for number in range(BARS)]
            assert bars[0] == bars[1] == bars[2]
            fills += bars[3] != bars[0]
            assert density > 0.5 or bars[3] == bars[0]
            begun = [[hit for hit in played if hit[0] < 3] for played in (bars[0], bars[3])]
            assert begun[0] == begun[1]
    assert 0 < fills < 12


@of_each_name
def test_half_time_puts_the_back_beat_on_three_where_it_fits(name: str) -> None:
    fits = "half" in BY_NAME[name].fits.split()
    assert fits == (name in DRUMS and bool(DRUMS[name].back))
    if fits:
        backs = [hit.beat % BEATS_PER_BAR for hit in plan(name, 1, half=True) if hit.part == DRUMS[name].back]
        assert set(backs) == {2.0}


@of_each
def test_a_ring_has_no_seam(rhythm: Sound) -> None:
    n = round(2 * 240 / 120.7 * SAMPLE_RATE)
    for seed, (brightness, dust) in enumerate([(0.0, 0.0), (-0.8, 0.0), (0.7, 0.8)]):
        a = Attributes(brightness=brightness, dust=dust, bpm=120.7, chord="minor")
        wave = ring(rhythm, seed, n, a)
        assert wave.shape == (n,) and wave.dtype == np.float32 and np.abs(wave).max() <= 1
        bend = np.abs(np.diff(np.concatenate([wave[-3:], wave[:3]]), 2))
        assert bend.max() <= 2 * np.percentile(np.abs(np.diff(wave, 2)), 99.9)


@of_each
def test_a_ring_holds_as_many_bars_as_its_tempo_says(rhythm: Sound) -> None:
    for bars in (1, 2):
        n = round(bars * 240 / 121.3 * SAMPLE_RATE)
        wave = ring(rhythm, 4, n, Attributes(bpm=121.0, density=0.5))
        line = PLAYERS[rhythm.name].make(np.random.default_rng(4), Attributes(bpm=121.3, density=0.5), n)
        # What rings on from the end is heard in the beginning alone.
        ringing, straight = (np.abs(x[n * 3 // 4 :]) for x in (wave, line))
        levels = [np.convolve(x, np.ones(441), "valid")[::441] for x in (ringing, straight)]
        assert np.corrcoef(levels[0], levels[1])[0, 1] > 0.9


@of_each
def test_it_begins_with_the_bar_and_is_the_same_for_the_same_seed(rhythm: Sound) -> None:
    first, again, other = (
        rhythm.make(np.random.default_rng(seed), Attributes(bpm=96.0), SAMPLE_RATE) for seed in (7, 7, 8)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.isfinite(first).all() and rhythm.make(np.random.default_rng(0), Attributes(), 2_000).shape == (2_000,)


@of_each_name
def test_bright_rhythms_have_more_treble_than_dark_ones(name: str) -> None:
    shares, treble = [], 8_000 if name in ("hat_loop", "shaker_loop") else 2_000
    for brightness in (-0.6, 0.6):
        a = Attributes(brightness=brightness, chord="minor")
        shares.append(share_above(PLAYERS[name].make(np.random.default_rng(1), a, SAMPLE_RATE), treble))
    assert shares[1] > 1.4 * shares[0]


def test_a_dusty_rhythm_hisses_in_its_gaps_and_a_clean_one_is_silent() -> None:
    dusty, clean = (
        PLAYERS["four_on_the_floor_loop"].make(
            np.random.default_rng(5), Attributes(density=-0.8, dust=dust, bpm=60.0), 2 * SAMPLE_RATE
        )
        for dust in (0.9, 0.0)
    )

    def quietest(wave: Wave) -> float:
        return float(np.sqrt((wave[: len(wave) // 441 * 441].reshape(-1, 441) ** 2).mean(1)).min())

    assert quietest(dusty) > 3 * quietest(clean)


def test_the_grid_has_the_sixteenths_of_a_clip() -> None:
    assert grid_seconds(120.0, 0.0, 1.0) == pytest.approx(np.arange(8) / 8)
    late = grid_seconds(120.0, 1.0, 1.0)
    assert late[:4] == pytest.approx([0, 1 / 6, 1 / 4, 5 / 12])
    assert grid_seconds(120.0, 1.0, 1.0, eighths=True)[2] == pytest.approx(1 / 3)


def test_no_name_means_two_rhythms_or_a_single_sound() -> None:
    nouns = Counter(noun for sound in (*SINGLES, *RHYTHMS) for noun in sound.nouns)
    assert not [noun for noun, count in nouns.items() if count > 1]
    assert {"drum loop", "house beat", "boom bap", "dnb break", "top loop", "bassline", "arp", "chords", "riff"} <= {
        *nouns
    }
    assert set(USUAL_BPM) == set(NAMES) and all(60 <= low < high <= 180 for low, high in USUAL_BPM.values())


def test_four_seconds_take_little_time() -> None:
    begun = time.process_time()
    for number, rhythm in enumerate(RHYTHMS):
        rhythm.make(np.random.default_rng(number), Attributes(bpm=100.0), 4 * SAMPLE_RATE)
    assert (time.process_time() - begun) / len(RHYTHMS) < 0.2
