"""`clipbridge doctor` on a healthy machine and on one where everything is broken."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.doctor import compute, weights
from bridge.engine.audioldm2 import untrained
from tests.harness import environment

ROOT = Path(__file__).parents[2]


def doctor(home: Path, *options: str, **more: str) -> tuple[int, str, str]:
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "doctor", *options], env={**environment(home), **more}, capture_output=True,
        text=True, timeout=200,
    )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


def findings(text: str) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(text)["checks"]}


def test_a_healthy_machine_passes_every_check(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "clipbridge"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text(f'folder = "{(tmp_path / "clips").as_posix()}"\n[osc]\nport = 0\n')
    code, out, err = doctor(tmp_path)
    lines = out.splitlines()
    assert code == 0, out + err
    assert lines[0].startswith("Clipbridge ") and lines[-1] == "Everything works."
    names = [line.split(":")[0].split(maxsplit=1)[1] for line in lines[1:-1] if not line.startswith(" ")]
    assert names[:3] == ["python", "configuration", "folder"] and names[-3:] == ["packages", "compute", "checkpoint"]
    assert any("starter, 17 MB, licence: mit" in line for line in lines)


def test_a_machine_where_all_is_broken_gets_a_sentence_and_a_command_for_each(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "clipbridge"
    (settings / "presets").mkdir(parents=True)
    (settings / "presets" / "mine.toml").write_text("secnods = 3\n")
    (tmp_path / "clips").write_text("a file in the way")
    broken = shutil.copytree(untrained.build(tmp_path / "built"), tmp_path / "my-model")
    cut = broken / "unet" / "diffusion_pytorch_model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-1_000])
    fakes = tmp_path / "stand_ins"
    (fakes / "torch").mkdir(parents=True)
    (fakes / "torch" / "__init__.py").write_text("raise OSError('libtorch_cpu.so: cannot open shared object file')")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        (settings / "config.toml").write_text(
            f'folder = "{(tmp_path / "clips").as_posix()}"\n[osc]\nport = {port}\n[engine]\nmodel = "{broken.as_posix()}"\n'
        )
        code, out, _ = doctor(tmp_path, "--json", PYTHONPATH=f"{fakes}{os.pathsep}{ROOT}")
    checks = findings(out)
    assert code == 1
    faults = {name for name, check in checks.items() if check["state"] == "fault"}
    assert faults == {"folder", "port", "presets", "checkpoint", "packages"}
    assert all(check["fix"] for check in checks.values() if check["state"] != "ok")
    assert f"process {os.getpid()}" in checks["port"]["what"]
    assert "did you mean seconds" in checks["presets"]["what"] and "mine.toml" in checks["presets"]["what"]
    assert "not fully covered" in checks["checkpoint"]["what"] and "unet" in checks["checkpoint"]["what"]
    assert "libtorch_cpu.so" in checks["packages"]["what"] and "torch" in checks["packages"]["fix"]


def test_a_broken_settings_file_is_named_and_the_other_looks_go_on_whatever_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config" / "clipbridge"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text("folder = [")
    (tmp_path / "packaging.py").write_text("raise SystemExit('run from the current folder')")
    monkeypatch.chdir(tmp_path)
    code, out, _ = doctor(tmp_path, "--json", PYTHONPATH=str(ROOT))
    checks = findings(out)
    assert (
        code == 1
        and "config.toml" in checks["configuration"]["what"]
        and "config.toml" in checks["configuration"]["fix"]
    )
    assert checks["checkpoint"]["state"] == checks["packages"]["state"] == "ok"


@pytest.mark.parametrize(
    ("facts", "setting", "state", "words"),
    [
        ({}, "auto", "ok", "the processor"),
        ({"cuda": "H200, 141 GB, CUDA 13.0"}, "auto", "ok", "H200"),
        ({"mps": True}, "auto", "ok", "Apple silicon"),
        ({}, "cuda", "fault", "cuda is requested"),
        ({}, "mps", "fault", "mps is requested"),
        ({"nvidia": True}, "auto", "warning", "built without CUDA"),
        ({"nvidia": True, "built_for_cuda": "CUDA 13.0"}, "auto", "warning", "driver"),
        ({"cuda": "H200"}, "cpu", "ok", "as the configuration says"),
        ({"apple": True}, "auto", "warning", "torch does not find it"),
    ],
)
def test_the_compute_is_reported_with_the_install_that_would_change_it(
    facts: dict[str, object], setting: str, state: str, words: str
) -> None:
    plain: dict[str, object] = {
        "cuda": "",
        "built_for_cuda": None,
        "mps": False,
        "nvidia": False,
        "apple": False,
        "threads": 2,
        "broken": {},
    }
    (check,) = compute._compute({**plain, **facts}, setting)
    assert check.state == state and words in check.what and bool(check.fix) == (state != "ok")


def test_versions_that_clipbridge_does_not_work_with_are_conflicts() -> None:
    assert compute.conflicts({"torch": "2.13.0+cpu", "transformers": "5.23.0"}) == []
    (conflict,) = compute.conflicts({"transformers": "5.0.0"})
    assert conflict.startswith("transformers 5.0.0 is not")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b'\x23\0\0\0\0\0\0\0{"a":{"data_offsets":[0,"1x"]}}      ',
        b"\x05\0\0\0\0\0\0\0[1,2]",
        b"\xff" * 20,
        b"\x02\0\0\0\0\0\0\0{}more than it says",
    ],
)
def test_weights_that_are_no_weights_are_damaged(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    assert weights.damage(file)
    assert weights.damage(tmp_path / "gone.safetensors")
