"""Fill a gap in a source: where it lies, and what the network hears on each side of it."""

from __future__ import annotations

import numpy as np

from bridge.engine.audioldm2.sources.joining import Around, Joined
from bridge.engine.audioldm2.sources.method import Material, Method, Stages, Wave

CONTEXT_S = 3.0  # what the network hears on each side


def around(wave: Wave, frames: int, from_s: float, to_s: float, rate: int) -> Around:
    """A source (samples,) at `rate` Hz, cut or filled up to `frames` samples, to be filled between two times."""
    whole = np.pad(wave[:frames], (0, max(0, frames - len(wave))))
    begin = min(max(0, round(from_s * rate)), frames - 1)
    end = min(max(begin + 1, round(to_s * rate)), frames)
    whole[begin:end] = 0
    context = round(CONTEXT_S * rate)
    return Around(whole, begin, end, max(0, begin - context), min(frames, end + context))


def choose(stages: Stages, material: Material) -> Method:
    """See Choose."""
    source, geometry = material.source, stages.geometry
    frames, rate = geometry.frames(material.prompt.seconds), geometry.sample_rate
    return Joined.of(stages, material, around(material.wave, frames, source.from_s, source.to_s, rate))
