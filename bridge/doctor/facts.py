"""Print the facts about the packages and the devices of this machine. Runs in a child process of the doctor."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
from typing import Any

from bridge.errors import NoModel
from bridge.system.accelerators import has_amd_card

PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "soundfile", "soxr")


def main() -> None:
    """Import everything and print the facts as one line of JSON."""
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
