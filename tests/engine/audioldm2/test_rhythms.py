"""Rhythms with the real pipeline: varied hit by hit, continued with the hits of their last bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from bridge.audio import beats
from bridge.domain.source import Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.errors import JobCancelled, Unsupported
from tests.engine.audioldm2.sources import kick, mel_db, prompt, source, waves
from tests.rhythms import chord, hit, places, rhythm

RATE = 48_000


def beat(pattern: str = "rock", bpm: float = 110, bars: float = 1) -> np.ndarray:
    return rhythm(pattern, bpm, bars)[:, 0]


def at_output(engine: AudioLDM2, wave: np.ndarray) -> np.ndarray:
    return np.asarray(soxr.resample(wave, engine.abilities.sample_rate, RATE, "HQ"), np.float32)


def off_ms(before: np.ndarray, after: np.ndarray) -> float:
    """The largest distance in ms from an onset to the nearest onset afterwards; both at 48 kHz."""
    onsets = beats.attacks(after[:, None])
    return max(float(np.abs(onsets - onset).min(initial=10**9)) for onset in beats.attacks(before[:, None])) / 48


def varied(engine: AudioLDM2, origin: Source, text: str = "drum loop", **more: object) -> np.ndarray:
    return waves(engine, prompt(origin, text, **more))[0]


@pytest.fixture
def loop(tmp_path: Path) -> Source:
    return source(tmp_path, beat(), RATE, words="drum loop", bpm=110)


@pytest.mark.parametrize("strength", [0.3, 0.5, 0.7])
def test_every_hit_of_a_varied_rhythm_begins_where_it_did(starter: AudioLDM2, loop: Source, strength: float) -> None:
    out = varied(starter, replace(loop, strength=strength))
    assert len(out) == starter.geometry.frames(loop.seconds)
    assert off_ms(beat(), at_output(starter, out)) < 3
    assert starter.remarks(prompt(loop, "drum loop"))["method"] == "hits"


def test_a_rhythm_is_varied_whole_on_request_and_other_sounds_are_by_themselves(
    starter: AudioLDM2, loop: Source, tmp_path: Path
) -> None:
    for origin in (
        replace(loop, parts="whole"),
        source(tmp_path, kick()),
        source(tmp_path, chord(220, (0, 4, 7), 1.0), RATE),
    ):
        varied(starter, origin, steps=2)
        assert starter.remarks(prompt(origin))["method"] == "whole"
    varied(starter, source(tmp_path, kick(), parts="hits"), steps=2)
    assert starter.remarks(prompt(loop))["method"] == "hits"


def test_a_checkpoint_that_understands_free_text_varies_hits_on_request_only(engine: AudioLDM2, loop: Source) -> None:
    varied(engine, loop, steps=2)
    assert engine.remarks(prompt(loop))["method"] == "whole"
    out = varied(engine, replace(loop, parts="hits"), steps=2)
    assert engine.remarks(prompt(loop))["method"] == "hits"
    assert len(out) == engine.geometry.frames(loop.seconds) and np.isfinite(out).all()


def test_without_words_of_its_own_a_kick_stays_a_kick_and_a_hat_a_hat(starter: AudioLDM2, loop: Source) -> None:
    for strength in (0.5, 0.9):
        out = at_output(starter, varied(starter, replace(loop, strength=strength), steps=20))
        for name, at in places("rock", 1, 110):
            if name == "kick" or (name == "closed_hat" and at * 110 / 60 % 1 > 0.4):  # the hats that sound alone
                spectra = [np.abs(np.fft.rfft(wave[round(at * RATE) :][:2_400])) ** 2 for wave in (beat(), out)]
                highs = [power[150:].sum() / power.sum() for power in spectra]  # above 3 kHz
                assert 0.5 < highs[1] / highs[0] < 2 or abs(highs[1] - highs[0]) < 0.1, (strength, name, at, highs)


def test_a_named_sound_takes_the_place_of_all_hits_and_other_words_colour_each(
    starter: AudioLDM2, loop: Source
) -> None:
    strong = replace(loop, strength=0.9)
    own = varied(starter, strong)
    snares, distorted = varied(starter, strong, "snare"), varied(starter, strong, "distorted")
    assert mel_db(starter, own, snares) > 1 and mel_db(starter, own, distorted) > 0.5
    heats = at_output(starter, snares)
    kicks = [round(at * RATE) for name, at in places("rock", 1, 110) if name == "kick"]
    for wave, most in ((heats, 0.5), (beat(), 1.0)):
        lows = [np.abs(np.fft.rfft(wave[at:][:4_800])) ** 2 for at in kicks]
        assert max(power[:12].sum() / power.sum() for power in lows) < most  # below 120 Hz


def test_the_same_seed_is_the_same_beat_and_each_take_equals_its_seed_alone(starter: AudioLDM2, loop: Source) -> None:
    together = waves(starter, prompt(loop, "drum loop", takes=2))
    assert np.array_equal(together[1], varied(starter, loop, seed=6))
    assert np.array_equal(together[0], varied(starter, loop)) and mel_db(starter, *together) > 0.3


def test_equal_hits_stay_equal(starter: AudioLDM2, tmp_path: Path) -> None:
    four = np.zeros(2 * RATE, np.float32)
    for at in range(0, len(four), RATE // 2):
        four[at : at + 20_000] += hit("kick")[:20_000]
    out = at_output(starter, varied(starter, source(tmp_path, four, RATE, strength=0.8)))
    first, third = out[24_500:44_000], out[72_500:92_000]
    assert np.corrcoef(first, third)[0, 1] > 0.98


def test_a_varied_loop_closes(starter: AudioLDM2, tmp_path: Path) -> None:
    wave = np.roll(beat("four on the floor", 120), 5_000)
    origin = source(tmp_path, wave, RATE, words="drum loop")
    out = varied(starter, origin, loop=True)
    twice = at_output(starter, np.tile(out, 2))
    assert off_ms(np.tile(wave, 2), twice) < 3
    steps = np.abs(np.diff(twice))
    assert steps[len(wave) - 100 : len(wave) + 100].max() < 0.3 * steps.max()


def test_nothing_is_varied_at_strength_0(starter: AudioLDM2, loop: Source) -> None:
    out = at_output(starter, varied(starter, replace(loop, strength=0.0)))
    assert np.abs(out[: len(beat())] - beat()[: len(out)]).max() < 0.02 * np.abs(out).max()


def test_hits_take_no_note(starter: AudioLDM2, loop: Source) -> None:
    with pytest.raises(Unsupported, match="leave note out"):
        varied(starter, replace(loop, parts="hits"), note="c3")


def test_progress_never_goes_back_and_a_variation_can_be_cancelled(starter: AudioLDM2, loop: Source) -> None:
    ask, steps = prompt(loop, "drum loop", takes=2), list[tuple[int, int]]()
    list(starter.generate(ask, lambda step, of: steps.append((step, of))))
    assert steps == sorted(steps) and steps[-1] == (ask.units, ask.units)

    def cancel(step: int, of: int) -> None:
        if step > 0:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        list(starter.generate(ask, cancel))
    assert len(varied(starter, loop, steps=2)) > 0


@pytest.mark.parametrize(("seconds", "more"), [(0.8, {}), (3.0, {}), (2.2, {"loop": True})])
def test_a_clip_of_another_length_than_its_source_has_its_own(
    starter: AudioLDM2, loop: Source, seconds: float, more: dict[str, Any]
) -> None:
    out = varied(starter, loop, seconds=seconds, steps=2, **more)
    assert len(out) == starter.geometry.frames(seconds) and np.isfinite(out).all()
