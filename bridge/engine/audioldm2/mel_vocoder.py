"""The starter's vocoder: a logarithmic mel spectrogram back to 44.1 kHz sound by inversion and Griffin-Lim.

It has no weights. Mel bands become a linear spectrum in mel_inversion.py, which gets its phases in griffin_lim.py. Training uses
the other direction, `mel`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from transformers import PretrainedConfig, PreTrainedModel

from bridge.engine.audioldm2 import griffin_lim, partials
from bridge.engine.audioldm2.frames import Frames
from bridge.engine.audioldm2.known import Known, joined
from bridge.engine.audioldm2.mel_inversion import Inversion

FLOOR = 1e-3  # magnitude; quieter is silence
SHIFT, SPREAD = 2.5, 4.0  # log magnitudes come out between about -1.1 and 1.3
LOWEST = (math.log(FLOOR) + SHIFT) / SPREAD
# A band below this counts as silent. The residue of a network in pauses lies here, and nothing audible.
GATE = -0.95
# With known partials the search begins near its end. More steps would follow errors of the spectrogram again.
KNOWN_INVERSION_STEPS, KNOWN_PHASE_STEPS = 2, 6


class MelVocoderConfig(PretrainedConfig):
    """Geometry and effort. `model_in_dim` bands on the scale log(1 + f / `bend_hz`) from `lowest_hz` to `highest_hz`;
    the first `lead_in_samples` of the sound are cut off; `rise_samples` fade it in."""

    model_type = "clipbridge_mel_vocoder"

    def __init__(
        self,
        sampling_rate: int = 44_100,
        model_in_dim: int = 128,
        upsample_rates: tuple[int, ...] = (512,),
        window: int = 2_048,
        lowest_hz: float = 20.0,
        highest_hz: float = 22_050.0,
        bend_hz: float = 300.0,
        inversion_steps: int = 5,
        phase_steps: int = 14,
        momentum: float = 0.99,
        lead_in_samples: int = 838,
        rise_samples: int = 44,
        **more: Any,
    ) -> None:
        self.sampling_rate, self.model_in_dim, self.upsample_rates = sampling_rate, model_in_dim, list(upsample_rates)
        self.window, self.lowest_hz, self.highest_hz, self.bend_hz = window, lowest_hz, highest_hz, bend_hz
        self.inversion_steps, self.phase_steps, self.momentum = inversion_steps, phase_steps, momentum
        self.lead_in_samples, self.rise_samples = lead_in_samples, rise_samples
        super().__init__(**more)


def filterbank(config: MelVocoderConfig) -> torch.Tensor:
    """Triangles of shape (bands, window / 2 + 1). Each is averaged over 8 points per bin, so that the narrow ones at the bottom
    do not fall between bins, and weighs as if it were at least two bins wide."""
    points, bins, bands = 8, config.window // 2 + 1, config.model_in_dim
    spacing = config.sampling_rate / config.window
    f = (torch.arange(bins * points, dtype=torch.float64) - points / 2 + 0.5) / points * spacing
    ends = [math.log1p(hz / config.bend_hz) for hz in (config.lowest_hz, config.highest_hz)]
    edges = config.bend_hz * torch.expm1(torch.linspace(ends[0], ends[1], bands + 2, dtype=torch.float64))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = torch.minimum((f - low) / (centre - low), (high - f) / (high - centre)).clamp(min=0)
    triangles *= 2 / (high - low).clamp(min=2 * spacing)
    return triangles.reshape(bands, bins, points).mean(-1).float()


class MelVocoder(PreTrainedModel):
    """Mel spectrogram (batch, frames, bands) → waveform (batch, frames × hop − lead-in), in float32, bit-identical
    for the same input on the same machine. `partials_hz`: the partials of a tone, which then come out in tune; none if unknown."""

    config_class = MelVocoderConfig
    main_input_name = "spectrogram"

    def __init__(self, config: MelVocoderConfig) -> None:
        super().__init__(config)
        self.hop = math.prod(config.upsample_rates)
        self.scale = torch.nn.Parameter(torch.ones(1))  # a PreTrainedModel needs a parameter; this is the output's gain
        self._bands: torch.Tensor | None = None
        self._inversion: Inversion | None = None
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Nothing to draw."""

    def bands(self, device: torch.device) -> torch.Tensor:
        """The filterbank, computed on first use: a buffer would be saved in the file, or be unset after loading."""
        if self._bands is None or self._bands.device != device:
            self._bands = filterbank(self.config).to(device)
        return self._bands

    @torch.no_grad()
    def mel(self, waves: torch.Tensor) -> torch.Tensor:
        """Waveforms (batch, samples) → normalised log-mel (batch, samples / hop, bands)."""
        window, pad = self.config.window, (self.config.window - self.hop) // 2
        waves = F.pad(waves[:, None], (pad, window - self.hop - pad), mode="reflect")[:, 0]
        shape = torch.hann_window(window, device=waves.device)
        spectrum = torch.stft(waves, window, self.hop, window, shape, center=False, return_complex=True).abs()
        bands = self.bands(waves.device)
        weight = bands.sum(1)[:, None]
        # The mean of the power, not of the magnitude: noise keeps its energy (above 8 kHz 0.95 of it instead of 0.75).
        mel = (torch.matmul(bands, spectrum**2) * weight).sqrt().clamp(min=FLOOR)
        return (mel.log().transpose(1, 2) + SHIFT) / SPREAD

    @torch.no_grad()
    def forward(
        self, spectrogram: torch.Tensor, partials_hz: Sequence[float] = (), known: Known | None = None
    ) -> torch.Tensor:
        """Normalised log-mel (batch, frames, bands), or (frames, bands) → waveforms in −1…1 or a little more. `known`: samples of
        the waveform that the rest must join."""
        alone = spectrogram.dim() == 2
        mel = spectrogram.float()[None] if alone else spectrogram.float()
        if mel.device.type == "mps":  # MPS lacks some complex operations; a CPU takes 10 ms per clip
            mel = mel.cpu()
        wave = torch.stack([self._clip(one, partials_hz, known) for one in mel])
        wave = wave[:, self.config.lead_in_samples :] * self.scale.float().to(wave.device)
        if known is None:
            wave[:, : self.config.rise_samples] *= torch.linspace(0, 1, self.config.rise_samples, device=wave.device)
        return wave[0] if alone else wave

    @torch.no_grad()
    def period(self, spectrogram: torch.Tensor, partials_hz: Sequence[float] = ()) -> torch.Tensor:
        """Normalised log-mel (batch, frames, bands) of periodic sounds → one period of each, (batch, frames × hop). Each of
        `partials_hz` must make whole cycles in it."""
        mel = spectrogram.float()
        if mel.device.type == "mps":
            mel = mel.cpu()
        # At least two windows long, or the window would see itself more than once.
        turns = -(-2 * self.config.window // (self.hop * mel.shape[1]))
        wave = torch.stack([self._wave(one, partials_hz, circular=True) for one in mel.repeat(1, turns, 1)])
        wave = wave[:, : mel.shape[1] * self.hop] * self.scale.float().to(wave.device)
        return wave.roll(-self.config.lead_in_samples, 1)

    def _clip(self, mel: torch.Tensor, partials_hz: Sequence[float], known: Known | None) -> torch.Tensor:
        """The wave (frames × hop,) of one clip (frames, bands). Pauses are left out and stay silent: what sounds on both sides of one
        does not overlap."""
        if known is not None:
            return self._wave(mel, partials_hz, known=known)
        overlap = self.config.window // self.hop
        sounds = (~(mel <= GATE)).any(1).float()[None]  # what is no number does, and is not hidden
        kept = F.max_pool1d(sounds, 2 * overlap + 1, 1, overlap)[0] > 0
        hops = mel.new_zeros(len(mel), self.hop)
        if kept.any():
            hops[kept] = self._wave(mel[kept], partials_hz).view(-1, self.hop)
        return hops.view(-1)

    def _wave(
        self, mel: torch.Tensor, partials_hz: Sequence[float], circular: bool = False, known: Known | None = None
    ) -> torch.Tensor:
        """The wave (frames × hop,) of one clip (frames, bands)."""
        magnitude = self._magnitude(mel, partials_hz)
        (count, bins), hop, window = magnitude.shape, self.hop, self.config.window
        frames = Frames.of(count, window, hop, circular, mel.device)
        phases = griffin_lim.first_phases(magnitude, hop, circular)
        frame_s = hop / self.config.sampling_rate
        if partials_hz:
            phases = partials.phases(partials_hz, phases.cpu(), self._bin_hz, frame_s).to(mel.device)
        steps = KNOWN_PHASE_STEPS if partials_hz else self.config.phase_steps
        if known is None:
            spectrum = griffin_lim.spectrum_of(magnitude, phases)
            wave = griffin_lim.wave_of(spectrum, magnitude, frames, steps, self.config.momentum)
        else:  # at (k + 1/2) hops of the source lies frame k, see below
            fixed = known.within((count - 1) * hop, self.config.lead_in_samples - hop // 2).to(mel.device)
            steady = partials.turns(partials_hz, bins, self._bin_hz, frame_s) if partials_hz else None
            angles = griffin_lim.spectrum_of(torch.ones_like(phases), phases)
            true = frames.to_spectrum(fixed.samples)
            magnitude, angles = joined(magnitude, angles, true, fixed.frames(window, hop), frame_s, steady)
            wave = griffin_lim.wave_of(
                magnitude * angles, magnitude, frames, steps, self.config.momentum, fixed.put_into
            )
        # `mel` centres frame k at (k + 1/2) hops, Frames at k hops.
        return wave.roll(hop // 2) if circular else F.pad(wave, (hop // 2, hop - hop // 2))

    def _magnitude(self, mel: torch.Tensor, partials_hz: Sequence[float]) -> torch.Tensor:
        """The magnitudes (frames, bins) of one clip (frames, bands)."""
        bands = self.bands(mel.device)
        if self._inversion is None or self._inversion.device != mel.device:
            self._inversion = Inversion(bands)
        mel = mel.clamp(LOWEST, 1.6)
        loudness = torch.where(mel <= GATE, FLOOR * 0.01, torch.exp(mel * SPREAD - SHIFT))
        power = loudness**2 / bands.sum(1)
        if not partials_hz:
            return self._inversion.power(power, self.config.inversion_steps).sqrt_()
        expected = partials.power(partials_hz, bands.shape[1], self._bin_hz).to(mel.device)
        return self._inversion.power(power, KNOWN_INVERSION_STEPS, expected).sqrt_()

    @property
    def _bin_hz(self) -> float:
        return float(self.config.sampling_rate) / self.config.window
