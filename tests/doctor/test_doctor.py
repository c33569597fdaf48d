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

from bridge.doctor import compute, facts, panel, weights
from bridge.engine.audioldm2 import untrained
from bridge.engine.runtime import openvino
from bridge.errors import NoModel
from bridge.system import qt_libraries
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
        ({"amd": True}, "auto", "warning", "built without ROCm"),
        ({"amd": True, "built_for_rocm": "ROCm 7.2"}, "auto", "warning", "(ROCm 7.2) does not find it"),
        ({"amd": True, "cuda": "RX, 16 GB, ROCm 7.2"}, "auto", "ok", "ROCm 7.2"),
        ({"intel": "GPU.0"}, "intel", "ok", "GPU.0"),
        ({"intel": "NPU"}, "auto", "ok", "--compute intel"),
        ({"no_intel": "finds no Intel GPU"}, "intel", "fault", "finds no Intel GPU"),
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
        "built_for_rocm": None,
        "mps": False,
        "intel": "",
        "no_intel": "",
        "nvidia": False,
        "amd": False,
        "apple": False,
        "threads": 2,
        "broken": {},
    }
    (check,) = compute._compute({**plain, **facts}, setting)
    assert check.state == state and words in check.what and bool(check.fix) == (state != "ok")


@pytest.mark.parametrize(
    ("amd", "nvidia", "index"), [(True, False, "rocm"), (True, True, "cu1"), (False, False, "cu1")]
)
def test_the_install_for_a_requested_gpu_is_that_of_the_card(amd: bool, nvidia: bool, index: str) -> None:
    facts = {"cuda": "", "mps": False, "nvidia": nvidia, "amd": amd, "broken": {}}
    (check,) = compute._compute(facts, "cuda")
    assert check.state == "fault" and f"whl/{index}" in check.fix


@pytest.mark.parametrize(
    ("error", "reason"),
    [(NoModel("OpenVINO finds no Intel GPU"), "OpenVINO finds no Intel GPU"), (RuntimeError("x"), "RuntimeError: x")],
)
def test_why_openvino_finds_no_device_is_a_fact_and_not_a_failure(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "accelerator", lambda: "GPU")
    assert facts._intel() == ("GPU", "")

    def fails() -> str:
        raise error

    monkeypatch.setattr(openvino, "accelerator", fails)
    assert facts._intel() == ("", reason)


@pytest.mark.parametrize(
    ("installed", "marker", "packages"),
    [
        (True, f"sys_platform == '{sys.platform}'", {"openvino"}),
        (False, f"sys_platform == '{sys.platform}'", set()),
        (True, f"sys_platform != '{sys.platform}'", set()),
        (False, f"sys_platform != '{sys.platform}'", set()),
    ],
)
def test_openvino_is_missed_only_where_it_is_required(
    installed: bool,
    marker: str,
    packages: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def core() -> None:
        if not installed:
            raise ImportError("No module named 'openvino'")

    monkeypatch.setattr(facts, "requires", lambda name: [f"openvino>=2026.1,<2027; {marker}", "mido; extra == 'midi'"])
    monkeypatch.setattr(facts, "PACKAGES", ())
    monkeypatch.setattr(facts, "_intel", lambda: ("", ""))
    monkeypatch.setattr(facts, "version", lambda name: "2026.4.1")
    monkeypatch.setattr(openvino, "core", core)
    facts.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found["versions"]) == packages and found["conflicts"] == []
    assert set(found["broken"]) == ({"openvino"} if "!=" not in marker and not installed else set())


def test_the_range_of_a_package_that_only_some_machines_need_counts_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = [f"openvino>=2026.1,<2027; sys_platform == '{sys.platform}'", "soxr<1; extra == 'midi'"]
    monkeypatch.setattr(facts, "requires", lambda name: ranges)
    assert facts.conflicts({"openvino": "2026.4.1", "soxr": "1.0"}) == []
    (conflict,) = facts.conflicts({"openvino": "2025.4.0"})
    assert conflict.startswith("openvino 2025.4.0 is not")


def test_versions_that_clipbridge_does_not_work_with_are_conflicts() -> None:
    assert facts.conflicts({"torch": "2.13.0+cpu", "transformers": "5.23.0"}) == []
    (conflict,) = facts.conflicts({"transformers": "5.0.0"})
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


def test_without_qt_nothing_is_wrong_and_the_install_is_named() -> None:
    check = panel.finding("", [], "")
    assert check.state == "ok" and "pip install '.[panel]'" in check.what


def test_a_qt_that_cannot_be_loaded_is_a_warning_because_clips_are_made_without_it() -> None:
    check = panel.finding("6.11.1", [], "libfoo.so.1: cannot open shared object file")
    assert check.state == "warning" and "libfoo.so.1" in check.what and "everything else works" in check.what
    check = panel.finding("6.11.1", ["libxcb-cursor.so.0"], "")
    assert check.state == "warning" and "libxcb-cursor.so.0" in check.what and "install" in check.fix.lower()


@pytest.mark.parametrize(
    ("manager", "fix"),
    [
        ("apt-get", "sudo apt install libglib2.0-0 libxcb-cursor0"),
        (
            "dnf",
            "sudo dnf install 'libglib-2.0.so.0()(64bit)' 'libgthread-2.0.so.0()(64bit)' 'libxcb-cursor.so.0()(64bit)'",
        ),
        (
            "",
            "Install the packages of your system that have libglib-2.0.so.0, libgthread-2.0.so.0, libxcb-cursor.so.0.",
        ),
    ],
)
def test_missing_libraries_are_installed_by_the_systems_own_command(manager: str, fix: str) -> None:
    def load(library: str) -> None:
        if library in ("libglib-2.0.so.0", "libgthread-2.0.so.0", "libxcb-cursor.so.0"):
            raise OSError(f"{library}: cannot open shared object file")

    lacking = qt_libraries.missing(load)
    assert qt_libraries.how_to_install(lacking, lambda name: name if name == manager else None) == fix


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("objdump") is None, reason="objdump shows what Qt is linked to"
)
def test_every_system_library_of_qt_is_known() -> None:
    qt = Path(pytest.importorskip("PySide6").__path__[0]) / "Qt"
    wanted = ("lib/libQt6Gui.so.6", "lib/libQt6Widgets.so.6", "plugins/platforms/libqxcb.so",
              "plugins/xcbglintegrations/libqxcb-glx-integration.so")  # fmt: skip
    linked: set[str] = set()
    for name in wanted:
        output = subprocess.run(["objdump", "-p", qt / name], capture_output=True, text=True, check=True).stdout
        linked |= {line.split()[1] for line in output.splitlines() if line.split()[:1] == ["NEEDED"]}
    everywhere = {
        "libc.so.6",
        "libm.so.6",
        "libgcc_s.so.1",
        "libstdc++.so.6",
        "libz.so.1",
    }  # Python and NumPy need them too
    ours = {name for name in linked if name.startswith("libQt6")}
    assert linked - everywhere - ours <= set(qt_libraries.DEBIAN)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Qt brings its libraries along")
def test_a_library_that_cannot_be_loaded_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("PySide6")
    (tmp_path / "libxcb-cursor.so.0").write_text("this is no library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    check = panel.check()
    assert check.state == "warning" and "libxcb-cursor.so.0" in check.what
    assert "libxcb-cursor" in check.fix
