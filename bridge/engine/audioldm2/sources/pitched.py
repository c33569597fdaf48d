"""Keep the pitch of a tone that is varied.

A small checkpoint learned its tones at C, and pulls a source at another pitch to the next C, the more the stronger it is varied. So the
source is played at the speed that brings it to C, varied there, and brought back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.hearing import Heard, without_notes
from bridge.engine.audioldm2.sources import tones
from bridge.engine.audioldm2.sources.tones import Wave
from bridge.engine.audioldm2.text import TextSide

IN_TUNE = 0.003  # 5 cents


@dataclass(frozen=True, slots=True)
class Pitched:
    """`prompt`: with the words for the network. `heard`: how to decode and tune. `speed`: how many times faster the source is played before
    it is encoded. `has_note`: whether the note that was requested, if any, is followed."""

    prompt: Prompt
    heard: Heard
    speed: float = 1.0
    has_note: bool = True


def pitched(texts: TextSide, prompt: Prompt, wave: Wave, rate: int) -> Pitched:
    """How to vary a wave (samples,): at its own pitch, or at the note that was requested. A loop keeps its own, because its length says
    how fast it is played."""
    heard = replace(texts.hears(prompt), fills=False)  # the source says how long it is
    if texts.vocabulary is None or not heard.noun:
        return Pitched(prompt, heard)
    words, requested_hz = without_notes(heard.text), heard.target_hz if heard.note else 0.0
    plain = replace(prompt, text=words, full_text=words, note="")
    octaves, multiples = texts.vocabulary.tones_of(heard.noun)
    tone = tones.find(wave, rate, octaves, multiples) if octaves else None
    if tone is None or tone.octave is None:
        return Pitched(plain, replace(texts.hears(plain), fills=False), has_note=not requested_hz)
    at_c = replace(plain, note=f"c{tone.octave}")
    learned = texts.hears(at_c)
    own_hz = learned.model_hz / tone.speed
    target_hz = own_hz if prompt.loop or not requested_hz else requested_hz
    return Pitched(
        at_c,
        replace(learned, target_hz=target_hz, fills=False),
        tone.speed,
        not requested_hz or abs(target_hz / requested_hz - 1) < IN_TUNE,
    )
