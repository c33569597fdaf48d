"""`python -m bridge.starter.train WORK_FOLDER`: makes the starter again, from synthesis to the checkpoint folder.

Four stages: data and autoencoder, text stack, UNet, assembly. Each can be stopped at any time; the same command goes
on where it was (a stage that is done stays as it is: for other settings take another folder). Seeds are fixed: what is
drawn does not depend on the time or the machine, except that a stopped text stage goes on with other captions.
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

from bridge.starter import assemble, dataset, progress, train_text, train_unet, train_vae

DATA_SEED, DATA_CHUNKS = 1, 100  # 18,000 clips
VAE_STEPS, TEXT_STEPS, UNET_STEPS = 2_400, 2_500, 8_500


def main() -> None:
    """Run the stages that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the state of the training (about 2 GB)")
    parser.add_argument("--compute", choices=("auto", "cpu"), default="auto", help="auto: CUDA or MPS if there")
    parser.add_argument("--vae-steps", type=int, default=VAE_STEPS)
    parser.add_argument("--text-steps", type=int, default=TEXT_STEPS)
    parser.add_argument("--unet-steps", type=int, default=UNET_STEPS)
    parser.add_argument("--chunks", type=int, default=DATA_CHUNKS, help=f"of {dataset.CHUNK} clips each")
    parser.add_argument("--until", choices=("vae", "text", "unet"), help="stop after this stage")
    chosen = parser.parse_args()
    torch.set_flush_denormal(True)
    accelerator = Accelerator(cpu=chosen.compute == "cpu")
    chosen.work.mkdir(parents=True, exist_ok=True)
    data = _stage(chosen.work, "vae", lambda: _vae_stage(chosen, accelerator))
    if chosen.until != "vae":
        _stage(chosen.work, "text", lambda: train_text.train(chosen.text_steps, chosen.work, fresh(accelerator)))
    if chosen.until not in {"vae", "text"}:
        _stage(chosen.work, "unet", lambda: train_unet.train(data, chosen.unet_steps, chosen.work, fresh(accelerator)))
    if chosen.until is None:
        folder = assemble.assemble(chosen.work)
        progress.plot(chosen.work / "log.jsonl", chosen.work / "losses.png")
        print(f"{folder}: {sum(f.stat().st_size for f in folder.rglob('*') if f.is_file()) / 1e6:.1f} MB")


def fresh(accelerator: Accelerator) -> Accelerator:
    """The same accelerator, knowing no models: a stage saves only its own."""
    accelerator.free_memory()
    return accelerator


def _vae_stage(chosen: argparse.Namespace, accelerator: Accelerator) -> Any:
    groups = dataset.make(DATA_SEED, chosen.chunks, workers=os.cpu_count() or 1)
    vae = train_vae.train(groups, chosen.vae_steps, chosen.work, accelerator)
    latents = train_vae.encode_all(vae, groups)
    vae.save_pretrained(chosen.work / "parts" / "vae")
    return [(group.rows, part, group.labels) for group, part in zip(groups, latents, strict=True)]


def _stage(work: Path, name: str, run: Any) -> Any:
    """The result of a stage, from its file if it is done; else run it and note machine, versions and time."""
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
    partial = file.with_suffix(".partial")
    partial.write_bytes(pickle.dumps(result))
    partial.rename(file)
    return result


if __name__ == "__main__":
    main()
