"""Pads that play an audio file at each press: the player holds the file as it holds takes."""

from __future__ import annotations

from bridge.domain.limits import PAD_SECONDS
from bridge.errors import PadEmpty
from bridge.live.pad import Pad
from bridge.live.voices import Live


class PadClips:
    """Loads the files of pads into the player, which reports what it could not load."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def load(self, pad: Pad) -> None:
        """Load the file of a pad, perhaps again; does nothing for a pad without one."""
        if pad.clip is not None:
            pad.clip.slot = pad.clip.slot or self._live.slot()
            self._live.hold_file(pad.clip.slot, pad.clip.file, pad.ask.loop == 1, PAD_SECONDS.high)

    def release(self, pad: Pad) -> None:
        """Forget the file of a pad, if it has one."""
        if pad.clip is not None and pad.clip.slot:
            self._live.release(pad.clip.slot)

    def slot(self, number: int, pad: Pad) -> int:
        """The slot to play for a pad without a take. Raises PadEmpty if it has no file either, or one that cannot be played."""
        if pad.clip is None:
            pad.missed = True
            raise PadEmpty(
                f"Pad {number} has no take ready yet" + (f": {pad.fault}" if pad.fault else "; it is being made.")
            )
        if pad.fault or not pad.clip.slot:
            why = pad.fault
            self.load(pad)  # the file may be there again
            if why:
                raise PadEmpty(f"Pad {number} cannot play its file: {why}")
        return pad.clip.slot
