"""The starter's vocoder: a logarithmic mel spectrogram back to 44.1 kHz sound by inversion and Griffin-Lim.

It has no weights. Mel bands become a linear spectrum by multiplicative non-negative least squares (Lee and
Seung, NIPS 2000), and phases are found by the fast Griffin-Lim algorithm (Perraudin, Balazs, Søndergaard, WASPAA 2013).
Training uses the other direction, `mel`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from transformers import PretrainedConfig, PreTrainedModel

from bridge.engine.audioldm2 import partials
from bridge.engine.audioldm2.known import Known, joined

FLOOR = 1e-3  # magnitude; quieter is silence
SHIFT, SPREAD = 2.5, 4.0  # log magnitudes come out between about -1.1 and 1.3
LOWEST = (math.log(FLOOR) + SHIFT) / SPREAD
# A band below this counts as silent. The residue of a network in pauses lies here, and nothing audible.
GATE = -0.95
# With known partials the search begins near its end. More steps would follow errors of the spectrogram again.
KNOWN_INVERSION_STEPS, KNOWN_PHASE_STEPS = 3, 10


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
        inversion_steps: int = 20,
        phase_steps: int = 20,
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
        if mel.device.type == "mps":  # MPS lacks some complex operations; a CPU takes 0.1 s per clip
            mel = mel.cpu()
        wave = self._with_phases(self._linear(mel, partials_hz), partials_hz, known=known)
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
        wave = self._with_phases(self._linear(mel.repeat(1, turns, 1), partials_hz), partials_hz, circular=True)
        wave = wave[:, : mel.shape[1] * self.hop] * self.scale.float().to(wave.device)
        return wave.roll(-self.config.lead_in_samples, 1)

    def _linear(self, mel: torch.Tensor, partials_hz: Sequence[float]) -> torch.Tensor:
        bands = self.bands(mel.device)
        back, weight = bands.t().contiguous(), bands.sum(1)[:, None]
        mel = mel.clamp(LOWEST, 1.6).transpose(1, 2)
        magnitude = torch.where(mel <= GATE, FLOOR * 0.01, torch.exp(mel * SPREAD - SHIFT))
        power = (magnitude**2 / weight).contiguous()
        linear = torch.matmul(back / (back.sum(1, keepdim=True) + 1e-6), power / weight) + 1e-10
        target = torch.matmul(back, power)
        if partials_hz:
            linear = linear * partials.power(partials_hz, bands.shape[1], self._bin_hz).to(mel.device)[:, None]
        for _ in range(KNOWN_INVERSION_STEPS if partials_hz else self.config.inversion_steps):
            linear = linear * (target / (torch.matmul(back, torch.matmul(bands, linear)) + 1e-14))
        return linear.sqrt()

    @property
    def _bin_hz(self) -> float:
        return float(self.config.sampling_rate) / self.config.window

    def _with_phases(
        self,
        magnitude: torch.Tensor,
        partials_hz: Sequence[float],
        circular: bool = False,
        known: Known | None = None,
    ) -> torch.Tensor:
        window, hop = self.config.window, self.hop
        batch, bins, frames = magnitude.shape
        length = (frames - 1) * hop
        shape = torch.hann_window(window, device=magnitude.device)
        beyond = -(-window // hop)  # frames of a window

        def to_wave(spectrum: torch.Tensor) -> torch.Tensor:
            if not circular:
                return torch.istft(spectrum, window, hop, window, shape, center=True, length=length)
            spectrum = torch.cat([spectrum[:, :, -beyond:], spectrum, spectrum[:, :, :beyond]], dim=2)
            long = torch.istft(
                spectrum, window, hop, window, shape, center=True, length=(frames + 2 * beyond - 1) * hop
            )
            return long[:, beyond * hop : (beyond + frames) * hop]

        def to_spectrum(wave: torch.Tensor) -> torch.Tensor:
            if not circular:
                return torch.stft(
                    wave, window, hop, window, shape, center=True, pad_mode="constant", return_complex=True
                )
            wave = torch.cat([wave[:, -(window // 2) :], wave, wave[:, : window // 2 - hop]], dim=1)
            return torch.stft(wave, window, hop, window, shape, center=False, return_complex=True)

        # The same initial phases for each clip of a batch, so that a take sounds the same alone.
        generator = torch.Generator("cpu").manual_seed(0)
        phases = 2 * math.pi * torch.rand((1, frames, bins), generator=generator)
        if partials_hz:
            phases = partials.phases(partials_hz, phases[0], self._bin_hz, hop / self.config.sampling_rate)[None]
        phases = phases.transpose(1, 2).to(magnitude.device)
        angles = torch.polar(torch.ones_like(phases), phases).expand(batch, -1, -1)
        fixed = None
        if known is not None:  # at (k + 1/2) hops of the source lies frame k, see below
            fixed = known.within(length, self.config.lead_in_samples - hop // 2).to(magnitude.device)
            steady = None
            if partials_hz:
                steady = partials.turns(partials_hz, bins, self._bin_hz, hop / self.config.sampling_rate)
            magnitude, angles = joined(magnitude, angles, to_spectrum(fixed.samples), fixed.frames(window, hop), steady)
        previous = None
        for _ in range(KNOWN_PHASE_STEPS if partials_hz else self.config.phase_steps):
            wave = to_wave(magnitude * angles)
            again = to_spectrum(wave if fixed is None else fixed.put_into(wave))
            ahead = again if previous is None else again + self.config.momentum * (again - previous)
            previous, angles = again, ahead / (ahead.abs() + 1e-8)
        wave = to_wave(magnitude * angles)
        wave = wave if fixed is None else fixed.put_into(wave)
        # `mel` centres frame k at (k + 1/2) hops, `istft` at k hops.
        if circular:
            return wave.roll(hop // 2, 1)
        return F.pad(wave, (hop // 2, frames * hop - length - hop // 2))
