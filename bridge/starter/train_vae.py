"""First stage: train an autoencoder that encodes 8 frames × 128 bands of the spectrogram as 16 × 16 numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from bridge.starter.dataset import ROW_FRAMES, Group
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable

LATENT_CHANNELS = 16
CROP = 64  # frames
AROUND = 8  # rows of a ring that go on at each of its ends when it is encoded
BATCH = 16
LEARNING_RATE, GOING_ON = 2.5e-3, 1.2e-3  # from random weights, and from those of an earlier edition
DIVERGENCE = 3e-4  # weight of the KL divergence from a normal distribution


def make_vae() -> AutoencoderKL:
    """An autoencoder with factor 8 in both directions and no attention, so that its cost is linear in the length."""
    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 32, 64),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=CROP,
        mid_block_add_attention=False,
    ).to(memory_format=torch.channels_last)


def train(
    groups: list[Group], steps: int, work: Path, accelerator: Accelerator, start: Path | None = None, seed: int = 0
) -> AutoencoderKL:
    """Train for `steps` steps, resuming from `work`, with L1 and squared error on random crops. `start`: a checkpoint whose
    autoencoder it begins with; None for random weights."""
    torch.manual_seed(seed)
    highest = LEARNING_RATE if start is None else GOING_ON
    vae = make_vae() if start is None else AutoencoderKL.from_pretrained(start / "vae").float().train()
    optimiser = torch.optim.AdamW(vae.parameters(), lr=highest, weight_decay=0.0, betas=(0.9, 0.99))
    vae, optimiser = accelerator.prepare(vae, optimiser)
    state = Resumable(work / "vae", accelerator)
    log = Log(work / "log.jsonl", "vae", steps)
    usable = [group for group in groups if group.mels.shape[1] >= CROP]
    shares = np.array([len(group.labels) * min(group.rows, 56) for group in usable], dtype=float)
    for step in range(state.step, steps):
        rng = np.random.default_rng((seed, step))
        torch.manual_seed(seed * 1_000_003 + step)
        rate = highest * share_of_rate(step, steps, warm_up=50, last=0.03)
        for group in optimiser.param_groups:
            group["lr"] = rate
        crops = torch.from_numpy(_crops(rng, usable[rng.choice(len(usable), p=shares / shares.sum())]))
        x = crops[:, None].to(accelerator.device).contiguous(memory_format=torch.channels_last)
        posterior = accelerator.unwrap_model(vae).encode(x).latent_dist
        y = accelerator.unwrap_model(vae).decode(posterior.sample()).sample
        absolute, squared = (y - x).abs().mean(), F.mse_loss(y, x)
        divergence = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar).mean()
        optimiser.zero_grad()
        accelerator.backward(absolute + squared + DIVERGENCE * divergence)
        accelerator.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        log.add(step + 1, **{"mean absolute error": float(absolute.detach()), "divergence": float(divergence.detach())})
        state.keep(step + 1, last=step + 1 == steps)
    return accelerator.unwrap_model(vae).eval()


def _crops(rng: np.random.Generator, group: Group) -> NDArray[np.float32]:
    """BATCH crops, half of them near the attack, where the detail is."""
    which = rng.integers(0, len(group.labels), BATCH)
    room = group.mels.shape[1] - CROP + 1
    starts = np.where(rng.random(BATCH) < 0.5, rng.integers(0, min(room, 65), BATCH), rng.integers(0, room, BATCH))
    return np.stack([group.mels[i, s : s + CROP] for i, s in zip(which, starts, strict=True)]).astype(np.float32)


@torch.no_grad()
def encode(vae: AutoencoderKL, groups: list[Group], bfloat16: bool = False) -> list[NDArray[np.float32]]:
    """The latents of every group, (clips, 16, rows, 16). Around a ring it goes on. In `bfloat16` a processor that has it is faster."""
    latents = []
    for group in groups:
        batch = max(1, 400 // group.rows)
        parts = []
        for start in range(0, len(group.labels), batch):
            x = torch.from_numpy(group.mels[start : start + batch].astype(np.float32))[:, None]
            around = AROUND * ROW_FRAMES if group.ring else 0
            x = torch.cat([x[:, :, x.shape[2] - around :], x, x[:, :, :around]], dim=2)
            x = x.to(vae.device).contiguous(memory_format=torch.channels_last)
            with torch.autocast(vae.device.type, torch.bfloat16, enabled=bfloat16):
                latents_of = vae.encode(x).latent_dist.mean.float().cpu().numpy()
            parts.append(latents_of[:, :, AROUND : AROUND + group.rows] if group.ring else latents_of)
        latents.append(np.concatenate(parts))
    return latents


def whiten(vae: AutoencoderKL, latents: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Normalise latents to mean 0 and deviation 1 per channel. The factors are folded into `vae`, which then encodes to and
    decodes from such latents, with scaling_factor 1."""
    every = np.concatenate([part.transpose(1, 0, 2, 3).reshape(LATENT_CHANNELS, -1) for part in latents], axis=1)
    mean, deviation = every.mean(1), every.std(1)
    with torch.no_grad():
        _fold(vae, torch.from_numpy(mean).to(vae.device), torch.from_numpy(deviation).to(vae.device))
    shape = (1, -1, 1, 1)
    return [(part - mean.reshape(shape)) / deviation.reshape(shape) for part in latents]


def _fold(vae: AutoencoderKL, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    after, before = vae.quant_conv, vae.post_quant_conv
    before.bias.data += before.weight.data[:, :, 0, 0] @ mean
    before.weight.data *= deviation[None, :, None, None]
    after.weight.data[:LATENT_CHANNELS] /= deviation[:, None, None, None]
    after.bias.data[:LATENT_CHANNELS] = (after.bias.data[:LATENT_CHANNELS] - mean) / deviation
    after.bias.data[LATENT_CHANNELS:] -= 2 * torch.log(deviation)
    vae.register_to_config(scaling_factor=1.0)
