"""Which accelerators the installed torch can use, without importing it: that takes seconds."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import platform
import re
import sys
from pathlib import Path

from bridge.errors import ConfigError

# On Windows, PyPI has only the CPU build of torch; the CUDA builds are at pytorch.org, for Linux too.
INSTALL_CUDA = (
    'pip install --force-reinstall "torch>=2.10,<2.14" --index-url https://download.pytorch.org/whl/cu130'
    " (for an older driver see https://pytorch.org/get-started/locally)"
)
# Torch for AMD cards exists for Linux. There is no build of it at pytorch.org for Windows.
INSTALL_ROCM = (
    'pip install --force-reinstall "torch>=2.10,<2.14" --index-url https://download.pytorch.org/whl/rocm7.2'
    " (Linux only; for another version of ROCm see https://pytorch.org/get-started/locally)"
)
DRIVERS = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}  # NVIDIA's, from the CUDA driver API
CARDS = Path("/sys/class/drm")  # of Linux
AMD = "0x1002"
# Graphics inside a processor have an AMD number too, but hardly any memory of their own, and ROCm supports few of them.
LEAST_AMD_BYTES = 3_500_000_000
BUILT_FOR = re.compile(r"^(cuda|hip)\b[^=\n]*= *(['\"].*['\"])", re.MULTILINE)


def check(compute: str) -> None:
    """Raises ConfigError if `compute` ("auto", "cuda", "mps" or "cpu") certainly cannot be used, saying what to do. The engine
    checks the rest."""
    reason = {"cuda": _no_cuda, "mps": _no_mps}.get(compute, lambda: "")()
    if reason:
        raise ConfigError(f"--compute {compute}: {reason} Or leave it out: --compute auto uses what there is.")


def has_amd_card(cards: Path = CARDS) -> bool:
    """Whether Linux knows an AMD card with memory of its own. False on other systems, where torch cannot use one."""
    if sys.platform != "linux":
        return False
    for vendor in cards.glob("card*/device/vendor"):
        with contextlib.suppress(OSError, ValueError):  # a driver that is not amdgpu does not state the memory
            memory = int(vendor.with_name("mem_info_vram_total").read_text("utf-8"))
            if vendor.read_text("utf-8").strip() == AMD and memory >= LEAST_AMD_BYTES:
                return True
    return False


def _no_cuda() -> str:
    """Why CUDA cannot be used, and what to do; "" if it may be there."""
    spec = importlib.util.find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        return ""  # the engine says what is wrong with torch
    builds = {name for name, _ in BUILT_FOR.findall(file.read_text("utf-8", "replace"))}
    driver = _can_be_loaded(DRIVERS.get(sys.platform, ""))
    if "hip" not in builds and not driver and has_amd_card():
        return f"this torch is built without ROCm, which an AMD card needs. Install another one: {INSTALL_ROCM}."
    if not builds:
        return f"this torch is built without CUDA. Install another one: {INSTALL_CUDA}."
    if "hip" not in builds and not driver:
        return "there is no NVIDIA driver. Install it from nvidia.com, then restart the machine."
    return ""


def _no_mps() -> str:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ""
    return "that is Apple silicon, and this is another machine (or a Python that is not for arm64)."


def _can_be_loaded(library: str) -> bool:
    try:
        ctypes.CDLL(library or "no library")
    except OSError:
        return False
    return True
