"""The voices of pads: which sound or wait, and which must end when a pad is pressed."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain.events import PadVoice, Publish
from bridge.live.pad import Pad
from bridge.live.voices import Live
from bridge.player.messages import When


class PadVoices:
    """Publishes what becomes of each voice of a pad."""

    def __init__(self, live: Live, publish: Publish) -> None:
        self._live, self._publish = live, publish
        self._voices: dict[int, tuple[int, str]] = {}  # the pad of each, and whether it began or is waiting

    def add(self, number: int, voice: int, state: str) -> None:
        """A pad has a new voice, which began or is waiting."""
        self._voices = {other: what for other, what in self._voices.items() if self._live.sounds(other)}
        self._voices[voice] = number, state

    def on_voice(self, voice: int, state: str) -> None:
        """A voice, perhaps one of a pad, began, ended, or is waiting."""
        if voice not in self._voices:
            return
        number, _ = self._voices.pop(voice)
        if state != "ended":
            self._voices[voice] = number, state
        self._publish(PadVoice(number, voice, state))

    def events(self) -> list[PadVoice]:
        """The voices that sound or wait."""
        return [PadVoice(number, voice, state) for voice, (number, state) in self._voices.items()]

    def end_others(self, pad: Pad, pads: Iterable[Pad], moment: When) -> None:
        """Fade out what must not sound together with the next voice of `pad`, when that begins: its own loops, and the other pads of its
        choke group."""
        pad.voices = {voice: loop for voice, loop in pad.voices.items() if self._live.sounds(voice)}
        for voice, loop in pad.voices.items():
            if loop:  # it would never end, and a second one on top of it would be heard as one, only louder
                self._live.stop(voice, when=moment)
        for other in pads:
            if other is not pad and pad.choke and other.choke == pad.choke:
                for voice in filter(self._live.sounds, other.voices):
                    self._live.stop(voice, when=moment)
