"""Judge torch and its devices by what a child process finds: the import takes seconds, and a broken installation can crash."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from bridge.doctor.check import INSTALL_AGAIN, Check, fault, ok, warning
from bridge.doctor.child import command, environment
from bridge.system.accelerators import INSTALL_CUDA, INSTALL_ROCM

IMPORT_TIMEOUT_S = 180.0  # torch's first import from a cold disk


def start() -> subprocess.Popen[str]:
    """Start the check; `finish` waits for its result."""
    return subprocess.Popen(
        command("bridge.doctor.facts"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str], requested: str) -> tuple[list[Check], bool]:
    """The findings for the `requested` compute ("auto", "cuda", "mps", "cpu" or "intel"), and whether it runs on a GPU. Waits up to
    IMPORT_TIMEOUT_S seconds."""
    try:
        output, errors = child.communicate(timeout=IMPORT_TIMEOUT_S)
        facts = json.loads(output.splitlines()[-1])
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        what = f"its import did not end within {IMPORT_TIMEOUT_S:.0f} s"
        return [fault("torch", what, "Check the disk, then try again.")], False
    except (ValueError, IndexError):
        last = errors.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        return [fault("torch", f"cannot be checked: {last[0][:300]}", INSTALL_AGAIN)], False
    found = facts["intel"] if requested == "intel" else facts["cuda"] or facts["mps"]
    accelerated = requested != "cpu" and bool(found)
    return [*_packages(facts), *_compute(facts, requested)], accelerated


def _packages(facts: dict[str, Any]) -> list[Check]:
    broken = facts["broken"]
    if broken:
        what = "; ".join(f"{name}: {why}" for name, why in broken.items())
        return [fault("packages", what, f"pip install --force-reinstall {' '.join(broken)}")]
    if facts["conflicts"]:
        return [fault("packages", "; ".join(facts["conflicts"]), INSTALL_AGAIN)]
    return [ok("packages", ", ".join(f"{name} {version}" for name, version in facts["versions"].items()))]


def _compute(facts: dict[str, Any], requested: str) -> list[Check]:
    if "torch" in facts["broken"]:
        return []
    if requested == "intel" and facts["intel"]:
        return [ok("compute", f"intel: OpenVINO's device {facts['intel']}")]
    if requested == "intel":
        return [fault("compute", facts["no_intel"], "clipbridge run --compute auto")]
    best = "cuda" if facts["cuda"] else "mps" if facts["mps"] else "cpu"
    if requested not in ("auto", best, "cpu"):
        install = INSTALL_ROCM if facts["amd"] and not facts["nvidia"] else INSTALL_CUDA
        fix = install if requested == "cuda" else "clipbridge run --compute auto"
        return [fault("compute", f"{requested} is requested, but this torch finds no such device", fix)]
    if best != "cpu" and requested != "cpu":
        return [ok("compute", f"{best}: {facts['cuda'] or 'Apple silicon'}")]
    threads = f"the processor, {facts['threads']} threads: the starter answers in about a second"
    if requested == "cpu":
        return [ok("compute", f"{threads}, as the configuration says")]
    if facts["nvidia"] and facts["built_for_cuda"]:
        what = f"{threads}. There is an NVIDIA card, but its driver does not support this torch ({facts['built_for_cuda']})"
        return [warning("compute", what, "Update the driver from nvidia.com, then restart the machine.")]
    if facts["nvidia"]:
        what = f"{threads}. There is an NVIDIA card, but this torch is built without CUDA"
        return [warning("compute", what, INSTALL_CUDA)]
    if facts["amd"] and facts["built_for_rocm"]:
        what = f"{threads}. There is an AMD card, but this torch ({facts['built_for_rocm']}) does not find it"
        return [
            warning(
                "compute", what, "Look in AMD's documentation of ROCm whether it supports the card and this system."
            )
        ]
    if facts["amd"]:
        return [
            warning("compute", f"{threads}. There is an AMD card, but this torch is built without ROCm", INSTALL_ROCM)
        ]
    if facts["apple"]:
        fix = 'pip install --force-reinstall "torch>=2.10,<2.14", with a Python for Apple silicon (arm64)'
        return [warning("compute", f"{threads}. This Mac has a GPU, but torch does not find it", fix)]
    if facts["intel"]:
        return [ok("compute", f"{threads}. OpenVINO finds {facts['intel']}; clipbridge run --compute intel tries it")]
    return [ok("compute", threads)]
