"""Runs REAPER's scripts with a stand-in for REAPER's API, the real command line, and the state that REAPER keeps."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness import environment, need

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "host_scripts" / "reaper" / "Clipbridge.lua"
STUB = Path(__file__).parent / "stub_reaper.lua"
FOUR_FOUR = [[4, 0.5]]  # at 120 BPM


def lua(value: Any) -> str:
    """A value as Lua source; texts are escaped byte by byte."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(key)}]={lua(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    if isinstance(value, str):
        return '"' + "".join(f"\\{byte:03d}" for byte in value.encode()) + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


class Reaper:
    """Runs the script, with the state that REAPER keeps between runs."""

    def __init__(self, place: Path, home: Path, port: int) -> None:
        self.place, self.home = place / "O'Brien & Söhne", home
        self.place.mkdir()
        # The installed command, in a folder whose name needs quotes.
        self.command = self.place / "clipbridge"
        program = shlex.join([sys.executable, "-m", "bridge"])
        self.command.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {program} "$@"\n', "utf-8")
        self.command.chmod(0o755)
        self.memory = {"command": str(self.command), "port": str(port)}

    def run(self, *inputs: str, script: Path = SCRIPT, **scenario: Any) -> dict[str, Any]:
        """The result of the action with these inputs of the user."""
        asked = {"memory": self.memory, "resources": str(self.place), "inputs": list(inputs), "measures": FOUR_FOUR}
        (self.place / "scenario.lua").write_text("return " + lua({**asked, **scenario}), "utf-8")
        run = subprocess.run(
            [need("lua5.3"), STUB, script, self.place / "scenario.lua", self.place / "result.json"],
            env={**environment(self.home), "PATH": "/usr/bin:/bin"}, cwd=self.place,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if "module 'socket' not found" in run.stderr:
            need("lua-socket")
        assert run.returncode == 0, run.stderr
        result = json.loads((self.place / "result.json").read_text("utf-8"))
        self.memory = result["memory"] or {}
        assert not result["unfinished"] and result["outside_undo"] == 0
        return result

    def left(self) -> list[Path]:
        """The files of asks that remain."""
        return list((self.place / "Clipbridge").glob("*"))


def items(result: dict[str, Any], track: int = 0) -> list[dict[str, Any]]:
    return result["tracks"][track]["items"]
