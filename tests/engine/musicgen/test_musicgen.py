"""MusicGen checkpoints in their real layout: text, continuation, seeds, and how they are found and fetched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.checkpoints import find
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.families import open_engine
from bridge.engine.messages import Engine
from bridge.errors import JobCancelled, NoModel
from bridge.files.same_file import hash_of
from tests.engine.musicgen import small_checkpoint

RATE = 32_000
PROMPT = Prompt("house loop", "house loop", 0.6, 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_checkpoint.saved(tmp_path_factory.mktemp("musicgen"))


def opened(folder: Path) -> Engine:
    engine = open_engine(EngineConfig(model=str(folder), compute="cpu", threads=1), folder)
    engine.load(lambda done, total, what: None)
    return engine


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return opened(folder)


def made(engine: Engine, prompt: Prompt) -> list[np.ndarray]:
    pieces = list(engine.generate(prompt, lambda done, units: None))
    return [np.frombuffer(piece.samples, "<f4").reshape(-1, piece.channels) for piece in pieces]


def test_a_seed_makes_its_clip_again_alone_or_as_a_take(engine: Engine) -> None:
    first, second = made(engine, replace(PROMPT, takes=2))
    assert first.shape == (round(0.6 * RATE), 1)
    assert np.array_equal(made(engine, replace(PROMPT, seed=6))[0], second) and not np.array_equal(first, second)


def test_it_goes_on_after_a_source(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "loop.wav"
    soundfile.write(file, 0.2 * np.sin(np.arange(RATE) / 20), RATE)
    source = Source(str(file), hash_of(file), "continue", 1.0, 0.0, 1.0)
    longer = made(engine, replace(PROMPT, seconds=1.8, source=source))[0]
    assert len(longer) == round(1.8 * RATE) and np.abs(longer[RATE + 3_200 :]).max() > 0


def test_a_stereo_checkpoint_makes_two_channels(tmp_path: Path) -> None:
    stereo = made(opened(small_checkpoint.saved(tmp_path, channels=2)), PROMPT)[0]
    assert stereo.shape == (round(0.6 * RATE), 2) and not np.array_equal(stereo[:, 0], stereo[:, 1])


def test_a_cancelled_job_ends_at_the_next_frame_and_the_next_one_is_made(engine: Engine) -> None:
    frames: list[int] = []

    def cancel(done: int, units: int) -> None:
        frames.append(done)
        if len(frames) == 4:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        list(engine.generate(replace(PROMPT, seconds=10.0), cancel))
    assert len(frames) == 4 and len(made(engine, PROMPT)) == 1


def test_its_facts_are_read_without_its_weights(folder: Path) -> None:
    facts = find.facts(str(folder))
    assert (facts.sample_rate, facts.channels, facts.licence, facts.max_seconds) == (RATE, 1, "cc-by-nc-4.0", 30.0)
    assert "continue" in facts.can.split() and "loops" not in facts.can.split()


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_one_is_refused_with_a_sentence(tmp_path: Path, damage: str) -> None:
    weights = small_checkpoint.saved(tmp_path) / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5_000])
    else:
        weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(NoModel, match=r"Fetch it again\.|not loaded\."):
        opened(tmp_path)
