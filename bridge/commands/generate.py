"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip.

A host that can start a program, but has no socket and no safe way to quote a prompt (REAPER), writes the ask into a file
and starts `clipbridge generate --ask-file FILE`: the events come as JSON lines in FILE.events, until the last one. Who
removes FILE cancels the job.
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.commands.asking import ANSWER_S, connected, encode, nobody, receive, send
from bridge.domain.ask import fields_of
from bridge.domain.fields import Door
from bridge.errors import BadArgument, ClipbridgeError

ASK_AGAIN_S = 5.0
KEYS = tuple(fields_of(Door.COMMAND))
ASK_FILE_POLL_S = 0.25  # so often we look whether the file of an ask is still there
EVENTS = {"queued": 3, "progress": 2, "take": 4, "done": 3, "failed": 3, "cancelled": 1}  # with at least so many values


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
    with connected(osc_port) as udp:
        send(udp, ask)
        try:
            return _follow(udp, job_id, tell, quiet, still_wanted)
        except KeyboardInterrupt:
            send(udp, encode("/bridge/cancel", job_id))
            raise


def _follow(
    udp: socket.socket,
    job_id: str,
    tell: Callable[[dict[str, Any]], None] | None,
    quiet: bool,
    still_wanted: Callable[[], bool] | None,
) -> int:
    """Read events until the last one of our job. An answer that got lost is asked for again."""
    bar = _Bar(not quiet and sys.stderr is not None and sys.stderr.isatty())
    patience_s = ANSWER_S
    takes: list[str] = []
    asked_again = False
    while True:
        event = _wait(udp, job_id, patience_s, still_wanted)
        if event is None:
            if asked_again or patience_s == ANSWER_S:
                raise nobody(udp)
            send(udp, encode("/bridge/job", job_id))
            asked_again = True
            continue
        patience_s, asked_again = ASK_AGAIN_S, False
        kind, given = event
        if tell is not None:
            tell({"event": kind, "id": given[0], "values": given[1:]})
        if kind == "queued" and given[1] > 0:
            bar.wait(given[1], given[2])
        elif kind == "take":
            takes.append(given[2])
        elif kind == "progress":
            bar.show(given[1])
        elif kind in ("done", "failed", "cancelled"):
            bar.close()
            return _end(kind, given, takes or given[1:2], quiet)


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


def _end(kind: str, given: list[Any], paths: list[str], quiet: bool) -> int:
    if kind == "done":
        if not quiet:
            facts = dict(zip(given[3::2], given[4::2], strict=False))
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
        print(f"clipbridge: {given[2]}", file=sys.stderr)
    return 2 if kind == "failed" and given[1] in ("bad_argument", "unsupported") else 1


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


def _wait(
    udp: socket.socket, job_id: str, patience_s: float, still_wanted: Callable[[], bool] | None
) -> tuple[str, list[Any]] | None:
    """The next event of our job. Raises KeyboardInterrupt when the job is no longer wanted."""
    if still_wanted is None:
        return _receive(udp, job_id, patience_s)
    end = time.monotonic() + patience_s
    while (left := end - time.monotonic()) > 0:
        if not still_wanted():
            raise KeyboardInterrupt
        event = _receive(udp, job_id, min(left, ASK_FILE_POLL_S))
        if event is not None:
            return event
    return None


def _receive(udp: socket.socket, job_id: str, timeout_s: float) -> tuple[str, list[Any]] | None:
    """The next event of our job as (kind, arguments)."""

    def ours(address: str, given: list[Any]) -> bool:
        kind = address.removeprefix("/bridge/")
        return kind in EVENTS and len(given) >= EVENTS[kind] and given[0] == job_id

    event = receive(udp, ours, timeout_s)
    return event and (event[0].removeprefix("/bridge/"), event[1])
