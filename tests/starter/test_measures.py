"""The measures of the evaluation: right on sounds that are known to be right, and wrong on wrong ones. Synthesised sound only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr

from bridge.domain.notes import c_of
from bridge.starter import held_out_kinds, rhythm_measures, sheet
from bridge.starter.catalogue import BY_NAME, NAMES, RHYTHMS, SOUNDS, draw
from bridge.starter.evaluate import EVERYTHING, free_prompts
from bridge.starter.kept_rows import KeptRows, Made, fingerprint
from bridge.starter.measures import log_spectral_distance_db
from bridge.starter.more_rows import TYPED_PROMPTS, level_range_db
from bridge.starter.pitch_measures import off_cents
from bridge.starter.rhythms.play import PLAYERS
from bridge.starter.rows import Row
from bridge.starter.rows_of_notes import LOW_NOTES, reached
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave, hold, sine


def played(name: str, bpm: float, seed: int = 3, bars: int = 2) -> Wave:
    attributes = replace(Attributes(chord="minor"), bpm=bpm)
    return PLAYERS[name].make(np.random.default_rng(seed), attributes, round(bars * 240 / bpm * SAMPLE_RATE))


def tone(name: str, semitones: int, seed: int = 5) -> tuple[Wave, float]:
    """A low or other tone, played faster or slower, and the MIDI number that it has then."""
    rng, faster = np.random.default_rng(seed), 2 ** (semitones / 12)
    attributes = replace(draw(rng, BY_NAME[name]), chord="minor" if name == "stab" else "single", distortion=0.0)
    wave = BY_NAME[name].make(rng, attributes, round(1.6 * SAMPLE_RATE * max(faster, 0.3)))
    wave = soxr.resample(wave, SAMPLE_RATE * faster, SAMPLE_RATE, "HQ")
    return np.asarray(wave[: round(1.6 * SAMPLE_RATE)], np.float32), c_of(attributes.octave) + semitones


@pytest.mark.parametrize("rhythm", RHYTHMS, ids=lambda rhythm: rhythm.name)
def test_tempo_and_grid_of_every_rhythm_are_measured_as_it_was_made(rhythm: object) -> None:
    name, bpm = rhythm.name, 117.0  # type: ignore[attr-defined]
    wave = played(name, bpm)
    assert rhythm_measures.tempo_bpm(wave, 0.985 * bpm) == pytest.approx(bpm, rel=0.005)
    assert rhythm_measures.share_on_grid(wave, bpm) >= 0.9


def test_a_tempo_that_is_one_per_cent_off_is_found() -> None:
    wave = played("house_loop", 120 * 1.01)
    assert rhythm_measures.tempo_bpm(wave, 120) == pytest.approx(121.2, rel=0.001)


def test_hits_at_random_places_are_not_on_the_grid() -> None:
    rng, wave = np.random.default_rng(1), np.zeros(4 * SAMPLE_RATE, np.float32)
    for at in np.sort(rng.uniform(0, 3.8, 24)):
        wave[int(at * SAMPLE_RATE) :][:400] += sine(3_000, 400) * np.hanning(800)[400:].astype(np.float32)
    assert rhythm_measures.share_on_grid(wave, 120) < 0.5


def test_a_bass_has_no_hits_between_its_notes() -> None:
    steady = sine(41.2, 3 * SAMPLE_RATE) * hold(3 * SAMPLE_RATE, 3.0, 0.005, 0.1)
    assert len(rhythm_measures.onsets_s(steady.astype(np.float32))) <= 1


@pytest.mark.parametrize("name", ["bass", "sub", "808", "wobble"])
@pytest.mark.parametrize("semitones", [-24, -13, 0, 12])
def test_low_tones_are_measured_in_tune_from_c1_to_c4(name: str, semitones: int) -> None:
    wave, midi = tone(name, semitones)
    assert abs(off_cents(wave, name, midi)) < 5


@pytest.mark.parametrize("name", ["organ", "bell", "string", "pad", "stab", "piano", "reed", "supersaw", "hoover"])
def test_other_tones_are_measured_in_tune_and_in_their_octave(name: str) -> None:
    wave, midi = tone(name, 0)
    assert abs(off_cents(wave, name, midi)) < 15


def test_what_is_out_of_tune_or_in_another_octave_is_measured_so() -> None:
    wave, midi = tone("bass", -20)
    sharp = np.asarray(soxr.resample(wave, SAMPLE_RATE * 2 ** (20 / 1_200), SAMPLE_RATE, "HQ"), np.float32)
    assert off_cents(sharp, "bass", midi) == pytest.approx(20, abs=3)
    assert off_cents(wave, "bass", midi + 12) == pytest.approx(-1_200, abs=10)


def test_the_notes_that_are_asked_for_are_those_that_a_sound_reaches() -> None:
    assert (
        "c1" in LOW_NOTES and "c3" in reached("pad") and "c6" not in reached("brass") and "c3" not in reached("whistle")
    )


def test_a_level_that_holds_has_a_small_range() -> None:
    wave = sine(440, 4 * SAMPLE_RATE)
    swelling = wave * np.linspace(0.1, 1, len(wave), dtype=np.float32)
    assert level_range_db(wave) < 0.5 and level_range_db(swelling.astype(np.float32)) > 10


@pytest.mark.parametrize("kind", held_out_kinds.KINDS, ids=lambda kind: kind.name)
def test_held_out_kinds_sound_and_are_in_no_catalogue(kind: object) -> None:
    n = SAMPLE_RATE
    waves = [kind.make(np.random.default_rng(seed), Attributes(), n) for seed in (1, 2)]  # type: ignore[attr-defined]
    assert kind.name not in NAMES  # type: ignore[attr-defined]
    assert all(wave.shape == (n,) and np.isfinite(wave).all() and np.abs(wave).max() > 0.01 for wave in waves)
    assert log_spectral_distance_db(waves[1], waves[0]) > 5


def test_prompts_that_producers_type_are_eighty_of_known_kinds() -> None:
    lines = [line.split("\t") for line in TYPED_PROMPTS.read_text("utf-8").splitlines()]
    assert len(lines) == len({text for _, text in lines}) == 80
    assert {name for name, _, _ in free_prompts()} <= {*NAMES}


def test_a_part_that_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    times = 0

    def make() -> Made:
        nonlocal times
        times += 1
        return [Row("what", "figure", "bar")], [("kick", "a kick", "tom")]

    first = KeptRows(tmp_path, "a").of("typed", make)
    assert KeptRows(tmp_path, "a").of("typed", make) == first and times == 1
    KeptRows(tmp_path, "b").of("typed", make)  # another checkpoint
    assert times == 2 and "typed" in EVERYTHING


def test_other_weights_have_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"1")
    before = fingerprint(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"2")
    assert fingerprint(tmp_path) != before


def test_the_sheet_has_a_place_for_every_sound_and_none_twice() -> None:
    taken = set[tuple[int, int]]()
    for sound, row, column in sheet.laid_out(list(SOUNDS)):
        cells = {(row, column + k) for k in range(sheet.WIDE if sound.ring is not None else 1)}
        assert not cells & taken and column + len(cells) <= sheet.COLUMNS
        taken |= cells
    assert sheet.image(sheet.taught(RHYTHMS[0], 120.0)).shape[0] == 128
