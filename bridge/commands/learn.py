"""`clipbridge learn FOLDER --name NAME`: have the running daemon learn a folder; show a bar, the loss and the time that is left."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bridge import client
from bridge.client import encode, pairs
from bridge.errors import BadArgument
from bridge.system.logs import escaped
from bridge.system.spelling import on_disk

INTERRUPTED = 130
PARTS = 1_000  # of the bar
SAVING_S = 30.0  # of a step and of writing the state, at the lowest priority


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, 1 if it failed, or 2 if it was refused. Raises NoAnswer, BadArgument. Ctrl-C stops it, and keeps
    what was learned."""
    folder = _folder(options.folder)
    name = " ".join(options.name.split())  # as the daemon returns it
    if not name:
        raise BadArgument("A name is missing: clipbridge learn FOLDER --name my-drums")
    keys: list[Any] = [] if options.minutes is None else ["minutes", options.minutes]
    keys += [] if options.how is None else ["how", options.how]
    ask = encode("/bridge/learn", folder.as_posix(), name, *keys)
    with client.connect(options.osc_port) as daemon:
        daemon.raw(ask)
        events = daemon.follow(client.LEARN, name)
        try:
            return _show(events, options.json)
        except KeyboardInterrupt:
            daemon.send("/bridge/learn/cancel", name)
            return _stop(daemon, name, options.json)


def _stop(daemon: client.Client, name: str, as_json: bool) -> int:
    """Wait until what was learned is saved, and say so. Returns an exit code."""
    ends = [f"{client.LEARN.prefix}{kind}" for kind in client.LEARN.ends]
    end = daemon.wait_for(
        lambda address, values: address in ends and values[:1] == [name] and len(values) > 2, SAVING_S
    )
    if end is None:
        print("clipbridge: It is still being saved; the same line goes on.", file=sys.stderr)
    else:
        kind = end[0].removeprefix(client.LEARN.prefix)
        if as_json:
            _print_event(kind, end[1])
        _end(kind, end[1], as_json)
    return INTERRUPTED


def _folder(text: str) -> Path:
    """The folder, which need not be a whole path. Raises BadArgument."""
    try:
        folder = on_disk(Path(text).expanduser())
        exists = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # an invalid name, or an unknown user
        raise BadArgument(f"{text[:200]!r} is not a folder ({error}).") from error
    if not exists:
        raise BadArgument(f"There is no folder {folder}.")
    return folder


def _show(events: Iterator[tuple[str, list[Any]]], as_json: bool) -> int:
    """Show the events to the last one. Returns an exit code."""
    shown = not as_json and sys.stderr is not None and sys.stderr.isatty()
    bar_format = "{desc} {bar} {percentage:3.0f}%{postfix}"
    remark, last = "", ("", list[Any]())
    with tqdm(total=PARTS, disable=not shown, leave=False, bar_format=bar_format) as bar:
        for kind, values in events:
            if (kind, values) == last:
                continue  # sent again, because nothing came for a while
            last = kind, values
            if as_json:
                _print_event(kind, values)
                continue
            match kind, values[1:]:
                case "reading", [done, total, *_]:
                    bar.set_description_str("reading", refresh=False)
                    _move(bar, done / max(1, total), "")
                case "skipped", [file, why, *_]:
                    bar.write(f"skipped: {escaped(str(file))}: {escaped(str(why))}", file=sys.stderr)
                case "read", [files, seconds, *rest]:
                    bar.write(_read(files, seconds, pairs(rest, 0)), file=sys.stderr)
                case "progress", [fraction, *rest]:
                    facts = pairs(rest, 0)
                    bar.set_description_str("learning", refresh=False)
                    _move(bar, fraction, _progress(facts))
                    if (said := str(facts.get("remark", ""))) and said != remark:
                        bar.write(f"clipbridge: {said}", file=sys.stderr)
                    remark = said
                case "clip", [path, *_]:
                    bar.write(f"listen: {path}", file=sys.stderr)
    return _end(kind, values, as_json)


def _print_event(kind: str, values: list[Any]) -> None:
    print(json.dumps({"event": kind, "name": values[0], "values": values[1:]}), flush=True)


def _move(bar: tqdm[Any], fraction: float, words: str) -> None:
    bar.n = round(PARTS * fraction)
    bar.set_postfix_str(words, refresh=False)
    bar.refresh()


def _read(files: int, seconds: float, facts: dict[str, Any]) -> str:
    left_out, before = facts.get("left_out", 0), facts.get("learned_s", 0.0)
    words = [f"{files} sounds, {seconds:.0f} s in all, {facts.get('words', 0)} words"]
    words += [f"{left_out} left out"] if left_out else []
    words += [f"going on after {before:.0f} s of learning"] if before else []
    return "; ".join(words)


def _progress(facts: dict[str, Any]) -> str:
    left = facts.get("seconds_left", 0.0)
    return f"loss {facts.get('held_out', 0.0):.2f} (was {facts.get('base', 0.0):.2f}), {left // 60:.0f}:{left % 60:02.0f} left"


def _end(kind: str, values: list[Any], as_json: bool) -> int:
    name, rest = values[0], values[1:]
    if kind == "failed":
        print(f"clipbridge: {rest[1]}", file=sys.stderr)
        return 2 if rest[0] in ("bad_argument", "name_taken", "unsupported") else 1
    facts = pairs(rest, 1)
    if remark := facts.get("remark"):
        print(f"clipbridge: {remark}", file=sys.stderr)
    if not as_json:
        print(f"{rest[0]}  loss {facts.get('held_out', 0.0):.2f}, was {facts.get('base', 0.0):.2f}")
        quoted = repr(name) if " " in name else name
        print(f"Use it with: clipbridge models --use {quoted}")
        if word := facts.get("word"):
            print(f'Its sounds are called {word}: clipbridge generate "{word}" 1')
    return 0
