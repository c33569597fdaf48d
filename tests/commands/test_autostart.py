"""`clipbridge autostart`, with a real systemd where one can be started, and without."""

from __future__ import annotations

import os
import plistlib
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.client import Client
from bridge.errors import FolderError, SystemRefused
from bridge.system import background
from bridge.system.autostart import files, log_in, service, systemd
from bridge.system.autostart.launchd import Launchd
from bridge.system.own_files import link, write
from tests.harness import environment
from tests.odd_names import ODD, program_that_writes_its_words, written_words
from tests.user_systemd import user_systemd

__all__ = ["user_systemd"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux has systemd and XDG Autostart")
WAIT_S = 15.0


class User:
    """A user with a home, a port and a runtime folder of their own, who runs `clipbridge autostart`."""

    def __init__(self, home: Path, runtime: Path) -> None:
        self.home = home
        self.config = home / "config"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            self.port = int(udp.getsockname()[1])
        (self.config / "clipbridge").mkdir(parents=True)
        (self.config / "clipbridge" / "config.toml").write_text(
            f'folder = "{(home / "clips").as_posix()}"\n[osc]\nport = {self.port}\n[inbox]\nfolder = ""\n'
            '[engine]\nmodel = "untrained"\n'
        )
        self.environment = {**environment(home), "XDG_RUNTIME_DIR": str(runtime)}
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def autostart(self, what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bridge", "autostart", what], env=self.environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def systemctl(self, *words: str) -> str:
        command = ["systemctl", "--user", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout.strip()

    def answers(self) -> bool:
        with Client(self.port) as client:
            return client.ask_for("/bridge/ping", answer="/bridge/pong", timeout_s=0.5) is not None


@pytest.fixture
def user(user_systemd: Path, tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path, user_systemd)
    yield user
    user.autostart("off")


@pytest.fixture
def unit(user_systemd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[systemd.Systemd]:
    """A service whose command is odd, in this process."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user_systemd))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "of the terminal alone"))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    unit = systemd.Systemd([str(program_that_writes_its_words(tmp_path)), *ODD])
    yield unit
    unit.off()


def until(condition: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    end = time.monotonic() + within_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_systemd_runs_the_daemon_until_it_is_turned_off(user: User) -> None:
    on = user.autostart("on")
    assert on.returncode == 0 and "by systemd" in on.stdout and "It is running now." in on.stdout, on.stdout + on.stderr
    unit = Path(user.systemctl("show", "--property=FragmentPath", "--value", "clipbridge"))
    assert user.answers() and user.systemctl("list-dependencies", "default.target").count("clipbridge.service") == 1
    first = user.systemctl("show", "--property=MainPID", "clipbridge")
    assert "running now" in user.autostart("on").stdout
    assert user.systemctl("show", "--property=MainPID", "clipbridge") == first, "on again starts no second one"
    assert user.autostart("status").stdout.startswith("on: ")
    off = user.autostart("off")
    assert off.returncode == 0 and off.stdout.startswith("off: ") and not user.answers()
    assert user.autostart("off").returncode == 0 and user.autostart("status").stdout.startswith("off: ")
    assert not unit.exists() and "clipbridge" not in user.systemctl("list-dependencies", "default.target")


def test_a_daemon_that_runs_already_is_named_and_not_fought(user: User) -> None:
    command = [sys.executable, "-m", "bridge", "run", "--json"]
    with subprocess.Popen(command, env=user.environment, stdout=subprocess.DEVNULL) as by_hand:
        try:
            assert until(user.answers)
            on = user.autostart("on")
            assert on.returncode == 1 and "another Clipbridge is" in on.stdout, on.stdout + on.stderr
            assert user.systemctl("is-failed", "clipbridge") == "failed", "it is not started again and again"
        finally:
            by_hand.kill()


def test_systemd_starts_a_command_whose_path_and_words_are_odd(unit: systemd.Systemd, tmp_path: Path) -> None:
    unit.on()
    assert written_words(next(tmp_path.glob("*/start it"))) == ODD
    assert unit.state().on


@pytest.mark.parametrize("damage", [b"", b"[Unit", b"\0\xff", b"[Service]\nExecStart=x"])
def test_a_broken_unit_is_replaced_and_can_be_turned_off(unit: systemd.Systemd, damage: bytes) -> None:
    file = Path(unit.place)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(damage)
    unit.off()
    assert not file.exists()
    file.write_bytes(damage)
    unit.on()
    assert unit.state().on
    file.write_bytes(damage)
    unit.off()
    assert not file.exists() and not unit.state().on


@pytest.mark.parametrize(("code", "again"), [(1, True), (6, True), *((code, False) for code in files.FINAL_EXIT_CODES)])
def test_systemd_starts_again_what_may_pass_and_nothing_else(
    user_systemd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, again: bool
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user_systemd))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    unit = systemd.Systemd(["/bin/sh", "-c", f"exit {code}"])
    try:
        unit.on()
        show = ["systemctl", "--user", "show", "--property=SubState", "--value", systemd.UNIT]
        expected = "auto-restart" if again else "failed"
        assert until(lambda: subprocess.check_output(show, text=True).strip() == expected)
        assert unit.state().running == again
        assert again or unit.state().exit_code == code
    finally:
        unit.off()


@linux
def test_without_systemd_the_desktop_starts_it_and_the_command_says_so(tmp_path: Path) -> None:
    user = User(tmp_path, tmp_path / "no systemd here")
    try:
        on = user.autostart("on")
        assert on.returncode == 0 and "systemd does not answer" in on.stdout, on.stdout + on.stderr
        entry = user.config / "autostart" / "clipbridge.desktop"
        assert entry.is_file() and user.answers()
        assert "running now" in user.autostart("status").stdout
    finally:
        off = user.autostart("off")
    assert off.returncode == 0 and not entry.exists() and until(lambda: not user.answers())
    assert user.autostart("status").stdout.startswith("off: ")


def test_a_clipbridge_that_is_not_installed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "empty", with_pip=False, symlinks=sys.platform != "win32")
    python = tmp_path / "empty" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(Path(__file__).parents[2])  # there it would be found
    with pytest.raises(SystemRefused, match="pip install"):
        service.check()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the way")
    with pytest.raises(FolderError, match=r"config.* cannot be written"):
        write(tmp_path / "config" / "systemd" / "user" / "clipbridge.service", b"")
    with pytest.raises(FolderError, match=r"config.* cannot be created"):
        link(tmp_path / "config" / "default.target.wants", tmp_path)


LAUNCHCTL = """\
#!{python}
import os, pathlib, sys
loaded, command = pathlib.Path({folder!r}, "loaded"), sys.argv[1:]
pathlib.Path({folder!r}, "calls").open("a").write(" ".join(command) + "\\n")
if command[0] == "bootstrap" and not loaded.exists():
    loaded.write_text(command[2])
elif command[0] == "bootout" and loaded.exists():
    loaded.unlink()
elif command[0] == "print" and loaded.exists():
    print("\\tstate = running")
elif command[0] not in ("enable", "kickstart"):
    sys.exit(5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for launchctl is a script with #!")
def test_launchd_is_told_to_load_the_agent_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """launchctl is a stand-in that knows what is loaded; the file is real."""
    (tmp_path / "launchctl").write_text(LAUNCHCTL.format(python=sys.executable, folder=str(tmp_path)))
    (tmp_path / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))

    def calls() -> list[str]:
        every = (tmp_path / "calls").read_text().splitlines()
        (tmp_path / "calls").unlink()
        return [line.replace(f"gui/{os.getuid()}", "gui/UID") for line in every if not line.startswith("print")]

    agent = Launchd(["/a & b/python", "run"])
    agent.off()
    agent.on()
    assert plistlib.loads(Path(agent.place).read_bytes())["ProgramArguments"] == ["/a & b/python", "run"]
    assert calls() == ["enable gui/UID/clipbridge", f"bootstrap gui/UID {agent.place}"]
    assert agent.state().on and agent.state().running
    agent.on()
    assert calls() == ["kickstart gui/UID/clipbridge"]
    Path(agent.place).write_bytes(b"<plist>half")
    agent.on()
    assert calls()[0] == "bootout gui/UID/clipbridge" and plistlib.loads(Path(agent.place).read_bytes())
    agent.off()
    assert calls() == ["bootout gui/UID/clipbridge"] and not Path(agent.place).exists()
    assert not agent.state().on and not agent.state().running


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has a registry")
def test_windows_starts_the_command_at_log_on_until_it_is_turned_off() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)", "clipbridge test"]
    run_key = log_in.Registry(command)
    assert not run_key.state().on, "the tests do not touch a service that is in use"
    try:
        run_key.on()
        assert run_key.state().on and until(lambda: run_key.state().running)
    finally:
        run_key.off()
    assert not run_key.state().on and not run_key.state().running


def test_what_runs_in_the_background_is_found_by_its_arguments_and_stopped() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)", f"of {os.getpid()}"]
    background.start(command)
    try:
        assert until(lambda: bool(background.find(command)))
        assert background.find([*command[:-1], "of another"]) == []
    finally:
        background.stop(command, 10.0)
    assert background.find(command) == []
