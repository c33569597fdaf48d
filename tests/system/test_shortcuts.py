"""Shortcuts to the panel: the file of each system, read back by what reads it there, where that is installed."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import FolderError
from bridge.system import shortcuts
from tests.harness import clipbridge, environment
from tests.odd_names import ODD, program_that_writes_its_words, written_words

linux = pytest.mark.skipif(sys.platform != "linux", reason="a desktop entry is for Linux")


@linux
def test_the_command_writes_a_menu_entry_and_its_icon_and_may_be_repeated(tmp_path: Path) -> None:
    entry = tmp_path / ".local" / "share" / "applications" / "clipbridge.desktop"
    for damage in (None, b"[Desktop Ent"):
        if damage is not None:
            entry.write_bytes(damage)
        run = clipbridge(tmp_path, "panel", "--install-shortcut")
        assert run.returncode == 0 and str(entry) in run.stdout, run.stderr
        parser = configparser.RawConfigParser()
        parser.read(entry, "utf-8")
        values = parser["Desktop Entry"]
        assert values["exec"].endswith(" -P -m bridge panel --with-daemon") and Path(values["tryexec"]).is_file()
        icon = tmp_path / ".local" / "share" / "icons" / "hicolor" / "scalable" / "apps" / f"{values['icon']}.svg"
        assert icon.read_bytes().startswith(b"<svg")
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(entry)], check=True)


@pytest.mark.skipif(shutil.which("gio") is None, reason="gio, which starts desktop entries, is not installed")
def test_the_menu_entry_starts_a_program_whose_path_and_words_are_odd(tmp_path: Path) -> None:
    program = program_that_writes_its_words(tmp_path)
    (tmp_path / "odd.desktop").write_bytes(shortcuts.menu_entry([str(program), *ODD]))
    subprocess.run(["gio", "launch", str(tmp_path / "odd.desktop")], check=True, capture_output=True)
    assert written_words(program) == ODD


@linux
def test_a_menu_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("a file in the way")
    run = clipbridge(tmp_path, "panel", "--install-shortcut")
    assert (
        run.returncode == FolderError.exit_code and "cannot be written" in run.stderr and "Traceback" not in run.stderr
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the script is for macOS, where sh runs it")
def test_the_script_starts_a_program_whose_path_and_words_are_odd(tmp_path: Path) -> None:
    program = program_that_writes_its_words(tmp_path)
    script = tmp_path / "Clipbridge.command"
    script.write_bytes(shortcuts.script([str(program), *ODD]))
    subprocess.run(["sh", str(script)], check=True, env=environment(tmp_path))
    assert written_words(program) == ODD


def test_the_link_of_windows_is_made_by_a_command_in_which_every_path_is_one_text() -> None:
    words = [r"C:\Users\O'Neill’s\pythonw.exe", "-P", "-m", "bridge", "panel"]
    program, *options, steps = shortcuts.link_command(Path("Start Menu", "Clipbridge.lnk"), words, Path("a b.ico"))
    assert (program, options) == ("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command"])
    assert r"$link.TargetPath = 'C:\Users\O''Neill’’s\pythonw.exe'; $link.Arguments = '-P -m bridge panel';" in steps
    assert "$link.IconLocation = 'a b.ico,0'" in steps and '"' not in steps


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has links of this kind")
def test_windows_reads_the_link_back(tmp_path: Path) -> None:
    file = tmp_path / "It's a link.lnk"
    subprocess.run(shortcuts.link_command(file, shortcuts.command(), shortcuts.icon("clipbridge.ico")), check=True)
    read = (
        f"(New-Object -ComObject WScript.Shell).CreateShortcut('{str(file).replace(chr(39), chr(39) * 2)}').TargetPath"
    )
    output = subprocess.run(
        ["powershell.exe", "-NoProfile", "-Command", read], capture_output=True, text=True, check=True
    )
    assert os.path.samefile(output.stdout.strip(), shortcuts.command()[0])


def test_the_icon_of_windows_has_a_size_for_menus_and_one_for_the_desktop() -> None:
    data = shortcuts.icon("clipbridge.ico").read_bytes()
    sizes = [data[6 + 16 * n] or 256 for n in range(int.from_bytes(data[4:6], "little"))]
    assert {16, 32, 48, 256} <= set(sizes)
