"""Guess how a spectrogram goes on where a sound is unknown: with the spectrum of what is around, its decay, and its fluctuations.

The network starts with a guess in the place of silence, or the last rows that it keeps would sound like the end of a clip; and what
it makes follows the guess in level and timbre at the joins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

BODY_S = 1.0  # seconds of the sound that the guess resembles
STEADY_DB = 9.0  # a steady sound has faded, or not yet risen, where it is this much below its loudest
RISE_S = 0.4  # in which one that has faded comes back
LEAST_DECAY_DB = 3.0  # per second; slower ones are fluctuations
STRAIGHT = 0.5  # the share of a decay's variance that a straight line must explain
FOLLOW_S = 0.35  # the offset from the guess is averaged over this time
# The network's sound follows the guess this long, then less and less: by 1/e after LET_GO_S.
HELD_S, LET_GO_S = 0.5, 1.5
MOST_DB = 20.0  # by which a band is raised


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit of a log-mel spectrogram: `db` decibels are 1, and silence has the value `floor`. `frame_s`: seconds of a frame."""

    db: float
    floor: float
    frame_s: float

    def levels(self, mel: torch.Tensor) -> torch.Tensor:
        """The level of each frame of (frames, bands), in dB."""
        return 10 * torch.log10(torch.pow(10.0, mel * (self.db / 10)).sum(-1) + 1e-12)

    def frames(self, seconds: float) -> int:
        """The frames of this time, at least 1."""
        return max(1, round(seconds / self.frame_s))


def ahead(mel: torch.Tensor, count: int, scale: Scale, steady: bool | None) -> torch.Tensor:
    """`count` frames to follow `mel` (frames, bands), which ends in what is known. `steady`: whether the sound is alike all along; None:
    if it does not decay."""
    body = _body(mel, scale, steady)
    slope = _decay(body, scale) if steady is not True else body.new_zeros(body.shape[1])
    steps = torch.arange(len(body), device=mel.device, dtype=mel.dtype) - (len(body) - 1)
    around = body.mean(0) - slope * steps.mean()  # the level at the end
    rest = body - around - steps[:, None] * slope
    # The fluctuations go back and forth: those of noise stay noise, and nothing jumps.
    later = torch.arange(1, count + 1, device=mel.device)
    turn = later % max(1, 2 * (len(body) - 1))
    back = torch.where(turn < len(body), turn, 2 * (len(body) - 1) - turn)
    guess = around + later[:, None] * slope + rest[len(body) - 1 - back]
    last = mel[-scale.frames(0.05) :].mean(0)
    if steady and float(scale.levels(last[None]) - scale.levels(around[None])) < -STEADY_DB:
        share = (later / scale.frames(RISE_S)).clamp(max=1.0)[:, None]
        guess = torch.lerp(last.expand_as(guess), guess, share)
    return guess.clamp(min=scale.floor)


def between(before: torch.Tensor, after: torch.Tensor, count: int, scale: Scale, steady: bool | None) -> torch.Tensor:
    """`count` frames to lie between `before` and `after`, (frames, bands) each; silence if both are empty."""
    if not len(before) and not len(after):
        return before.new_full((count, before.shape[1]), scale.floor)
    if not len(before) or not len(after):
        return (
            ahead(before, count, scale, steady) if len(before) else ahead(after.flip(0), count, scale, steady).flip(0)
        )
    share = ((torch.arange(count, device=before.device) + 0.5) / count)[:, None]
    return torch.lerp(
        ahead(before, count, scale, steady), ahead(after.flip(0), count, scale, steady).flip(0), share.to(before)
    )


def follow(
    mel: torch.Tensor,
    guess: torch.Tensor,
    gap: slice,
    scale: Scale,
    joins: tuple[bool, bool],
    hold: float,
    only_lower: bool,
) -> torch.Tensor:
    """`mel` (frames, bands) with the frames of the guess outside of the `gap`, and inside with its level in each band near the
    `joins`: whether something known comes before, and after. `hold`: how much of the offset remains far from the joins, 0 to 1.
    `only_lower`: never louder than the guess."""
    if not any(joins):
        return mel
    out = guess.clone()
    own, wanted = mel[gap], guess[gap]
    count = len(own)
    silent = (own <= scale.floor + 1e-3) & (wanted <= scale.floor + 1e-3)
    off = torch.where(silent, 0.0, wanted - own)
    size = min(scale.frames(FOLLOW_S), count)
    off = F.pad(off.T[None], (size // 2, size - 1 - size // 2), mode="replicate")
    off = F.avg_pool1d(off, size, 1)[0].T.clamp(max=MOST_DB / scale.db)
    places = torch.arange(count, device=mel.device, dtype=mel.dtype) * scale.frame_s
    places = (places - HELD_S).clamp(min=0.0) / LET_GO_S
    near = [places, places.flip(0)]
    away = torch.stack([place for place, join in zip(near, joins, strict=True) if join]).amin(0)
    out[gap] = own + (hold + (1 - hold) * torch.exp(-away))[:, None] * off
    if only_lower:
        high = scale.levels(out[gap]) - scale.levels(wanted)
        out[gap] -= (high.clamp(min=0.0) / scale.db)[:, None]
    return out.clamp(min=scale.floor)


def has_decayed(mel: torch.Tensor, scale: Scale, by_db: float) -> bool:
    """Whether a sound of these frames (frames, bands) ends at least this much below its loudest moment."""
    levels = scale.levels(mel)
    return bool(levels[-scale.frames(0.1) :].mean() < levels.max() - by_db)


def _body(mel: torch.Tensor, scale: Scale, steady: bool | None) -> torch.Tensor:
    """The last frames that say how the sound goes on: of a steady one before it fades, of another one after its last attack."""
    levels = scale.levels(mel)
    recent = levels[-2 * scale.frames(BODY_S) :]
    first, end = len(levels) - len(recent), len(levels)
    if steady:
        end = first + int((recent > recent.max() - STEADY_DB).nonzero()[-1]) + 1
        start = max(0, end - scale.frames(BODY_S))
        loud = (levels[start:end] > recent.max() - STEADY_DB).nonzero()
        return mel[start + int(loud[0]) : end]
    newest = levels[-scale.frames(BODY_S) :]
    start = len(levels) - len(newest) + int(newest.argmax())
    return mel[min(start, max(0, len(mel) - scale.frames(0.1))) :]


def _decay(body: torch.Tensor, scale: Scale) -> torch.Tensor:
    """By how much each band changes from frame to frame, at most 0: 0 for all unless the sound decays evenly."""
    steps = torch.arange(len(body), device=body.device, dtype=body.dtype)
    steps = (steps - steps.mean())[:, None]
    if len(body) < 4:
        return body.new_zeros(body.shape[1])
    levels = scale.levels(body)[:, None]
    slope = (steps * levels).sum() / (steps**2).sum()
    left = levels - levels.mean() - slope * steps
    straight = 1 - (left**2).sum() / ((levels - levels.mean()) ** 2).sum().clamp(min=1e-9)
    if slope / scale.frame_s > -LEAST_DECAY_DB or straight < STRAIGHT:
        return body.new_zeros(body.shape[1])
    slopes = ((steps * body).sum(0) / (steps**2).sum()).clamp(max=0.0)
    return F.avg_pool1d(F.pad(slopes[None, None], (2, 2), mode="replicate"), 5, 1)[0, 0]
