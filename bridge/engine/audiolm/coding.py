"""Coder: from sound to tokens, and back. MelCoder is that of the models that ship; PulledCoder loads published codecs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Wave = NDArray[np.float32]


class Coder(Protocol):
    """All waves are (samples,) at `sample_rate` Hz, all tokens (frames, books), each below `codes`. A frame is `frame_samples`; the first
    one begins `lead_in` samples before the sound."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def frame_samples(self) -> int: ...
    @property
    def lead_in(self) -> int: ...
    @property
    def books(self) -> int: ...
    @property
    def codes(self) -> int: ...

    def frames(self, samples: int) -> int:
        """Frames for at least this many samples."""

    def heard_frames(self, samples: int) -> int:
        """Frames whose tokens do not depend on what comes after this many samples."""

    def gain(self, wave: Wave) -> float:
        """The factor that brings a wave to the level at which the codec is best."""

    def tokens(self, wave: Wave, frames: int) -> torch.Tensor:
        """The tokens of a wave, with silence behind it or cut at the last frame."""

    def sound(self, tokens: torch.Tensor, samples: int) -> Wave:
        """The first samples of tokens."""

    def period(self, tokens: torch.Tensor, samples: int) -> Wave:
        """One turn of a ring, of about this many samples."""

    def joined(self, tokens: torch.Tensor, whole: Wave, begin: int, end: int) -> Wave:
        """The samples of a source (`whole`), and those of the tokens from sample `begin` to `end`."""

    def save(self, folder: Path) -> None:
        """Write the codec into a folder."""
