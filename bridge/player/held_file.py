"""A whole audio file for a pad: short enough to stay in memory."""

from __future__ import annotations

import numpy as np

from bridge.errors import BadAudio
from bridge.player.audio_part import AudioPart
from bridge.player.messages import Hold, Play
from bridge.player.voice import Samples

PIECE_S = 10.0


def whole(hold: Hold, device_rate: int) -> Samples:
    """The samples of a file, at the device's rate. Raises BadAudio."""
    part = AudioPart(Play(0, hold.file, 0, loop=hold.loop), device_rate)
    if part.frames > hold.longest_s * device_rate:
        seconds = part.frames / device_rate
        raise BadAudio(f"A pad's clip has at most {hold.longest_s:g} seconds, and the file has {seconds:.1f}.")
    pieces = [part.read(PIECE_S)]
    while not part.is_over:
        pieces.append(part.read(PIECE_S))
    return np.concatenate(pieces)
