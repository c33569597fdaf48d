"""Last training: a second UNet that makes in few steps, without guidance, what the first makes in twenty with it.

Progressive distillation (Salimans and Ho, ICLR 2022) in one round: between two neighbours of its few times, one step of the second
network has to arrive where several guided steps of the first do. Clips keep their seeds, because both begin with the same noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers.training_utils import EMAModel

from bridge.engine.audioldm2.clock import beside
from bridge.starter import text_stack
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.train_unet import (
    AVERAGED,
    EVERY,
    TIMESTEPS,
    Batch,
    Clips,
    Latents,
    begun,
    encode_texts,
    make_scheduler,
    save_average,
    set_rate,
    together,
)

STEPS = 5  # of the second network
SUBSTEPS = 4  # guided steps of the first for one of the second
GUIDANCE, GUIDED_ABOVE = 3.5, 1.0  # as the engine guides the first
ROWS_A_STEP = 240
LEARNING_RATE = 2e-4


def times(count: int) -> list[int]:
    """The times of `count` steps, the noisiest first, as DPMSolverMultistepScheduler spaces them ("trailing")."""
    return [round(TIMESTEPS - number * TIMESTEPS / count) - 1 for number in range(count)]


def moved(
    x: torch.Tensor,
    predicted: torch.Tensor,
    now: tuple[torch.Tensor, torch.Tensor],
    then: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """DDIM: the latents at another time, from the prediction of the velocity at this one. `now`, `then`: signal and noise."""
    (signal, noise), (next_signal, next_noise) = now, then
    clean, error = signal * x - noise * predicted, noise * x + signal * predicted
    return next_signal * clean + next_noise * error


def wanted(
    x: torch.Tensor,
    arrived: torch.Tensor,
    now: tuple[torch.Tensor, torch.Tensor],
    then: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """The velocity with which one step from `x` arrives at `arrived`: the inverse of `moved`."""
    (signal, noise), (next_signal, next_noise) = now, then
    return (arrived - (next_signal * signal + next_noise * noise) * x) / (next_noise * signal - next_signal * noise)


def train(latents: Latents, steps: int, work: Path, accelerator: Accelerator, bfloat16: bool, seed: int = 2) -> None:
    """Train for `steps` steps, resuming from `work`, and save the averaged network to `work`/parts/unet_few."""
    device = accelerator.device
    stack = text_stack.load(work / "parts")
    for network in stack.networks().values():
        network.to(device).eval().requires_grad_(False)
    clips, nothing = Clips(latents, stack, seed, ROWS_A_STEP), encode_texts(stack, [""])[0]
    first = begun(work / "parts" / "unet").to(device).eval().requires_grad_(False)
    second = begun(work / "parts" / "unet").train()
    optimiser = torch.optim.AdamW(second.parameters(), lr=LEARNING_RATE, weight_decay=0.01, betas=(0.9, 0.99))
    second, optimiser = accelerator.prepare(second, optimiser)
    average = EMAModel(second.parameters(), decay=AVERAGED**EVERY, use_ema_warmup=True, power=0.75, foreach=True)
    average.to(device)
    accelerator.register_for_checkpointing(average)
    state, log = Resumable(work / "few", accelerator), Log(work / "log.jsonl", "few", steps)
    kept = make_scheduler().alphas_cumprod.to(device)
    for step in range(state.step, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        set_rate(optimiser, LEARNING_RATE * share_of_rate(step, steps, warm_up=50, last=0.05))
        batch, rng = clips.batch(step, device)
        number = int(rng.integers(STEPS))
        x, arrived, ends = _lesson(first, batch, nothing, number, kept, bfloat16)
        target = wanted(x, arrived, *ends)
        t = torch.full((len(x),), times(STEPS)[number], device=device)
        inputs, words = beside(x, batch.clock), together(batch.texts, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            predicted = second(inputs, t, **words).sample.float()
        loss = F.mse_loss(predicted, target)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(second.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % EVERY == 0:
            average.step(second.parameters())
        log.add(step + 1, **{"squared error": float(loss.detach())})
        if state.keep(step + 1, last=step + 1 == steps):
            save_average(accelerator.unwrap_model(second), average, work / "parts" / "unet_few")
    save_average(accelerator.unwrap_model(second), average, work / "parts" / "unet_few")


@torch.no_grad()
def _lesson(
    first: Any, batch: Batch, nothing: Any, number: int, kept: torch.Tensor, bfloat16: bool
) -> tuple[torch.Tensor, torch.Tensor, tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]]:
    """Noisy latents at step `number`, where the first network arrives from them by the next, and signal and noise at both ends."""
    device, count = batch.z.device, len(batch.z)
    fine = [*times(STEPS * SUBSTEPS)[number * SUBSTEPS :][: SUBSTEPS + 1]]

    def level(index: int) -> tuple[torch.Tensor, torch.Tensor]:
        share = kept[fine[index]] if index < len(fine) else kept.new_ones(())
        return share.sqrt(), (1 - share).sqrt()

    begin = level(0)
    x = begin[0] * batch.z + begin[1] * torch.randn_like(batch.z)
    start = x
    both = together([nothing] * count + batch.texts, device)
    alone = together(batch.texts, device)
    for index in range(SUBSTEPS):
        now, then = level(index), level(index + 1)
        t = torch.full((count,), fine[index], device=device)
        inputs = beside(x, batch.clock)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            if float(now[1] / now[0]) > GUIDED_ABOVE:
                away, towards = first(inputs.repeat(2, 1, 1, 1), t.repeat(2), **both).sample.float().chunk(2)
                predicted = away + GUIDANCE * (towards - away)
            else:
                predicted = first(inputs, t, **alone).sample.float()
        x = moved(x, predicted, now, then)
    return start, x, (begin, level(SUBSTEPS))
