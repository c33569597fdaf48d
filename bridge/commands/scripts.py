"""`clipbridge scripts`: list the host scripts, or install one where its host looks for it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bridge.domain.nearest import unknown
from bridge.errors import BadArgument
from bridge.system import host_scripts

STATES = {
    "absent": "not installed",
    "current": "installed",
    "old": "installed, another version: install it again",
    "changed": "installed, and changed by you",
}


def main(options: argparse.Namespace) -> int:
    """List the scripts, or install one. Raises BadArgument or FolderError."""
    if options.what == "list":
        return _list(options.json)
    if not options.host:
        raise BadArgument(f"Name a host: {', '.join(host_scripts.all_hosts())}.")
    if options.host not in host_scripts.all_hosts():
        raise BadArgument(unknown("host script", options.host, host_scripts.all_hosts()))
    try:
        to = Path(options.to).expanduser().absolute() if options.to else None
    except RuntimeError as error:  # an unknown user
        raise BadArgument(f"--to {options.to}: {error}") from error
    script = host_scripts.look(options.host, to)
    if script.folder is None:
        raise BadArgument(
            f"{options.host} has no script folder on this system. Name one: clipbridge scripts install "
            f"{options.host} --to FOLDER"
        )
    overwrite = options.overwrite or (bool(script.changed) and _may_overwrite(script))
    written = host_scripts.install(script, overwrite)
    kept = [] if overwrite else list(script.changed)
    if options.json:
        files = [file.as_posix() for file in written]
        print(
            json.dumps(
                {"folder": script.folder.as_posix(), "written": files, "kept": kept, "next": host_scripts.steps(script)}
            )
        )
        return 0
    for file in written:
        print(f"wrote {file}")
    for name in kept:
        print(f"kept your changes: {script.folder / name} (--overwrite replaces the file)")
    if not written and not kept:
        print(f"Everything is already installed in {script.folder}")
    print("Next, with clipbridge run in another terminal:")
    for number, step in enumerate(host_scripts.steps(script), 1):
        print(f"  {number}. {step}")
    print(f"More: {host_scripts.shipped_folder() / script.host / 'README.md'}")
    return 0


def _list(as_json: bool) -> int:
    scripts = [host_scripts.look(host) for host in host_scripts.all_hosts()]
    if as_json:
        rows = [(script.host, script.state, script.folder.as_posix() if script.folder else "") for script in scripts]
        print(json.dumps([dict(zip(("host", "state", "folder"), row, strict=True)) for row in rows]))
        return 0
    for script in scripts:
        print(f"{script.host:<14} {STATES[script.state]}  ({script.folder or '--to FOLDER'})")
    print("Install one: clipbridge scripts install HOST")
    return 0


def _may_overwrite(script: host_scripts.HostScript) -> bool:
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    answer = input(f"You changed {', '.join(script.changed)}. Overwrite? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
