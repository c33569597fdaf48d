"""Check torch and its devices in a child process: the import takes seconds, and a broken installation can crash."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
import subprocess
from typing import Any

from bridge.doctor.check import INSTALL_AGAIN, Check, fault, ok, warning
from bridge.doctor.child import command, environment
from bridge.errors import NoModel
from bridge.system.accelerators import INSTALL_CUDA, INSTALL_ROCM, has_amd_card

IMPORT_TIMEOUT_S = 180.0  # torch's first import from a cold disk
PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "soundfile", "soxr")


def start() -> subprocess.Popen[str]:
    """Start the check; `finish` waits for its result."""
    return subprocess.Popen(
        command("bridge.doctor.compute"),
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


def main() -> None:
    """Run in the child: import everything and print the facts as one line of JSON."""
    broken: dict[str, str] = {}
    versions: dict[str, str] = {}
    facts: dict[str, Any] = {
        "cuda": "",
        "built_for_cuda": "",
        "built_for_rocm": "",
        "mps": False,
        "intel": "",
        "threads": 0,
    }
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
            versions[name] = str(getattr(module, "__version__", ""))
        except Exception as error:  # noqa: BLE001 - any error of a broken installation is the finding
            broken[name] = f"{type(error).__name__}: {str(error)[:200]}"
    if "torch" not in broken:
        import torch

        facts["threads"] = torch.get_num_threads()
        facts["built_for_cuda"] = torch.version.cuda and f"CUDA {torch.version.cuda}"
        facts["built_for_rocm"] = torch.version.hip and f"ROCm {torch.version.hip}"
        facts["mps"] = bool(torch.backends.mps.is_available())
        if torch.cuda.is_available():
            card = torch.cuda.get_device_properties(0)
            facts["cuda"] = (
                f"{card.name}, {card.total_memory / 1e9:.0f} GB, {facts['built_for_rocm'] or facts['built_for_cuda']}"
            )
        facts["intel"], facts["no_intel"] = _intel()
    facts["nvidia"] = shutil.which("nvidia-smi") is not None
    facts["amd"] = has_amd_card()
    facts["apple"] = platform.system() == "Darwin" and platform.machine() == "arm64"
    print(json.dumps({**facts, "broken": broken, "versions": versions, "conflicts": conflicts(versions)}))


def _intel() -> tuple[str, str]:
    """OpenVINO's name of an Intel GPU or NPU, or why there is none."""
    try:
        from bridge.engine.runtime.openvino import accelerator  # imports torch

        return accelerator(), ""
    except Exception as error:  # noqa: BLE001 - drivers raise anything, and it is the finding
        return "", str(error) if isinstance(error, NoModel) else f"{type(error).__name__}: {str(error)[:200]}"


def conflicts(versions: dict[str, str]) -> list[str]:
    """A sentence for each package whose installed version is outside the range that Clipbridge requires."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(line) for line in requires("clipbridge") or []]
    except PackageNotFoundError:  # run from a checkout, not installed
        return []
    return [
        f"{required.name} {versions[required.name]} is not {required.specifier}"
        for required in requirements
        if required.name in versions
        and not required.marker
        and not required.specifier.contains(versions[required.name], prereleases=True)
    ]


if __name__ == "__main__":
    main()
