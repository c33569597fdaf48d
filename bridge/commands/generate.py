"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip.

A host that can start a program, but has no socket and no safe way to quote a prompt (REAPER), writes the ask into a file
and starts `clipbridge generate --ask-file FILE`. The events are written to FILE.events as JSON lines, until the last one.
Removing FILE cancels the job.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bridge import client
from bridge.client import encode
from bridge.commands.references import whole
from bridge.domain.ask import fields_of
from bridge.domain.fields import Door
from bridge.domain.source import HOWS
from bridge.domain.words import split_length
from bridge.errors import BadArgument, ClipbridgeError, NoAudio
from bridge.system.text import read_text

KEYS = tuple(fields_of(Door.COMMAND))
Tell = Callable[[dict[str, Any]], None]


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if the job failed. Raises NoAnswer, BadArgument."""
    if options.ask_file is not None:
        return _by_file(options)
    keys = {key: value for key in KEYS if (value := getattr(options, key)) is not None}
    keys |= {how: whole(keys[how]) for how in HOWS if how in keys}
    words = [*filter(None, [options.prompt, options.seconds]), *options.rest]
    has_source = any(how in keys for how in HOWS)
    if not words and not has_source:
        raise BadArgument('A prompt is missing: clipbridge generate "rain on tin" 4')
    if has_source and (not words or (len(words) == 1 and is_number(words[0]))):  # the source says what it is
        positions: list[Any] = ["", *map(float, words)]
    else:
        positions = _positions(words)
    return ask_for("/bridge/generate", positions, keys, options.osc_port, print_line if options.json else None)


def ask_for(
    address: str,
    positions: list[Any],
    keys: dict[str, Any],
    osc_port: int | None,
    tell: Tell | None,
    check: Callable[[], None] | None = None,
) -> int:
    """Send a message that makes a job, follow the job to its end, print its path. Returns an exit code. Raises NoAnswer.

    `tell` gets every event of the job instead of the terminal. `check` is called several times a second; if it raises
    KeyboardInterrupt, as Ctrl-C does, the job is cancelled.
    """
    job_id = secrets.token_hex(6)
    ask = encode(address, *positions, "id", job_id, *(part for pair in keys.items() for part in pair))
    with client.connect(osc_port) as daemon:
        daemon.raw(ask)
        try:
            return _show(daemon.follow(client.JOB, job_id, check), tell)
        except KeyboardInterrupt:
            daemon.send("/bridge/cancel", job_id)
            raise


def print_line(event: dict[str, Any]) -> None:
    """Print an event as a line of JSON."""
    print(json.dumps(event), flush=True)


def _show(events: Iterator[tuple[str, list[Any]]], tell: Tell | None) -> int:
    """Show the events of a job to the last one. Returns an exit code."""
    shown = tell is None and sys.stderr is not None and sys.stderr.isatty()
    takes: list[str] = []
    with tqdm(total=100, disable=not shown, leave=False, bar_format="{bar} {percentage:3.0f}%") as bar:
        for kind, values in events:
            if tell is not None:
                tell({"event": kind, "id": values[0], "values": values[1:]})
            if kind == "queued" and values[1] > 0 and shown:
                about = f", about {values[2]:.0f} s" if values[2] else ""
                bar.write(f"{values[1]} job{'s' * (values[1] != 1)} before this one{about}", file=sys.stderr)
            elif kind == "take":
                takes.append(values[2])
            elif kind == "progress":
                bar.n = round(values[1] * 100)
                bar.refresh()
    return _end(kind, values, takes or values[1:2], quiet=tell is not None)


def _by_file(options: argparse.Namespace) -> int:
    """Do what a file asks for and write every event to a file beside it, errors too: the program that starts us this way
    sees neither our output nor our exit code."""
    file = Path(options.ask_file)
    events = file.with_name(file.name + ".events")

    def tell(event: dict[str, Any]) -> None:
        # Opened each time, so that the reader can remove the file right after the last event, on Windows too.
        with events.open("a", encoding="utf-8", newline="\n") as lines:
            lines.write(json.dumps(event) + "\n")

    def check() -> None:
        if not file.is_file():
            raise KeyboardInterrupt

    try:
        if not file.is_file():
            raise BadArgument(f"There is no file {options.ask_file}.")
        events.unlink(missing_ok=True)
        tell({"event": "started"})
        try:
            positions, keys = _read(file)
            port = keys.pop("osc_port", options.osc_port)
            return ask_for("/bridge/generate", positions, keys, port, tell, check)
        except ClipbridgeError as error:
            tell({"event": "error", "code": error.code, "why": str(error), "exit_code": error.exit_code})
            raise
    except OSError as error:
        raise BadArgument(f"{options.ask_file} cannot be used ({error.strerror or error}).") from error
    finally:
        if not file.is_file():  # cancelled: nobody waits for the events
            events.unlink(missing_ok=True)


def _read(file: Path) -> tuple[list[Any], dict[str, Any]]:
    """The prompt with its seconds, and the keys, of an ask in a file. The daemon checks their values. Raises BadArgument."""
    try:
        ask = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"{file.name} is not JSON ({error}).") from error
    if not isinstance(ask, dict) or not isinstance(ask.get("prompt"), str):
        raise BadArgument(f'{file.name} must be an object with a prompt: {{"prompt": "rain on tin", "seconds": 4}}')
    known = ("prompt", "seconds", "osc_port", *KEYS)
    for key, value in ask.items():
        if key not in known:
            raise BadArgument(f"{file.name}: unknown key {key!r}; the keys are: {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadArgument(f"{file.name}: {key} must be text or a number.")
    port = ask.get("osc_port", 1)
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise BadArgument(f"{file.name}: osc_port must be a port number, 1 to 65535.")
    prompt, seconds = ask.pop("prompt"), ask.pop("seconds", None)
    # As text a length in seconds is exact; a 32-bit float would move the end of a long clip by a frame.
    length = [] if seconds is None else [repr(seconds) if isinstance(seconds, float) else seconds]
    return [prompt, *length], ask


def _end(kind: str, values: list[Any], paths: list[str], quiet: bool) -> int:
    """Show how a job ended. Returns the exit code; a clip that should only have been heard and was not has that of NoAudio."""
    if kind == "done":
        facts = client.pairs(values, 3)
        written = [path for path in paths if path]
        played = "voice" in facts
        if not quiet:
            print(*(written or ["played" if played else "not played"]), sep="\n")
            if facts.get("heard"):
                print(f"heard: {facts['heard']}", file=sys.stderr)
            if "remark" in facts:
                print(f"clipbridge: {facts['remark']}.", file=sys.stderr)
        return 0 if written or played else NoAudio.exit_code
    if kind == "cancelled":
        print("clipbridge: the job was cancelled.", file=sys.stderr)
        return 1
    print(f"clipbridge: {values[2]}", file=sys.stderr)
    codes = {"bad_argument": 2, "unsupported": 2, NoAudio.code: NoAudio.exit_code}
    return codes.get(values[1], 1)


def _positions(words: list[str]) -> list[Any]:
    """The prompt, and the seconds if there are any. Raises BadArgument for a prompt without quotes."""
    if len(words) == 1:
        return words
    if len(words) == 2 and is_number(words[1]):
        return [words[0], float(words[1])]
    text = " ".join(words)
    prompt, seconds = split_length(text)
    quoted = f'"{prompt}" {seconds}' if seconds else f'"{text}"'
    if seconds and prompt == words[0]:
        raise BadArgument(f"The seconds are a number with a point, without a unit: clipbridge generate {quoted}")
    raise BadArgument(
        f"Put a prompt of several words in quotes; one number after it is the seconds: clipbridge generate {quoted}"
    )


def is_number(text: str) -> bool:
    """Whether a text is a number, inf and nan too: the daemon refuses these with a sentence."""
    try:
        float(text)
    except ValueError:
        return False
    return True
