"""Hits: a rhythm is cut at its onsets, and other hits take their places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bridge.audio import beats, hits
from bridge.audio.beats import Samples
from tests.rhythms import PATTERNS, RATE, chord, clicks, hit, rhythm

SHARP = [
    pattern for pattern in PATTERNS if pattern != "3-3-2"
]  # its shaker swells: where it begins is a matter of opinion


def beat(pattern: str = "rock", bpm: float = 100, bars: float = 2, start_s: float = 0.0) -> Samples:
    return rhythm(pattern, bpm, bars, start_s)[:, 0]


def cut(wave: Samples, loop: bool = False) -> list[hits.Hit]:
    return hits.cut(wave, RATE, beats.attacks(wave[:, None]), loop)


def off_ms(before: Samples, after: Samples, loop: bool = False) -> float:
    """The largest distance in ms from an onset to the nearest onset afterwards."""
    if loop:  # an attack at the seam has the last turn before it
        before, after = np.tile(before, 2), np.tile(after, 2)
    onsets = beats.attacks(after[:, None])
    return max(float(np.abs(onsets - onset).min(initial=10**9)) for onset in beats.attacks(before[:, None])) / 48


def late_and_loud(sound: Samples) -> Samples:
    """A stand-in for a variation: 5 ms late, at another level, darker, and with a faint echo before it, as a vocoder makes it."""
    dark = np.convolve(sound, np.ones(3, np.float32) / 3)[: len(sound)]
    late = np.concatenate([np.zeros(240, np.float32), 2.5 * dark])
    return late + 0.01 * np.random.default_rng(3).normal(size=len(late)).astype(np.float32) * (
        np.arange(len(late)) < 300
    )


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_sound_and_what_goes_on_under_it_are_the_rhythm(pattern: str, loop: bool) -> None:
    wave = beat(pattern, start_s=0.1)
    cuts = cut(wave, loop)
    assert len(cuts) > 8
    for one in cuts:
        whole = np.take(wave, np.arange(one.start, one.end), mode="wrap")
        assert np.abs(one.sound + one.under - whole).max() < 1e-6
    assert all(first.end == second.start for first, second in itertools.pairwise(cuts))
    assert cuts[-1].end == (len(wave) + cuts[0].start if loop else len(wave))


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_its_own_hits_put_back_make_the_rhythm_again(pattern: str, loop: bool) -> None:
    wave = beat(pattern, start_s=0.1)
    cuts = cut(wave, loop)
    again = hits.put_back(wave, RATE, cuts, [one.sound for one in cuts], loop)
    assert np.sqrt(np.square(again - wave).mean()) < 0.01 * np.sqrt(np.square(wave).mean())


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("bpm", [60, 100, 174])
@pytest.mark.parametrize("pattern", SHARP)
def test_other_hits_begin_where_the_old_ones_did_and_are_as_loud(pattern: str, bpm: float, loop: bool) -> None:
    wave = beat(pattern, bpm)
    cuts = cut(wave, loop)
    out = hits.put_back(wave, RATE, cuts, [late_and_loud(one.sound) for one in cuts], loop)
    assert len(out) == len(wave) and off_ms(wave, out, loop) < 3
    for one in cuts[1:]:
        part = slice(one.start, min(one.start + 2_400, one.end))
        levels = [np.sqrt(np.square(of[part]).mean()) for of in (wave, out)]
        assert 0.5 < levels[1] / levels[0] < 2


def test_a_pad_under_the_hits_stays_as_it_is() -> None:
    drums, pad = clicks(120, 4.0)[:, 0], 0.2 * chord(220, (0, 4, 7), 4.0)[:, 0]
    cuts = cut(drums + pad)
    assert len(cuts) == 8
    silent = hits.put_back(drums + pad, RATE, cuts, [np.zeros_like(one.sound) for one in cuts])
    assert np.allclose(silent, drums + pad, atol=1e-3)  # nothing is lost for a silent replacement
    under = np.concatenate([one.under for one in cuts])
    between = np.abs(drums[cuts[0].start :]) < 1e-4
    wrong = (under - pad[cuts[0].start :])[between]
    assert np.sqrt(np.square(wrong).mean()) < 0.2 * np.sqrt(np.square(pad).mean())


def test_the_tail_of_a_kick_rings_on_under_the_hats_after_it() -> None:
    wave = np.zeros(RATE, np.float32)
    time = np.arange(RATE) / RATE
    wave += (0.9 * np.sin(2 * np.pi * 50 * time) * np.exp(-time / 0.4)).astype(np.float32)
    hat = 0.3 * hit("closed_hat")
    for at in (12_000, 24_000, 36_000):
        wave[at : at + len(hat)] += hat[: len(wave) - at]
    cuts = hits.cut(wave, RATE, [0, 12_000, 24_000, 36_000])
    for one in cuts[1:]:
        lows = [np.abs(np.fft.rfft(part[:4_800]))[5] for part in (one.sound, one.under)]
        assert lows[1] > 5 * lows[0]


def test_what_comes_before_the_first_hit_stays() -> None:
    wave = beat(start_s=0.3)
    wave[:12_000] += 0.01 * np.sin(np.arange(12_000) / 30).astype(np.float32)
    cuts = [one for one in cut(wave) if one.start > 13_000]
    out = hits.put_back(wave, RATE, cuts, [late_and_loud(one.sound) for one in cuts])
    end = cuts[0].start - 200
    assert np.array_equal(out[:end], wave[:end])


def test_the_tail_of_a_loops_last_hit_sounds_at_its_beginning() -> None:
    wave = beat("four on the floor", 120)
    wave = np.roll(wave, 6_000)  # now the first hit begins after an eighth, and the last one rings over the end
    cuts = cut(wave, loop=True)
    out = hits.put_back(wave, RATE, cuts, [late_and_loud(one.sound) for one in cuts], loop=True)
    loudest = np.abs(out).max()
    seam = np.abs(np.diff(np.concatenate([out[-50:], out[:50]]))).max()
    assert np.abs(out[: cuts[0].start - 200]).max() > 0.001 and seam < 0.2 * loudest


@pytest.mark.parametrize("drum", ["kick", "snare", "closed_hat", "rim", "shaker", "clap"])
def test_no_replacement_makes_a_click_at_the_next_hit(drum: str) -> None:
    wave = np.zeros(RATE, np.float32)
    wave[4_800:16_800] += hit("kick")[:12_000]
    wave[24_000:36_000] += 0.1 * hit("closed_hat")[:12_000]
    cuts = hits.cut(wave, RATE, [4_800, 24_000])
    steady = np.sin(2 * np.pi * 60 * np.arange(RATE) / RATE).astype(np.float32)  # would end at its peak
    out = hits.put_back(wave, RATE, cuts, [steady, hit(drum)])
    around = slice(cuts[1].start - 300, cuts[1].start)
    assert np.abs(np.diff(out[around])).max() < 0.02


@pytest.mark.parametrize("frames", [1, 40, 500])
def test_very_short_rhythms_and_replacements_do_not_fail(frames: int) -> None:
    wave = np.random.default_rng(1).normal(0, 0.2, frames).astype(np.float32)
    for loop in (False, True):
        for onsets in ([], [0], [0, frames // 2], [frames - 1]):
            cuts = hits.cut(wave, RATE, onsets, loop)
            for sound in (np.zeros(0, np.float32), wave, np.zeros(5, np.float32)):
                out = hits.put_back(wave, RATE, cuts, [sound] * len(cuts), loop)
                assert out.shape == wave.shape and np.isfinite(out).all()
