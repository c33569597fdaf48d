"""Print the facts about the packages and the devices of this machine. Runs in a child process of the doctor."""

from __future__ import annotations

import importlib
import json
import platform
import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

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
    # Some machines have no wheel of OpenVINO: there it is not required, and does not count as missing.
    for name in (*PACKAGES, *({"openvino"} & required().keys())):
        try:
            versions[name] = _openvino() if name == "openvino" else _imported(name)
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


def _imported(name: str) -> str:
    return str(getattr(importlib.import_module(name), "__version__", ""))


def _intel() -> tuple[str, str]:
    """OpenVINO's name of an Intel GPU or NPU, or why there is none."""
    try:
        from bridge.engine.runtime.openvino import accelerator  # imports torch

        return accelerator(), ""
    except Exception as error:  # noqa: BLE001 - drivers raise anything, and it is the finding
        return "", str(error) if isinstance(error, NoModel) else f"{type(error).__name__}: {str(error)[:200]}"


def _openvino() -> str:
    """The version of OpenVINO, which is imported as the engine does: without its telemetry."""
    from bridge.engine.runtime.openvino import core  # imports torch

    core()
    return version("openvino")


def required() -> dict[str, SpecifierSet]:
    """The versions of each package that Clipbridge requires on this machine, its extras left out. Empty if it is not installed."""
    try:
        lines = map(Requirement, requires("clipbridge") or [])
    except PackageNotFoundError:  # run from a checkout
        return {}
    return {each.name: each.specifier for each in lines if not each.marker or each.marker.evaluate({"extra": ""})}


def conflicts(versions: dict[str, str]) -> list[str]:
    """A sentence for each package whose installed version is outside the range that Clipbridge requires."""
    return [
        f"{name} {versions[name]} is not {specifier}"
        for name, specifier in required().items()
        if name in versions and not specifier.contains(versions[name], prereleases=True)
    ]


if __name__ == "__main__":
    main()
