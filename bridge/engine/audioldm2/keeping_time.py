"""The tempo of a rhythm: that of its bars, the one that is written in the prompt, or one with which whole bars fill the clip."""

from __future__ import annotations

import math
import re

from bridge.domain.clip import Prompt
from bridge.domain.limits import BPM
from bridge.engine.audioldm2.hearing import Heard

WRITTEN = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*bpm", re.IGNORECASE)
LEARNED_BPM = (60.0, 180.0)
BEATS = (4, 2, 1)  # whole bars if possible, else half bars, else beats


def bpm_of(prompt: Prompt, heard: Heard) -> float:
    """Beats a minute of a rhythm; 0 of other sounds."""
    if heard.usual_bpm is None:
        return 0.0
    if prompt.source is not None and prompt.source.bpm:
        return prompt.source.bpm
    if prompt.bars:
        return prompt.bpm
    written = WRITTEN.search(prompt.text)
    if written is not None and float(written[1]) in BPM:
        return float(written[1])
    low, high = heard.usual_bpm
    middle = math.sqrt(low * high)
    for slowest, fastest in (heard.usual_bpm, LEARNED_BPM):
        for unit in BEATS:
            beats = range(unit, math.floor(fastest * prompt.seconds / 60) + 1, unit)
            tempi = [tempo for count in beats if slowest <= (tempo := 60 * count / prompt.seconds) <= fastest]
            if tempi:
                return min(tempi, key=lambda tempo: abs(math.log(tempo / middle)))
    return middle
