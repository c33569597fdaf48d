"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip.

A host that can start a program, but has no socket and no safe way to quote a prompt (REAPER), writes the ask into a file
and starts `clipbridge generate --ask-file FILE`: the events come as JSON lines in FILE.events, until the last one. Who
removes FILE cancels the job.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bridge import client
from bridge.client import encode
from bridge.domain.ask import fields_of
from bridge.domain.fields import Door
from bridge.errors import BadArgument, ClipbridgeError

KEYS = tuple(fields_of(Door.COMMAND))


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if the job failed. Raises NoAnswer, BadArgument."""
    if options.ask_file is not None:
        return _by_file(options)
    if options.prompt is None:
        raise BadArgument('A prompt is missing: clipbridge generate "rain on tin" 4')
    seconds = None if options.seconds is None else _seconds(options.seconds)
    keys = {key: value for key in KEYS if (value := getattr(options, key)) is not None}
    tell = print_line if options.json else None
    return _ask(options.prompt, seconds, keys, options.osc_port, tell, quiet=options.json)


def _ask(
    prompt: str,
    seconds: Any,
    keys: dict[str, Any],
    osc_port: int | None,
    tell: Callable[[dict[str, Any]], None] | None,
    quiet: bool,
    still_wanted: Callable[[], bool] | None = None,
) -> int:
    """`tell` gets every event of the job. The job is cancelled by Ctrl-C, or when it is no longer wanted."""
    positions = [] if seconds is None else [seconds]
    pairs = [part for pair in keys.items() for part in pair]
    return ask_for("/bridge/generate", [prompt, *positions], pairs, osc_port, tell, quiet, still_wanted)


def ask_for(
    address: str,
    positions: list[Any],
    pairs: list[Any],
    osc_port: int | None,
    tell: Callable[[dict[str, Any]], None] | None,
    quiet: bool,
    still_wanted: Callable[[], bool] | None = None,
) -> int:
    """Send a message that makes a job, follow that to its end, print its path. Returns an exit code. Raises NoAnswer."""
    job_id = secrets.token_hex(6)
    ask = encode(address, *positions, "id", job_id, *pairs)

    def check() -> None:
        if still_wanted is not None and not still_wanted():
            raise KeyboardInterrupt

    with client.connect(osc_port) as daemon:
        daemon.raw(ask)
        try:
            return _show(daemon.follow(client.JOB, job_id, check if still_wanted else None), tell, quiet)
        except KeyboardInterrupt:
            daemon.send("/bridge/cancel", job_id)
            raise


def _show(events: Iterator[tuple[str, list[Any]]], tell: Callable[[dict[str, Any]], None] | None, quiet: bool) -> int:
    """Show the events of a job, the last one at the end. Returns an exit code."""
    bar = _Bar(not quiet and sys.stderr is not None and sys.stderr.isatty())
    takes: list[str] = []
    for kind, values in events:
        if tell is not None:
            tell({"event": kind, "id": values[0], "values": values[1:]})
        if kind == "queued" and values[1] > 0:
            bar.wait(values[1], values[2])
        elif kind == "take":
            takes.append(values[2])
        elif kind == "progress":
            bar.show(values[1])
        elif kind in client.JOB.ends:
            bar.close()
            return _end(kind, values, takes or values[1:2], quiet)
    raise AssertionError("the events of a job have an end")


def print_line(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _by_file(options: argparse.Namespace) -> int:
    """Do what a file asks for, and tell everything in a file beside it: also what goes wrong, because who starts us this
    way sees neither our output nor our exit code."""
    file = Path(options.ask_file)
    events = file.with_name(file.name + ".events")

    def tell(event: dict[str, Any]) -> None:
        # Opened each time: whoever reads it may remove it at once when the last event is there, on Windows too.
        with events.open("a", encoding="utf-8", newline="\n") as lines:
            lines.write(json.dumps(event) + "\n")

    try:
        if not file.is_file():
            raise BadArgument(f"There is no file {options.ask_file}.")
        events.unlink(missing_ok=True)
        tell({"event": "started"})
        try:
            prompt, seconds, keys = _read(file)
            port = keys.pop("osc_port", options.osc_port)
            return _ask(prompt, seconds, keys, port, tell, True, file.is_file)
        except ClipbridgeError as error:
            tell({"event": "error", "code": error.code, "why": str(error), "exit_code": error.exit_code})
            raise
    except OSError as error:
        raise BadArgument(f"{options.ask_file} cannot be used ({error.strerror or error}).") from error
    finally:
        if not file.is_file():  # cancelled: nobody waits for the events
            events.unlink(missing_ok=True)


def _read(file: Path) -> tuple[str, Any, dict[str, Any]]:
    """Prompt, seconds and keys of an ask in a file. Their values are for the daemon to check. Raises BadArgument."""
    try:
        asked = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise BadArgument(f"{file.name} is no JSON in UTF-8 ({error}).") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
        raise BadArgument(f'{file.name} must be an object with a prompt: {{"prompt": "rain on tin", "seconds": 4}}')
    known = ("prompt", "seconds", "osc_port", *KEYS)
    for key, value in asked.items():
        if key not in known:
            raise BadArgument(f"{file.name}: there is no key {key!r}; there are: {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadArgument(f"{file.name}: {key} must be a text or a number.")
    port = asked.get("osc_port", 1)
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise BadArgument(f"{file.name}: osc_port must be a port number, 1 to 65535.")
    prompt, seconds = asked.pop("prompt"), asked.pop("seconds", None)
    # As text a length in seconds is exact; a 32-bit float would move the end of a long clip by a frame.
    return prompt, repr(seconds) if isinstance(seconds, float) else seconds, asked


def _end(kind: str, values: list[Any], paths: list[str], quiet: bool) -> int:
    if kind == "done":
        if not quiet:
            facts = client.pairs(values, 3)
            written = [path for path in paths if path]
            print(*(written or (["played"] if "voice" in facts else ["not played"])), sep="\n")
            if facts.get("heard"):
                print(f"heard: {facts['heard']}", file=sys.stderr)
            if "remark" in facts:
                print(f"clipbridge: {facts['remark']}.", file=sys.stderr)
        return 0
    if kind == "cancelled":
        print("clipbridge: the job was cancelled.", file=sys.stderr)
    else:
        print(f"clipbridge: {values[2]}", file=sys.stderr)
    return 2 if kind == "failed" and values[1] in ("bad_argument", "unsupported") else 1


class _Bar:
    """A bar on standard error, or nothing where that is no terminal."""

    def __init__(self, shown: bool) -> None:
        self._bar: Any = None
        self._shown = shown

    def show(self, fraction: float) -> None:
        if self._shown:
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(total=100, leave=False, bar_format="{bar} {percentage:3.0f}%")
            self._bar.n = round(fraction * 100)
            self._bar.refresh()

    def wait(self, before: int, eta_seconds: float) -> None:
        if self._shown:
            about = f", about {eta_seconds:.0f} s" if eta_seconds else ""
            print(f"{before} before this one{about}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadArgument(
            f"The seconds must be a number, not {text!r}. Put a prompt of several words in quotes."
        ) from None
