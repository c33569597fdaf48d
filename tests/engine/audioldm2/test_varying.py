"""Variations of a source, with the real pipeline and both kinds of checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.audio import key
from bridge.audio.seam import seam_score
from bridge.audio.shape import resample_loop
from bridge.domain.source import Source
from bridge.engine.audioldm2.encoding import resampled
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.errors import BadSource, JobCancelled, Unsupported
from tests.engine.audioldm2.sources import kick, mel_db, prompt, source, waves

CHECKPOINTS = ["engine", "starter"]


@pytest.fixture(params=CHECKPOINTS)
def both(request: pytest.FixtureRequest) -> AudioLDM2:
    """Each kind of checkpoint."""
    engine: AudioLDM2 = request.getfixturevalue(request.param)
    return engine


def wave(engine: AudioLDM2, origin: Source, text: str = "kick", **more: object) -> np.ndarray:
    return waves(engine, prompt(origin, text, **more))[0]


def test_the_same_seed_makes_the_same_variation_bit_for_bit_and_another_seed_another(
    both: AudioLDM2, tmp_path: Path
) -> None:
    origin = source(tmp_path, kick())
    first = wave(both, origin)
    assert len(first) == np.ceil(0.7 * both.geometry.sample_rate) and np.isfinite(first).all()
    assert np.array_equal(first, wave(both, origin))
    assert not np.allclose(first, wave(both, origin, seed=6), atol=0.01)
    assert both.remarks(prompt(origin))["method"] == "whole"


def test_takes_differ_and_each_equals_its_seed_alone(both: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick())
    together = waves(both, prompt(origin, takes=4))
    for number, take in enumerate(together):
        alone = wave(both, origin, seed=5 + number)
        assert np.abs(take - alone).max() < 1e-3 * np.abs(alone).max(), number
    apart = [mel_db(both, one, other) for n, one in enumerate(together) for other in together[:n]]
    assert min(apart) > 0.1, apart


def test_a_variation_is_further_from_its_source_the_stronger_it_is(starter: AudioLDM2, tmp_path: Path) -> None:
    for text in ("distorted kick", "snare"):
        origin = source(tmp_path, kick())
        away = [
            mel_db(starter, kick(), wave(starter, replace(origin, strength=s), text, steps=20))
            for s in (0.2, 0.5, 0.8, 1.0)
        ]
        assert away == sorted(away) and away[-1] > 1.5 * away[0], (text, away)


def test_without_strength_the_source_itself_comes_back_and_no_network_runs(
    both: AudioLDM2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(both.denoiser, "run", None)
    monkeypatch.setattr(both.encoder, "latents", None)
    rate = both.geometry.sample_rate
    origin = source(tmp_path, kick(), strength=0.0)
    for take in waves(both, prompt(origin, takes=2)):
        assert np.abs(take - resampled(kick(), 44_100, rate)[: len(take)]).max() < 1e-6


def test_a_full_strength_is_the_clip_that_the_seed_makes_alone(both: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick(), strength=1.0)
    for loop in (False, True):
        asked = prompt(origin, loop=loop)
        assert np.array_equal(waves(both, asked)[0], waves(both, replace(asked, source=None))[0])


def test_the_steps_that_are_run_are_counted_and_a_cancel_takes_effect_at_the_next_one(
    both: AudioLDM2, tmp_path: Path
) -> None:
    asked = prompt(source(tmp_path, kick(), strength=0.5), steps=20)
    seen: list[tuple[int, int]] = []
    list(both.generate(asked, lambda *at: seen.append(at)))
    assert 0 < asked.units < 20 and {of for _, of in seen} == {asked.units} and both.cost.units == asked.units
    assert [done for done, _ in seen] == sorted(done for done, _ in seen) and seen[-1][0] == asked.units
    assert both.cost.fixed_s > 0 and both.cost.per_unit_s > 0

    seen.clear()

    def cancel(done: int, units: int) -> None:
        seen.append((done, units))
        if done == 2:
            raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        list(both.generate(asked, cancel))
    assert seen[-1][0] == 2
    assert np.array_equal(waves(both, asked)[0], waves(both, asked)[0]), "the engine goes on"


@pytest.mark.parametrize("rate", [8_000, 96_000])
def test_a_source_of_any_rate_with_two_channels_is_varied(both: AudioLDM2, tmp_path: Path, rate: int) -> None:
    left = kick(rate)
    origin = source(tmp_path, np.stack([left, -0.5 * left], 1), rate, strength=0.3)
    made = wave(both, origin)
    assert len(made) == np.ceil(origin.seconds * both.geometry.sample_rate) and np.isfinite(made).all()
    if both.abilities.notes == "tuned":
        same = source(tmp_path, kick(), strength=0.3)
        assert mel_db(both, made / np.abs(made).max(), wave(both, same)) < 6


def test_a_variation_has_the_length_that_was_asked_for(both: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick())
    for seconds in (0.1, 0.35, 1.3):
        made = wave(both, origin, seconds=seconds)
        assert len(made) == np.ceil(seconds * both.geometry.sample_rate) and np.abs(made).max() > 0.01


def test_a_quiet_source_is_varied_as_a_loud_one_at_its_own_level(starter: AudioLDM2, tmp_path: Path) -> None:
    loud, quiet = source(tmp_path, kick()), source(tmp_path, np.float32(0.01) * kick())
    assert np.allclose(wave(starter, loud), 100 * wave(starter, quiet), atol=2e-3)


def test_a_source_that_was_changed_or_whose_sound_ends_early_is_refused(both: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick())
    with pytest.raises(BadSource, match="changed"):
        wave(both, replace(origin, sha256="0" * 64))
    with pytest.raises(BadSource, match="damaged"):
        wave(both, replace(origin, seconds=3.0, to_s=3.0))


def test_what_is_not_built_is_refused_with_a_sentence(both: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick())
    with pytest.raises(Unsupported, match="leave parts out"):
        wave(both, replace(origin, parts="quarters"))


def test_words_that_name_no_sound_are_heard_with_the_sound_of_the_source(starter: AudioLDM2, tmp_path: Path) -> None:
    origin = source(tmp_path, kick(), words="deep kick, 120 bpm")

    def heard(text: str, words: str = origin.words) -> str:
        return starter.remarks(prompt(replace(origin, words=words), text))["heard"]

    assert heard("distorted") == "distorted kick"
    assert heard("something else entirely") == "deep kick"
    assert heard("snare") == "snare"
    assert heard("distorted", "my sample 3") == "distorted"


def test_a_varied_loop_still_loops(starter: AudioLDM2, tmp_path: Path) -> None:
    """Noise whose level swings once in the loop, loudest at its seam: any other level on one side would be heard."""
    size = 44_100
    rng = np.random.default_rng(3)
    swing = 0.6 + 0.4 * np.cos(2 * np.pi * np.arange(size) / size)
    rain = (0.3 * rng.standard_normal(size) * swing).astype(np.float32)
    origin = source(tmp_path, rain, strength=0.5)
    for text in ("rain", "wind"):
        period = wave(starter, origin, text, loop=True, steps=10)
        loop = resample_loop(period[:, None], 48_000)
        assert seam_score(loop) <= 0.95, text
        levels = [float(np.std(part)) for part in np.array_split(np.roll(loop[:, 0], len(loop) // 8), 4)]
        assert levels[0] > 1.3 * levels[2], "it is still loudest at its seam"


TONES = {
    "pad f#4": lambda t: np.minimum(1, t / 0.1) * sum(np.sin(2 * np.pi * 370 * n * t) / n**2 for n in range(1, 9)),
    "lead a#3, 30 cents high": lambda t: sum(np.sin(2 * np.pi * 237.2 * n * t) / n for n in range(1, 30)),
    "pluck g#3": lambda t: sum(np.sin(2 * np.pi * 207.7 * n * t) / n * np.exp(-1.2 * n * t) for n in range(1, 20)),
}


def cents_from(hz: float, samples: np.ndarray, rate: int) -> float:
    """How far the root of a wave is from `hz`, whatever its octave."""
    pitch = key.measure(resampled(samples, rate, 48_000)[:, None]).pitch
    return 100 * ((pitch - 69 - 12 * np.log2(hz / 440) + 6) % 12 - 6)


@pytest.mark.parametrize(("name", "hz"), [("pad f#4", 370.0), ("lead a#3, 30 cents high", 237.2), ("pluck g#3", 207.7)])
def test_a_varied_tone_keeps_the_pitch_of_its_source(starter: AudioLDM2, tmp_path: Path, name: str, hz: float) -> None:
    """The starter knows tones at C only."""
    tone = 0.2 * TONES[name](np.arange(88_200) / 44_100).astype(np.float32)
    for strength in (0.2, 0.8, 1.0):
        origin = source(tmp_path, tone, strength=strength)
        made = wave(starter, origin, name.split()[0], steps=10)
        assert abs(cents_from(hz, made, 44_100)) < 15, strength
        assert len(made) == 88_200
        loop = resample_loop(wave(starter, origin, name.split()[0], steps=10, loop=True)[:, None], 96_000)[:, 0]
        assert abs(cents_from(hz, loop, 48_000)) < 15, strength


def test_a_varied_tone_is_brought_to_the_note_that_was_requested_and_a_sound_without_pitch_is_not(
    starter: AudioLDM2, tmp_path: Path
) -> None:
    tone = source(tmp_path, 0.2 * TONES["pad f#4"](np.arange(88_200) / 44_100).astype(np.float32))
    asked = prompt(tone, "pad", note="d4", steps=10)
    assert abs(cents_from(293.66, waves(starter, asked)[0], 44_100)) < 15
    assert starter.unmet(asked) == ()
    looped = replace(asked, loop=True)
    waves(starter, looped)
    assert starter.unmet(looped) == ("note",), "the length of a loop says how fast it is played"
    on_a_kick = prompt(source(tmp_path, kick()), "pad", note="d4")
    waves(starter, on_a_kick)
    assert starter.unmet(on_a_kick) == ("note",)
    unchanged = replace(asked, source=replace(tone, strength=0.0))
    waves(starter, unchanged)
    assert starter.unmet(unchanged) == ("note",)
    plain = replace(asked, source=None)
    waves(starter, plain)
    assert starter.unmet(plain) == ()


def test_a_sound_that_fills_its_clip_is_not_stretched(starter: AudioLDM2, tmp_path: Path) -> None:
    """The rows of latents come in units of 0.37 s; a new riser is squeezed from them into its length."""
    t = np.arange(round(0.8 * 44_100)) / 44_100
    click = (np.random.default_rng(2).standard_normal(len(t)) * np.exp(-(((t - 0.7) / 0.01) ** 2))).astype(np.float32)
    made = wave(starter, source(tmp_path, click, strength=0.05), "riser")
    assert abs(np.abs(made).argmax() / 44_100 - 0.7) < 0.02


def test_a_hit_that_is_varied_as_a_loop_keeps_its_attack(starter: AudioLDM2, tmp_path: Path) -> None:
    """New hits that are denoised on a circle lose it: nothing tells the network where they begin."""
    origin = source(tmp_path, np.pad(kick(), (0, 13_230)))
    for strength in (0.3, 0.8):
        period = wave(starter, replace(origin, strength=strength), "kick", loop=True, steps=10)
        peaks = [float(np.abs(part).max()) for part in np.array_split(period, 10)]
        assert np.argmax(peaks) == 0 and peaks[0] > 0.25 and peaks[-1] < 0.1 * peaks[0], (strength, peaks)
        assert len(period) == 44_100
