"""Tones in sources, synthesised at known pitches."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.beats import Curve
from bridge.engine.audioldm2.hearing import HARMONICS
from bridge.engine.audioldm2.sources import tones
from bridge.starter.sounds.tones import BELL

RATE = 44_100
KNOWN = [3, 4, 5]


def tone(
    midi: float, seconds: float = 1.5, semitones: tuple[int, ...] = (0,), multiples: Curve | None = None
) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    numbers = np.arange(1, 25) if multiples is None else np.array(multiples)
    wave = np.zeros(len(t))
    for up in semitones:
        hz = 440 * 2 ** ((midi + up - 69) / 12)
        for k, multiple in enumerate(numbers, 1):
            if hz * multiple < 18_000:
                wave += np.sin(2 * np.pi * hz * multiple * t + k * k + up) / k
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.mark.parametrize(
    ("midi", "octave", "semitones"),
    [
        (60, 4, 0.0),
        (48, 3, 0.0),
        (66, 4, -6.0),
        (64, 4, -4.0),
        (57.3, 4, 2.7),
        (70, 5, 2.0),
        (84, 5, -12.0),
        (43, 3, 5.0),
    ],
)
def test_a_tone_is_brought_to_the_nearest_c_that_the_checkpoint_knows(
    midi: float, octave: int, semitones: float
) -> None:
    found = tones.find(tone(midi), RATE, KNOWN, HARMONICS)
    assert found is not None and found.octave == octave
    off = 12 * np.log2(found.speed) - semitones
    assert abs(off) < 0.1 or (abs(semitones) == 6 and abs(off - 12) < 0.1), found


def test_a_chord_has_the_octave_of_its_root() -> None:
    for chord in ((0, 7), (0, 4, 7), (0, 3, 7)):
        found = tones.find(tone(50, semitones=chord), RATE, KNOWN, HARMONICS)
        assert found is not None and found.octave == 3 and abs(12 * np.log2(found.speed) + 2) < 0.1, chord


def test_a_bell_is_known_by_its_own_partials() -> None:
    found = tones.find(tone(77, multiples=np.array(BELL)), RATE, [4, 5, 6], BELL)
    assert found is not None and found.octave == 5 and abs(12 * np.log2(found.speed) + 5) < 0.1


def test_too_far_a_tone_is_brought_to_a_c_without_its_octave() -> None:
    found = tones.find(tone(26), RATE, KNOWN, HARMONICS)
    assert found is not None and found.octave is None and abs(12 * np.log2(found.speed) + 2) < 0.1
    nothing_known = tones.find(tone(62), RATE, [], HARMONICS)
    assert nothing_known is not None and nothing_known.octave is None


def test_the_partials_are_those_that_sound() -> None:
    found = tones.find(tone(57), RATE, KNOWN, HARMONICS)
    assert found is not None
    assert np.abs(np.array(found.partials_hz[:12]) - 220 * np.arange(1, 13)).max() < 0.5


def test_noise_sirens_and_silence_are_no_tones() -> None:
    rng, t = np.random.default_rng(3), np.arange(2 * RATE) / RATE
    siren = np.sin(2 * np.pi * (700 * t + 60 * np.sin(2 * np.pi * 1.25 * t))).astype(np.float32)
    hiss = rng.normal(size=2 * RATE).astype(np.float32) * 0.1
    for wave in (hiss, siren, np.zeros(RATE, np.float32), np.zeros(3, np.float32), np.zeros(0, np.float32)):
        assert tones.find(wave, RATE, KNOWN, HARMONICS) is None


def test_the_end_of_a_tone_counts_without_the_silence_after_it() -> None:
    wave = np.concatenate([tone(60, 1.0), tone(67, 1.2), np.zeros(RATE, np.float32)])
    found = tones.find(wave, RATE, KNOWN, HARMONICS)
    assert found is not None and abs(12 * np.log2(found.speed) - 5) < 0.1
    assert len(tones.ending(wave, RATE)) == RATE


@pytest.mark.parametrize("semitones", [-6.0, 0.0, 3.5, 12.0])
def test_there_and_back_is_the_same_wave_at_the_same_time(semitones: float) -> None:
    wave, speed = tone(60), 2 ** (semitones / 12)
    back = tones.played(tones.played(wave, RATE, speed), RATE, 1 / speed)
    middle = slice(1_000, len(wave) - 1_000)
    assert np.abs(back[middle] - wave[middle]).max() < 0.05 * np.abs(wave).max()
