"""`python -m bridge.starter.train WORK_FOLDER`: train the starter, from synthesis to the checkpoint folder.

Stages: data and autoencoder, text stack, two courses of the UNet, a second UNet for few steps, assembly. Each can be stopped at
any time; the same command goes on where it was (a stage that is done stays as it is: for other settings take another folder).
Seeds are fixed: what is drawn does not depend on the time or the machine, except that a stopped text stage goes on with other
captions.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import time
from pathlib import Path
from typing import Any

import accelerate
import diffusers
import torch
import transformers
from accelerate import Accelerator
from diffusers import AutoencoderKL

from bridge.starter import assemble, dataset, progress, text_stack, train_few, train_text, train_unet, train_vae
from bridge.starter.train_unet import Course
from bridge.system.writing import write_whole

DATA_SEED, DATA_CHUNKS = 1, 130  # 23,400 clips
VAE_STEPS, TEXT_STEPS, UNET_STEPS, SECOND_STEPS, FEW_STEPS = 2_400, 7_000, 30_000, 10_000, 2_000
# The second course uses other clips, with more of the sounds that were weak after the first.
SECOND_SEED = 3
WEAK = ("crash", "crash", "ride", "ride", "clave", "tambourine", "bass", "sub", "fire", "closed_hat")


def main() -> None:
    """Run the stages that are not done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the state of the training (about 2 GB)")
    parser.add_argument("--compute", choices=("auto", "cpu"), default="auto", help="auto: CUDA or MPS if there")
    parser.add_argument("--vae-steps", type=int, default=VAE_STEPS, help="0: keep the autoencoder of --start")
    parser.add_argument("--text-steps", type=int, default=TEXT_STEPS)
    parser.add_argument("--unet-steps", type=int, default=UNET_STEPS)
    parser.add_argument("--second-steps", type=int, default=SECOND_STEPS)
    parser.add_argument("--few-steps", type=int, default=FEW_STEPS)
    parser.add_argument("--chunks", type=int, default=DATA_CHUNKS, help=f"of {dataset.CHUNK} clips each")
    parser.add_argument(
        "--start",
        type=Path,
        help="a checkpoint whose autoencoder and UNet it begins with, and whose text stack it keeps if that knows the same words",
    )
    parser.add_argument("--bfloat16", action="store_true", help="encode, and train the UNet, in bfloat16")
    parser.add_argument("--until", choices=("vae", "text", "unet", "second", "few"), help="stop after this stage")
    chosen = parser.parse_args()
    torch.set_flush_denormal(True)
    accelerator = Accelerator(cpu=chosen.compute == "cpu")
    chosen.work.mkdir(parents=True, exist_ok=True)
    latents = _stage(chosen.work, "vae", lambda: _vae_stage(chosen, accelerator))
    begin = None if chosen.start is None else chosen.start / "unet"
    first = Course("unet", chosen.unet_steps, 1.2e-3 if begin is None else 8e-4, begin, chosen.bfloat16)
    second = Course("second", chosen.second_steps, 5e-4, chosen.work / "parts" / "unet", chosen.bfloat16)
    stages = {
        "text": lambda: _text_stage(chosen, accelerator),
        "unet": lambda: train_unet.train(latents, first, chosen.work, fresh(accelerator)),
        "second-data": lambda: _second_data(chosen),
        "second": lambda: train_unet.train(
            _stage(chosen.work, "second-data", lambda: None), second, chosen.work, fresh(accelerator), seed=1
        ),
        "few": lambda: train_few.train(latents, chosen.few_steps, chosen.work, fresh(accelerator), chosen.bfloat16),
    }
    for name, run in stages.items():
        if chosen.until == "vae":
            break
        _stage(chosen.work, name, run)
        if chosen.until == name:
            break
    if chosen.until is None:
        folder = assemble.assemble(chosen.work)
        if (chosen.work / "log.jsonl").is_file():  # not of a few steps
            progress.plot(chosen.work / "log.jsonl", chosen.work / "losses.png")
        print(f"{folder}: {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file()) / 1e6:.1f} MB")


def fresh(accelerator: Accelerator) -> Accelerator:
    """The same accelerator without models, so that a stage saves only its own."""
    accelerator.free_memory()
    return accelerator


def _vae_stage(chosen: argparse.Namespace, accelerator: Accelerator) -> Any:
    groups = dataset.make(DATA_SEED, chosen.chunks, workers=os.cpu_count() or 1)
    vae = train_vae.train(groups, chosen.vae_steps, chosen.work, accelerator, chosen.start)
    latents = train_vae.encode(vae, groups, chosen.bfloat16)
    if chosen.vae_steps:  # an autoencoder that is kept has white latents, which a UNet knows
        latents = train_vae.whiten(vae, latents)
    vae.save_pretrained(chosen.work / "parts" / "vae")
    return train_unet.labelled(groups, latents)


def _text_stage(chosen: argparse.Namespace, accelerator: Accelerator) -> None:
    if chosen.start is None or not knows_the_same_words(chosen.start):
        train_text.train(chosen.text_steps, chosen.work, fresh(accelerator))
        return
    stack = text_stack.load(chosen.start)
    for network in stack.networks().values():
        network.float()
    stack.save(chosen.work / "parts")


def knows_the_same_words(checkpoint: Path) -> bool:
    """Whether the text stack of a checkpoint was trained on the words of the catalogue as it is."""
    known: dict[str, object] = json.loads((checkpoint / "heard.json").read_text("utf-8"))
    wanted = assemble.vocabulary()
    return all(known.get(name) == wanted[name] for name in ("nouns", "words"))


def _second_data(chosen: argparse.Namespace) -> Any:
    groups = dataset.make(SECOND_SEED, chosen.chunks, workers=os.cpu_count() or 1, extra=WEAK)
    vae = AutoencoderKL.from_pretrained(chosen.work / "parts" / "vae").eval()
    return train_unet.labelled(groups, train_vae.encode(vae, groups, chosen.bfloat16))


def _stage(work: Path, name: str, run: Any) -> Any:
    """The result of a stage: from its file if it is done, else by running it; machine, versions and time are noted."""
    file = work / f"{name}.done"
    if file.is_file():
        return pickle.loads(file.read_bytes())  # written by ourselves, below
    started = time.monotonic()
    result = run()
    note = {
        "stage": name,
        "minutes_in_the_last_run": round((time.monotonic() - started) / 60, 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {m.__name__: m.__version__ for m in (torch, diffusers, transformers, accelerate)},
        "python": platform.python_version(),
    }
    with (work / "notes.jsonl").open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(note) + "\n")
    write_whole(file, pickle.dumps(result))
    return result


if __name__ == "__main__":
    main()
