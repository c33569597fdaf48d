"""Classify sounds by their spectrograms. Trained on synthesised sounds only; judges the starter's output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from bridge.starter import dataset
from bridge.starter.catalogue import NAMES
from bridge.starter.dataset import Group

TRAIN_SEED, TEST_SEED = 2_001, 2_002
TRAIN_CHUNKS, TEST_CHUNKS, EPOCHS, BATCH = 75, 8, 8, 48
SHORTEST = 8  # rows: 0.37 s; shorter clips cannot be classified


class Classifier(nn.Module):
    """Log-mel spectrograms (batch, frames, 128) of any length → a score per sound, from means and maxima over time."""

    def __init__(self) -> None:
        super().__init__()

        def block(into: int, out: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(into, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
            )  # fmt: skip

        self.body = nn.Sequential(nn.AvgPool2d((2, 2)), block(1, 16), block(16, 32), block(32, 64))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * 64 * 8, 128), nn.ReLU(), nn.Linear(128, len(NAMES)))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Scores (batch, sounds)."""
        features = self.body(mel[:, None])
        pooled = torch.cat([features.mean(2), features.amax(2)], dim=1)
        return self.head(pooled.flatten(1))


def trained(folder: Path) -> tuple[Classifier, float]:
    """The classifier and its accuracy on held-out synthetic clips, loaded from `folder`, or trained and saved there."""
    file = folder / "classifier.safetensors"
    network = Classifier()
    if not file.is_file():
        accuracy = _train(network)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(network.state_dict(), file, metadata={"accuracy": json.dumps(accuracy)})
    network.load_state_dict(load_file(file))
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        return network.eval(), float(json.loads(opened.metadata()["accuracy"]))


def _train(network: Classifier) -> float:
    torch.manual_seed(0)
    groups = [g for g in dataset.make(TRAIN_SEED, TRAIN_CHUNKS) if g.rows >= SHORTEST]
    held_out = [g for g in dataset.make(TEST_SEED, TEST_CHUNKS) if g.rows >= SHORTEST]
    rng = np.random.default_rng(0)
    batches_of = [_batches(rng, group) for group in groups]
    total = EPOCHS * sum(len(batches) for batches in batches_of)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total)
    for epoch in range(EPOCHS):
        order = [(g, b) for g in range(len(groups)) for b in range(len(batches_of[g]))]
        rng.shuffle(order)
        for g, b in order:
            which = batches_of[g][b]
            x = torch.from_numpy(groups[g].mels[which].astype(np.float32))
            y = torch.tensor([groups[g].labels[i].sound for i in which])
            loss = F.cross_entropy(network(_worn(rng, x)), y, label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        print(f"classifier: epoch {epoch + 1} of {EPOCHS}, loss {float(loss.detach()):.3f}", flush=True)
    network.eval()
    right = [
        label.sound == predicted for g in held_out for label, predicted in zip(g.labels, tell(network, g), strict=True)
    ]
    return float(np.mean(right))


def _batches(rng: np.random.Generator, group: Group) -> list[np.ndarray]:
    size = max(4, min(BATCH, 1_800 // group.rows))
    return np.array_split(rng.permutation(len(group.labels)), max(1, len(group.labels) // size))


def _worn(rng: np.random.Generator, mel: torch.Tensor) -> torch.Tensor:
    """Augment spectrograms in level, position, blur and noise: generated ones are never as clean as synthesised ones."""
    lowest = float(mel.min())
    mel = torch.roll(mel + torch.randn(len(mel), 1, 1) * 0.05, int(rng.integers(-2, 3)), 1)
    if rng.random() < 0.5:
        mel = mel + torch.randn_like(mel) * float(rng.uniform(0, 0.1))
    if rng.random() < 0.5:
        mel = F.avg_pool2d(mel, 3, 1, 1)
    return mel.clamp(min=lowest)


@torch.no_grad()
def tell(network: Classifier, group: Group) -> list[int]:
    """The sound's index for each clip of a group."""
    x = torch.from_numpy(group.mels.astype(np.float32))
    return [int(i) for part in x.split(32) for i in network(part).argmax(1)]
