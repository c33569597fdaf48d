"""Course: what learns from samples. Its code is a family's, in the engine's room; this process drives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 44_100  # Hz, of all samples of a course


@dataclass(frozen=True, slots=True)
class Sample:
    """A sound to learn from. `file`: where it came from, relative to the folder, with `/`; `samples`: mono float32 at RATE, at most 4
    seconds; `words`: what it may be called; `held_out`: it is only listened to, to tell whether learning still helps."""

    file: str
    samples: NDArray[np.float32]
    words: tuple[str, ...]
    held_out: bool


class Course(Protocol):
    """What learns from samples: it goes on from a base. One thread uses it."""

    def begin(self, samples: Sequence[Sample], state: Path, name: str) -> None:
        """Take these samples for the model `name`, and go on from the file `state` if it exists. Raises ClipbridgeError, such as NoModel if
        there is no base, and Unsupported for a state of another base or of other sounds: then it is called once more without it."""

    def step(self) -> float:
        """One step of the optimiser. Returns the training loss."""

    def held_out_loss(self) -> float:
        """The mean loss over the samples that are held out. The state with the lowest one so far is the best state."""

    def save_state(self, state: Path) -> None:
        """Write all that is needed to go on into the file `state`, in an existing folder, whole or not at all (see system.writing);
        less than STATE_BYTES. Raises OSError."""

    def hear(self, words: tuple[str, ...], seed: int) -> NDArray[np.float32]:
        """A clip of the best state: mono float32 at RATE."""

    def save_model(self, folder: Path) -> None:
        """Write the best state into an empty folder, as its family has it: settings and words as JSON, weights as safetensors. Raises
        OSError."""


Opener = Callable[[], Course]
"""Makes a course; nothing is loaded yet."""
