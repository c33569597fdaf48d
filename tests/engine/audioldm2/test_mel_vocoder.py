"""The starter's vocoder and retuning, with tones of known pitch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge.engine.audioldm2.mel_vocoder import LOWEST, MelVocoder, MelVocoderConfig, filterbank
from bridge.engine.audioldm2.retune import measure, retune

RATE = 44_100


@pytest.fixture(scope="module")
def vocoder() -> MelVocoder:
    return MelVocoder(MelVocoderConfig())


def tone(hz: float, seconds: float = 1.0, partials: int = 6) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (np.sum([np.sin(2 * np.pi * hz * k * t) / k for k in range(1, partials + 1)], axis=0) * 0.3).astype(
        np.float32
    )


def loudest_hz(wave: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 18))
    return float(spectrum.argmax() * RATE / (1 << 18))


def test_every_band_has_bins_and_every_bin_a_band() -> None:
    bands = filterbank(MelVocoderConfig())
    assert bands.shape == (128, 1025) and (bands.sum(1) > 0).all()
    assert (bands.sum(0)[1:-1] > 0).all()


@pytest.mark.parametrize("hz", [261.63, 1046.5, 5_000.0])
def test_a_steady_tone_comes_back_at_its_pitch(vocoder: MelVocoder, hz: float) -> None:
    wave = np.concatenate([np.zeros(882, np.float32), tone(hz, partials=1)])[: 80 * 512]
    again = vocoder(vocoder.mel(torch.from_numpy(wave)[None]))[0].numpy()
    assert abs(1200 * np.log2(loudest_hz(again) / hz)) < 35
    middle = slice(10_000, 30_000)  # a band has several bins: the peak may change, but not the energy
    assert 0.7 < np.sqrt(np.mean(again[middle] ** 2) / np.mean(wave[middle] ** 2)) < 1.4


def test_noise_keeps_its_energy_also_above_8_khz(vocoder: MelVocoder) -> None:
    wave = np.random.default_rng(0).normal(size=80 * 512).astype(np.float32) * 0.1
    again = vocoder(vocoder.mel(torch.from_numpy(wave)[None]))[0].numpy()
    for low, high in ((0, 2_000), (8_000, 16_000), (16_000, 21_000)):
        power = [
            (np.abs(np.fft.rfft(x)) ** 2)[int(low * len(x) / RATE) : int(high * len(x) / RATE)].sum() / len(x)
            for x in (wave, again)
        ]
        assert 0.6 < power[1] / power[0] < 1.5


def test_silence_stays_silent_and_the_lead_in_is_cut_off(vocoder: MelVocoder) -> None:
    again = vocoder(torch.full((2, 16, 128), LOWEST))
    assert again.shape == (2, 16 * 512 - 838)
    assert again.abs().max() < 1e-4


def test_a_clip_sounds_the_same_alone_and_in_a_batch(vocoder: MelVocoder) -> None:
    mel = vocoder.mel(torch.from_numpy(np.stack([tone(200)[: 40 * 512], tone(330)[: 40 * 512]])))
    alone, batch = vocoder(mel[1:2]), vocoder(mel)
    assert torch.equal(alone, vocoder(mel[1:2])) and torch.equal(alone[0], batch[1])
    assert torch.equal(vocoder.period(mel)[0], vocoder.period(mel[:1])[0])


def test_a_pause_is_silent_and_what_follows_it_keeps_its_place(vocoder: MelVocoder) -> None:
    wave = np.zeros(80 * 512, np.float32)
    for at in (5_000, 30_000):
        wave[at : at + 400] = np.random.default_rng(at).normal(size=400) * 0.3
    again = np.concatenate([np.zeros(838, np.float32), vocoder(vocoder.mel(torch.from_numpy(wave)[None]))[0].numpy()])
    assert again[11_000:24_000].max() == 0 == again[11_000:24_000].min()
    for at in (5_000, 30_000):
        power = again[at - 2_000 : at + 2_400] ** 2
        middle = (power * np.arange(len(power))).sum() / power.sum() - 2_000
        assert abs(middle - 200) < 50 and 0.6 < power.sum() / (wave[at : at + 400] ** 2).sum() < 1.5


@pytest.mark.parametrize("at", range(15_000, 15_512, 128))
def test_a_click_stays_a_click_at_its_place(vocoder: MelVocoder, at: int) -> None:
    wave = np.zeros(60 * 512, np.float32)
    wave[at] = 0.9
    power = vocoder(vocoder.mel(torch.from_numpy(wave)[None]))[0].numpy() ** 2
    at -= 838
    assert abs(int(power.argmax()) - at) < 90  # 2 ms
    assert power[at - 220 : at + 220].sum() > 0.95 * power.sum()


def test_numbers_far_out_of_range_give_finite_samples(vocoder: MelVocoder) -> None:
    assert vocoder(torch.full((1, 8, 128), 50.0)).isfinite().all()
    assert vocoder(torch.full((1, 8, 128), -50.0)).abs().max() < 1e-4


@pytest.mark.parametrize("off_cents", [-70, -20, 0, 35, 80])
def test_a_detuned_tone_is_measured_and_brought_to_its_note(off_cents: float) -> None:
    wave = tone(261.63 * 2 ** (off_cents / 1200))
    made_hz = measure(wave, RATE, 261.63)
    assert abs(1200 * np.log2(made_hz / 261.63) - off_cents) < 5
    tuned = retune(wave, RATE, made_hz, 440.0)
    assert abs(1200 * np.log2(loudest_hz(tuned) / 440.0)) < 5
    assert len(tuned) == pytest.approx(len(wave) * made_hz / 440.0, abs=2)


@pytest.mark.parametrize("wave", [np.zeros(1000, np.float32), np.zeros(0, np.float32), np.ones(50, np.float32)])
def test_a_sound_without_pitch_counts_as_in_tune(wave: np.ndarray) -> None:
    assert measure(wave, RATE, 220.0) == 220.0


def off(wave: np.ndarray, hz: float) -> float:
    """Cents by which the peak near `hz` is off it."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 19))
    low, high = (int(hz * 2**octaves * (1 << 19) / RATE) for octaves in (-1 / 15, 1 / 15))
    return float(1200 * np.log2((low + spectrum[low:high].argmax()) * RATE / (1 << 19) / hz))


@pytest.mark.parametrize("hz", [130.81, 261.63, 523.25])
def test_every_partial_of_a_tone_comes_back_in_tune_if_the_vocoder_knows_them(vocoder: MelVocoder, hz: float) -> None:
    wave = np.concatenate([np.zeros(882, np.float32), tone(hz)])[: 80 * 512]
    partials = [hz * number for number in range(1, 40)]
    again = vocoder(vocoder.mel(torch.from_numpy(wave)[None]), partials)[0].numpy()
    assert max(abs(off(again[4_000:36_000], partial)) for partial in partials[:6]) < 8


def test_a_period_has_whole_cycles_of_known_partials(vocoder: MelVocoder) -> None:
    mel = vocoder.mel(torch.from_numpy(tone(261.63, 2.0))[None])[:, 20:63]
    cycles = 130
    hz = cycles * RATE / (43 * 512)
    period = vocoder.period(mel, [hz * number for number in range(1, 40)])[0].numpy()
    assert np.abs(np.fft.rfft(period))[1:].argmax() + 1 == cycles
