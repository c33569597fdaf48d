"""Checks of what a box sends: the front must not fail on any of it. All raise ValueError."""

from __future__ import annotations

from bridge.domain.clip import UNMET, Piece, Prompt
from bridge.domain.limits import SECONDS, Range
from bridge.domain.plain import read
from bridge.engine.messages import Cost, Ready
from bridge.engine.wire import End, Frame

RATES = Range(4_000, 384_000)
MOST_CHANNELS = 8
MOST_S = Range(0.0, 1e6)
MOST_REMARK_CHARACTERS = 4_000
REMARKS = ("heard", "remark", "method")
SAMPLE_BYTES = 4


def check_ready(ready: Ready) -> None:
    """Check the values that are computed with."""
    abilities = ready.model.abilities
    low, high = abilities.seconds
    if abilities.sample_rate not in RATES or not 1 <= abilities.channels <= MOST_CHANNELS:
        raise ValueError("a sample rate or a number of channels that cannot be")
    if not (SECONDS.low <= low <= high <= SECONDS.high) or abilities.whole_s < 0:
        raise ValueError("lengths that cannot be")
    if min(ready.needs.denoise, ready.needs.decode, ready.needs.budget, ready.needs.whole_s) < 0:
        raise ValueError("needs that cannot be")
    for cost in ready.costs:
        check_cost(cost)


def check_cost(cost: Cost) -> None:
    """Check what estimates are learned from."""
    if cost.evaluations not in (1, 2) or cost.units < 1 or cost.sound_s <= 0:
        raise ValueError("a cost that cannot be")
    if any(value not in MOST_S for value in (cost.fixed_s, cost.per_unit_s, cost.sound_s)):
        raise ValueError("a cost that cannot be")


def piece_of(frame: Frame, prompt: Prompt) -> Piece:
    """The samples in a frame `piece`."""
    take, start, channels = (read(int, frame.values.get(name)) for name in ("take", "start_frame", "channels"))
    if not 1 <= take <= prompt.takes or start < 0 or not 1 <= channels <= MOST_CHANNELS:
        raise ValueError("samples of nothing that was asked for")
    if len(frame.raw) % (SAMPLE_BYTES * channels):
        raise ValueError("a part of a sample")
    return Piece(take, start, frame.raw, channels, read(bool, frame.values.get("last")))


def end_of(frame: Frame, prompt: Prompt) -> End:
    """The contents of a frame `finished`."""
    end = read(End, frame.values)
    check_cost(end.cost)
    if end.scores and len(end.scores) != prompt.takes:
        raise ValueError("a score for each of other takes")
    if not set(end.unmet) <= set(UNMET) or end.highest_bytes < 0:
        raise ValueError("an end that cannot be")
    if any(name not in REMARKS or len(text) > MOST_REMARK_CHARACTERS for name, text in end.remarks.items()):
        raise ValueError("remarks that cannot be")
    return end
