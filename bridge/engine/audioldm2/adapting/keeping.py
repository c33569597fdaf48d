"""The model of a learning: a LoRA file as diffusers names its tensors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from safetensors.torch import save_file

from bridge.checkpoints import adapted
from bridge.checkpoints.reading import INDEX
from bridge.engine.audioldm2.adapting.adapters import Tensors
from bridge.engine.lora import METADATA


def write_model(folder: Path, tensors: Tensors, rank: int, facts: adapted.Facts) -> None:
    """Write adapters into a folder, in fp16. Raises OSError."""
    halves = {f"unet.{name}": tensor.detach().half().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "format": "pt",
        METADATA: json.dumps({"unet.r": rank, "unet.lora_alpha": rank}),
        adapted.METADATA: json.dumps(dataclasses.asdict(facts)),
    }
    save_file(halves, folder / adapted.FILE, metadata)
    (folder / INDEX).write_text(json.dumps(adapted.INDEX), "utf-8")
