"""`clipbridge kit`: ask the running daemon for a kit over OSC, show progress, print its folder."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from bridge import client, config
from bridge.client import encode
from bridge.commands.references import whole
from bridge.domain.ask import KIT_FIELDS
from bridge.errors import BadArgument, ConfigError
from bridge.kits import presets as kit_presets
from bridge.presets.files import shipped_folder


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if not all sounds could be made. Raises NoAnswer, BadArgument."""
    if options.list:
        return _list(options.json)
    if options.name is None:
        raise BadArgument('A name is missing: clipbridge kit "my drums" --preset drums-808')
    if not options.prompts and options.preset is None:
        raise BadArgument(
            f'Name its sounds, or the preset of a kit: clipbridge kit "{options.name}" "deep kick" "36:low kick"'
        )
    if options.prompts and options.preset in kit_presets.files((shipped_folder(), config.load().presets)):
        raise BadArgument(
            f"{options.preset} is the preset of a kit, which names its own sounds. Leave the prompts out, and put a name "
            f'of several words in quotes: clipbridge kit "{" ".join([options.name, *options.prompts])}" --preset {options.preset}'
        )
    keys = {key: value for key in KIT_FIELDS if (value := getattr(options, key)) is not None}
    keys |= {"vary": whole(keys["vary"])} if "vary" in keys else {}
    pairs = [part for key, value in keys.items() for part in (f"@{key}", value)]
    ask = encode("/bridge/kit", options.name, *options.prompts, *pairs)
    name = " ".join(options.name.split())  # as the daemon returns it
    with client.connect(options.osc_port) as daemon:
        daemon.raw(ask)
        try:
            return _show(daemon.follow(client.KIT, name), name, options.json)
        except KeyboardInterrupt:
            daemon.send("/bridge/kit/cancel", name)
            raise


def _show(events: Iterator[tuple[str, list[Any]]], name: str, as_json: bool) -> int:
    """Show the events of a kit to the last one. Returns an exit code."""
    shown = not as_json and sys.stderr is not None and sys.stderr.isatty()
    with tqdm(disable=not shown, leave=False, bar_format="{bar} {n}/{total}") as bar:
        for kind, values in events:
            if as_json:
                print(json.dumps({"event": kind, "name": name, "values": values[1:]}), flush=True)
            if kind in ("queued", "progress"):
                if not as_json and (remark := client.pairs(values, 2).get("remark")):
                    print(f"clipbridge: {remark}.", file=sys.stderr)
                bar.n, bar.total = (values[1], values[-1]) if kind == "progress" else (0, values[1])
                bar.refresh()
    return _end(kind, values, as_json)


def _end(kind: str, values: list[Any], as_json: bool) -> int:
    if kind == "failed":
        print(f"clipbridge: {values[2]}", file=sys.stderr)
        return 2 if values[1] in ("bad_argument", "unsupported") else 1
    _, folder, count, failed, *rest = values
    facts = client.pairs(rest, 0)
    if not as_json:
        print(folder)
        if guessed := facts.get("guessed"):
            print(f"guessed, because it knows no such sound: {guessed}", file=sys.stderr)
            print("clipbridge sounds lists those that it knows.", file=sys.stderr)
        if untuned := facts.get("untuned"):
            print(f"could not be tuned: {untuned}", file=sys.stderr)
    if failed:
        why = facts.get("why", "")
        print(f"clipbridge: {failed} of {count + failed} sounds could not be made ({why})", file=sys.stderr)
    return 1 if failed else 0


def _list(as_json: bool) -> int:
    """Print all kit presets. Returns 8 if one is broken."""
    own = config.load().presets
    kits, faults = [], []
    for file in kit_presets.files((shipped_folder(), own)).values():
        try:
            kits.append(kit_presets.read(file))
        except ConfigError as error:
            faults.append(str(error))
    if as_json:
        rows = [
            {"name": kit.name, "file": kit.file.as_posix(), "description": kit.description, "sounds": len(kit.sounds)}
            for kit in kits
        ]
        print(json.dumps({"kits": rows, "faults": faults}))
    else:
        for kit in kits:
            print(f"{kit.name:<16} {len(kit.sounds):>3} sounds  {kit.description}")
        print(f"\nYour own go into {own / 'kits'}")
    for fault in faults:
        print(f"clipbridge: skipped a kit: {fault}", file=sys.stderr)
    return 8 if faults else 0
