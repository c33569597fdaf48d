"""Hold the level of a stream whose clips go on after each other: a network makes each a little quieter than what it goes on after, and
the next goes on after that."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from bridge.audio.levels import loud_rms
from bridge.audio.shape import Samples
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.files.same_file import SAMPLES

REMEMBERED = 64  # clips
MOST_DB = 9.0  # of gain or loss in one clip
GLIDE_S = 1.5  # from the level of what is kept to that of the stream
CEILING = 0.99


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
        return _at_level(samples, kept, level) if goes_on else samples


def _at_level(samples: Samples, kept: int, level: float) -> Samples:
    new = samples[kept:]
    now = loud_rms(new)
    if not now or not level:
        return samples
    gain_db = float(np.clip(20 * np.log10(level / now), -MOST_DB, MOST_DB))
    glide = np.clip(np.arange(len(new)) / (GLIDE_S * OUTPUT_RATE), 0, 1)
    louder = new * (10 ** (gain_db * glide / 20)).astype(np.float32)[:, None]
    peak = float(np.abs(louder).max(initial=0.0))
    if peak > CEILING:  # only where it is too loud: what is kept must not change
        loudest = 20 * np.log10(CEILING / float(np.abs(new).max(initial=0.0)))
        louder = new * (10 ** (min(gain_db, max(loudest, 0.0)) * glide / 20)).astype(np.float32)[:, None]
    return np.concatenate([samples[:kept], louder])
