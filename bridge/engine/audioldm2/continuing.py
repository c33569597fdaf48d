"""Continue a source: where the new part lies, and what the network hears of the source."""

from __future__ import annotations

import numpy as np

from bridge.engine.audioldm2 import rhythms
from bridge.engine.audioldm2.joining import Around, Joined
from bridge.engine.audioldm2.method import Material, Method, Stages, Wave

CONTEXT_S = 4.0  # what the network hears of the source
SPARE_S = 0.75  # made beyond the end of a steady sound and cut off: the network ends its clips


def around(wave: Wave, frames: int, rate: int) -> Around:
    """A source (samples,) at `rate` Hz, to be continued to `frames` samples."""
    begin = min(len(wave), frames)
    whole = np.pad(wave[:begin], (0, frames - begin))
    return Around(whole, begin, frames, max(0, begin - round(CONTEXT_S * rate)), frames, SPARE_S)


def choose(stages: Stages, material: Material) -> Method:
    """See Choose."""
    if stages.texts.vocabulary is not None and (rhythm := rhythms.continued_rhythm(stages, material)) is not None:
        return rhythm  # small checkpoints know single sounds only
    wave, geometry = material.wave, stages.geometry
    return Joined.of(stages, material, around(wave, geometry.frames(material.prompt.seconds), geometry.sample_rate))
