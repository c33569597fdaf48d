"""What a start of the daemon takes, compared with a bare import of torch, transformers and diffusers."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bridge.bench.apart import Apart
from bridge.bench.daemon import Daemon
from bridge.bench.timing import in_turns, timed
from bridge.system.portable import cache_folder

IMPORTS = "import torch, transformers, diffusers; transformers.ClapModel; diffusers.AudioLDM2Pipeline"
STARTS = 3


def figures(model: str, compute: str, folder: Path) -> dict[str, str]:
    """Medians of STARTS, in turns. `model`: no random one, since the daemon finds it itself. `folder`: for its clips."""
    # The daemon uses the user's cache, which is to have the converted networks.
    with Apart("bridge.bench.ours:Ours", True, model, compute, cache_folder()) as engine:
        engine.ask("start")
    answered_s: list[float] = []

    def imports() -> float:
        return timed(lambda: subprocess.run([sys.executable, "-c", IMPORTS], check=True, capture_output=True), "cpu")

    def ready() -> float:
        daemon = Daemon(folder, model, compute)
        daemon.stop()
        answered_s.append(daemon.answered_s)
        return daemon.ready_s

    took = in_turns({"imports": imports, "ready": ready}, STARTS)
    importing, until_ready = took["imports"].median, took["ready"].median
    return {
        "bare import of torch, transformers and diffusers (baseline)": f"{importing:.2f} s",
        "start to the first answer": f"{statistics.median(answered_s):.2f} s",
        "start to ready": f"{until_ready:.2f} s ({until_ready / importing:.2f} ×)",
    }
