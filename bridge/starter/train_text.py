"""Second stage: train the text stack to predict the content of captions, before the UNet depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from bridge.starter import text_stack
from bridge.starter.captions import ADJECTIVES, CHORDS, WAVES, Meaning, as_typed, caption
from bridge.starter.catalogue import SOUNDS, draw
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.text_stack import TextStack

BATCH, POOL = 64, 3_072  # captions per step; captions from which batches of equal length are drawn
LEARNING_RATE = 2e-3
OCTAVES = 8
# Outputs of the classification heads: sound, adjectives with three values each, octave, wave, chord.
SIZES = (len(SOUNDS), *(3,) * (len(ADJECTIVES) + 1), OCTAVES, len(WAVES) + 1, len(CHORDS) + 1)


def train(steps: int, work: Path, accelerator: Accelerator, seed: int = 0) -> None:
    """Train for `steps` steps, resuming from `work`, and save the stack to `work`/parts."""
    stack = text_stack.make(seed)
    widths = (text_stack.WIDTH, text_stack.GENERATED * text_stack.WIDTH, text_stack.CLAP_WIDTH)
    heads = torch.nn.ModuleList(
        torch.nn.Sequential(torch.nn.Linear(width, 256), torch.nn.GELU(), torch.nn.Linear(256, sum(SIZES)))
        for width in widths
    )
    trained = torch.nn.ModuleDict(
        {
            "clap_text": stack.text_encoder.text_model,
            "clap_projection": stack.text_encoder.text_projection,
            "t5": stack.text_encoder_2,
            "projection": stack.projection_model,
            "gpt2": stack.language_model,
            "heads": heads,
        }
    )
    optimiser = torch.optim.AdamW(trained.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    trained, optimiser = accelerator.prepare(trained, optimiser)
    stack.text_encoder.to(accelerator.device)
    state = Resumable(work / "text", accelerator)
    log = Log(work / "log.jsonl", "text", steps)
    batches = batches_of_one_length(stack, seed, state.step)
    for step in range(state.step, steps):
        rate = LEARNING_RATE * share_of_rate(step, steps, warm_up=50, last=0.03)
        for group in optimiser.param_groups:
            group["lr"] = rate
        texts, meanings = next(batches)
        t5, gpt2, clap = text_stack.encode(stack, texts)
        targets = torch.tensor([_as_numbers(meaning) for meaning in meanings], device=accelerator.device)
        loss, right = torch.zeros((), device=accelerator.device), 0.0
        for head, states in zip(heads, (t5.mean(1), gpt2.flatten(1), clap), strict=True):
            predicted = head(states).split(SIZES, dim=1)
            loss = loss + sum(F.cross_entropy(part, targets[:, i]) for i, part in enumerate(predicted))
            right += float((predicted[0].argmax(1) == targets[:, 0]).float().mean()) / len(heads)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        log.add(step + 1, **{"cross entropy": float(loss.detach()), "right sound": right})
        state.keep(step + 1, last=step + 1 == steps)
    stack.save(work / "parts")


def batches_of_one_length(stack: TextStack, seed: int, first: int) -> Iterator[tuple[list[str], list[Meaning]]]:
    """Endless batches of captions with the same number of tokens, so that no padding is needed."""
    pool_number = first
    while True:
        rng = np.random.default_rng((seed, 7, pool_number))
        pool_number += 1
        made = [_typed(rng, number) for number in range(POOL)]
        groups = text_stack.of_one_length(stack, [text for text, _ in made])
        batches = [group[start : start + BATCH] for group in groups for start in range(0, len(group), BATCH)]
        rng.shuffle(batches)
        for batch in batches:
            if len(batch) >= BATCH // 4:
                yield [made[i][0] for i in batch], [made[i][1] for i in batch]


def _typed(rng: np.random.Generator, number: int) -> tuple[str, Meaning]:
    sound = SOUNDS[number % len(SOUNDS)]
    text, meaning = caption(rng, sound, draw(rng, sound), keep=0.5)
    if rng.random() < 0.7:
        text = as_typed(rng, text)
    chance = rng.random()
    if chance < 0.08:
        text = text.title() if chance < 0.03 else text.upper() if chance < 0.05 else text.capitalize()
    return text, meaning


def _as_numbers(meaning: Meaning) -> list[int]:
    return [meaning.sound, *(said + 1 for said in meaning.adjectives), meaning.octave, meaning.wave, meaning.chord]
