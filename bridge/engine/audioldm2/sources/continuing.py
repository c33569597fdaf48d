"""Continue a source: where the new part lies, and what the network hears of the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.engine.audioldm2.sources import rhythms
from bridge.engine.audioldm2.sources.joining import Around, Joined
from bridge.engine.audioldm2.sources.method import Material, Method, Stages, Wave
from bridge.errors import BadSource

CONTEXT_S = 4.0  # what the network hears of the source
# The peak of the end of a sound that is over, relative to that of the whole; and below which nothing that goes on is audible.
ENDING_S, OVER, SILENT = 0.05, 0.01, 2e-4
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
    frames, rate = geometry.frames(material.prompt.seconds), geometry.sample_rate
    place = around(wave, frames, rate)
    method = Joined.of(stages, material, place)
    if method.heard.steady and not method.another:
        return method
    ending = float(np.abs(wave[-round(ENDING_S * rate) :]).max(initial=0.0))
    if method.another:
        # A network that hears the end of a sound makes silence after it.
        over = ending < OVER * float(np.abs(wave).max(initial=0.0))
        return Joined.of(stages, material, replace(place, first=place.begin)) if over else method
    if ending < SILENT:
        raise BadSource(
            f"{Path(material.source.path).name} has faded to silence where it ends: choose with from and to the part that goes on, or "
            "say in words what should come after it."
        )
    return method
