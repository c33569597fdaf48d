"""Known samples in the starter's vocoder, with sounds of which a part is hidden."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge.engine.audioldm2.known import Known
from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig

RATE, LEAD = 44_100, 838
SAMPLES = 96 * 512 - LEAD
PARTIALS = (261.6, 523.2, 1_046.5)


@pytest.fixture(scope="module")
def vocoder() -> MelVocoder:
    return MelVocoder(MelVocoderConfig())


def tone() -> np.ndarray:
    t = np.arange(SAMPLES) / RATE
    return (0.2 * np.sin(2 * np.pi * np.outer(PARTIALS, t)).sum(0)).astype(np.float32)


def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(1).normal(size=SAMPLES)).astype(np.float32)


def again(vocoder: MelVocoder, wave: np.ndarray, certain: np.ndarray | None, partials: tuple[float, ...]) -> np.ndarray:
    mel = vocoder.mel(torch.from_numpy(np.pad(wave, (LEAD, 0)))[None])
    hidden = None if certain is None else Known(torch.from_numpy(wave * (certain > 0)), torch.from_numpy(certain))
    return vocoder(mel, partials, hidden)[0].numpy()


def gap(begin: int, end: int) -> np.ndarray:
    certain = np.ones(SAMPLES, np.float32)
    certain[begin:end] = 0
    return certain


@pytest.mark.parametrize("wave", [tone(), noise()])
@pytest.mark.parametrize("hidden", [(20_000, 30_000), (30_000, SAMPLES), (0, 12_000)])
def test_what_is_known_comes_back_sample_for_sample(
    vocoder: MelVocoder, wave: np.ndarray, hidden: tuple[int, int]
) -> None:
    certain = gap(*hidden)
    made = again(vocoder, wave, certain, ())
    assert made.shape == (SAMPLES,)
    certain[-256:] = 0  # half a hop of silence ends every spectrogram
    assert np.array_equal(made[certain == 1], wave[certain == 1])
    inside = slice(*hidden)
    assert 0.5 < np.sqrt(np.mean(made[inside] ** 2) / np.mean(wave[inside] ** 2)) < 1.5


@pytest.mark.parametrize("hidden", [(20_000, 30_000), (30_000, 40_000)])
def test_a_tone_goes_on_in_phase_through_a_gap(vocoder: MelVocoder, hidden: tuple[int, int]) -> None:
    wave, inside = tone(), slice(*hidden)
    alone, joined = (again(vocoder, wave, certain, PARTIALS)[inside] for certain in (None, gap(*hidden)))
    likeness = [float(np.corrcoef(made, wave[inside])[0, 1]) for made in (alone, joined)]
    assert likeness[1] > 0.95 > likeness[0], likeness


def test_a_tone_goes_on_in_phase_after_its_end(vocoder: MelVocoder) -> None:
    wave = tone()
    made = again(vocoder, wave, gap(20_000, SAMPLES), PARTIALS)
    assert np.corrcoef(made[20_000:30_000], wave[20_000:30_000])[0, 1] > 0.95


def test_samples_may_be_known_in_part(vocoder: MelVocoder) -> None:
    wave, certain = noise(), gap(20_000, SAMPLES)
    certain[20_000:21_000] = np.linspace(1, 0, 1_000)
    made = again(vocoder, wave, certain, ())
    off = [
        np.sqrt(np.mean((made[a:b] - wave[a:b]) ** 2))
        for a, b in ((20_000, 20_200), (20_400, 20_600), (20_800, 21_000))
    ]
    assert off == sorted(off) and off[0] < 0.02
