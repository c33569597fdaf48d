"""The engine of AudioLM models: lengths, seeds, sources, on a small one with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.families import open_engine
from bridge.engine.messages import Engine
from bridge.errors import JobCancelled
from bridge.files.same_file import hash_of
from tests.engine.audiolm import small_model

RATE = 44_100
PROMPT = Prompt("deep kick", "deep kick", 0.5, 7)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = small_model.saved(tmp_path_factory.mktemp("model"))
    engine = open_engine(EngineConfig(model=str(folder), compute="cpu"), tmp_path_factory.mktemp("cache"))
    engine.load(lambda done, total, what: None)
    engine.warm(lambda done, total, what: None)
    return engine


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    file = tmp_path_factory.mktemp("source") / "my pad.wav"
    wave = 0.3 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    soundfile.write(file, wave, RATE, subtype="FLOAT")
    return Source(str(file), hash_of(file), "continue", 1.0, 0.0, 1.0, words="my pad")


def made(engine: Engine, prompt: Prompt) -> list[np.ndarray]:
    pieces = list(engine.generate(prompt, lambda done, units: None))
    assert [piece.take for piece in pieces] == list(range(1, prompt.takes + 1)) and all(piece.last for piece in pieces)
    return [np.frombuffer(piece.samples, "<f4") for piece in pieces]


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.37])
def test_a_clip_has_its_length_and_its_seed_makes_it_again(engine: Engine, seconds: float) -> None:
    prompt = replace(PROMPT, seconds=seconds)
    first, again, other = (made(engine, replace(prompt, seed=seed))[0] for seed in (7, 7, 8))
    assert len(first) == round(seconds * RATE) and np.array_equal(first, again) and not np.array_equal(first, other)
    assert engine.remarks(prompt)["heard"] == "deep, kick"


def test_takes_differ(engine: Engine) -> None:
    first, second = made(engine, replace(PROMPT, takes=2))
    assert not np.array_equal(first, second)


def test_a_continuation_keeps_every_sample_of_its_source(engine: Engine, source: Source) -> None:
    wave, _ = soundfile.read(source.path, dtype="float32")
    longer = made(engine, replace(PROMPT, text="", full_text="", seconds=2.0, source=source))[0]
    assert len(longer) == 2 * RATE and np.abs(longer[:RATE] - wave).max() < 1e-5
    assert np.abs(longer[RATE:]).max() > 1e-4
    assert engine.remarks(replace(PROMPT, text="", full_text="", source=source))["heard"] == "pad"


def test_a_filled_gap_leaves_the_rest_as_it_was(engine: Engine, source: Source) -> None:
    wave, _ = soundfile.read(source.path, dtype="float32")
    gap = replace(source, how="fill", from_s=0.4, to_s=0.6)
    filled = made(engine, replace(PROMPT, seconds=1.0, source=gap))[0]
    outside = np.r_[0 : round(0.4 * RATE), round(0.6 * RATE) : RATE]
    assert np.abs(filled[outside] - wave[outside]).max() < 1e-5
    assert not np.allclose(filled, wave, atol=1e-3)


def test_a_variation_of_nothing_is_the_source_and_takes_of_a_stronger_one_differ(
    engine: Engine, source: Source
) -> None:
    wave, _ = soundfile.read(source.path, dtype="float32")
    vary = replace(source, how="vary", strength=0.0)
    assert np.abs(made(engine, replace(PROMPT, seconds=1.0, source=vary))[0] - wave).max() < 1e-5
    first, second = made(engine, replace(PROMPT, seconds=1.0, takes=2, source=replace(vary, strength=0.4)))
    assert len(first) == RATE and not np.array_equal(first, second)


@pytest.mark.parametrize("text", ["kick", "pad", "drum loop"])
def test_a_loop_has_about_its_length(engine: Engine, text: str) -> None:
    loop = made(engine, replace(PROMPT, text=text, full_text=text, seconds=1.0, loop=True))[0]
    assert abs(len(loop) - RATE) <= 128


def test_a_rhythm_of_bars_is_in_their_tempo_and_a_hit_is_not(engine: Engine) -> None:
    bars = replace(PROMPT, bars=1.0, bpm=120.0, seconds=2.0)
    assert engine.in_tempo(replace(bars, text="drum loop", full_text="drum loop")) and not engine.in_tempo(bars)


def test_a_cancelled_job_ends_at_the_next_frame(engine: Engine) -> None:
    frames: list[int] = []

    def cancel(done: int, units: int) -> None:
        frames.append(done)
        if len(frames) == 3:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        list(engine.generate(replace(PROMPT, seconds=5.0), cancel))
    assert len(frames) == 3
    assert len(made(engine, PROMPT)[0]) == round(0.5 * RATE)
