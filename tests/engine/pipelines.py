"""What the tests of all families with pipelines need: an engine in this process, and sounds from it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.source import How, Source
from bridge.engine.families import open_engine
from bridge.engine.pipeline_runner import PipelineRunner

Sound = NDArray[np.float32]


def nothing(*_at: object) -> None:
    """Listen to no progress."""


def opened(folder: Path, **settings: Any) -> PipelineRunner:
    """The loaded engine of a checkpoint."""
    config = EngineConfig(model=str(folder), compute="cpu", threads=1, **({"compile": "off"} | settings))
    engine = open_engine(config, folder.parent)
    assert isinstance(engine, PipelineRunner)
    engine.load(nothing)
    return engine


def prompt(text: str = "one deep punchy kick drum", seconds: float = 0.5, seed: int = 5, **keys: Any) -> Prompt:
    return Prompt(text, text, seconds, seed, **keys)


def pieces(engine: PipelineRunner, asked: Prompt, on_step: Any = nothing) -> list[Piece]:
    return list(engine.generate(asked, on_step))


def takes(engine: PipelineRunner, asked: Prompt, on_step: Any = nothing) -> list[Sound]:
    """Each take as (frames, channels), from pieces that follow each other."""
    sounds: dict[int, list[Sound]] = {}
    for piece in pieces(engine, asked, on_step):
        before = sounds.setdefault(piece.take, [])
        assert piece.start_frame == sum(map(len, before))
        before.append(np.frombuffer(piece.samples, "<f4").reshape(-1, piece.channels))
        assert piece.last == (
            piece.start_frame + len(before[-1]) == round(asked.seconds * engine.abilities.sample_rate)
        )
    return [np.concatenate(parts) for parts in sounds.values()]


def one(engine: PipelineRunner, asked: Prompt, on_step: Any = nothing) -> Sound:
    (sound,) = takes(engine, asked, on_step)
    return sound


def differs(one_sound: Sound, other: Sound) -> float:
    """The greatest difference, relative to the peak."""
    return float(np.abs(one_sound - other).max() / np.abs(one_sound).max())


def a_source(folder: Path, how: How, rate: int, channels: int = 2, seconds: float = 0.5, **keys: Any) -> Source:
    """A file of noise as a source, whose gap is its third quarter."""
    file = folder / f"{rate}-{channels}-{seconds}.wav"
    noise = np.random.default_rng(7).uniform(-0.3, 0.3, (round(seconds * rate), channels))
    soundfile.write(file, noise, rate, "FLOAT")
    from_s, to_s = (seconds / 2, 3 * seconds / 4) if how == "fill" else (0.0, seconds)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return Source(file.as_posix(), sha256, how, seconds, from_s, to_s, **keys)
