"""Samples of a waveform that are known, and what they say about the spectrum that a vocoder has to turn into the rest of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

CARRIED_S = 0.093  # the phases of the last known frame are carried on this far; Griffin-Lim finds those after


@dataclass(frozen=True, slots=True)
class Known:
    """`samples` (length,) with the share `certain` (length,), 0 to 1, of each that is known."""

    samples: torch.Tensor
    certain: torch.Tensor

    def within(self, length: int, lead_in: int) -> Known:
        """The same samples for a waveform that begins `lead_in` samples of silence earlier and has `length` samples."""
        behind = length - lead_in - len(self.samples)
        samples = F.pad(self.samples, (lead_in, behind))
        # Silence comes before a clip. What comes after it is as well known as its last sample.
        certain = F.pad(F.pad(self.certain, (lead_in, 0), value=1.0), (0, behind))
        return Known(samples, certain[:length])

    def to(self, device: torch.device) -> Known:
        return Known(self.samples.to(device), self.certain.to(device))

    def put_into(self, wave: torch.Tensor) -> torch.Tensor:
        """The waveform (length,) with the known samples."""
        return torch.lerp(wave, self.samples, self.certain)

    def frames(self, window: int, hop: int) -> torch.Tensor:
        """The frames (frames,) of a centred STFT of which every sample is known."""
        unknown = F.pad(1 - self.certain[None, None], (window // 2, window // 2))
        most: torch.Tensor = F.max_pool1d(unknown, window, hop)[0, 0]
        return most == 0


def joined(
    magnitude: torch.Tensor,
    angles: torch.Tensor,
    true: torch.Tensor,
    known: torch.Tensor,
    frame_s: float,
    steady: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Magnitudes and complex angles (frames, bins) with those of the `true` spectrum (frames, bins) in the frames (frames,) that are
    `known`, and its phases carried on into the frames after and before those: for CARRIED_S as they
    turned last, in the bins of partials up to the next known frame. `steady`: see partials.turns."""
    at = known.nonzero()[:, 0].tolist()
    phases = true / (true.abs() + 1e-8)
    angles = torch.where(known[:, None], phases, angles)
    magnitude = torch.where(known[:, None], true.abs(), magnitude)
    there = set(at)
    for step in (1, -1):
        for last in [frame for frame in at if frame + step not in there and frame - step in there]:
            turn = phases[last] * phases[last - step].conj()
            bins = torch.ones(len(turn), dtype=torch.bool, device=turn.device)
            if steady is not None:
                turn = torch.where(steady[1], torch.polar(torch.ones_like(steady[0]), step * steady[0]), turn)
            frame = last + step
            free = next((n for n in range(frame, len(known) if step > 0 else -1, step) if n in there), None)
            count = len(known) if free is None else abs(free - last) // 2 + 1
            while 0 <= frame < len(known) and frame not in there and abs(frame - last) <= count:
                if abs(frame - last) * frame_s > CARRIED_S:
                    if steady is None:
                        break
                    bins = steady[1]
                angles[frame] = torch.where(bins, angles[frame - step] * turn, angles[frame])
                frame += step
    return magnitude, angles
