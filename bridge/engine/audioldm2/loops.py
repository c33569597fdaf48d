"""One turn of a loop: a steady sound is denoised on a circle; of a single hit, what rings on beyond the end sounds under the
next beginning, as on a sampler.

A hit that is denoised on a circle loses its attack: nothing tells the network where it begins. A steady sound that is not
swells and fades at the ends: pads and winds then have a hole of 20 to 40 dB at the seam. RESULTS.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.audio.seam import DEEPEST_HOLE_DB, hole_db
from bridge.engine.audioldm2.decoding import Decoder
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.hearing import Heard

Wave = NDArray[np.float32]
Denoise = Callable[[float | None, int], torch.Tensor]
"""Called as (circular_from, rows): denoises the same take again."""

# The first steps decide where a sound begins. Unless it is known to be steady, that is left to the network.
SECOND_HALF = 0.5
# A turn with a peak below QUIET may have got lost on the circle; it has if its peak is below LOST of the other way's. (Sounds of the
# starter that stand the circle reach 0.1 (rain) to 3, lost hits 0.01 instead of 0.9; free text can ask for quieter ones.)
QUIET, LOST = 0.1, 0.25
# What rings on for longer is faded out. Of a riser, whose end is its peak, no more may be faded than closes the seam.
HIT_TAIL_S, SWEEP_TAIL_S = 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of `seconds`."""

    decoder: Decoder
    geometry: Geometry
    seconds: float
    heard: Heard

    @property
    def circular_from(self) -> float | None:
        """How to denoise it first, see Denoiser.run."""
        return {True: 0.0, False: None, None: SECOND_HALF}[self.heard.steady]

    @property
    def rows(self) -> int:
        """The rows of latents to denoise it first."""
        return self._rows(self.circular_from)

    def turn(self, latents: torch.Tensor, denoise: Denoise) -> Wave:
        """One turn from the latents of one take, at the checkpoint's rate. A sound that gets lost on the circle is made without
        one; one with a hole at its seam is made on the circle from the first step on."""
        circular_from = self.circular_from
        wave = self._wave(latents, circular_from)
        if circular_from is None:
            return wave
        if _peak(wave) < QUIET:
            plain = self._wave(denoise(None, self._rows(None)), None)
            if _peak(wave) < LOST * _peak(plain):
                return plain
        if circular_from > 0 and hole_db(wave, self.geometry.sample_rate) > DEEPEST_HOLE_DB:
            again = self._wave(denoise(0.0, self._rows(0.0)), 0.0)
            return wave if _peak(again) < LOST * _peak(wave) else again
        return wave

    def _rows(self, circular_from: float | None) -> int:
        if circular_from is None:
            return self.geometry.rows(self._needed)
        return self.geometry.rows_of_loop(self.seconds, self.heard)

    def _wave(self, latents: torch.Tensor, circular_from: float | None) -> Wave:
        if circular_from is not None:
            return self.decoder.period(latents, self.seconds, self.heard)
        frames, tail = self.geometry.frames(self.seconds), self.geometry.frames(self._tail_s)
        pieces = self.decoder.pieces(latents, self.heard, self._needed, frames + tail)
        return ringing_on(np.concatenate(list(pieces)), frames)

    @property
    def _tail_s(self) -> float:
        return min(SWEEP_TAIL_S if self.heard.fills else HIT_TAIL_S, self.seconds)

    @property
    def _needed(self) -> int:
        return self.geometry.needed(self.seconds + self._tail_s, self.heard)


def ringing_on(wave: Wave, frames: int) -> Wave:
    """The first `frames` of a wave, with the rest, at most as long and faded out, added to their beginning."""
    turn, tail = wave[:frames].copy(), wave[frames:]
    fade = 0.5 + 0.5 * np.cos(np.pi * np.arange(len(tail)) / max(1, len(tail)))
    turn[: len(tail)] += tail * fade.astype(np.float32)
    return turn


def _peak(wave: Wave) -> float:
    return float(np.abs(wave).max(initial=0.0))
