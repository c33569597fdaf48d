"""A front without torch: what it installs, and that it needs nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

from tests.cluster.boxes import Box
from tests.harness import RUN, Daemon, pairs
from tests.test_package import IMPORTED_AS

ROOT = Path(__file__).parents[2]
LIST = ROOT / "bridge" / "cluster" / "front.txt"
REQUIREMENTS = [line for line in LIST.read_text("utf-8").splitlines() if not line.startswith("#")]
# Where a front begins: its commands, and the processes that it starts.
COMMANDS = ("run", "generate", "recall", "find", "favourite", "importing", "queue", "resume", "kit", "presets", "devices", "scripts",
            "autostart", "models", "sounds", "render")  # fmt: skip
ROOTS = {
    *(f"bridge.commands.{name}" for name in COMMANDS),
    "bridge.engine.child",
    "bridge.shaper.process",
    "bridge.player.process",
}
# What is imported only with an engine of its own, or for a download.
ELSEWHERE = {"bridge.engine.families", "bridge.checkpoints.fetch", "bridge.checkpoints.hub_errors"}
# What the front asks for with a sentence if it is missing.
EXTRAS = {"mido", "rtmidi", "aalink", "pyloudnorm", "safetensors", "aiohttp", "zeroconf", "segno"}
OTHERS = "torch diffusers transformers accelerate huggingface_hub safetensors tokenizers openvino scipy pyloudnorm packaging uvicorn"
MOST_MEGABYTES = 150


def name_of(requirement: str) -> str:
    name = re.split(r"[<>=~! ;\[]", requirement)[0].lower()
    return IMPORTED_AS.get(name, name)


def test_the_list_of_a_front_has_exactly_what_the_front_imports_in_the_versions_of_the_project() -> None:
    assert set(REQUIREMENTS) <= set(
        tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    )
    graph = grimp.build_graph("bridge", include_external_packages=True)
    found, waiting = set[str](), set(ROOTS)
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= graph.find_modules_directly_imported_by(module) - found - ELSEWHERE
    external = {module for module in found if not module.startswith("bridge") and module not in sys.stdlib_module_names}
    assert external - EXTRAS == {name_of(line) for line in REQUIREMENTS}


HIDE = """
import os, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ.get("HIDDEN", "").split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def test_a_front_makes_clips_although_nothing_but_its_list_can_be_imported(
    start_daemon: Callable[..., Daemon], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box(home).wait_ready()
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(HIDE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hide"))
    monkeypatch.setenv("HIDDEN", OTHERS)
    try:
        client = start_daemon("--engine", box.url, run=[*RUN]).client()
        client.send("/bridge/generate", "a kick", 0.5, "id", 1)
        address, values = client.end_of(1)
        assert address == "/bridge/done" and pairs(values, 3)["model"] == "fake"
        client.send("/bridge/generate", "a kick", 0.5, "id", 2, "vary", values[1])
        assert client.end_of(2)[0] == "/bridge/done"
        client.send("/bridge/generate", "a kick", 0.5, "id", 3, "lufs", -14.0)
        address, values = client.end_of(3)
        assert values[:2] == [3, "unsupported"] and "pip install pyloudnorm" in values[2]
    finally:
        box.stop()


@pytest.mark.soak
def test_a_fresh_environment_with_the_list_is_small_and_runs_a_front(home: Path, tmp_path: Path) -> None:
    place = tmp_path / "front"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    (packages,) = (
        (place / "Lib" / "site-packages",) if sys.platform == "win32" else place.glob("lib/python*/site-packages")
    )
    before = size_of(packages)  # pip itself
    pip: list[str | Path] = [python, "-m", "pip", "install", "-q", "--no-compile"]
    subprocess.run([*pip, "-r", LIST], check=True)
    subprocess.run([*pip, "--no-deps", ROOT], check=True)
    megabytes = (size_of(packages) - before) / 1e6
    print(f"a front takes {megabytes:.0f} MB")
    assert megabytes <= MOST_MEGABYTES
    box = Box(home).wait_ready()
    try:
        run = [str(python), "-P", "-m", "bridge", *RUN[3:]]
        daemon = Daemon(tmp_path / "clips", home, "--engine", box.url, run=run)
        try:
            client = daemon.client()
            client.send("/bridge/generate", "a kick", 0.5, "id", 1)
            assert client.end_of(1)[0] == "/bridge/done"
        finally:
            daemon.stop()
    finally:
        box.stop()


def size_of(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
