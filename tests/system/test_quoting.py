"""Command lines in files: each is read back by what reads it on a user's machine, where that is installed."""

from __future__ import annotations

import configparser
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.core.core import STOPPING_BUDGET_S
from bridge.errors import SystemRefused
from bridge.system.autostart import files
from bridge.system.autostart.log_in import RUN_CHARACTERS, run_value
from bridge.system.quoting import desktop_command, powershell_text, systemd_command
from tests.odd_names import ODD, program_that_writes_its_words, written_words


@pytest.mark.skipif(sys.platform == "win32", reason="desktop entries are for Linux, and sh reads quotes as they do")
def test_a_desktop_reads_back_the_words_of_a_command() -> None:
    words = ["/usr/bin/printf", r"%s\0", *ODD, "a\nb"]
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(files.autostart_entry(words).decode())
    value = parser["Desktop Entry"]["Exec"]
    unescaped = value.replace(r"\\", "\0").replace(r"\n", "\n").replace("\0", "\\")
    script = unescaped.replace("%%", "%")
    assert (
        subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]
        == words[2:]
    )


@pytest.mark.skipif(shutil.which("gio") is None, reason="gio, which starts desktop entries, is not installed")
def test_gio_starts_a_program_whose_path_and_words_are_odd(tmp_path: Path) -> None:
    program = program_that_writes_its_words(tmp_path)
    entry = tmp_path / "odd.desktop"
    entry.write_bytes(files.autostart_entry([str(program), *ODD]))
    subprocess.run(["gio", "launch", str(entry)], check=True, capture_output=True)
    assert written_words(program) == ODD


def test_simple_words_are_written_as_people_write_them() -> None:
    assert desktop_command(["/opt/x/bin/python", "-m", "bridge"]) == "/opt/x/bin/python -m bridge"


def test_systemd_replaces_no_variables_and_older_versions_meet_no_colon_without_need() -> None:
    assert systemd_command(["/a b/python", "50%", 'say "x"']) == r'"/a b/python" "50%%" "say \"x\""'
    assert systemd_command(["/a $HOME/python", "x"]) == '":/a $HOME/python" "x"'


def test_launchd_reads_back_the_words_and_variables() -> None:
    plist = plistlib.loads(files.launch_agent(ODD, {"HF_HOME": ODD[0]}, Path("/logs & more/x.log")))
    assert plist["ProgramArguments"] == ODD and plist["EnvironmentVariables"] == {"HF_HOME": ODD[0]}
    assert plist["RunAtLoad"] is True and plist["StandardErrorPath"] == str(Path("/logs & more/x.log"))


def test_windows_gets_a_line_that_it_splits_into_the_same_words() -> None:
    words = [r"C:\Users\Jürgen Müller\50% & more\pythonw.exe", "-P", "-m", "bridge", "run"]
    assert run_value(words) == r'"C:\Users\Jürgen Müller\50% & more\pythonw.exe" -P -m bridge run'
    if sys.platform == "win32":
        import ctypes

        count, split = ctypes.c_int(), ctypes.windll.shell32.CommandLineToArgvW
        split.restype = ctypes.POINTER(ctypes.c_wchar_p)
        assert split(run_value(words), ctypes.byref(count))[: count.value] == words


def test_a_line_that_windows_would_cut_off_is_refused() -> None:
    with pytest.raises(SystemRefused, match="shorter path"):
        run_value(["C:\\" + "long " * (RUN_CHARACTERS // 5) + r"\pythonw.exe"])


def test_powershell_replaces_nothing_and_no_quote_ends_a_text() -> None:
    assert powershell_text('it\'s ‘odd’ $HOME `x` "q"') == "'it''s ‘‘odd’’ $HOME `x` \"q\"'"


def test_a_service_has_time_to_end_its_clip() -> None:
    assert files.STOP_S > STOPPING_BUDGET_S
