"""What the engine does not import, and that whoever needs it gets it later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OPEN_THE_STARTER = """
import sys
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.families import open_engine
engine = open_engine(EngineConfig(model="starter", compute="cpu", compile="off"))
engine.load(lambda *stage: None)
engine.warm(lambda *stage: None)
list(engine.generate(Prompt("kick", "kick", 0.3, seed=1, steps=2), lambda step, steps: None))
"""
NEEDLESS = {
    "scipy": "for a few schedulers",
    "torch._dynamo": "the compiler",
    "torch._inductor": "the compiler",
    "torch.distributed.tensor": "for several processes",
    "torch.distributed.fsdp": "for several processes",
    "torch.onnx": "to export",
    "librosa": "to rank, in the stock pipeline",
    "diffusers.pipelines.pipeline_utils": "the stock pipeline",
    "diffusers.pipelines.audioldm2.pipeline_audioldm2": "the stock pipeline",
    "transformers.models.vits.modeling_vits": "for speech",
    "transformers.models.speecht5.modeling_speecht5": "a vocoder of other checkpoints",
    "transformers.models.clap.feature_extraction_clap": "to rank",
    "bridge.engine.audioldm2.untrained": "another checkpoint",
}


def run(code: str, cwd: Path) -> str:
    """What a new process prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=cwd).stdout


def test_the_engine_of_the_starter_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    assert run(f"{OPEN_THE_STARTER}\nprint(sorted({set(NEEDLESS)} & set(sys.modules)))", tmp_path) == "[]\n"


def test_what_the_engine_did_without_is_there_for_who_needs_it_later(tmp_path: Path) -> None:
    later = """
import torch, scipy.stats
from torch.distributed.tensor import DTensor
assert torch.distributed.is_available()
assert torch.compile(lambda x: x.sin() + 1, backend="eager", fullgraph=True)(torch.zeros(2)).tolist() == [1, 1]
rows = torch.export.Dim("rows", max=64)
vae, latents = engine.pipe.vae, torch.zeros(1, engine.pipe.vae.config.latent_channels, 8, 16)
torch.export.export(vae.decoder, (latents,), dynamic_shapes=({2: rows},))
from diffusers import AudioLDM2Pipeline
from transformers import ClapFeatureExtractor, VitsModel
torch.nn.Linear(2, 2).weight.std() > 0 or exit("weights are not filled")
print("there")
"""
    assert run(OPEN_THE_STARTER + later, tmp_path) == "there\n"


@pytest.mark.parametrize(
    "needs",
    [
        "import torch; assert torch.distributed.is_available() or exec('raise ImportError')",
        "import torch; torch._dynamo.reset()",
        "import scipy.stats",
    ],
)
def test_a_module_that_needs_what_is_hidden_is_imported_with_it(needs: str, tmp_path: Path) -> None:
    (tmp_path / "needy.py").write_text(f"{needs}\n", "utf-8")
    code = "from bridge.engine.lean_imports import import_lean; print(import_lean('needy', False, False).__name__)"
    assert run(code, tmp_path) == "needy\n"
