"""Guess how a spectrogram goes on where a sound is unknown: with the spectrum of what is around, its decay, and its fluctuations.

The network starts with a guess instead of silence, or the last rows that it keeps would sound like the end of a clip; and what
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
HOLD_TONE = 0.75  # the network adds the notes of chords of its own
MOST_DB, MOST_LEVEL_DB = 20.0, 6.0  # by which a band is raised, unless partials are known, and all bands together
AUDIBLE_DB = 12.0  # above silence


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
    trend, rest = _ahead(mel, count, scale, steady)
    return (trend + rest).clamp(min=scale.floor)


def between(before: torch.Tensor, after: torch.Tensor, count: int, scale: Scale, steady: bool | None) -> torch.Tensor:
    """`count` frames to lie between `before` and `after`, (frames, bands) each; silence if both are empty."""
    if not len(before) and not len(after):
        return before.new_full((count, before.shape[1]), scale.floor)
    if not len(before) or not len(after):
        return (
            ahead(before, count, scale, steady) if len(before) else ahead(after.flip(0), count, scale, steady).flip(0)
        )
    share = ((torch.arange(count, device=before.device) + 0.5) / count).to(before)[:, None]
    trend, rest = _ahead(before, count, scale, steady)
    other_trend, other_rest = (part.flip(0) for part in _ahead(after.flip(0), count, scale, steady))
    # The fluctuations are not alike: they keep their strength if their squares add up to 1.
    out = torch.lerp(trend, other_trend, share) + (1 - share).sqrt() * rest + share.sqrt() * other_rest
    return out.clamp(min=scale.floor)


def _ahead(mel: torch.Tensor, count: int, scale: Scale, steady: bool | None) -> tuple[torch.Tensor, torch.Tensor]:
    """The trend and the fluctuations of `count` frames to follow `mel`, (count, bands) each."""
    body = _body(mel, scale, steady)
    slope = body.new_zeros(body.shape[1])
    if steady is not True and (slope := _decay(body, scale)).any():
        body = body[len(body) // 2 :]  # most decays slow down
        slope = _decay(body, scale)
    steps = torch.arange(len(body), device=mel.device, dtype=mel.dtype) - (len(body) - 1)
    around = body.mean(0) - slope * steps.mean()  # the level at the end
    rest = body - around - steps[:, None] * slope
    # The fluctuations go back and forth: those of noise stay noise, and nothing jumps.
    later = torch.arange(1, count + 1, device=mel.device)
    turn = later % max(1, 2 * (len(body) - 1))
    back = torch.where(turn < len(body), turn, 2 * (len(body) - 1) - turn)
    trend = around + later[:, None] * slope
    last = mel[-scale.frames(0.05) :].mean(0)
    if steady and float(scale.levels(last[None]) - scale.levels(around[None])) < -STEADY_DB:
        share = (later / scale.frames(RISE_S)).clamp(max=1.0)[:, None]
        trend = torch.lerp(last.expand_as(trend), trend, share)
    return trend, rest[len(body) - 1 - back]


def follow(
    mel: torch.Tensor,
    guess: torch.Tensor,
    gap: slice,
    scale: Scale,
    joins: tuple[bool, bool],
    tonal: bool,
    only_lower: bool,
) -> torch.Tensor:
    """`mel` (frames, bands) with the frames of the guess outside of the `gap`, and inside with its level in each band near the
    `joins`: whether something known comes before, and after. `tonal`: the partials are known, so that any band may be raised, and
    HOLD_TONE of the offset remains far from the joins. `only_lower`: never louder than the guess."""
    if not any(joins):
        return mel
    out = guess.clone()
    own, wanted = mel[gap], guess[gap]
    count = len(own)
    size = min(scale.frames(FOLLOW_S), count)
    off = _smooth(wanted, size, scale) - _smooth(own, size, scale)
    off = off if tonal else off.clamp(max=MOST_DB / scale.db)
    hold = HOLD_TONE if tonal else 0.0
    places = torch.arange(count, device=mel.device, dtype=mel.dtype) * scale.frame_s
    places = (places - HELD_S).clamp(min=0.0) / LET_GO_S
    near = [places, places.flip(0)]
    away = torch.stack([place for place, join in zip(near, joins, strict=True) if join]).amin(0)
    share = (hold + (1 - hold) * torch.exp(-away))[:, None]
    out[gap] = own + share * off
    # The bands of a fluctuating sound do not peak together, so their sum needs an adjustment of its own.
    levels = [_smooth(scale.levels(part)[:, None] / scale.db, size, scale) for part in (wanted, out[gap])]
    audible = out[gap] > scale.floor + AUDIBLE_DB / scale.db
    out[gap] += audible * share * (levels[0] - levels[1]).clamp(max=MOST_LEVEL_DB / scale.db)
    if only_lower:
        high = scale.levels(out[gap]) - scale.levels(wanted)
        out[gap] -= (high.clamp(min=0.0) / scale.db)[:, None]
    return out.clamp(min=scale.floor)


def has_decayed(mel: torch.Tensor, scale: Scale, by_db: float) -> bool:
    """Whether a sound of these frames (frames, bands) ends at least this much below its loudest moment."""
    levels = scale.levels(mel)
    return bool(levels[-scale.frames(0.1) :].mean() < levels.max() - by_db)


def _smooth(mel: torch.Tensor, size: int, scale: Scale) -> torch.Tensor:
    """The mean power of `size` frames around each, (frames, bands). The mean of the logarithm would make noise too soft: what the network
    makes of it varies less."""
    power = torch.pow(10.0, mel * (scale.db / 10))
    power = F.pad(power.T[None], (size // 2, size - 1 - size // 2), mode="replicate")
    return torch.log10(F.avg_pool1d(power, size, 1)[0].T) * (10 / scale.db)


def decays(mel: torch.Tensor, scale: Scale) -> bool:
    """Whether a sound of these frames (frames, bands) decays at its end."""
    return bool(_decay(_body(mel, scale, None), scale).any())


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
