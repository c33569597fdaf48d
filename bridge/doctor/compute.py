"""What computes: looked at in a child process, because importing torch takes seconds and a broken one can crash."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
import subprocess
from typing import Any

from bridge.doctor.check import Check, fault, ok, warning
from bridge.doctor.child import command, environment

INSTALL_AGAIN = "In Clipbridge's folder: pip install --force-reinstall ."
IMPORT_TIMEOUT_S = 180.0  # torch's first import from a cold disk
PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "soundfile", "soxr")
# On Windows, PyPI has torch for the processor only; the CUDA builds lie at pytorch.org, for Linux too.
INSTALL_CUDA = (
    'pip install --force-reinstall "torch>=2.10,<2.14" --index-url https://download.pytorch.org/whl/cu130'
    " (for an older driver see https://pytorch.org/get-started/locally)"
)


def start() -> subprocess.Popen[str]:
    """Begin to look; `finish` waits for it."""
    return subprocess.Popen(
        command("bridge.doctor.compute"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str], wanted: str) -> tuple[list[Check], bool]:
    """What the child found, for the compute that the configuration wants; and whether there is a GPU for it."""
    try:
        said, complained = child.communicate(timeout=IMPORT_TIMEOUT_S)
        facts = json.loads(said.splitlines()[-1])
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return [
            fault("torch", f"its import did not end within {IMPORT_TIMEOUT_S:.0f} s", "Look at the disk; try again.")
        ], False
    except (ValueError, IndexError):
        last = complained.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        return [fault("torch", f"cannot be looked at: {last[0][:300]}", INSTALL_AGAIN)], False
    accelerated = wanted != "cpu" and bool(facts["cuda"] or facts["mps"])
    return [*_packages(facts), *_compute(facts, wanted)], accelerated


def _packages(facts: dict[str, Any]) -> list[Check]:
    broken = facts["broken"]
    if broken:
        what = "; ".join(f"{name}: {why}" for name, why in broken.items())
        return [fault("packages", what, f"pip install --force-reinstall {' '.join(broken)}")]
    if facts["conflicts"]:
        return [fault("packages", "; ".join(facts["conflicts"]), INSTALL_AGAIN)]
    return [ok("packages", ", ".join(f"{name} {version}" for name, version in facts["versions"].items()))]


def _compute(facts: dict[str, Any], wanted: str) -> list[Check]:
    if "torch" in facts["broken"]:
        return []
    best = "cuda" if facts["cuda"] else "mps" if facts["mps"] else "cpu"
    if wanted not in ("auto", best, "cpu"):
        mend = INSTALL_CUDA if wanted == "cuda" else "clipbridge run --compute auto"
        return [fault("compute", f"{wanted} is asked for, but this torch finds none", mend)]
    if best != "cpu" and wanted != "cpu":
        return [ok("compute", f"{best}: {facts['cuda'] or 'Apple silicon'}")]
    threads = f"the processor, {facts['threads']} threads: the starter answers in about a second"
    if wanted == "cpu":
        return [ok("compute", f"{threads}, as the configuration says")]
    if facts["nvidia"] and facts["built_for_cuda"]:
        what = f"{threads}. There is an NVIDIA card, but its driver does not go with this torch ({facts['built_for_cuda']})"
        return [warning("compute", what, "Update the driver from nvidia.com, then restart the machine.")]
    if facts["nvidia"]:
        return [
            warning(
                "compute", f"{threads}. There is an NVIDIA card, but this torch is built without CUDA", INSTALL_CUDA
            )
        ]
    if facts["apple"]:
        mend = 'pip install --force-reinstall "torch>=2.10,<2.14", with a Python for Apple silicon (arm64)'
        return [warning("compute", f"{threads}. This Mac has a GPU, but torch does not find it", mend)]
    return [ok("compute", threads)]


def main() -> None:
    """In the child: import everything, say what was found as one line of JSON."""
    broken: dict[str, str] = {}
    versions: dict[str, str] = {}
    facts: dict[str, Any] = {"cuda": "", "built_for_cuda": "", "mps": False, "threads": 0}
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
            versions[name] = str(getattr(module, "__version__", ""))
        except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is the finding
            broken[name] = f"{type(error).__name__}: {str(error)[:200]}"
    if "torch" not in broken:
        import torch

        facts["threads"] = torch.get_num_threads()
        facts["built_for_cuda"] = torch.version.cuda and f"CUDA {torch.version.cuda}"
        facts["mps"] = bool(torch.backends.mps.is_available())
        if torch.cuda.is_available():
            card = torch.cuda.get_device_properties(0)
            facts["cuda"] = f"{card.name}, {card.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}"
    facts["nvidia"] = shutil.which("nvidia-smi") is not None
    facts["apple"] = platform.system() == "Darwin" and platform.machine() == "arm64"
    print(json.dumps({**facts, "broken": broken, "versions": versions, "conflicts": conflicts(versions)}))


def conflicts(versions: dict[str, str]) -> list[str]:
    """Packages whose version is not one that Clipbridge says it works with."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires("clipbridge") or []]
    except PackageNotFoundError:  # run from a folder, without being installed
        return []
    return [
        f"{need.name} {versions[need.name]} is not {need.specifier}"
        for need in wanted
        if need.name in versions
        and not need.marker
        and not need.specifier.contains(versions[need.name], prereleases=True)
    ]


if __name__ == "__main__":
    main()
