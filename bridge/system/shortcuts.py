"""A shortcut to the panel in the menu of the desktop: Linux a desktop entry, macOS a double-clickable script, Windows a link."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import FolderError
from bridge.system import portable
from bridge.system.own_files import write
from bridge.system.programs import tell
from bridge.system.quoting import desktop_command, desktop_text, powershell_text

PLACES = {
    "linux": "{data}/applications/clipbridge.desktop",
    "darwin": "{home}/Applications/Clipbridge.command",
    "win32": "{config}/Microsoft/Windows/Start Menu/Programs/Clipbridge.lnk",
}
ICON_PLACE = {"linux": "{data}/icons/hicolor/scalable/apps/clipbridge.svg"}
COMMENT = "Make clips from words and drag them into your DAW"


def install() -> Path:
    """Write the shortcut that starts the panel of this environment, and the daemon with it; returns its file. May be repeated.
    Raises FolderError, SystemRefused."""
    file = portable.host_folder(PLACES if sys.platform in PLACES else {sys.platform: PLACES["linux"]})
    assert file is not None
    if sys.platform == "win32":
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"{file.parent} cannot be created: {error.strerror or error}.") from error
        tell(*link_command(file, command(), icon("clipbridge.ico")))
    elif sys.platform == "darwin":
        write(file, script(command()), program=True)
    else:
        if (picture := portable.host_folder(ICON_PLACE)) is not None:
            write(picture, icon("clipbridge.svg").read_bytes())
        write(file, menu_entry(command()))
    return file


def command() -> list[str]:
    """What the shortcut starts. A bundle of the panel alone has a program of its own for that."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [str(portable.windowless_python()), "-P", "-m", "bridge", "panel", "--with-daemon"]


def icon(name: str) -> Path:
    """A file of our icon."""
    return portable.shipped(".assets") / name


def menu_entry(words: Sequence[str]) -> bytes:
    """A desktop entry. Desktops hide it once the program is uninstalled (TryExec)."""
    return f"""\
[Desktop Entry]
Type=Application
Name=Clipbridge
GenericName=Sound generator
Comment={desktop_text(COMMENT)}
Exec={desktop_command(words)}
TryExec={desktop_text(words[0])}
Icon=clipbridge
Terminal=false
Categories=AudioVideo;Audio;Music;
Keywords=sample;sound;clip;drum;
StartupWMClass=clipbridge
StartupNotify=true
""".encode()


def script(words: Sequence[str]) -> bytes:
    """A script for Finder, which runs it in a window of Terminal. The panel outlives that window."""
    return f"""\
#!/bin/sh
# The window of Clipbridge. You may close this terminal.
nohup {shlex.join(words)} >/dev/null 2>&1 &
""".encode()


def link_command(file: Path, words: Sequence[str], picture: Path) -> list[str]:
    """The command that makes a link of Windows. Some characters cannot be in one; then PowerShell fails with a sentence."""
    program, text = powershell_text(words[0]), powershell_text(str(file))
    steps = [
        "$ErrorActionPreference = 'Stop'",
        f"$link = (New-Object -ComObject WScript.Shell).CreateShortcut({text})",
        f"$link.TargetPath = {program}",
        f"$link.Arguments = {powershell_text(subprocess.list2cmdline(words[1:]))}",
        f"$link.Description = {powershell_text(COMMENT)}",
        f"$link.IconLocation = {powershell_text(f'{picture},0')}",
        "$link.Save()",
        f"if (-not (Test-Path -LiteralPath {text})) {{ throw 'the link was not written' }}",
    ]
    return ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", "; ".join(steps)]
