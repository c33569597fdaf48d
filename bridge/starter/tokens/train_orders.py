"""Second stage: train a network for each order over the tokens, the masked one from the causal one's weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel

from bridge.engine.audiolm.coding import Coder
from bridge.engine.audiolm.losses import causal_losses, masked_losses
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.tokens.data import Tokens, asked, clocks

FRAMES_A_STEP = 1_600
LEARNING_RATE, GOING_ON = 2e-3, 1e-3
AVERAGED, EVERY = 0.999, 4  # decay of the averaged weights for each step, and the steps between two updates


def batches(groups: list[Tokens]) -> tuple[list[int], np.ndarray]:
    """The clips in a batch of each group, and the share of the steps that it gets."""
    sizes = [max(2, round(FRAMES_A_STEP / group.frames)) for group in groups]
    shares = np.array([len(group.labels) / size for group, size in zip(groups, sizes, strict=True)])
    return sizes, shares / shares.sum()


def train(
    causal: bool,
    groups: list[Tokens],
    coder: Coder,
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
    config = NetworkConfig(len(known.tokens), causal, coder.books, coder.codes)
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
        more = coder.books - 1 if causal else 0
        clock = clocks(coder, labels, clips.ring, clips.frames + more)
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
