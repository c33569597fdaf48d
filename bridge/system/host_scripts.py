"""The scripts for hosts: where each host looks for them, whether they are there, and how they get there.

What was installed is remembered beside it, so that a script which its user changed is never overwritten unasked.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BadArgument, FolderError
from bridge.system import portable
from bridge.system.writing import write_whole

RECORD = ".clipbridge-installed.json"  # in the host's folder: relative path → SHA-256 of what we put there

# A script that starts `clipbridge` reads in this file how.
STARTS_US = {"reaper": "clipbridge-command.txt"}

# Where hosts look, from their own documentation: the folder of the script is made inside it. {} are portable.host_folder's.
FOLDERS: dict[str, dict[str, str]] = {
    # SuperCollider help, "Using Extensions": Platform.userExtensionDir
    "supercollider": {
        "linux": "{data}/SuperCollider/Extensions/clipbridge",
        "darwin": "{data}/SuperCollider/Extensions/clipbridge",
        "win32": "{data}/SuperCollider/Extensions/clipbridge",
    },
    # Pd manual, "Pd search path": the user's standard path, in which a folder of an object's name is looked through too
    "pure_data": {
        "linux": "{home}/.local/lib/pd/extra/clipbridge~",
        "darwin": "{home}/Library/Pd/clipbridge~",
        "win32": "{config}/Pd/clipbridge~",
    },
    # REAPER: Options, Show REAPER resource path
    "reaper": {
        "linux": "{config}/REAPER/Scripts/Clipbridge",
        "darwin": "{config}/REAPER/Scripts/Clipbridge",
        "win32": "{config}/REAPER/Scripts/Clipbridge",
    },
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
    # These look beside the piece that uses them.
    "csound": {},
    "chuck": {},
}


@dataclass(frozen=True, slots=True)
class HostScript:
    """The script of a host. `state`: "absent", "current", "old" (ours, of another version), "changed" (by its user).
    `folder`: where it is or would be; None: say where."""

    host: str
    folder: Path | None
    state: str
    changed: tuple[str, ...] = ()


def shipped_folder() -> Path:
    """Where our scripts lie."""
    return portable.shipped("host_scripts")


def all_hosts() -> list[str]:
    """The hosts that there is a script for."""
    return sorted(place.name for place in shipped_folder().iterdir() if place.is_dir() and place.name in FOLDERS)


def command_line() -> str:
    """How a host starts our command on this machine, the program in double quotes. On Windows without a console window."""
    program = Path(sys.executable)
    windowless = program.with_name("pythonw.exe")
    return f'"{windowless if windowless.is_file() else program}" -m bridge'


def source_folder(host: str) -> Path:
    """What is copied: all of a host's folder, or what it has in a folder `Clipbridge`, where the host wants nothing else."""
    whole = shipped_folder() / host
    return whole / "Clipbridge" if (whole / "Clipbridge").is_dir() else whole


def look(host: str, folder: Path | None = None) -> HostScript:
    """How the script of a host is, in its usual folder or another one. Raises BadArgument for a host that has none."""
    if host not in all_hosts():
        raise BadArgument(f"There is no script for {host[:40]!r}; there are: {', '.join(all_hosts())}.")
    folder = folder or portable.host_folder(FOLDERS[host])
    ours, record = _files(source_folder(host)), _record(folder)
    there = {name: _hash(folder / name) for name in {*ours, *record}} if folder is not None else {}
    if not any(there.values()):
        return HostScript(host, folder, "absent")
    changed = tuple(
        sorted(
            name
            for name, now in there.items()
            if now is not None and now != record.get(name) and now != ours.get(name, "")
        )
    )
    current = all(there.get(name) == wanted for name, wanted in ours.items())
    return HostScript(host, folder, "current" if current else "changed" if changed else "old", changed)


def install(found: HostScript, overwrite: bool = False) -> list[Path]:
    """Copy the script to `found.folder`; returns the files that were written. What the user changed is left as it is, unless
    `overwrite`. Raises FolderError."""
    assert found.folder is not None
    source, kept = source_folder(found.host), () if overwrite else found.changed
    ours, record, written = _files(source), _record(found.folder), []
    try:
        for name, wanted in ours.items():
            target = found.folder / name
            if name in kept or _hash(target) == wanted:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, (source / name).read_bytes())
            written.append(target)
        record |= {name: wanted for name, wanted in ours.items() if name not in kept}
        for old in set(record) - set(ours):  # a file that the script had in an earlier version
            if _hash(found.folder / old) == record.pop(old):
                (found.folder / old).unlink()
        if found.host in STARTS_US:
            (found.folder / STARTS_US[found.host]).write_text(command_line() + "\n", "utf-8")
        (found.folder / RECORD).write_text(json.dumps(record, indent=1), "utf-8")
    except OSError as error:
        raise FolderError(f"{found.folder} cannot be written: {error.strerror or error}.") from error
    return written


def _files(folder: Path) -> dict[str, str]:
    """Relative path (with /) → SHA-256 of every file in it."""
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
    """What was installed there; nothing where nobody knows. Names that lead out of the folder are not ours."""
    if folder is None:
        return {}
    try:
        said = json.loads((folder / RECORD).read_text("utf-8"))
        return {
            name: value
            for name, value in said.items()
            if isinstance(value, str) and not os.path.isabs(name) and ".." not in name.replace("\\", "/").split("/")
        }
    except (OSError, ValueError, AttributeError):
        return {}
