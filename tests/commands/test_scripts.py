"""Host scripts are installed where their hosts look, and files that a user changed are kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import cli
from bridge.doctor import places
from bridge.errors import FolderError
from bridge.system import host_scripts, portable
from tests.harness import Daemon, called


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the shipped scripts and for the folder where Pd looks."""
    folder = tmp_path / "shipped"
    (folder / "pure_data" / "deep").mkdir(parents=True)
    (folder / "pure_data" / "patch.pd").write_text("one", "utf-8")
    (folder / "pure_data" / "deep" / "README.md").write_text("read", "utf-8")
    monkeypatch.setattr(host_scripts, "shipped_folder", lambda: folder)
    monkeypatch.setattr(portable, "host_folder", lambda places: tmp_path / "there" if places else None)
    return folder


def test_a_script_is_installed_once_and_updated_where_nobody_changed_it(shipped: Path, tmp_path: Path) -> None:
    assert host_scripts.look("pure_data").state == "absent"
    written = host_scripts.install(host_scripts.look("pure_data"))
    assert {file.relative_to(tmp_path / "there").as_posix() for file in written} == {"patch.pd", "deep/README.md"}
    assert (
        host_scripts.look("pure_data").state == "current" and host_scripts.install(host_scripts.look("pure_data")) == []
    )
    (shipped / "pure_data" / "patch.pd").write_text("two", "utf-8")
    (shipped / "pure_data" / "deep" / "README.md").unlink()
    assert host_scripts.look("pure_data").state == "old"
    assert [check.state for check in places.scripts()] == ["ok", "warning"]
    host_scripts.install(host_scripts.look("pure_data"))
    assert (tmp_path / "there" / "patch.pd").read_text("utf-8") == "two"
    assert not (tmp_path / "there" / "deep" / "README.md").exists()  # ours, and no longer shipped
    assert [check.state for check in places.scripts()] == ["ok"]


def test_what_a_user_changed_or_had_there_before_is_kept_unless_it_may_be_overwritten(
    shipped: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    mine = tmp_path / "there" / "patch.pd"
    mine.write_text("mine", "utf-8")
    found = host_scripts.look("pure_data")
    assert (found.state, found.changed) == ("changed", ("patch.pd",))
    host_scripts.install(found)
    assert mine.read_text("utf-8") == "mine" and (tmp_path / "there" / "deep" / "README.md").exists()
    assert host_scripts.look("pure_data").state == "changed"
    host_scripts.install(host_scripts.look("pure_data"), overwrite=True)
    assert mine.read_text("utf-8") == "one" and host_scripts.look("pure_data").state == "current"
    mine.write_text("mine again", "utf-8")
    (shipped / "pure_data" / "patch.pd").write_text("three", "utf-8")
    host_scripts.install(host_scripts.look("pure_data"))
    assert mine.read_text("utf-8") == "mine again"


@pytest.mark.parametrize(
    "record", ["", "[]", "{", json.dumps({"../../precious": "x", "/etc/passwd": "x", "patch.pd": 3})]
)
def test_a_damaged_record_removes_nothing_outside_and_costs_no_change_of_the_user(
    shipped: Path, tmp_path: Path, record: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "precious").write_text("x", "utf-8")
    (tmp_path / "there" / host_scripts.RECORD).write_text(record, "utf-8")
    (tmp_path / "there" / "patch.pd").write_text("mine", "utf-8")
    host_scripts.install(host_scripts.look("pure_data"))
    assert (tmp_path / "there" / "patch.pd").read_text("utf-8") == "mine" and (tmp_path / "precious").exists()


def test_what_cannot_be_done_is_said(shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, words in {"cubase": "there are: pure_data", "puredata": "did you mean pure_data?"}.items():
        assert cli.main(["scripts", "install", name]) == 2 and words in capsys.readouterr().err
    (tmp_path / "there").write_text("a file where the folder should be", "utf-8")
    with pytest.raises(FolderError, match="cannot be written"):
        host_scripts.install(host_scripts.look("pure_data"))


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_shipped_script_has_a_folder_or_says_that_it_needs_one(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    for host in host_scripts.all_hosts():
        folder = portable.host_folder(host_scripts.FOLDERS[host])
        assert folder is None or folder.is_absolute()
    unknown = {place.name for place in host_scripts.shipped_folder().iterdir() if place.is_dir()} - set(
        host_scripts.FOLDERS
    )
    assert not unknown


def test_the_command_installs_what_doctor_then_finds(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return called(tmp_path, "scripts", *words)

    listed = {one["host"]: one for one in json.loads(run("list", "--json").stdout)}
    assert listed["pure_data"]["state"] == "absent"
    for host in listed:
        where = tmp_path / "to" / host
        ran = run("install", host, "--to", str(where), "--json")
        assert ran.returncode == 0 and json.loads(ran.stdout)["written"], ran.stderr
        again = run("install", host, "--to", str(where)).stdout
        assert "Everything is already installed" in again and "\n  1. " in again and "\n  2. " in again
        for step in json.loads(ran.stdout)["next"]:
            assert step in again
            for file in re.findall(rf"{re.escape(str(where))}/[\w~.-]+\b", step):
                assert Path(file).is_file()
    command = (tmp_path / "to" / "reaper" / "clipbridge-command.txt").read_text("utf-8").strip()
    assert command.startswith('"') and subprocess.run(f"{command} --version", shell=True, check=False).returncode == 0
    assert run("install").returncode == 2 and "Name a host" in run("install").stderr
    assert run("install", "cubase").returncode == 2


def test_the_client_in_the_guide_runs_as_it_stands_and_says_what_went_wrong(daemon: Daemon, tmp_path: Path) -> None:
    guide = (host_scripts.shipped_folder() / "README.md").read_text("utf-8")
    (tmp_path / "client.py").write_text(guide.partition("```python\n")[2].partition("```")[0], "utf-8")

    def run(prompt: str, seconds: float, port: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(tmp_path / "client.py"), prompt, str(seconds), str(port)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = run("deep kick", 0.2, daemon.port)
    assert Path(done.stdout.splitlines()[-1]).is_file(), done.stderr
    refused = run("deep kick", 4_000, daemon.port)
    assert refused.returncode == 1 and "0.1 to 150" in refused.stderr
    alone = run("deep kick", 1, 9)
    assert alone.returncode == 1 and "start it with clipbridge run" in alone.stderr
