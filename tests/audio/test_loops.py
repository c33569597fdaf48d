"""Loops: the end goes on at the beginning, in the vocoder, in the engine and in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from bridge.audio.seam import hole_db, seam_score
from bridge.audio.shape import shape
from bridge.domain.ask import Shape
from bridge.domain.clip import Piece, Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.hearing import Heard
from bridge.engine.audioldm2.loops import QUIET, Loop, ringing_on
from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.engine.audioldm2.vocoding import circular, period


def clip(engine: AudioLDM2, seed: int, seconds: float = 1.0, loop: bool = True, **more: object) -> np.ndarray:
    prompt = Prompt("rain", "rain", seconds, seed, steps=6, loop=loop, **more)  # type: ignore[arg-type]
    pieces: list[Piece] = list(engine.generate(prompt, lambda step, steps: None))
    assert not loop or [piece.last for piece in pieces] == [True] * prompt.takes
    samples = np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces if piece.take == 1])[:, None]
    return shape(samples, engine.abilities.sample_rate, seconds, Shape(0, 0), loop)


def test_a_tone_that_closes_scores_low_and_one_that_is_cut_scores_one() -> None:
    time = np.arange(48_000) / 48_000
    noise = np.random.default_rng(1).normal(0, 1e-3, (48_000, 1))
    closed = (np.sin(2 * np.pi * 440 * time)[:, None] + noise).astype(np.float32)
    cut = (np.sin(2 * np.pi * 440.5 * time)[:, None] + noise).astype(np.float32)
    assert seam_score(closed) <= 0.95 < seam_score(cut)
    assert seam_score(closed[:1_000]) == 0.0  # too short to judge


def _steady(seconds: float = 2.0) -> np.ndarray:
    """A tone with some noise that closes: one channel at 48 kHz."""
    frames = round(seconds * 48_000)
    time = np.arange(frames) / 48_000
    tone = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 8))
    return (0.1 * tone + np.random.default_rng(3).normal(0, 2e-3, frames)).astype(np.float32)


def _swelling(seconds: float) -> np.ndarray:
    """`_steady`, but it swells in at the beginning and fades at the end."""
    wave = _steady()
    ramp = (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, round(seconds * 48_000)))).astype(np.float32)
    wave[: len(ramp)] *= ramp
    wave[-len(ramp) :] *= ramp[::-1]
    return wave


def _clicking() -> np.ndarray:
    wave = _steady()
    wave[:96] += 0.5 * np.hanning(96).astype(np.float32)
    return wave


def _changing() -> np.ndarray:
    """`_steady` that loses its high partials within the first second and gets them back at the seam."""
    wave = _steady()
    spectrum = np.fft.rfft(wave)
    spectrum[np.fft.rfftfreq(len(wave), 1 / 48_000) > 500] = 0
    dull = np.fft.irfft(spectrum, len(wave))
    bright = np.clip(np.linspace(0, 2, len(wave)), 0, 1)
    return (wave * bright + dull * (1 - bright)).astype(np.float32)


FAULTS = ["swell", "short hole", "click", "timbre"]


@pytest.mark.parametrize("wave", [_swelling(0.6), _swelling(0.03), _clicking(), _changing()], ids=FAULTS)
def test_a_hole_a_click_or_a_change_of_timbre_at_the_seam_is_heard_in_any_channel(wave: np.ndarray) -> None:
    assert seam_score(_steady()[:, None]) <= 0.95
    assert seam_score(wave[:, None]) > 0.95
    assert seam_score(np.stack([_steady(), wave], axis=1)) > 0.95
    # The same fault in the middle of the loop is no fault of the seam.
    assert seam_score(np.roll(wave, len(wave) // 2)[:, None]) <= 0.95


def test_a_hole_at_the_seam_is_measured_in_decibels() -> None:
    assert (
        hole_db(_steady(), 48_000) < 1
        and hole_db(_swelling(0.6), 48_000) > 20
        and hole_db(_swelling(0.03), 48_000) > 10
    )
    assert hole_db(np.roll(_swelling(0.03), 48_000), 48_000) < 1
    assert hole_db(np.zeros(48_000, np.float32), 48_000) == 0.0 and hole_db(_steady()[:1_000], 48_000) == 0.0


def test_the_attack_of_a_hit_at_the_seam_is_no_fault() -> None:
    time = np.arange(48_000) / 48_000
    hit = np.exp(-time / 0.1) * np.sin(2 * np.pi * 80 * time) + np.exp(-time / 0.003) * np.sin(2 * np.pi * 3_000 * time)
    assert seam_score(hit[:, None].astype(np.float32)) <= 0.95
    assert seam_score(hit[::-1, None].astype(np.float32)) > 0.95  # backwards it ends with a cut


def test_what_rings_on_beyond_the_end_of_a_turn_sounds_under_its_beginning() -> None:
    wave = np.ones(1_500, np.float32)
    turn = ringing_on(wave, 1_000)
    assert (
        len(turn) == 1_000 and turn[0] == 2.0 and turn[250] == pytest.approx(1.5, abs=0.01) and (turn[500:] == 1).all()
    )
    assert np.array_equal(ringing_on(wave[:1_000], 1_000), wave[:1_000])


class Pictures:
    """Stands for the decoder and the denoiser: a turn is a tone with the peak of its way."""

    def __init__(self, peaks: dict[float | None, float]) -> None:
        self.peaks, self.ways = peaks, list[float | None]()

    def denoise(self, circular_from: float | None, rows: int) -> torch.Tensor:
        self.ways.append(circular_from)
        return torch.tensor(self.peaks[circular_from])

    def period(self, latents: torch.Tensor, seconds: float, heard: Heard) -> np.ndarray:
        return self._tone(latents, round(16_000 * seconds))

    def pieces(self, latents: torch.Tensor, heard: Heard, needed: int, frames: int) -> Iterator[np.ndarray]:
        yield self._tone(latents, frames)

    def _tone(self, latents: torch.Tensor, frames: int) -> np.ndarray:
        return (float(latents) * np.cos(2 * np.pi * 100 * np.arange(frames) / 16_000)).astype(np.float32)


@pytest.mark.parametrize(
    ("circle", "plain", "peak"), [(0.01, 0.9, 0.9), (0.05, 0.06, 0.05), (0.3, 0.9, 0.3), (0.0, 0.0, 0.0)]
)
def test_a_quiet_sound_stays_on_the_circle_unless_it_got_lost_there(circle: float, plain: float, peak: float) -> None:
    pictures = Pictures({None: plain})
    loop = Loop(pictures, Geometry(16_000, 160, 640, 8, 0), 2.0, Heard("quiet rain", "quiet rain"))  # type: ignore[arg-type]
    wave = loop.turn(torch.tensor(circle), pictures.denoise)
    assert np.abs(wave[16_000:]).max() == pytest.approx(peak)  # after what rings on from the end
    assert pictures.ways == ([None] if circle < QUIET else [])


def test_the_worst_channel_of_a_loop_counts_even_if_the_channels_cancel() -> None:
    time = np.arange(48_000) / 48_000
    drawn = np.random.default_rng(1).normal(0, 1e-3, 48_000)
    closed, cut = (np.sin(2 * np.pi * hz * time) + drawn for hz in (440, 440.5))
    assert seam_score(np.stack([cut, -cut], axis=1).astype(np.float32)) > 0.95
    assert seam_score(np.stack([closed, cut], axis=1).astype(np.float32)) > 0.95
    assert seam_score(np.stack([closed, -closed], axis=1).astype(np.float32)) <= 0.95


def test_seams_of_noise_score_like_any_other_moment_of_it() -> None:
    rng = np.random.default_rng(2)
    scores = [seam_score(rng.normal(0, 0.1, (24_000, 1)).astype(np.float32)) for _ in range(200)]
    assert 0.4 < float(np.mean(scores)) < 0.6 and np.mean(np.array(scores) <= 0.95) > 0.9


@pytest.mark.parametrize("frames", [7, 40, 93])
def test_hifigan_makes_of_a_turned_spectrogram_the_turned_sound(engine: AudioLDM2, frames: int) -> None:
    mel = torch.randn(1, frames, 64, generator=torch.Generator().manual_seed(1))
    hop, one = engine.geometry.hop, period(engine.pipe.vocoder, mel)
    assert len(one) == frames * hop
    turned = period(engine.pipe.vocoder, mel.roll(-3, 1))
    assert torch.allclose(one.roll(-3 * hop), turned, atol=1e-5)


@pytest.mark.parametrize("frames", [3, 9, 120])
def test_the_starters_vocoder_leaves_no_seam_however_short_the_loop_is(frames: int) -> None:
    vocoder = MelVocoder(MelVocoderConfig())
    waves = torch.randn(1, frames * 512, generator=torch.Generator().manual_seed(2)) * 0.1
    mel = vocoder.mel(waves.repeat(1, 3))[:, frames : 2 * frames]
    wave = period(vocoder, mel)
    assert len(wave) == frames * 512 and torch.isfinite(wave).all()
    around = torch.cat([wave[-2:], wave[:2]]).diff().abs()
    assert float(around.max()) <= float(wave.diff().abs().max())
    # As loud as its source: the ends are not faded.
    assert float(wave.square().mean().sqrt()) == pytest.approx(float(waves.square().mean().sqrt()), rel=0.2)
    ends = torch.cat([wave[-512:], wave[:512]])
    assert float(ends.square().mean()) > 0.3 * float(wave.square().mean())


def test_a_circle_is_brought_to_another_length_without_a_seam() -> None:
    angle = torch.arange(40) / 40 * 2 * torch.pi
    mel = torch.stack([angle.sin(), angle.cos()], 1)[None, None]
    result = circular(mel, 57)[0, 0]
    angle = torch.arange(57) / 57 * 2 * torch.pi
    assert torch.allclose(result, torch.stack([angle.sin(), angle.cos()], 1), atol=0.01)
    assert circular(mel, 40) is mel


@pytest.mark.parametrize("seconds", [0.1, 0.31, 1.0, 2.3333])
def test_a_loop_is_exactly_as_long_as_was_asked(engine: AudioLDM2, seconds: float) -> None:
    samples = clip(engine, 5, seconds)
    assert len(samples) == round(seconds * 48_000) and np.isfinite(samples).all()
    assert np.array_equal(samples, clip(engine, 5, seconds))


def test_loops_close_and_plain_clips_do_not(engine: AudioLDM2) -> None:
    loops = np.array([seam_score(clip(engine, seed)) for seed in range(10)])
    plain = np.array([seam_score(clip(engine, seed, loop=False)) for seed in range(10)])
    assert (loops <= 0.95).sum() >= 8 and (plain <= 0.95).sum() <= 3, (loops, plain)


def test_each_take_of_a_loop_is_a_period_of_its_own(engine: AudioLDM2) -> None:
    prompt = Prompt("rain", "rain", 1.0, 5, steps=2, loop=True, takes=2)
    pieces = list(engine.generate(prompt, lambda step, steps: None))
    assert [piece.take for piece in pieces] == [1, 2] and len({piece.samples for piece in pieces}) == 2
    alone = next(iter(engine.generate(dataclasses.replace(prompt, takes=1, seed=6), lambda step, steps: None)))
    one, other = (np.frombuffer(piece.samples, "<f4") for piece in (pieces[1], alone))
    assert np.allclose(one, other, atol=1e-4)
