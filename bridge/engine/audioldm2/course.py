"""What `clipbridge learn --how lora` drives: a folder of sounds, learned by the starter. See bridge/learn/course.py for the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.checkpoints import adapted, find
from bridge.config import EngineConfig
from bridge.engine.audioldm2.adapting.learning import Adapting, word_for
from bridge.engine.audioldm2.adapting.sounds import Sound
from bridge.engine.audioldm2.encoding import resampled
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.course import FamilyCourse, Sample
from bridge.system.portable import cache_folder

RATE = 44_100  # Hz, of the samples that come in and of the clips that go out


class LoraCourse(FamilyCourse[Adapting]):
    """Learns on one thread: with more, it would take what other programs need."""

    def __init__(self) -> None:
        super().__init__()
        self._word = ""

    def begin(self, samples: Sequence[Sample], state: Path, name: str) -> None:
        """Take these samples, and go on from the file `state` if it exists. Raises NoModel if the starter is damaged,
        Unsupported for a state of another starter."""
        checkpoint = find.find(find.STARTER)
        assert checkpoint.folder is not None
        config = EngineConfig(model=find.STARTER, compute="cpu", compile="off", threads=1)
        engine = AudioLDM2(checkpoint, "cpu", config, cache_folder())
        engine.load(lambda done, total, what: None)
        self._word = word_for(name, engine.texts.vocabulary)
        learned, held_out = (
            [Sound(sample.samples, RATE, sample.words) for sample in samples if sample.held_out == out]
            for out in (False, True)
        )
        self._learning = Adapting(engine, learned, held_out, adapted.fingerprint(checkpoint.folder))
        if state.is_file():
            self._learning.load_state(state)

    def hear(self, words: tuple[str, ...], seed: int) -> NDArray[np.float32]:
        """A clip of the best state."""
        wave, rate = self._begun.hear(words, seed)
        return resampled(wave, rate, RATE)

    def save_model(self, folder: Path) -> None:
        """Write the best state as a LoRA of the starter. Raises OSError."""
        self._begun.save_model(folder, self._word)
