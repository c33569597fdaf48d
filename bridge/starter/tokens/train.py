"""`python -m bridge.starter.tokens.train WORK_FOLDER`: train the base model of AudioLM, from synthesis to its folder.

Stages: the codec, its tokens, the causal network, the masked one. Each can be stopped at any time; the same command goes on where it
was. Several GPUs: `accelerate launch -m bridge.starter.tokens.train WORK_FOLDER`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator

from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.coding import Coder
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.model_folder import TokenModel
from bridge.starter import dataset, progress
from bridge.starter.tokens import data, train_codec, train_hierarchy, train_orders
from bridge.starter.tokens.data import Tokens
from bridge.system.writing import write_whole

SEED, CHUNKS = 1, 130
CODEC_STEPS, CAUSAL_STEPS, MASKED_STEPS, STAGES_STEPS = 2_500, 12_000, 6_000, 6_000

Result = TypeVar("Result")


def main() -> None:
    """Run the stages that are not done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the state of the training (about 1 GB)")
    parser.add_argument("--compute", choices=("auto", "cpu"), default="auto", help="auto: CUDA or MPS if there")
    parser.add_argument("--chunks", type=int, default=CHUNKS, help=f"of {dataset.CHUNK} clips each")
    parser.add_argument("--codec-steps", type=int, default=CODEC_STEPS)
    parser.add_argument("--causal-steps", type=int, default=CAUSAL_STEPS)
    parser.add_argument("--masked-steps", type=int, default=MASKED_STEPS)
    parser.add_argument("--start", type=Path, help="a model whose codec it keeps and whose networks it begins with")
    parser.add_argument(
        "--hierarchy", choices=("orders", "audiolm"), default="orders", help="audiolm: also train the three stages"
    )
    parser.add_argument("--stages-steps", type=int, default=STAGES_STEPS, help="of the three stages together")
    parser.add_argument("--log-with", help="a tracker of accelerate, such as tensorboard")
    parser.add_argument("--codec", type=Path, help="a published codec (EnCodec, DAC, Mimi) instead of one of our own")
    parser.add_argument("--bfloat16", action="store_true", help="train the networks in bfloat16")
    chosen = parser.parse_args()
    torch.set_flush_denormal(True)
    accelerator = Accelerator(cpu=chosen.compute == "cpu", log_with=chosen.log_with, project_dir=str(chosen.work))
    accelerator.init_trackers("audiolm")
    chosen.work.mkdir(parents=True, exist_ok=True)
    started = None if chosen.start is None else model_folder.load(chosen.start)

    def fresh() -> Accelerator:
        accelerator.free_memory()
        return accelerator

    def coded() -> tuple[Coder, list[Tokens]]:
        groups = dataset.make(SEED, chosen.chunks, workers=os.cpu_count() or 1)
        if started is not None:
            coder = started.coder
        elif chosen.codec is not None:
            coder = model_folder.load_coder(chosen.codec)
        else:
            coder = MelCoder(train_codec.train(groups, chosen.codec_steps, chosen.work, fresh()).cpu())
        return coder, data.encoded(coder, groups)

    coder, groups = _stage(chosen.work, "codec", coded)
    known = data.words()

    def trained(causal: bool, steps: int, start: Any) -> Any:
        return train_orders.train(
            causal, groups, coder, known, steps, chosen.work, fresh(), start, chosen.bfloat16
        ).cpu()

    begin = None if started is None or started.words.tokens != known.tokens else started
    causal = _stage(chosen.work, "causal", lambda: trained(True, chosen.causal_steps, begin and begin.causal))
    masked = _stage(
        chosen.work, "masked", lambda: trained(False, chosen.masked_steps, begin.masked if begin else causal)
    )
    if chosen.hierarchy == "audiolm" and isinstance(coder, MelCoder):
        codec = coder.codec
        stages = _stage(
            chosen.work,
            "hierarchy",
            lambda: train_hierarchy.train(
                groups, codec, known, chosen.stages_steps, chosen.work, fresh(), chosen.bfloat16
            ),
        )
        model_folder.save_hierarchy(stages, known, chosen.work / "hierarchy")
    folder = chosen.work / "model"
    model_folder.save(TokenModel(coder, causal, masked, known), folder)
    accelerator.end_training()
    progress.plot(chosen.work / "log.jsonl", chosen.work / "losses.png")
    print(f"{folder}: {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file()) / 1e6:.1f} MB")


def _stage(work: Path, name: str, run: Callable[[], Result]) -> Result:
    """The result of a stage: from its file if it is done, else by running it."""
    file = work / f"{name}.done"
    if file.is_file():
        result: Result = pickle.loads(file.read_bytes())  # written by ourselves, below
        return result
    started = time.monotonic()
    result = run()
    print(f"{name}: {(time.monotonic() - started) / 60:.1f} min in this run", flush=True)
    write_whole(file, pickle.dumps(result))
    return result


if __name__ == "__main__":
    main()
