"""Learning a few sounds from a base, on a small one with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.learning import Learning
from bridge.errors import Unsupported
from tests.engine.audiolm import small_model

RATE = 44_100


def sounds(seed: int, count: int = 6) -> list[tuple[np.ndarray, tuple[str, ...]]]:
    """Tones and noises that fade, called gong and rusty hiss."""
    rng, times = np.random.default_rng(seed), np.arange(RATE) / RATE
    made: list[tuple[np.ndarray, tuple[str, ...]]] = []
    for number in range(count):
        fade = np.exp(-times * rng.uniform(4, 8))
        tone = np.sin(2 * np.pi * rng.uniform(200, 220) * times)
        wave = tone if number % 2 else rng.normal(0, 0.3, RATE)
        made.append(((wave * fade).astype(np.float32), ("gong",) if number % 2 else ("rusty", "hiss")))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.saved(tmp_path_factory.mktemp("base"))


def learned(base: Path, steps: int, state: Path | None = None) -> Learning:
    learning = Learning(base, sounds(1), sounds(2, 3))
    if state is not None:
        learning.load_state(state)
    for _ in range(steps):
        learning.step()
    return learning


def test_learning_lowers_the_loss_of_sounds_that_it_does_not_learn(base: Path) -> None:
    learning = learned(base, 0)
    before = learning.held_out_loss()
    losses = [learning.step() for _ in range(25)]
    assert learning.held_out_loss() < before - 0.3 and np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


def test_an_interrupted_course_goes_on_as_if_it_had_not_been(base: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    first = learned(base, 3)
    first.held_out_loss()
    first.save_state(state)
    assert [file.name for file in tmp_path.iterdir()] == [state.name]
    again = learned(base, 0, state)
    assert again.steps == 3
    assert [first.step(), first.step()] == pytest.approx([again.step(), again.step()], abs=1e-6)
    assert first.held_out_loss() == pytest.approx(again.held_out_loss(), abs=1e-6)


@pytest.mark.parametrize("damage", ["short", "other sounds"])
def test_a_state_that_does_not_fit_is_refused(base: Path, tmp_path: Path, damage: str) -> None:
    state = tmp_path / "state.safetensors"
    learned(base, 1).save_state(state)
    other = Learning(base, [(wave, ("tuba",)) for wave, _ in sounds(1)], sounds(2, 3))
    if damage == "short":
        state.write_bytes(state.read_bytes()[:1_000])
        other = learned(base, 0)
    with pytest.raises(Unsupported, match=r"cannot be gone on from.*learn under another name"):
        other.load_state(state)


def test_the_best_state_is_a_model_that_knows_the_new_words(base: Path, tmp_path: Path) -> None:
    learning = learned(base, 2)
    learning.held_out_loss()
    learning.save_model(tmp_path)
    model = model_folder.load(tmp_path)
    assert model.words.hear("a rusty gong").heard == ("rusty", "gong") and "kick" in model.words.tokens
    clip = learning.hear(("gong",), 3)
    assert clip.dtype == np.float32 and 1.3 < len(clip) / RATE < 1.5 and np.isfinite(clip).all()
    assert np.array_equal(clip, learning.hear(("gong",), 3)) and not np.array_equal(clip, learning.hear(("gong",), 4))
