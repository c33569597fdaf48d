"""From samples to latents, with both kinds of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.engine.audioldm2 import mel_16k
from bridge.engine.audioldm2.encoding import Encoder, resampled, sound
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.hearing import Heard

PLAIN = Heard("", "")
# Made by librosa 0.11.0 from the wave of the test: librosa.stft(n_fft=1024, hop_length=160, pad_mode="reflect"), its magnitude times
# librosa.filters.mel(sr=16000, n_fft=1024, n_mels=64, fmin=0, fmax=8000), natural logarithm of what is at least 1e-5.
KNOWN = Path(__file__).with_name("mel_16k.json")


def kick(rate: int, seconds: float = 0.7) -> np.ndarray:
    """A kick that no network made."""
    t = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * (48 * t + 9 * (1 - np.exp(-18 * t)))) * np.exp(-t / 0.18) * 0.9).astype(np.float32)


def mel_db(engine: AudioLDM2, one: np.ndarray, other: np.ndarray) -> float:
    """The mean distance of two waves at the engine's rate, in decibels."""
    encoder, size = engine.encoder, min(len(one), len(other))
    spectra = [encoder.mel(wave[None, :size]) * (4 if encoder._own_mel else 1) for wave in (one, other)]
    return float((spectra[0] - spectra[1]).abs().mean() * 8.686)


def decoded(engine: AudioLDM2, latents: torch.Tensor, frames: int) -> np.ndarray:
    needed = frames + engine.geometry.lead_in
    with torch.no_grad():
        return np.concatenate(list(engine.decoder.pieces(latents, PLAIN, needed, frames)))


def test_the_spectrogram_of_published_checkpoints_is_that_of_another_implementation() -> None:
    n = np.arange(1600)
    wave = 0.3 * np.sin(2 * np.pi * (200 + 9000 * n / 16_000) * n / 16_000) + 0.1 * np.cos(2 * np.pi * 441 * n / 16_000)
    wave = (wave + 0.02 * ((n * 7919) % 101 / 50 - 1)).astype(np.float32)
    wave[800] += 0.5
    known = torch.tensor(json.loads(KNOWN.read_text("utf-8")))
    made = mel_16k.mel(torch.from_numpy(wave)[None])[0]
    assert known.shape == (11, 64) and made.shape == (10, 64)  # librosa makes one frame more
    assert (made - known[:10]).abs().max() < 2e-3
    silence = mel_16k.mel(torch.zeros(1, 1600))
    assert torch.allclose(silence, torch.tensor(1e-5).log())


def test_a_kick_survives_encoding_and_decoding_by_the_starter(starter: AudioLDM2) -> None:
    wave = kick(44_100)
    rows = starter.geometry.rows(len(wave) + starter.geometry.lead_in)
    back = decoded(starter, starter.encoder.latents(wave, rows), len(wave))
    assert mel_db(starter, wave, back / starter.encoder.gain(wave)) < 1.5
    attacks = [int(np.argmax(np.abs(w) > 0.2 * np.abs(w).max())) / 44_100 for w in (wave, back)]
    assert abs(attacks[0] - attacks[1]) < 0.01, "it begins where it began"


@pytest.mark.parametrize("checkpoint", ["engine", "starter"])
def test_the_latents_do_not_depend_on_the_level_the_batch_or_on_silence_behind(
    checkpoint: str, request: pytest.FixtureRequest
) -> None:
    engine: AudioLDM2 = request.getfixturevalue(checkpoint)
    encoder, rate = engine.encoder, engine.geometry.sample_rate
    wave, rows = kick(rate), engine.geometry.rows_for(0.7)
    alone = encoder.latents(wave, rows)
    assert (len(alone), alone.shape[2]) == (1, rows) and alone.std() > 0.01
    quiet = encoder.latents(np.float32(0.01) * wave, rows)
    assert torch.allclose(alone, quiet, atol=1e-3)
    assert encoder.gain(np.float32(0.01) * wave) == pytest.approx(100 * encoder.gain(wave), rel=1e-4)
    others = np.stack([wave[::-1], wave, np.roll(wave, 999)])
    assert torch.allclose(encoder.latents(others, rows)[1], alone[0], atol=1e-4)
    if (
        engine.abilities.notes == "tuned"
    ):  # the mean is removed before the silence is added, as in the training of the others
        assert torch.allclose(encoder.latents(np.pad(wave, (0, rate)), rows), alone, atol=1e-5)


@pytest.mark.parametrize("checkpoint", ["engine", "starter"])
def test_silence_an_empty_wave_and_a_wave_that_is_too_long_have_latents(
    checkpoint: str, request: pytest.FixtureRequest
) -> None:
    engine: AudioLDM2 = request.getfixturevalue(checkpoint)
    for wave in (np.zeros(9_000), np.zeros(0), kick(engine.geometry.sample_rate, 9.0)):
        latents = engine.encoder.latents(wave.astype(np.float32), 8)
        assert (len(latents), latents.shape[2]) == (1, 8) and torch.isfinite(latents).all()
    assert engine.encoder.gain(np.zeros(9, np.float32)) == 1.0


@pytest.mark.parametrize("checkpoint", ["engine", "starter"])
def test_a_loop_is_encoded_as_a_circle(checkpoint: str, request: pytest.FixtureRequest) -> None:
    """Turned by whole rows, its latents are turned too."""
    engine: AudioLDM2 = request.getfixturevalue(checkpoint)
    rows, step = 24, engine.geometry.row_samples
    scale = engine.pipe.vae_scale_factor
    rng = np.random.default_rng(1)
    wave = rng.standard_normal(rows * step).astype(np.float32) * np.repeat(rng.random(rows), step).astype(np.float32)
    latents = engine.encoder.circular(wave, rows * scale, rows)
    turned = engine.encoder.circular(np.roll(wave, 5 * step), rows * scale, rows)
    assert (len(latents), latents.shape[2]) == (1, rows)

    def apart(one: torch.Tensor, other: torch.Tensor) -> float:
        return float((one - other)[:, :, [0, -1]].std() / latents.std())

    # The VAE's norms see the repeated ends too.
    as_turned, as_plain = apart(turned.roll(-5, 2), latents), apart(engine.encoder.latents(wave, rows), latents)
    assert as_turned < 0.2 and as_turned < 0.3 * as_plain, (as_turned, as_plain)


def test_a_source_is_mixed_to_one_channel_even_if_its_channels_cancel() -> None:
    tone = np.sin(np.arange(9_600) / 10).astype(np.float32)
    assert np.abs(sound(np.stack([tone, -tone], 1), 48_000, 16_000)).max() > 0.9
    assert np.abs(sound(np.stack([tone, tone], 1), 48_000, 16_000) - sound(tone[:, None], 48_000, 16_000)).max() < 1e-6


@pytest.mark.parametrize(
    ("rate", "to_rate"), [(96_000, 44_100), (8_000, 44_100), (44_100, 16_000), (192_000, 16_000), (44_100, 44_100)]
)
def test_a_source_is_resampled_to_the_exact_length_and_a_loop_without_a_seam(rate: int, to_rate: int) -> None:
    cycles, size = 100, rate  # a second of 100 Hz, beginning at its peak
    wave = np.cos(2 * np.pi * cycles * np.arange(size) / size).astype(np.float32)
    expected = np.cos(2 * np.pi * cycles * np.arange(to_rate) / to_rate)
    circular = resampled(wave, rate, to_rate, circular=True)
    assert len(circular) == len(resampled(wave, rate, to_rate)) == to_rate
    assert np.abs(circular - expected).max() < 1e-3
    assert len(resampled(wave[: size - 7], rate, to_rate)) == round((size - 7) * to_rate / rate)


def test_the_encoder_says_which_peak_its_checkpoint_was_trained_with(engine: AudioLDM2, starter: AudioLDM2) -> None:
    loud = np.array([0.0, 2.0, -1.0, 0.0], np.float32)
    assert Encoder(starter.pipe, starter.geometry).gain(loud) == pytest.approx(0.89 / 2.0)
    assert Encoder(engine.pipe, engine.geometry).gain(loud) == pytest.approx(0.5 / 1.75)  # without its mean of 0.25
