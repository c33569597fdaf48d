"""Rhythms with the real pipeline: varied hit by hit, continued with the hits of their last bar."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from bridge.audio import beats, keep
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
    around = steps[len(wave) - 100 : len(wave) + 100]
    assert around[97:102].max() < 1.5 * max(around[:97].max(), around[102:].max())  # no click where it turns


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


def test_of_two_drums_at_once_neither_is_lost(starter: AudioLDM2, tmp_path: Path) -> None:
    both = np.zeros(2 * RATE, np.float32)
    for at in range(0, len(both), RATE // 2):
        both[at : at + 20_000] += 0.6 * hit("kick")[:20_000] + 0.4 * hit("clap")[:20_000]
    origin = source(tmp_path, both, RATE, words="drum loop", strength=0.6)
    out = at_output(starter, varied(starter, origin, steps=20))
    for at in range(0, len(both), RATE // 2):
        powers = [np.abs(np.fft.rfft(wave[at:][:4_800])) ** 2 for wave in (both, out)]
        for band in (slice(2, 15), slice(60, 1_200)):  # 20 to 150 Hz, 600 Hz to 12 kHz
            assert 0.25 < powers[1][band].sum() / powers[0][band].sum() < 4


def continued(engine: AudioLDM2, folder: Path, wave: np.ndarray, bars: float, **more: Any) -> np.ndarray:
    """The clip at 48 kHz, `bars` bars of a source at 110 BPM."""
    origin = source(folder, wave, RATE, how="continue", words="drum loop", **{"bpm": 110, **more})
    return at_output(engine, varied(engine, origin, seconds=bars * 240 / 110))


@pytest.mark.parametrize("pattern", ["rock", "swing"])
def test_a_rhythm_goes_on_at_its_tempo_with_its_kit(starter: AudioLDM2, tmp_path: Path, pattern: str) -> None:
    wave = beat(pattern)
    out = continued(starter, tmp_path, wave, 3)
    kept = len(wave) - RATE // 25
    assert len(out) >= 3 * len(wave) - 2 and np.abs(out[:kept] - wave[:kept]).max() < 0.02
    onsets = beats.attacks(out[:, None])
    for name, at in places(pattern, 3, 110):
        if name in ("kick", "snare"):
            assert np.abs(onsets - at * RATE).min() < 0.003 * RATE
    measured = beats.measure(out[:, None], 110)
    assert measured.bpm == pytest.approx(110, rel=0.005) and measured.confidence > 0.5
    levels = [np.sqrt(np.square(out[bar * len(wave) :][: len(wave)]).mean()) for bar in range(3)]
    assert max(levels) < 1.3 * min(levels)
    said = starter.remarks(prompt(source(tmp_path, wave, RATE, how="continue")))
    assert said["method"] == "hits" and "last bar" in said["remark"]


def test_no_two_bars_of_a_continued_rhythm_are_the_same(starter: AudioLDM2, tmp_path: Path) -> None:
    wave = beat()
    out = continued(starter, tmp_path, wave, 3)
    bars = [out[bar * len(wave) :][: len(wave) - 200] for bar in range(3)]
    apart = [np.sqrt(np.square(one - other).mean() / np.square(one).mean()) for one, other in itertools.pairwise(bars)]
    assert min(apart) > 0.05


def test_each_take_of_a_continued_rhythm_equals_its_seed_alone(starter: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, beat(), RATE, how="continue", words="drum loop", bpm=110)
    ask = prompt(origin, "drum loop", seconds=2 * origin.seconds, takes=2, steps=4)
    together = waves(starter, ask)
    alone = waves(starter, replace(ask, takes=1, seed=ask.seed + 1))[0]
    assert np.array_equal(together[1], alone) and not np.allclose(together[0], together[1], atol=0.01)


@pytest.mark.parametrize("more_s", [0.002, 0.1, 0.3])
def test_a_rhythm_can_go_on_for_less_than_a_beat(starter: AudioLDM2, tmp_path: Path, more_s: float) -> None:
    wave = beat("four on the floor")
    out = continued(starter, tmp_path, wave, (len(wave) / RATE + more_s) * 110 / 240)
    assert np.isfinite(out).all() and len(out) == pytest.approx(len(wave) + more_s * RATE, abs=3)
    kept = len(wave) - RATE // 25
    assert np.abs(out[:kept] - wave[:kept]).max() < 0.02


def test_the_shaper_joins_a_continued_rhythm_without_a_click(starter: AudioLDM2, tmp_path: Path) -> None:
    longer = beat("four on the floor", bars=2)
    wave = longer[: round(1.07 * 240 / 110 * RATE)]  # ends while the first hit of its second bar rings
    rendering = continued(starter, tmp_path, wave, 2)
    out = keep.continued(wave[:, None], rendering[:, None], len(longer))[:, 0]
    assert np.array_equal(out[: len(wave) - keep.JOIN], wave[: -keep.JOIN])
    onsets = beats.attacks(out[:, None])
    kicks = [at * RATE for name, at in places("four on the floor", 2, 110) if name == "kick"]
    assert max(np.abs(onsets - at).min() for at in kicks) < 0.003 * RATE
    around = slice(len(wave) - 3_000, len(wave) + 3_000)
    assert np.abs(np.diff(out[around])).max() < 1.5 * np.abs(np.diff(longer[around])).max()


def test_the_reply_names_the_hits(starter: AudioLDM2, loop: Source) -> None:
    for text, said in (("drum loop", "kick, closed hat, snare"), ("distorted", "distorted kick"), ("clap", "clap")):
        ask = prompt(loop, text, steps=2)
        waves(starter, ask)
        remarks = starter.remarks(ask)
        assert set(said.split(", ")) <= set(remarks["heard"].split(", ")) and "remark" not in remarks
    later = prompt(source(Path(loop.path).parent, kick()), "kick", steps=2)
    waves(starter, later)
    assert starter.remarks(later)["heard"] == "kick"
