"""The short-time Fourier transform of one wave in overlapping Hann windows, and back: one transform of many frames in a call.

Row by row, where torch.stft and torch.istft go column by column: a third of their time, since no frame is turned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

AT_ONCE = 128  # frames, whose spectrum stays in a cache of 1 MB


@dataclass(frozen=True, slots=True)
class Frames:
    """`count` frames of `window` samples, a whole number of hops. The middle of frame k is sample k · `hop` of the wave, outside
    of which is silence: (count − 1) · hop samples. If it is `circular`, its last sample is followed by its first: count · hop
    samples, at least a window. `shape`: the window (window,); `level`: the reciprocal of what its squares add up to."""

    count: int
    window: int
    hop: int
    circular: bool
    shape: torch.Tensor
    level: torch.Tensor

    @classmethod
    def of(cls, count: int, window: int, hop: int, circular: bool, device: torch.device) -> Frames:
        """Frames with their window and level. Raises ValueError for a window that is no whole number of hops."""
        if window % hop:
            raise ValueError(f"a window of {window} samples is no whole number of hops of {hop}")
        shape = torch.hann_window(window, device=device)
        plain = cls(count, window, hop, circular, shape, torch.ones((), device=device))
        level = 1 / plain._wave([(shape**2).expand(count, window)])
        return cls(count, window, hop, circular, shape, level)

    def to_wave(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The wave (samples,) whose spectrum is nearest to one of (count, bins)."""
        return self._wave([self._sounding(spectrum)])

    def to_spectrum(self, wave: torch.Tensor) -> torch.Tensor:
        """The spectrum (count, bins) of a wave (samples,)."""
        return torch.fft.rfft(self._framed(wave) * self.shape)

    def with_magnitude(self, wave: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
        """The wave (samples,) whose spectrum is nearest to the `magnitude` (count, bins) with the phases of `wave`."""
        made = []
        for some, loudness in zip(self._framed(wave).split(AT_ONCE), magnitude.split(AT_ONCE), strict=True):
            spectrum = torch.fft.rfft(some * self.shape)
            power = (spectrum * spectrum.conj()).real
            made.append(self._sounding(spectrum.mul_(power.add_(1e-16).rsqrt_().mul_(loudness))))
        return self._wave(made)

    def _framed(self, wave: torch.Tensor) -> torch.Tensor:
        half = self.window // 2
        around = (wave[-half:], wave[: half - self.hop]) if self.circular else (wave.new_zeros(half),) * 2
        return torch.cat([around[0], wave, around[1]]).unfold(0, self.window, self.hop)

    def _sounding(self, spectrum: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft(spectrum, n=self.window).mul_(self.shape)

    def _wave(self, frames: list[torch.Tensor]) -> torch.Tensor:
        """Frames (some, window) of consecutive parts added up where they lie in the wave, at their level."""
        hops, at = self.window // self.hop, 0
        added = frames[0].new_zeros(self.count + hops - 1, self.hop)
        for some in frames:
            pieces = some.reshape(-1, hops, self.hop)
            for piece in range(hops):
                added[at + piece : at + piece + len(some)] += pieces[:, piece]
            at += len(some)
        if self.circular:
            added[: hops - 1] += added[self.count :]
            return added[: self.count].reshape(-1).roll(-(self.window // 2)) * self.level
        return added.view(-1)[self.window // 2 : -(self.window // 2)] * self.level
