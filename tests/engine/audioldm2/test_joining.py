"""Continuing a source and filling a gap in one, with the real pipeline and both kinds of checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch

from bridge.audio import key
from bridge.domain.source import Source
from bridge.engine.audioldm2 import encoding, vocoding
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.errors import BadSource, JobCancelled
from tests.engine.audioldm2.sources import kick, prompt, source, waves

RATE = 44_100
CHECKPOINTS = ["engine", "starter"]


@pytest.fixture(params=CHECKPOINTS)
def both(request: pytest.FixtureRequest) -> AudioLDM2:
    """Each kind of checkpoint."""
    engine: AudioLDM2 = request.getfixturevalue(request.param)
    return engine


def strings(seconds: float, hz: float = 370.0) -> np.ndarray:
    """A saw; F sharp is as far from a C as a note can be."""
    t = np.arange(round(seconds * RATE)) / RATE
    k = np.arange(1, 20)[:, None]
    return (0.15 * (np.sin(2 * np.pi * hz * k * t + k * k) / k).sum(0)).astype(np.float32)


def hiss(seconds: float) -> np.ndarray:
    return (0.05 * np.random.default_rng(2).normal(size=round(seconds * RATE))).astype(np.float32)


def continued(folder: Path, samples: np.ndarray) -> Source:
    return source(folder, samples, how="continue")


def gap(folder: Path, samples: np.ndarray, begin: float, end: float) -> Source:
    return source(folder, samples, how="fill", from_s=begin, to_s=end)


def db(wave: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64)) + 1e-12))


def root(wave: np.ndarray) -> float:
    return key.measure(soxr.resample(wave, RATE, 48_000)[:, None]).pitch


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_the_same_seed_makes_the_same_samples_bit_for_bit_and_another_seed_others(
    both: AudioLDM2, tmp_path: Path, how: str
) -> None:
    origin = continued(tmp_path, hiss(0.9)) if how == "continue" else gap(tmp_path, hiss(1.7), 0.7, 1.1)
    asked = prompt(origin, "rain", seconds=1.7)
    first = waves(both, asked)[0]
    assert len(first) == both.geometry.frames(1.7) and np.isfinite(first).all()
    assert np.array_equal(first, waves(both, asked)[0])
    other = waves(both, prompt(origin, "rain", seconds=1.7, seed=6))[0]
    new = slice(round(0.95 * both.geometry.sample_rate), round(1.05 * both.geometry.sample_rate))
    assert np.sqrt(np.mean((first[new] - other[new]) ** 2)) > 0.2 * np.sqrt(np.mean(first[new] ** 2))
    assert both.remarks(asked)["method"] == "texture"


def test_a_clip_does_not_depend_on_those_before_it(starter: AudioLDM2, tmp_path: Path) -> None:
    asked = prompt(continued(tmp_path, strings(0.6)), "strings", seconds=1.0)
    starter.familiar_sounds.clear()
    first = waves(starter, asked)[0]
    starter.familiar_sounds.clear()
    waves(starter, replace(asked, guidance=9.0, negative="soft"))
    assert np.array_equal(first, waves(starter, asked)[0])


@pytest.mark.parametrize("seconds", [0.31, 1.0, 2.017, 6.5])
@pytest.mark.parametrize("samples", [strings(0.3), hiss(0.3)])
def test_a_continued_clip_has_exactly_the_samples_of_its_length(
    both: AudioLDM2, tmp_path: Path, seconds: float, samples: np.ndarray
) -> None:
    wave = waves(both, prompt(continued(tmp_path, samples), "strings", seconds=seconds, steps=2))[0]
    assert len(wave) == both.geometry.frames(seconds) and np.isfinite(wave).all()


@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.4), (0.5, 0.55), (0.3, 1.4), (1.1, 1.5), (0.0, 1.5), (1.45, 1.5)])
def test_a_gap_may_lie_anywhere(both: AudioLDM2, tmp_path: Path, begin: float, end: float) -> None:
    for samples in (strings(1.5), hiss(1.5)):
        wave = waves(both, prompt(gap(tmp_path, samples, begin, end), "strings", steps=2))[0]
        assert len(wave) == both.geometry.frames(1.5) and np.isfinite(wave).all()


@pytest.mark.parametrize("samples", [strings(2.0), hiss(2.0), 0.02 * strings(2.0)])
def test_the_starter_keeps_the_samples_of_the_source(starter: AudioLDM2, tmp_path: Path, samples: np.ndarray) -> None:
    wave = waves(starter, prompt(continued(tmp_path, samples), "strings", seconds=3.0, steps=4))[0]
    kept = len(samples) - RATE // 50
    assert np.abs(wave[:kept] - samples[:kept]).max() < 1e-6
    assert db(wave[kept : len(samples)] - samples[kept:]) < db(samples) - 20
    filled = waves(starter, prompt(gap(tmp_path, samples, 0.8, 1.2), "strings", steps=4))[0]
    begin, end = round(0.78 * RATE), round(1.22 * RATE)
    assert np.abs(filled[:begin] - samples[:begin]).max() < 1e-6
    assert np.abs(filled[end:] - samples[end:]).max() < 1e-6


def test_a_published_checkpoint_renders_what_it_keeps_from_its_own_spectrogram(
    engine: AudioLDM2, tmp_path: Path
) -> None:
    samples = hiss(2.0)
    wave = waves(engine, prompt(gap(tmp_path, samples, 1.1, 1.4), steps=2))[0]
    own = encoding.resampled(samples, RATE, 16_000)
    gain = engine.encoder.gain(np.concatenate([own[:17_600], own[22_400:]]))
    mel = engine.encoder.mel(np.ascontiguousarray(own[None] * np.float32(gain)))
    rendering = torch.cat(list(vocoding.waveform(engine.pipe.vocoder, mel[:, 0]))).numpy() / gain
    for kept in (slice(6_000, 12_000), slice(28_000, 30_000)):
        assert np.abs(wave[kept] - rendering[kept]).max() < 0.01 * np.abs(rendering[kept]).max()


@pytest.mark.parametrize("hz", [261.6, 370.0, 440.0, 587.3])
def test_a_tone_goes_on_at_its_pitch_and_level(starter: AudioLDM2, tmp_path: Path, hz: float) -> None:
    samples = strings(1.5, hz)
    asked = prompt(continued(tmp_path, samples), "strings", seconds=4.0, steps=10)
    wave = waves(starter, asked)[0]
    assert starter.remarks(asked)["method"] == "tone"
    at, size = len(samples), round(0.3 * RATE)
    assert abs(db(wave[at : at + size]) - db(samples[-size:])) < 3
    for begin in (at, at + RATE):
        cents = 100 * ((root(wave[begin : begin + RATE]) - root(samples) + 6) % 12 - 6)
        assert abs(cents) < 15, cents
    step = np.abs(np.diff(wave[at - 400 : at + 400])).max()
    assert step < 1.3 * np.abs(np.diff(samples)).max()


@pytest.mark.parametrize("words", ["", "flute solo", "Audio 12"])
def test_a_sound_without_a_known_word_goes_on_like_the_one_that_it_resembles(
    starter: AudioLDM2, tmp_path: Path, words: str
) -> None:
    ringing = (strings(1.2) * np.exp(-np.arange(round(1.2 * RATE)) / (0.3 * RATE))).astype(np.float32)
    for samples, drop in ((strings(1.2), 0.0), (ringing, 8.7), (hiss(1.2), 0.0)):
        origin = source(tmp_path, samples, how="continue", words=words)
        wave = waves(starter, prompt(origin, "", seconds=3.0, steps=10))[0]
        at, size = len(samples), round(0.3 * RATE)
        assert abs(db(wave[at : at + size]) - db(samples[-size:]) + drop) < 4
        last = db(wave[-size:]) - db(samples[-size:])
        assert last < -15 if drop else abs(last) < 4, last


def test_a_tone_runs_through_a_gap(starter: AudioLDM2, tmp_path: Path) -> None:
    samples = strings(2.5)
    asked = prompt(gap(tmp_path, samples, 1.0, 1.5), "strings", steps=10)
    wave = waves(starter, asked)[0]
    assert starter.remarks(asked)["method"] == "tone"
    for begin in range(RATE, round(1.5 * RATE), RATE // 10):
        assert abs(db(wave[begin : begin + RATE // 10]) - db(samples)) < 4


def test_a_hit_that_is_over_is_not_struck_again(starter: AudioLDM2, tmp_path: Path) -> None:
    over = np.concatenate([kick(seconds=1.2), 0.01 * hiss(0.3)])
    origin = source(tmp_path, over, how="continue", words="deep kick")
    for words in ("", "kick", "punchy kick"):
        wave = waves(starter, prompt(origin, words, seconds=3.0, steps=10))[0]
        assert np.abs(wave[len(over) :]).max() < 0.02 * np.abs(over).max(), words
    other = waves(starter, prompt(origin, "crash", seconds=3.0, steps=10))[0]
    assert np.abs(other[len(over) :]).max() > 0.1 * np.abs(over).max()


def test_a_hit_that_has_faded_to_silence_is_refused_unless_another_sound_should_follow(
    both: AudioLDM2, tmp_path: Path
) -> None:
    over = np.concatenate([kick(seconds=1.2), np.zeros(RATE // 3, np.float32)])
    origin = source(tmp_path, over, how="continue", words="kick")
    for words in ("", "kick"):
        with pytest.raises(BadSource, match="faded to silence"):
            waves(both, prompt(origin, words, seconds=3.0, steps=2))
    assert len(waves(both, prompt(origin, "crash", seconds=3.0, steps=2))[0]) == both.geometry.frames(3.0)


def test_takes_differ_and_each_equals_its_seed_alone(both: AudioLDM2, tmp_path: Path) -> None:
    for origin in (continued(tmp_path, strings(0.8)), gap(tmp_path, hiss(1.5), 0.6, 1.0)):
        together = waves(both, prompt(origin, "strings", seconds=1.5, takes=3))
        for number, take in enumerate(together):
            alone = waves(both, prompt(origin, "strings", seconds=1.5, seed=5 + number))[0]
            assert np.abs(take - alone).max() < 2e-3 * np.abs(alone).max(), number
        assert np.abs(together[0] - together[1]).max() > 0.01 * np.abs(together[0]).max()


def test_steps_are_counted_and_a_cancel_takes_effect_at_the_next_one(both: AudioLDM2, tmp_path: Path) -> None:
    asked = prompt(continued(tmp_path, hiss(0.8)), "wind", seconds=1.6, steps=8)
    seen: list[tuple[int, int]] = []
    list(both.generate(asked, lambda *at: seen.append(at)))
    assert {of for _, of in seen} == {8} and seen[-1][0] == 8
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    seen.clear()

    def cancel(done: int, units: int) -> None:
        seen.append((done, units))
        if done == 3:
            raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        list(both.generate(asked, cancel))
    assert seen[-1][0] == 3
    assert len(waves(both, asked)[0]) == both.geometry.frames(1.6)


def test_a_source_that_was_changed_is_refused(both: AudioLDM2, tmp_path: Path) -> None:
    origin = continued(tmp_path, hiss(0.8))
    Path(origin.path).write_bytes(b"something else")
    with pytest.raises(BadSource, match="changed"):
        waves(both, prompt(origin, "wind", seconds=1.6))
