"""`clipbridge models`: list the checkpoints on this disk and the running one, or switch to another with `--use NAME`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from bridge.checkpoints.find import UNTRAINED, available, facts, hub_cache
from bridge.client import connect, pairs
from bridge.commands.pull import licence_in_words
from bridge.errors import BadArgument, NoModel


def main(options: argparse.Namespace) -> int:
    """List the checkpoints, or switch. Returns 7 if one is damaged. Raises NoAnswer or NoModel."""
    if options.use is not None:
        return _use(options.osc_port, options.use)
    running = running_model(options.osc_port)
    models, faults = [], []
    for name in available():
        try:
            models.append(facts(name))
        except NoModel as error:
            faults.append(str(error))
    if options.json:
        rows = [dataclasses.asdict(model) for model in models]
        print(json.dumps({"running": running, "models": rows, "faults": faults}))
    else:
        for model in models:
            rate = f"{model.sample_rate / 1000:g} kHz" if model.sample_rate else ""
            licence = (
                "makes noise, for trying things out" if model.name == UNTRAINED else licence_in_words(model.licence)
            )
            print(f"{model.name:<26} {_size(model.size_bytes):>9}  {rate:<8}  {licence}")
        print(f"\nRunning: {running or 'no daemon answers'}")
        print(f"Get more with clipbridge pull NAME; they are stored in {hub_cache()}")
    for fault in faults:
        print(f"clipbridge: {fault}", file=sys.stderr)
    return NoModel.exit_code if faults else 0


def running_model(osc_port: int | None) -> str:
    """The name of the running daemon's checkpoint; "" if no daemon answers."""
    try:
        with connect(osc_port) as daemon:
            answer = daemon.ask_for("/bridge/status")
    except BadArgument:  # no daemon: print the list anyway
        return ""
    return "" if answer is None else str(pairs(answer[1], 1).get("model", ""))


def _use(osc_port: int | None, name: str) -> int:
    folder = Path(name).expanduser()
    # Absolute, because the daemon has another current folder.
    target = str(folder.resolve()) if folder.is_dir() else name
    with connect(osc_port) as daemon:
        answer = daemon.ask_for("/bridge/restart", target)
        if answer is None:
            raise daemon.no_answer(f"clipbridge run --model {name}")
    address, values = answer
    if address == "/bridge/error":
        raise NoModel(str(values[2]))
    print(f"Switching to {name}.")
    return 0


def _size(size_bytes: int) -> str:
    return "" if not size_bytes else f"{size_bytes / 1e9:.2f} GB" if size_bytes > 5e8 else f"{size_bytes / 1e6:.0f} MB"
