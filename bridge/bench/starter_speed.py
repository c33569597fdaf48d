"""Measure what each optimisation of the starter gains: `python -m bridge.bench.starter_speed`.

Compares the time from start to ready with a bare import of torch, diffusers and transformers, and a one-second clip with the
same clip guided to the end, and by the network as it is. All variants take turns in one run, so that heat and load affect
them alike.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch

from bridge.bench.daemon import Daemon
from bridge.bench.engines import opened
from bridge.bench.timing import in_turns, timed
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.unet import Unet

IMPORTS = "import torch, transformers, diffusers; transformers.ClapModel; diffusers.AudioLDM2Pipeline"


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=12, help="clips of each kind (default: 12; 0 for starts only)")
    options.add_argument("--starts", type=int, default=5, help="starts of the daemon (default: 5)")
    chosen = options.parse_args()
    print(f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| what | figure |\n|---|---|")
    answered_s: list[float] = []
    resident_mib: list[float] = []
    imports, ready = in_turns({"imports": _imports, "ready": lambda: _start(answered_s, resident_mib)}, chosen.starts)
    print(f"| bare import of torch, transformers and diffusers (baseline) | {imports:.2f} s |")
    print(f"| start to ready | {ready:.2f} s ({ready / imports:.2f} ×) |")
    print(f"| start to the first answer | {statistics.median(answered_s):.2f} s |")
    print(f"| resident memory of the engine, just ready | {statistics.median(resident_mib):.0f} MiB |", flush=True)
    if not chosen.rounds:
        return
    _took, engine = opened("starter", "cpu")
    kinds: dict[str, Callable[[], float]] = {
        "as it is": lambda: clip(engine),
        "guided to the end (baseline)": lambda: _guided_to_the_end(engine),
        "the network as it is": lambda: _as_it_is(engine),
    }
    took = in_turns(kinds, chosen.rounds)
    for name, seconds in zip(kinds, took, strict=True):
        print(f"| 1 s one-shot, 20 steps, {name} | {seconds:.2f} s ({seconds / took[1]:.2f} ×) |")


def clip(engine: AudioLDM2) -> float:
    """Seconds for a one-second snare."""
    prompt = Prompt("snare", "snare", 1.0, 40)
    return timed(lambda: list(engine.generate(prompt, lambda step, of: None)), engine.compute)


def _guided_to_the_end(engine: Any) -> float:
    above, engine.denoiser.guided_above = engine.denoiser.guided_above, 0.0
    seconds = clip(engine)
    engine.denoiser.guided_above = above
    return seconds


def _as_it_is(engine: Any) -> float:
    network, engine.denoiser.network = engine.denoiser.network, Unet(engine.pipe.unet)
    seconds = clip(engine)
    engine.denoiser.network = network
    return seconds


def _imports() -> float:
    return timed(lambda: subprocess.run([sys.executable, "-c", IMPORTS], check=True, capture_output=True), "cpu")


def _start(answered_s: list[float], resident_mib: list[float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), "starter")
        answered_s.append(daemon.answered_s)
        children = psutil.Process(daemon.process.pid).children(recursive=True)
        resident_mib.append(max(child.memory_info().rss for child in children) / 2**20)
        daemon.stop()
        return daemon.ready_s


if __name__ == "__main__":
    main()
