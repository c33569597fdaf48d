"""`clipbridge kit`: ask the running daemon for a kit over OSC, show progress, print its folder."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from typing import Any

from tqdm import tqdm

from bridge import config
from bridge.commands.asking import ANSWER_S, connected, encode, nobody, receive, send
from bridge.domain.ask import KIT_FIELDS
from bridge.errors import BadArgument, ConfigError
from bridge.kits import presets as kit_presets
from bridge.presets.files import shipped_folder

ASK_AGAIN_S = 5.0
EVENTS = {"queued": 2, "progress": 3, "done": 4, "failed": 3}  # with at least so many values


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if not all sounds could be made. Raises NoAnswer, BadArgument."""
    if options.list:
        return _list(options.json)
    if options.name is None:
        raise BadArgument('A name is missing: clipbridge kit "my drums" --preset drums-808')
    keys = {key: value for key in KIT_FIELDS if (value := getattr(options, key)) is not None}
    pairs = [part for key, value in keys.items() for part in (f"@{key}", value)]
    ask = encode("/bridge/kit", options.name, *options.prompts, *pairs)
    name = " ".join(options.name.split())  # as the daemon gives it back
    with connected(options.osc_port) as udp:
        send(udp, ask)
        try:
            return _follow(udp, name, options.json)
        except KeyboardInterrupt:
            send(udp, encode("/bridge/kit/cancel", name))
            raise


def _follow(udp: socket.socket, name: str, as_json: bool) -> int:
    """Read events until the last one of our kit. An answer that got lost is asked for again."""

    def ours(address: str, given: list[Any]) -> bool:
        kind = address.removeprefix("/bridge/kit/")
        return address.startswith("/bridge/kit/") and len(given) >= EVENTS.get(kind, 99) and given[0] == name

    shown = not as_json and sys.stderr is not None and sys.stderr.isatty()
    patience_s, asked_again = ANSWER_S, False
    with tqdm(disable=not shown, leave=False, bar_format="{bar} {n}/{total}") as bar:
        while True:
            event = receive(udp, ours, patience_s)
            if event is None:
                if asked_again or patience_s == ANSWER_S:
                    raise nobody(udp)
                send(udp, encode("/bridge/kits"))
                asked_again = True
                continue
            patience_s, asked_again = ASK_AGAIN_S, False
            kind, given = event[0].removeprefix("/bridge/kit/"), event[1]
            if as_json:
                print(json.dumps({"event": kind, "name": name, "values": given[1:]}), flush=True)
            if kind in ("queued", "progress"):
                bar.total, bar.n = given[-1] if kind == "progress" else given[1], given[1] if kind == "progress" else 0
                bar.refresh()
            else:
                bar.close()
                return _end(kind, given, as_json)


def _end(kind: str, given: list[Any], as_json: bool) -> int:
    if kind == "failed":
        print(f"clipbridge: {given[2]}", file=sys.stderr)
        return 2 if given[1] in ("bad_argument", "unsupported") else 1
    _, folder, count, failed, *rest = given
    if not as_json:
        print(folder)
    if failed:
        why = dict(zip(rest[::2], rest[1::2], strict=False)).get("why", "")
        print(f"clipbridge: {failed} of {count + failed} sounds could not be made ({why})", file=sys.stderr)
    return 1 if failed else 0


def _list(as_json: bool) -> int:
    """Print all kit presets. Returns 8 if one is broken, since somebody wrote it and would miss it."""
    own = config.load().presets
    found, faults = [], []
    for file in kit_presets.files((shipped_folder(), own)).values():
        try:
            found.append(kit_presets.read(file))
        except ConfigError as error:
            faults.append(str(error))
    if as_json:
        kits = [
            {"name": kit.name, "file": kit.file.as_posix(), "description": kit.description, "sounds": len(kit.sounds)}
            for kit in found
        ]
        print(json.dumps({"kits": kits, "faults": faults}))
    else:
        for kit in found:
            print(f"{kit.name:<16} {len(kit.sounds):>3} sounds  {kit.description}")
        print(f"\nYour own go into {own / 'kits'}")
    for fault in faults:
        print(f"clipbridge: kit left out: {fault}", file=sys.stderr)
    return 8 if faults else 0
