"""Second stage: train a network for each order over the tokens, the masked one from the causal one's weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers.training_utils import EMAModel

from bridge.engine.audiolm.codec import MelCodec
from bridge.engine.audiolm.delay import delayed
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.tokens.data import Tokens, asked, clocks

FRAMES_A_STEP = 1_600
LEARNING_RATE, GOING_ON = 2e-3, 1e-3
AVERAGED, EVERY = 0.999, 4  # decay of the averaged weights for each step, and the steps between two updates
IGNORED = -100


def batches(groups: list[Tokens]) -> tuple[list[int], np.ndarray]:
    """The clips in a batch of each group, and the share of the steps that it gets."""
    sizes = [max(2, round(FRAMES_A_STEP / group.frames)) for group in groups]
    shares = np.array([len(group.labels) / size for group, size in zip(groups, sizes, strict=True)])
    return sizes, shares / shares.sum()


def causal_losses(
    network: TokenNetwork, tokens: torch.Tensor, words: torch.Tensor, clock: torch.Tensor
) -> torch.Tensor:
    """The cross entropy of each book, (books,). `tokens` (batch, frames, books), `clock` of frames + books − 1."""
    frames, books = tokens.shape[1:]
    scores = network(delayed(tokens, network.hidden), words, clock)
    return torch.stack(
        [
            F.cross_entropy(scores[:, book : book + frames, book].flatten(0, 1).float(), tokens[..., book].flatten())
            for book in range(books)
        ]
    )


def hidden_parts(rng: np.random.Generator, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What is hidden of each clip, (batch, frames, books), and the book that is learned, (batch,). All books above it are hidden, and a
    share of its own; what is kept in all books is a beginning, both ends or single frames, as the uses of the network have it."""
    batch, frames, books = tokens.shape
    book = rng.integers(0, books, batch)
    share = np.cos(rng.random(batch) * math.pi / 2)
    number = np.arange(books)
    hidden = (number == book[:, None, None]) & (rng.random((batch, frames, books)) < share[:, None, None])
    hidden |= number > book[:, None, None]
    for clip in range(batch):
        way = rng.random()
        if way < 0.3:
            hidden[clip, : rng.integers(1, max(2, frames - 4))] = False
        elif way < 0.45:
            hidden[clip, : rng.integers(1, max(2, frames // 2))] = False
            hidden[clip, frames - rng.integers(1, max(2, frames // 2)) :] = False
        elif way < 0.6:
            hidden[clip, :: rng.choice([2, 3, 4, 6, 8, 12])] = False
    return torch.from_numpy(hidden), torch.from_numpy(book)


def masked_losses(
    rng: np.random.Generator, network: TokenNetwork, tokens: torch.Tensor, words: torch.Tensor, clock: torch.Tensor
) -> torch.Tensor:
    """The cross entropy of each book, (books,), of hidden tokens; 0 of a book that no clip of the batch learns."""
    hidden, book = hidden_parts(rng, tokens)
    scores = network(torch.where(hidden, network.hidden, tokens), words, clock)
    learned = hidden & (torch.arange(tokens.shape[-1]) == book[:, None, None])
    losses = []
    for number in range(tokens.shape[-1]):
        wanted = torch.where(learned[..., number], tokens[..., number], IGNORED)
        sum_ = F.cross_entropy(
            scores[:, :, number].flatten(0, 1).float(), wanted.flatten(), reduction="sum", ignore_index=IGNORED
        )
        losses.append(sum_ / learned.sum().clamp(min=1))
    return torch.stack(losses)


def train(
    causal: bool,
    groups: list[Tokens],
    codec: MelCodec,
    known: Words,
    steps: int,
    work: Path,
    accelerator: Accelerator,
    start: TokenNetwork | None = None,
    bfloat16: bool = False,
    seed: int = 0,
) -> TokenNetwork:
    """Train for `steps` steps, resuming from `work`; the averaged network. `start`: one whose weights it begins with."""
    name = "causal" if causal else "masked"
    torch.manual_seed(seed)
    config = NetworkConfig(len(known.tokens), causal, codec.config.books, codec.config.codes)
    network = TokenNetwork(config)
    if start is not None:
        network.load_state_dict(start.state_dict())
    highest = LEARNING_RATE if start is None else GOING_ON
    optimiser = torch.optim.AdamW(network.parameters(), lr=highest, weight_decay=0.05, betas=(0.9, 0.95))
    network, optimiser = accelerator.prepare(network, optimiser)
    network.train()
    average = EMAModel(network.parameters(), decay=AVERAGED**EVERY, use_ema_warmup=True, power=0.75, foreach=True)
    average.to(accelerator.device)
    accelerator.register_for_checkpointing(average)
    state, log = Resumable(work / name, accelerator), Log(work / "log.jsonl", name, steps, accelerator.log)
    sizes, shares = batches(groups)
    for step in range(state.step, steps):
        rng = np.random.default_rng((seed, 31 + causal, step))
        for group in optimiser.param_groups:
            group["lr"] = highest * share_of_rate(step, steps, warm_up=100, last=0.03)
        chosen = int(rng.choice(len(groups), p=shares))
        clips = groups[chosen]
        which = rng.integers(0, len(clips.labels), sizes[chosen])
        labels = [clips.labels[clip] for clip in which]
        tokens = torch.from_numpy(clips.tokens[which].astype(np.int64)).to(accelerator.device)
        more = codec.config.books - 1 if causal else 0
        clock = clocks(codec, labels, clips.ring, clips.frames + more)
        if clips.ring:  # it has no beginning
            tokens, clock = _turned(rng, tokens, clock, clips.frames)
        words, clock = asked(rng, known, labels).to(accelerator.device), clock.to(accelerator.device)
        with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=bfloat16):
            losses = (
                causal_losses(network, tokens, words, clock)
                if causal
                else masked_losses(rng, network, tokens, words, clock)
            )
        optimiser.zero_grad()
        accelerator.backward(losses.mean() if causal else losses.sum())
        accelerator.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % EVERY == 0:
            average.step(network.parameters())
        values = losses.detach()
        log.add(step + 1, **{"loss": float(values.mean() if causal else values.sum()), "first book": float(values[0])})
        state.keep(step + 1, last=step + 1 == steps)
    finished: TokenNetwork = accelerator.unwrap_model(network)
    average.copy_to(finished.parameters())
    return finished.eval()


def _turned(
    rng: np.random.Generator, tokens: torch.Tensor, clock: torch.Tensor, frames: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rings that begin anywhere, and their clocks, which go on for as many frames as they have."""
    turn = int(rng.integers(frames))
    places = (torch.arange(clock.shape[2]) + turn) % frames
    return tokens.roll(-turn, 1), clock[:, :, places]
