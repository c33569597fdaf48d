"""`clipbridge scripts`: list the host scripts, or install one where its host looks for it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bridge.errors import BadArgument
from bridge.system import host_scripts

STATES = {
    "absent": "not installed",
    "current": "installed",
    "old": "installed, of another version: install it again",
    "changed": "installed, and changed by you",
}


def main(options: argparse.Namespace) -> int:
    """List the scripts, or install one. Raises BadArgument or FolderError."""
    if options.what == "list":
        return _list(options.json)
    if not options.host:
        raise BadArgument(f"Which host? There are: {', '.join(host_scripts.all_hosts())}.")
    try:
        to = Path(options.to).expanduser().absolute() if options.to else None
    except RuntimeError as error:  # an unknown user
        raise BadArgument(f"--to {options.to}: {error}") from error
    found = host_scripts.look(options.host, to)
    if found.folder is None:
        raise BadArgument(
            f"{options.host} has no folder of its own for scripts on this system; say where: clipbridge scripts install "
            f"{options.host} --to FOLDER"
        )
    overwrite = options.overwrite or (bool(found.changed) and _may_overwrite(found))
    written = host_scripts.install(found, overwrite)
    kept = [] if overwrite else list(found.changed)
    if options.json:
        said = {"folder": found.folder.as_posix(), "written": [file.as_posix() for file in written], "kept": kept}
        print(json.dumps(said))
        return 0
    for file in written:
        print(f"wrote {file}")
    for name in kept:
        print(f"left as you changed it: {found.folder / name} (--overwrite replaces it)")
    if not written and not kept:
        print(f"Everything is installed already, in {found.folder}")
    print(f"What to do now: {host_scripts.shipped_folder() / found.host / 'README.md'}")
    return 0


def _list(as_json: bool) -> int:
    found = [host_scripts.look(host) for host in host_scripts.all_hosts()]
    if as_json:
        print(
            json.dumps(
                [
                    {"host": one.host, "state": one.state, "folder": one.folder.as_posix() if one.folder else ""}
                    for one in found
                ]
            )
        )
        return 0
    for one in found:
        print(f"{one.host:<14} {STATES[one.state]}" + (f"  ({one.folder})" if one.folder else "  (--to FOLDER)"))
    print("Install one: clipbridge scripts install HOST")
    return 0


def _may_overwrite(found: host_scripts.HostScript) -> bool:
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    answer = input(f"You changed {', '.join(found.changed)}. Overwrite? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
