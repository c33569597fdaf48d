"""The clip that is made every minute, to hear how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.audio.shape import finish, prepare
from bridge.domain.ask import DEFAULT_SHAPE
from bridge.domain.clip import OUTPUT_RATE
from bridge.learn.course import RATE, Sample

ASKED_WORDS = 2


def what_to_hear(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """The words to ask for in turn: the first words of the sounds, the most frequent first."""
    counts = Counter(sample.words[:ASKED_WORDS] for sample in samples if sample.words)
    return [words for words, _ in counts.most_common()] or [()]


def write_clip(samples: NDArray[np.float32], file: Path) -> int:
    """Shape a clip like any other and write its samples, (frames, 1) at OUTPUT_RATE. Returns the number of frames. `samples`: mono at
    RATE. Raises BadAudio if there is no sound, OSError."""
    frames = round(len(samples) * OUTPUT_RATE / RATE)
    clip = finish(prepare(np.asarray(samples, np.float32)[:, None], RATE, frames), frames, DEFAULT_SHAPE)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        np.save(file, clip)
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return len(clip)
