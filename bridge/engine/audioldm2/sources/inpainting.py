"""Make the unknown part of a wave so that it joins what is known: what `continue` and `fill` have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.audio import prediction
from bridge.engine.audioldm2 import mel_16k, vocoding
from bridge.engine.audioldm2.decoding import Decoder
from bridge.engine.audioldm2.encoding import Encoder
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.known import Known
from bridge.engine.audioldm2.mel_vocoder import LOWEST, SPREAD
from bridge.engine.audioldm2.sources import guess
from bridge.engine.audioldm2.sources.guess import Scale
from bridge.engine.audioldm2.starting import Kept

Wave = NDArray[np.float32]

DECIBELS = 20 / math.log(10)  # of a factor e
PREDICTED, SHORTEST, FADED = 1_024, 64, 0.5  # samples next to what is known, 23 ms; see predicted
DECAYED_DB = 40.0  # a sound that has become this much quieter is over: nothing new begins


@dataclass(frozen=True, slots=True)
class Gap:
    """A wave (samples,) at the checkpoint's rate and best level, unknown from sample `begin` to `end`. `spare_rows` are made beyond
    the wave and cut off. `steady`: see Heard. `partials_hz`: those that sound in it. `doubtful`: samples on each side of the gap that are
    not exact."""

    wave: Wave
    begin: int
    end: int
    steady: bool | None
    partials_hz: Sequence[float] = ()
    spare_rows: int = 0
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a gap is made: `kept` for the denoiser over `rows`, and the guess (frames, bands) with what is known around `unknown`."""

    gap: Gap
    rows: int
    kept: Kept
    guess: torch.Tensor
    unknown: slice
    joins: tuple[bool, bool]
    only_lower: bool


class Inpainter:
    """Plans and finishes gaps for one checkpoint."""

    def __init__(self, geometry: Geometry, encoder: Encoder, decoder: Decoder) -> None:
        self._geometry, self._encoder, self._decoder = geometry, encoder, decoder
        self._vocoder = vocoder = decoder.vocoder
        own = hasattr(vocoder, "mel")
        self.joins_samples = own  # its vocoder finds phases that go on from known samples
        window = vocoder.config.window if own else mel_16k.WINDOW
        self._reach = window // 2
        frame_s = geometry.hop / geometry.sample_rate
        self.scale = (
            Scale(DECIBELS * SPREAD, LOWEST, frame_s) if own else Scale(DECIBELS, math.log(mel_16k.FLOOR), frame_s)
        )

    def loudness(self, wave: Wave) -> float:
        """The level of the loudest quarter of a wave in the spectrogram, in dB."""
        return self.loudest(self.mel(wave))

    def mel(self, wave: Wave) -> torch.Tensor:
        """The spectrogram (frames, bands) of a wave (samples,)."""
        short = self._reach + 1 - len(wave)  # a spectrogram needs half a window
        return self._encoder.mel(np.pad(wave, (0, max(0, short)))[None])[0, 0].float()

    def loudest(self, mel: torch.Tensor) -> float:
        """The level of the loudest quarter of a spectrogram (frames, bands), in dB."""
        levels = self.scale.levels(mel.float())
        return float(levels.sort(descending=True)[0][: max(1, len(levels) // 4)].mean())

    def plan(self, gap: Gap) -> Plan:
        """Encode what is known with a guess in the gap."""
        geometry = self._geometry
        vae_scale = geometry.row_samples // geometry.hop
        rows = geometry.rows(len(gap.wave) + geometry.lead_in + gap.spare_rows * geometry.row_samples)
        padded = np.pad(gap.wave, (geometry.lead_in, rows * geometry.row_samples - len(gap.wave) - geometry.lead_in))
        mel = self._encoder.mel(padded[None])[0, 0].float()
        # Frames of which every sample is known.
        begin = (gap.begin + geometry.lead_in - self._reach) // geometry.hop
        end = math.ceil((gap.end + geometry.lead_in + self._reach) / geometry.hop)
        open_end = gap.end >= len(gap.wave)
        unknown = slice(max(0, begin), len(mel) if open_end else min(end, len(mel)))
        before, after = mel[: unknown.start], mel[unknown.stop :]
        count = unknown.stop - unknown.start
        between = guess.between(before, after, count, self.scale, gap.steady)
        full = torch.cat([before, between, after])
        latents = self._encoder.encoded(full[None, None])
        mask = torch.ones((1, 1, rows, 1), device=latents.device, dtype=latents.dtype)
        mask[:, :, unknown.start // vae_scale : math.ceil(unknown.stop / vae_scale)] = 0
        decayed = (
            open_end and not gap.steady and bool(len(before)) and guess.has_decayed(before, self.scale, DECAYED_DB)
        )
        return Plan(gap, rows, Kept(latents, mask), full, unknown, (bool(len(before)), bool(len(after))), decayed)

    def wave(self, plan: Plan, latents: torch.Tensor) -> Wave:
        """The whole wave from the latents of one take (1, channels, rows, width), at the level of the plan's."""
        gap, made = plan.gap, self._decoder.mel(latents)
        mel = guess.follow(
            made[0, 0].float().to(plan.guess),
            plan.guess,
            plan.unknown,
            self.scale,
            plan.joins,
            bool(gap.partials_hz),
            plan.only_lower,
        )
        known = self._known(gap) if self.joins_samples else None
        pieces = vocoding.waveform(self._vocoder, mel[None].to(made), partials_hz=gap.partials_hz, known=known)
        wave = np.concatenate([piece.numpy() for piece in pieces])[: len(gap.wave)]
        return np.pad(wave, (0, len(gap.wave) - len(wave)))

    @staticmethod
    def _known(gap: Gap) -> Known:
        """The samples around the gap, and those that linear prediction adds on both sides, less and less certain."""
        begin, end = gap.begin - gap.doubtful, gap.end + gap.doubtful
        samples, certain = gap.wave.copy(), np.ones(len(gap.wave), np.float32)
        certain[max(0, begin) : end] = 0
        room = (end - begin) // 2
        if begin > 0:
            after = predicted(samples[:begin], room)
            samples[begin : begin + len(after)], certain[begin : begin + len(after)] = after, faded(len(after))
        if end < len(samples):
            before = predicted(samples[end:][::-1], room)[::-1]
            samples[end - len(before) : end], certain[end - len(before) : end] = before, faded(len(before))[::-1]
        return Known(torch.from_numpy(samples), torch.from_numpy(certain))


def predicted(wave: Wave, room: int) -> Wave:
    """How a wave goes on, for at most PREDICTED and `room` samples: as long as the level of the next PREDICTED of them is more than FADED
    of that before. Tones last longer than noise."""
    after = prediction.ahead(wave, 2 * PREDICTED)
    power = np.concatenate([[0.0], np.cumsum(np.square(after, dtype=np.float64))])
    least = np.square(wave[-PREDICTED:], dtype=np.float64).mean() * FADED**2
    lasting = np.count_nonzero((power[PREDICTED:-1] - power[:PREDICTED]) / PREDICTED >= least)
    return after[: min(room, max(SHORTEST, lasting))]


def faded(count: int) -> Wave:
    """A fade from 1 to 0 over `count` samples."""
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / (count + 1))).astype(np.float32)
