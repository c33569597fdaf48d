"""What `clipbridge learn` drives: a folder of sounds, learned from the base that ships. See bridge/learn/course.py for the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.checkpoints import find
from bridge.engine.audiolm.learning import Learning
from bridge.engine.course import FamilyCourse, Sample
from bridge.errors import NoModel


class TokenCourse(FamilyCourse[Learning]):
    """Learns on one thread: with more, it would take what other programs need."""

    def begin(self, samples: Sequence[Sample], state: Path, name: str) -> None:
        """Take these samples, and go on from the file `state` if it exists. Raises NoModel without a base, Unsupported for a state of
        another one."""
        torch.set_num_threads(1)
        base = _base()
        learned, held_out = (
            [(sample.samples, sample.words) for sample in samples if sample.held_out == out] for out in (False, True)
        )
        self._learning = Learning(base, learned, held_out)
        if state.is_file():
            self._learning.load_state(state)

    def hear(self, words: tuple[str, ...], seed: int) -> NDArray[np.float32]:
        """A clip of the best state."""
        return self._begun.hear(words, seed)

    def save_model(self, folder: Path) -> None:
        """Write the best state as a model. Raises OSError."""
        self._begun.save_model(folder)


def _base() -> Path:
    """The folder of the base: the one that ships, or one of this name among the models of one's own. Raises NoModel."""
    if find.AUDIOLM not in find.available():
        raise NoModel(
            "There is no base for models of tokens: it does not come with this version yet. Learn with --how lora, which needs none."
        )
    folder = find.find(find.AUDIOLM).folder
    assert folder is not None
    return folder
