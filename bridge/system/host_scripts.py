"""Host scripts: where each host looks for them, whether they are installed and current, and how to install them.

A record of installed files lies next to them, so that a script that its user changed is only overwritten on request.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import FolderError
from bridge.system import portable
from bridge.system.writing import write_whole

RECORD = ".clipbridge-installed.json"  # in the host's folder: relative path → SHA-256 of the installed file

# The file in which a script that starts `clipbridge` finds the command line.
COMMAND_FILES = {"reaper": "clipbridge-command.txt"}

SYSTEMS = ("linux", "darwin", "win32")
# Script folders, from the hosts' own documentation. See portable.host_folder for the placeholders.
FOLDERS: dict[str, dict[str, str]] = {
    # SuperCollider help, "Using Extensions": Platform.userExtensionDir
    "supercollider": dict.fromkeys(SYSTEMS, "{data}/SuperCollider/Extensions/clipbridge"),
    # Pd manual, "Pd search path": the user's standard path, where a folder named like an object is searched too
    "pure_data": {
        "linux": "{home}/.local/lib/pd/extra/clipbridge~",
        "darwin": "{home}/Library/Pd/clipbridge~",
        "win32": "{config}/Pd/clipbridge~",
    },
    # REAPER: Options, Show REAPER resource path
    "reaper": dict.fromkeys(SYSTEMS, "{config}/REAPER/Scripts/Clipbridge"),
    # Ableton's "Installing third-party remote scripts"
    "ableton_live": {
        "darwin": "{music}/Ableton/User Library/Remote Scripts/Clipbridge",
        "win32": "{documents}/Ableton/User Library/Remote Scripts/Clipbridge",
    },
    # Bitwig user guide, "Installing controller scripts": the Controller Scripts folder of the user
    "bitwig": {
        "linux": "{home}/Bitwig Studio/Controller Scripts/Clipbridge",
        "darwin": "{documents}/Bitwig Studio/Controller Scripts/Clipbridge",
        "win32": "{documents}/Bitwig Studio/Controller Scripts/Clipbridge",
    },
    # These hosts look next to the piece that uses the script.
    "csound": {},
    "chuck": {},
}


# What to do after the installation, with `clipbridge run` in another terminal.
STEPS: dict[str, tuple[str, ...]] = {
    "supercollider": (
        "In SuperCollider: Language > Recompile Class Library.",
        "Boot the server: s.boot",
        'Run: Clipbridge.generate("deep warm kick", 1.0, preset: \\drum, action: { |clip| clip.play })',
    ),
    "pure_data": (
        "In Pd, open {folder}/clipbridge~-help.pd.",
        "In Media > Audio Settings, set 48000 Hz.",
        "Click the toggle (sound on), then: list deep warm kick 1 @preset drum",
    ),
    "csound": (
        "Open a terminal in {folder}.",
        "Run: csound clipbridge-example.csd",
    ),
    "chuck": (
        "Open a terminal in {folder}.",
        "Run: chuck --srate:48000 Clipbridge.ck clipbridge-example.ck",
    ),
    "reaper": (
        "In REAPER: Actions > Show action list > New action > Load ReaScript, then choose both scripts in {folder}.",
        "Select a track, put the edit cursor where the sound should begin, and run the action Clipbridge.lua.",
    ),
    "ableton_live": (
        "Start Live again. In Settings > Link, Tempo & MIDI, choose Clipbridge as a Control Surface; Input and Output stay None.",
        "In the Session View, rename an audio track (Cmd+R or Ctrl+R): cb: deep warm kick 1 bar",
        "When the clip is in its slot, start it.",
    ),
    "bitwig": (
        "In Dashboard > Settings > Controllers > Add Controller, choose Clipbridge, Clipbridge.",
        "Open the Studio I/O panel, select an audio track, write deep warm kick into Sound and press Make.",
    ),
}


@dataclass(frozen=True, slots=True)
class HostScript:
    """The script of a host. `state`: "absent", "current", "old" (another version of ours) or "changed" (by the user).
    `folder`: its place, installed or not; None if the host has no usual folder. `changed`: the files that the user changed."""

    host: str
    folder: Path | None
    state: str
    changed: tuple[str, ...] = ()


def shipped_folder() -> Path:
    """The folder of the shipped scripts."""
    return portable.shipped("host_scripts")


def all_hosts() -> list[str]:
    """The names of the hosts that have a script, sorted."""
    return sorted(place.name for place in shipped_folder().iterdir() if place.is_dir() and place.name in FOLDERS)


def command_line() -> str:
    """The command line that starts Clipbridge on this machine, the program in double quotes. On Windows it opens no
    console window."""
    return f'"{portable.windowless_python()}" -m bridge'


def source_folder(host: str) -> Path:
    """The folder to copy: a host's whole folder, or its sub-folder `Clipbridge` if it has one."""
    whole = shipped_folder() / host
    return whole / "Clipbridge" if (whole / "Clipbridge").is_dir() else whole


def steps(script: HostScript) -> list[str]:
    """What to do next with an installed script."""
    return [step.replace("{folder}", str(script.folder)) for step in STEPS[script.host]]


def look(host: str, folder: Path | None = None) -> HostScript:
    """The state of a host's script in its usual folder, or in `folder`; it must be one of `all_hosts`."""
    folder = folder or portable.host_folder(FOLDERS[host])
    ours, record = _files(source_folder(host)), _record(folder)
    installed = {name: _hash(folder / name) for name in {*ours, *record}} if folder is not None else {}
    if not any(installed.values()):
        return HostScript(host, folder, "absent")
    changed = tuple(
        sorted(
            name
            for name, digest in installed.items()
            if digest is not None and digest != record.get(name) and digest != ours.get(name, "")
        )
    )
    current = all(installed.get(name) == digest for name, digest in ours.items())
    return HostScript(host, folder, "current" if current else "changed" if changed else "old", changed)


def install(script: HostScript, overwrite: bool = False) -> list[Path]:
    """Copy the script to `script.folder` and return the files that were written. Files that the user changed are kept unless
    `overwrite`. Raises FolderError."""
    assert script.folder is not None
    source, skipped = source_folder(script.host), () if overwrite else script.changed
    ours, record, written = _files(source), _record(script.folder), []
    try:
        for name, digest in ours.items():
            target = script.folder / name
            if name in skipped or _hash(target) == digest:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, (source / name).read_bytes())
            written.append(target)
        record |= {name: digest for name, digest in ours.items() if name not in skipped}
        for old in set(record) - set(ours):  # a file of an earlier version
            if _hash(script.folder / old) == record.pop(old):
                (script.folder / old).unlink()
        if script.host in COMMAND_FILES:
            (script.folder / COMMAND_FILES[script.host]).write_text(command_line() + "\n", "utf-8")
        (script.folder / RECORD).write_text(json.dumps(record, indent=1), "utf-8")
    except OSError as error:
        raise FolderError(f"{script.folder} cannot be written: {error.strerror or error}.") from error
    return written


def _files(folder: Path) -> dict[str, str]:
    """Relative path (with /) → SHA-256 of every file in `folder`, hidden and compiled ones excepted."""
    return {
        file.relative_to(folder).as_posix(): _hash(file) or ""
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix != ".pyc" and not file.name.startswith(".")
    }


def _hash(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _record(folder: Path | None) -> dict[str, str]:
    """The record of installed files; {} if there is none. Paths that lead out of the folder are ignored."""
    if folder is None:
        return {}
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        return {
            name: value
            for name, value in record.items()
            if isinstance(value, str) and not os.path.isabs(name) and ".." not in name.replace("\\", "/").split("/")
        }
    except (OSError, ValueError, AttributeError):
        return {}
