"""Rhythms that the starter learns from, and the measures that judge those that it makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bridge.audio.seam import hole_db
from bridge.starter import dataset, rhythm_measures, rings
from bridge.starter.catalogue import BY_NAME, RHYTHMS, draw
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.rhythms.drum_styles import DRUMS
from bridge.starter.rhythms.pattern import STEPS, VELOCITIES, Hit
from bridge.starter.rhythms.play import PLAYERS
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave
from bridge.starter.sounds.sound import Sound

IDS = [rhythm.name for rhythm in RHYTHMS]
BPM = 124.0
CLEAR = ("four_on_the_floor_loop", "house_loop", "rock_loop", "drum_and_bass_loop", "hat_loop", "arpeggio")


def played(name: str, seed: int = 1, bars: int = 2, bpm: float = BPM, **more: float) -> Wave:
    attributes = replace(Attributes(bpm=bpm, chord="minor"), **more)  # type: ignore[arg-type]
    return PLAYERS[name].make(np.random.default_rng(seed), attributes, round(bars * 240 / bpm * SAMPLE_RATE))


def hits(name: str, seed: int = 1, **more: float) -> list[Hit]:
    attributes = replace(Attributes(bpm=BPM, chord="minor"), **more)  # type: ignore[arg-type]
    return PLAYERS[name].plan(np.random.default_rng(seed), attributes)


@pytest.mark.parametrize("style", DRUMS.values(), ids=DRUMS)
def test_every_pattern_has_a_mark_for_each_sixteenth_of_a_bar(style: object) -> None:
    for variants in style.parts.values():  # type: ignore[attr-defined]
        for marks in variants:
            assert len(marks) == STEPS and {*marks} <= {".", *VELOCITIES}


@pytest.mark.parametrize("name", ["four_on_the_floor_loop", "house_loop", "rock_loop", "drum_and_bass_loop"])
def test_the_tempo_of_a_rhythm_is_the_one_it_was_made_in(name: str) -> None:
    assert rhythm_measures.tempo_bpm(played(name), 121.0) == pytest.approx(BPM, rel=0.004)
    assert rhythm_measures.tempo_bpm(played(name, bpm=128.0), BPM) == pytest.approx(128.0, rel=0.004)


@pytest.mark.parametrize("name", CLEAR)
def test_hits_are_on_the_grid_of_their_tempo_and_not_on_that_of_another(name: str) -> None:
    wave = played(name)
    assert rhythm_measures.share_on_grid(wave, BPM) > 0.9
    assert rhythm_measures.share_on_grid(wave, BPM * 1.06) < 0.7


@pytest.mark.parametrize("name", ["house_loop", "hat_loop", "breakbeat_loop", "melody"])
def test_a_busy_rhythm_has_more_hits_than_a_sparse_one(name: str) -> None:
    busy, sparse = (sum(len(hits(name, seed, density=density)) for seed in range(8)) for density in (0.9, -0.9))
    assert busy > sparse


def test_swing_delays_every_second_sixteenth_and_nothing_else() -> None:
    straight, swung = (hits("hat_loop", 3, swing=swing) for swing in (0.0, 1.0))
    assert len(straight) == len(swung)
    for before, after in zip(straight, swung, strict=True):
        late = 1 / 12 if round(before.beat * 4) % 2 else 0.0
        assert after.beat == pytest.approx(before.beat + late)


def test_in_half_time_the_snare_comes_once_a_bar() -> None:
    snares = Counter(int(hit.beat // 4) for hit in hits("rock_loop", 2, half=True, density=-0.9) if hit.part == "snare")
    assert [snares[bar] for bar in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(6))
def test_the_first_three_bars_are_alike(seed: int) -> None:
    bars = [
        sorted(
            (round(hit.beat % 4, 6), hit.part) for hit in hits("house_loop", seed, density=0.9) if hit.beat // 4 == bar
        )
        for bar in range(4)
    ]
    assert bars[0] == bars[1] == bars[2]


@pytest.mark.parametrize("sound", RHYTHMS, ids=IDS)
def test_a_ring_is_as_long_as_its_bars_and_its_end_rings_on_in_its_beginning(sound: Sound) -> None:
    rng = np.random.default_rng(4)
    rows = dataset.ring_rows(1, 120)
    wave = rings.make(rng, sound, replace(draw(rng, sound), bpm=120.0, dust=0.0), rows * dataset.ROW_SAMPLES)
    assert wave.shape == (rows * dataset.ROW_SAMPLES,) and np.isfinite(wave).all()
    assert hole_db(np.roll(wave, len(wave) // 2), SAMPLE_RATE) < 40  # a bar is no shorter than what sounds in it
    assert np.abs(wave).max() == pytest.approx(0.89, abs=0.01)


@pytest.mark.parametrize("name", ["pad", "organ", "sub", "wind", "supersaw"])
def test_a_steady_sound_becomes_a_ring_without_a_hole_at_its_seam(name: str) -> None:
    sound, rng = BY_NAME[name], np.random.default_rng(2)
    wave = rings.make(rng, sound, replace(draw(rng, sound), length=1.0), 40 * dataset.ROW_SAMPLES)
    assert wave.shape == (40 * dataset.ROW_SAMPLES,)
    assert hole_db(wave, SAMPLE_RATE) <= 3


def test_every_rhythm_has_a_usual_tempo_that_the_network_learns() -> None:
    assert {*USUAL_BPM} == {*IDS}
    assert all(60 <= low < high <= 180 for low, high in USUAL_BPM.values())


def test_a_clip_of_a_ring_knows_its_tempo_to_the_row() -> None:
    for rows, label, mel in dataset.make_chunk((5, 1)):
        assert mel.shape == (rows * dataset.ROW_FRAMES, 128)
        if label.ring and label.bpm:
            beats = rows * dataset.ROW_SAMPLES / SAMPLE_RATE * label.bpm / 60
            assert beats == pytest.approx(round(beats / 4) * 4, abs=1e-6)
