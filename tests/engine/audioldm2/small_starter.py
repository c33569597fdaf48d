"""A small checkpoint with random weights and a list of its words, in the place of the starter. With a clock, or without one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from bridge.checkpoints.reading import read_json
from bridge.engine import beat_clock
from bridge.engine.audioldm2 import clock, untrained

HEARD = {
    "nouns": {"kick": "kick", "bd": "kick", "snare": "snare", "bell": "bell", "drum loop": "breakbeat"},
    "words": ["deep", "bright"],
    "octaves": {},
    "fills": [],
    "rhythms": {"breakbeat": [80, 160]},
}


def saved(folder: Path, cache: Path, keeps_time: bool = False) -> Path:
    """The checkpoint in a new folder. `cache`: where the untrained one is built."""
    shutil.copytree(untrained.build(cache), folder)
    (folder / "heard.json").write_text(json.dumps(HEARD))
    (folder / "README.md").write_text("---\nlicense: mit\nversion: 9\n---\n")
    if keeps_time:
        width = read_json(folder / "unet" / "config.json")["block_out_channels"][0]
        weight = torch.randn(width, beat_clock.CHANNELS, 3, 3, generator=torch.Generator().manual_seed(1)) / 10
        save_file({clock.WEIGHT: weight}, folder / "unet" / clock.FILE)
    return folder
