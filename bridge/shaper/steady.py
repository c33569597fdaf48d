"""Hold the level of a stream whose clips go on after each other: a network makes each a little quieter than what it goes on after, and
the next goes on after that."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from bridge.audio.levels import at_level, loud_rms
from bridge.audio.shape import Samples
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.files.same_file import SAMPLES

REMEMBERED = 64  # clips
MOST_DB = 9.0  # of gain or loss in one clip
GLIDE_S = 1.5  # from the level of what is kept to that of the stream


class Steady:
    """The level of each stream: that of its first clip, by the files of the clips that went on after it."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, float] = OrderedDict()

    def held(self, samples: Samples, prompt: Prompt, file: str) -> Samples:
        """A clip of a stream, (frames, channels) at OUTPUT_RATE, at the level of its stream; what is kept of the one before stays. `file`:
        where it will be, for the next."""
        source = prompt.source
        goes_on = source is not None and source.how == "continue" and source.path.endswith(SAMPLES)
        kept = round(source.seconds * OUTPUT_RATE) if source is not None and goes_on else 0
        level = self._levels.get(source.path, 0.0) if source is not None and goes_on else 0.0
        if not level:
            level = loud_rms(samples[:kept] if goes_on else samples)
        self._levels[file] = level
        while len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        if goes_on:
            samples = np.concatenate([samples[:kept], at_level(samples[kept:], level, GLIDE_S, MOST_DB)])
        return samples
