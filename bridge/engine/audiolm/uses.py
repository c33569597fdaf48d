"""What the two orders are used for: new sounds, loops, and what is made of a source. All of it in tokens (takes, frames, books)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from bridge.engine import beat_clock
from bridge.engine.audiolm.choosing import Sampling
from bridge.engine.audiolm.delay import go_on
from bridge.engine.audiolm.masked import PASSES, fill
from bridge.engine.audiolm.model_folder import TokenModel

OnWork = Callable[[int, int], None]

CONTEXT_S = 6.0  # what is heard of what came before
SEAM_S = 0.25  # on each side of the seam of a ring, made again to fit both
GAP_TEMPERATURE = 0.7  # of what must fit between two parts
# Strength of a variation → which tokens are kept: up to the middle all of fewer and fewer books, then single frames of the first one.
MIDDLE = 0.5
SINGLE_FRAMES = ((0.6, 1), (0.7, 2), (0.8, 3), (0.9, 4), (1.0, 8))


@dataclass(frozen=True, slots=True)
class Request:
    """`words` (1, words) for the networks; `bpm`: 0 without a beat; `generators`: the random numbers of each take."""

    model: TokenModel
    words: torch.Tensor
    bpm: float
    generators: list[torch.Generator]
    sampling: Sampling

    @property
    def frame_s(self) -> float:
        """Seconds of a frame."""
        return self.model.coder.frame_samples / self.model.coder.sample_rate

    @property
    def takes(self) -> int:
        """The number of takes."""
        return len(self.generators)

    @property
    def asked(self) -> torch.Tensor:
        """The words of each take."""
        return self.words.expand(self.takes, -1)

    def clock(self, frames: int, ring: bool = False, first: int = 0) -> torch.Tensor:
        """The clock of each take, (takes, CHANNELS, frames), from frame `first` on."""
        lead_in_s = self.model.coder.lead_in / self.model.coder.sample_rate
        clock = beat_clock.rows_of(frames, self.frame_s, lead_in_s, self.bpm, ring, first)
        return clock.expand(self.takes, -1, -1)

    def of_all(self, tokens: torch.Tensor) -> torch.Tensor:
        """The tokens (frames, books) of a source for each take."""
        return tokens.expand(self.takes, -1, -1)


def new(request: Request, frames: int, on_work: OnWork) -> torch.Tensor:
    """A new sound of a number of frames."""
    return continued(request, torch.zeros(0, request.model.coder.books, dtype=torch.long), frames, on_work)


def continued(request: Request, source: torch.Tensor, frames: int, on_work: OnWork) -> torch.Tensor:
    """The tokens of a source (its frames, books), and what comes after it, `frames` in all."""
    network = request.model.causal
    context = max(1, round(CONTEXT_S / request.frame_s))
    first = max(0, len(source) - context)
    count = frames - first
    clock = request.clock(count + network.config.books - 1, first=first)
    prime = request.of_all(source[first:])
    made = go_on(network, request.asked, clock, count, request.generators, request.sampling, prime, on_work)
    return torch.cat([request.of_all(source[:first]), made], 1)


def filled(request: Request, source: torch.Tensor, begin: int, end: int, on_work: OnWork) -> torch.Tensor:
    """The tokens of a source (frames, books), those of the frames from `begin` to `end` made again."""
    context = max(1, round(CONTEXT_S / 2 / request.frame_s))
    first, last = max(0, begin - context), min(len(source), end + context)
    part = request.of_all(source[first:last])
    keep = torch.ones_like(part, dtype=torch.bool)
    keep[:, begin - first : end - first] = False
    made = _fill(request, part, keep, request.clock(last - first, first=first), on_work)
    return torch.cat([request.of_all(source[:first]), made, request.of_all(source[last:])], 1)


def varied(request: Request, source: torch.Tensor, strength: float, on_work: OnWork) -> torch.Tensor:
    """Other versions of a source (frames, books): 0 keeps all of its tokens, 1 none."""
    keep = kept_tokens(len(source), source.shape[1], strength)
    return _fill(request, request.of_all(source), request.of_all(keep), request.clock(len(source)), on_work)


def kept_tokens(frames: int, books: int, strength: float) -> torch.Tensor:
    """Which tokens (frames, books) of a source a variation keeps."""
    keep = torch.zeros(frames, books, dtype=torch.bool)
    if strength < MIDDLE:
        keep[:, : max(1, round(books * (1 - strength / MIDDLE)))] = True
    elif strength < 1:
        every = next(every for limit, every in SINGLE_FRAMES if strength <= limit)
        keep[::every, 0] = True
    return keep


def ring(request: Request, frames: int, on_work: OnWork) -> torch.Tensor:
    """A new sound whose end runs into its beginning: made in order, then what lies around its seam once more, from both sides."""
    network, books = request.model.causal, request.model.causal.config.books
    clock = request.clock(frames, ring=True)
    around = torch.arange(frames + books - 1) % frames
    made = go_on(network, request.asked, clock[:, :, around], frames, request.generators, request.sampling)
    turn, seam = frames // 2, min(frames // 4, max(1, round(SEAM_S / request.frame_s)))
    turned, keep = made.roll(turn, 1), torch.ones_like(made, dtype=torch.bool)
    keep[:, turn - seam : turn + seam] = False
    return _fill(request, turned, keep, clock.roll(turn, 2), on_work).roll(-turn, 1)


def _fill(
    request: Request, tokens: torch.Tensor, keep: torch.Tensor, clock: torch.Tensor, on_work: OnWork
) -> torch.Tensor:
    sampling = Sampling(request.sampling.guidance, GAP_TEMPERATURE, request.sampling.likeliest)
    return fill(request.model.masked, request.asked, clock, tokens, keep, request.generators, sampling, PASSES, on_work)
