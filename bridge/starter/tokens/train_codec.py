"""First stage: train the codec, with residual vector quantisation by vector-quantize-pytorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from numpy.typing import NDArray

from bridge.engine.audiolm.codec import CodecConfig, MelCodec
from bridge.starter.dataset import Group
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable

CROP = 192  # frames of the spectrogram: 1.1 s
BATCH = 20
LEARNING_RATE = 2e-3
NEAR_THE_ATTACK = 0.4  # share of the crops


class Quantised(torch.nn.Module):
    """A codec beside the quantiser that its codebooks come from."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        from vector_quantize_pytorch import ResidualVQ

        self.codec = MelCodec(config)
        self.quantiser = ResidualVQ(
            dim=config.dimensions,
            num_quantizers=config.books,
            codebook_size=config.codes,
            codebook_dim=config.dimensions,
            kmeans_init=True,
            kmeans_iters=10,
            threshold_ema_dead_code=2,
            quantize_dropout=True,  # so that the first books carry what they can alone
            quantize_dropout_cutoff_index=1,
            rotation_trick=True,
            decay=0.95,
            commitment_weight=0.25,
        )

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The spectrogram after quantising, and the loss of the quantiser."""
        quantised, _, loss = self.quantiser(self.codec.encode(mel))
        return self.codec.decode(quantised), loss.sum()

    def finished(self) -> MelCodec:
        """The codec with its codebooks."""
        self.codec.codebooks.copy_(self.quantiser.codebooks.detach())
        return self.codec.eval()


def train(groups: list[Group], steps: int, work: Path, accelerator: Accelerator, seed: int = 0) -> MelCodec:
    """Train for `steps` steps, resuming from `work`, with L1 and squared error on random crops."""
    torch.manual_seed(seed)
    both: Any = Quantised(CodecConfig())
    optimiser = torch.optim.AdamW(both.parameters(), lr=LEARNING_RATE, weight_decay=0.01, betas=(0.9, 0.98))
    both, optimiser = accelerator.prepare(both, optimiser)
    state, log = Resumable(work / "codec", accelerator), Log(work / "log.jsonl", "codec", steps, accelerator.log)
    usable = [group for group in groups if group.mels.shape[1] >= CROP]
    shares = np.array([len(group.labels) for group in usable], dtype=float)
    for step in range(state.step, steps):
        rng = np.random.default_rng((seed, 21, step))
        torch.manual_seed(seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * share_of_rate(step, steps, warm_up=50, last=0.03)
        mel = torch.from_numpy(_crops(rng, usable, shares / shares.sum())).to(accelerator.device)
        made, commitment = both(mel)
        absolute = (made - mel).abs().mean()
        optimiser.zero_grad()
        accelerator.backward(absolute + F.mse_loss(made, mel) + commitment)
        accelerator.clip_grad_norm_(both.parameters(), 1.0)
        optimiser.step()
        log.add(step + 1, **{"mean absolute error": float(absolute.detach()), "commitment": float(commitment.detach())})
        state.keep(step + 1, last=step + 1 == steps)
    finished: MelCodec = accelerator.unwrap_model(both).finished()
    return finished


def _crops(rng: np.random.Generator, groups: list[Group], shares: NDArray[np.float64]) -> NDArray[np.float32]:
    """BATCH crops (BATCH, CROP, bands) of clips of all lengths."""
    crops = []
    for number in rng.choice(len(groups), BATCH, p=shares):
        mels = groups[number].mels
        room = mels.shape[1] - CROP
        start = rng.integers(0, min(room, 16) + 1) if rng.random() < NEAR_THE_ATTACK else rng.integers(0, room + 1)
        crops.append(mels[rng.integers(0, len(mels)), start : start + CROP])
    return np.stack(crops).astype(np.float32)
