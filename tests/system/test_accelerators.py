"""A requested accelerator that certainly is not there is reported before anything is loaded."""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.errors import ConfigError
from bridge.system import accelerators
from tests.harness import clipbridge

BUILDS = {
    "cpu": "cuda: Optional[str] = None\nhip: Optional[str] = None\n",
    "cuda": "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n",
    "rocm": "cuda: Optional[str] = None\nhip: Optional[str] = '7.0'\n",
    "old": "cuda = '12.4'\nhip = None\n",
}


def card_of(vendor: str, memory_bytes: str | None, cards: Path) -> Path:
    """Stand in for the folder of a card in Linux."""
    device = cards / "card0" / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    if memory_bytes is not None:
        (device / "mem_info_vram_total").write_text(f"{memory_bytes}\n")
    return cards


def torch_of(build: str, folder: Path, monkeypatch: pytest.MonkeyPatch, driver: bool) -> None:
    """Stand in for an installed torch and for NVIDIA's driver."""
    (folder / "version.py").write_text(f"__version__ = '2.13.0+cuda-or-not'\ndebug = False\n{BUILDS[build]}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(origin=str(folder / "__init__.py")))
    monkeypatch.setattr(accelerators, "_can_be_loaded", lambda library: driver)
    monkeypatch.setattr(accelerators, "has_amd_card", lambda: False)


@pytest.mark.parametrize("driver", [True, False])
def test_a_torch_without_cuda_is_told_apart_from_a_missing_driver(
    driver: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_of("cpu", tmp_path, monkeypatch, driver)
    with pytest.raises(ConfigError, match=r"built without CUDA\. Install another one: pip install"):
        accelerators.check("cuda")
    torch_of("rocm", tmp_path, monkeypatch, driver)
    accelerators.check("cuda")
    for build in ("cuda", "old"):
        torch_of(build, tmp_path, monkeypatch, driver)
        if driver:
            accelerators.check("cuda")
        else:
            with pytest.raises(ConfigError, match="no NVIDIA driver"):
                accelerators.check("cuda")
    for compute in ("auto", "cpu"):
        accelerators.check(compute)


@pytest.mark.parametrize(
    ("system", "vendor", "memory_bytes", "known"),
    [
        ("linux", "0x1002", "17163091968", True),
        ("linux", "0x1002", "4278190080", True),
        ("linux", "0x1002", "536870912", False),  # inside a processor
        ("linux", "0x1002", None, False),
        ("linux", "0x1002", "many", False),
        ("linux", "0x10de", "17163091968", False),
        ("win32", "0x1002", "17163091968", False),
    ],
)
def test_an_amd_card_is_one_with_memory_of_its_own(
    system: str, vendor: str, memory_bytes: str | None, known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert accelerators.has_amd_card(card_of(vendor, memory_bytes, tmp_path)) is known
    assert not accelerators.has_amd_card(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("build", "driver", "fits"),
    [("cpu", False, False), ("cuda", False, False), ("cuda", True, True), ("rocm", False, True)],
)
def test_an_amd_card_needs_a_torch_for_rocm(
    build: str, driver: bool, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_of(build, tmp_path, monkeypatch, driver)
    monkeypatch.setattr(accelerators, "has_amd_card", lambda: True)
    if fits:
        accelerators.check("cuda")
    else:
        with pytest.raises(ConfigError, match=r"built without ROCm.*whl/rocm"):
            accelerators.check("cuda")


@pytest.mark.parametrize(
    ("system", "machine", "usable"), [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "arm64", False)]
)
def test_apple_silicon_is_only_asked_for_where_it_is(
    system: str, machine: str, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    if usable:
        accelerators.check("mps")
    else:
        with pytest.raises(ConfigError, match="--compute auto"):
            accelerators.check("mps")


@pytest.mark.skipif(sys.platform == "darwin", reason="may have Apple silicon")
def test_run_ends_at_once_with_a_sentence(tmp_path: Path) -> None:
    run = clipbridge(tmp_path, "run", "--compute", "mps", "--osc-port", "0", "--folder", str(tmp_path / "clips"))
    assert (
        run.returncode == 8
        and run.stderr.startswith("clipbridge: --compute mps: ")
        and not (tmp_path / "clips").exists()
    )
