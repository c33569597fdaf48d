"""The reference (`--hierarchy audiolm`): k-means for the semantic tokens, and a network for each of the three stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from bridge.engine.audiolm.codec import MelCodec
from bridge.engine.audiolm.hierarchy import (
    CENTRES,
    COARSE_BOOKS,
    EVERY,
    WINDOW,
    Alphabet,
    Hierarchy,
    semantic_clock,
    semantic_tokens,
)
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.tokens.data import Tokens, asked, clocks

TOKENS_A_STEP = 3_000
LEARNING_RATE = 2e-3
SHARES = {"semantic": 0.2, "coarse": 0.5, "fine": 0.3}  # of all steps
WIDTH, DEPTH = 128, 3
LISTENED = 200_000  # frames from which the centres are found


@dataclass(frozen=True, slots=True)
class Lesson:
    """A flat sequence (batch, count) with its clock (batch, CHANNELS, count); what comes from place `first` on is learned."""

    sequence: torch.Tensor
    clock: torch.Tensor
    first: int


def centres_of(codec: MelCodec, groups: list[Tokens], seed: int = 0) -> torch.Tensor:
    """The centres (CENTRES, dimensions) of what the codec encodes, by k-means (scikit-learn, the `train` extra)."""
    from sklearn.cluster import MiniBatchKMeans

    parts = []
    for group in groups:
        whole = torch.from_numpy(group.tokens[:, : group.frames // EVERY * EVERY].astype(np.int64))
        encoded = torch.stack([codec.codebooks[book][whole[..., book]] for book in range(whole.shape[2])]).sum(0)
        parts.append(encoded.view(-1, EVERY, encoded.shape[-1]).mean(1))
    every = torch.cat(parts).numpy()
    rng = np.random.default_rng(seed)
    some = every[rng.permutation(len(every))[:LISTENED]]
    means = MiniBatchKMeans(CENTRES, batch_size=4_096, n_init=1, max_iter=30, random_state=seed).fit(some)
    return torch.from_numpy(means.cluster_centers_).float()


def train(
    groups: list[Tokens],
    codec: MelCodec,
    known: Words,
    steps: int,
    work: Path,
    accelerator: Accelerator,
    bfloat16: bool = False,
) -> Hierarchy:
    """Train all three stages in `steps` steps, resuming from `work`."""
    centres = centres_of(codec, groups)
    networks = {}
    for stage, share in SHARES.items():
        accelerator.free_memory()
        networks[stage] = _train(
            stage, groups, codec, centres, known, round(share * steps), work, accelerator, bfloat16
        )
    return Hierarchy(codec, centres, **networks)


def _train(
    stage: str,
    groups: list[Tokens],
    codec: MelCodec,
    centres: torch.Tensor,
    known: Words,
    steps: int,
    work: Path,
    accelerator: Accelerator,
    bfloat16: bool,
    seed: int = 0,
) -> TokenNetwork:
    alphabet = Alphabet(codec.config.books, codec.config.codes)
    torch.manual_seed(seed)
    config = NetworkConfig(len(known.tokens), True, books=1, codes=alphabet.size, width=WIDTH, depth=DEPTH)
    network = TokenNetwork(config)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.05, betas=(0.9, 0.95))
    network, optimiser = accelerator.prepare(network, optimiser)
    coder = MelCoder(codec)
    state, log = Resumable(work / stage, accelerator), Log(work / "log.jsonl", stage, steps, accelerator.log)
    shares = np.array([len(group.labels) * group.frames for group in groups], dtype=float)
    for step in range(state.step, steps):
        rng = np.random.default_rng((seed, 41, step))
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * share_of_rate(step, steps, warm_up=100, last=0.03)
        clips = groups[int(rng.choice(len(groups), p=shares / shares.sum()))]
        length = {"semantic": clips.frames / EVERY, "coarse": clips.frames * (COARSE_BOOKS + 1 / EVERY)}
        count = max(2, round(TOKENS_A_STEP / length.get(stage, WINDOW * alphabet.books)))
        which = rng.integers(0, len(clips.labels), count)
        labels = [clips.labels[clip] for clip in which]
        tokens = torch.from_numpy(clips.tokens[which].astype(np.int64))
        clock = clocks(coder, labels, clips.ring, clips.frames)
        lesson = _lesson(stage, rng, alphabet, codec, centres, tokens, clock)
        sequence, clock = lesson.sequence.to(accelerator.device), lesson.clock.to(accelerator.device)
        words = asked(rng, known, labels).to(accelerator.device)
        with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=bfloat16):
            scores = network(sequence[..., None], words, clock)[:, lesson.first :, 0].float()
        loss = F.cross_entropy(scores.flatten(0, 1), sequence[:, lesson.first :].flatten())
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        log.add(step + 1, loss=float(loss.detach()))
        state.keep(step + 1, last=step + 1 == steps)
    finished: TokenNetwork = accelerator.unwrap_model(network).cpu().eval()
    return finished


def _lesson(
    stage: str,
    rng: np.random.Generator,
    alphabet: Alphabet,
    codec: MelCodec,
    centres: torch.Tensor,
    tokens: torch.Tensor,
    clock: torch.Tensor,
) -> Lesson:
    """The sequence that a stage learns, of tokens (batch, frames, books)."""
    frames = tokens.shape[1] // EVERY * EVERY
    tokens, clock = tokens[:, :frames], clock[:, :, :frames]
    coarse, fine = range(COARSE_BOOKS), range(COARSE_BOOKS, alphabet.books)
    if stage == "fine":
        start = int(rng.integers(0, max(1, frames - WINDOW + 1)))
        tokens, clock = tokens[:, start : start + WINDOW], clock[:, :, start : start + WINDOW]
        sequence = torch.cat([alphabet.flat(tokens, coarse), alphabet.flat(tokens, fine)], 1)
        times = [clock.repeat_interleave(COARSE_BOOKS, 2), clock.repeat_interleave(len(fine), 2)]
        return Lesson(sequence, torch.cat(times, 2), tokens.shape[1] * COARSE_BOOKS)
    meaning, times_of = semantic_tokens(codec, centres, tokens), semantic_clock(clock, frames)
    if stage == "semantic":
        return Lesson(meaning, times_of, 0)
    sequence = torch.cat([meaning, alphabet.flat(tokens, coarse)], 1)
    return Lesson(sequence, torch.cat([times_of, clock.repeat_interleave(COARSE_BOOKS, 2)], 2), meaning.shape[1])
