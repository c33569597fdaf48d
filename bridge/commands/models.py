"""`clipbridge models`: list the checkpoints on this disk and the running one, switch to another with `--use NAME`, and pass on learned
ones: `export NAME FILE`, `import FILE`, `remove NAME`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from bridge.checkpoints import learned, parcel
from bridge.checkpoints.find import UNTRAINED, available, facts, hub_cache
from bridge.client import connect, pairs
from bridge.commands.pull import licence_in_words
from bridge.errors import BadArgument, NoModel


def main(options: argparse.Namespace) -> int:
    """List the checkpoints, or switch, or pass one on. Returns 7 if one is damaged. Raises NoAnswer, NoModel, BadArgument, FolderError."""
    if options.what is not None:
        return _pass_on(options)
    if options.use is not None:
        return _use(options.osc_port, options.use)
    running = running_model(options.osc_port)
    models, faults = [], []
    own = [learned.card_of(learned.models_folder() / name) for name in learned.names()]
    for name in available():
        if name in learned.names():
            continue
        try:
            models.append(facts(name))
        except NoModel as error:
            faults.append(str(error))
    if options.json:
        rows = [dataclasses.asdict(model) for model in models]
        mine = [dataclasses.asdict(card) for card in own]
        print(
            json.dumps(
                {
                    "running": running,
                    "models": rows,
                    "learned": mine,
                    "unfinished": learned.unfinished(),
                    "faults": faults,
                }
            )
        )
    else:
        for model in models:
            rate = f"{model.sample_rate / 1000:g} kHz" if model.sample_rate else ""
            licence = (
                "makes noise, for trying things out" if model.name == UNTRAINED else licence_in_words(model.licence)
            )
            print(f"{model.name:<26} {_size(model.size_bytes):>9}  {rate:<8}  {licence}")
        for card in own:
            whose = "yours" if card.licence == learned.YOURS else licence_in_words(card.licence)
            print(
                f"{card.name:<26} {_size(learned.size_of(card.name)):>9}  {'44.1 kHz':<8}  {whose}, learned {card.date} from {card.files} "
                f"files, loss {card.loss:.2f}" + (f"; say {card.word}" if card.word else "")
            )
        for name in learned.unfinished():
            print(f"{name:<26} {'':>9}  {'':<8}  not learned to its end: the same clipbridge learn goes on")
        print(f"\nRunning: {running or 'no daemon answers'}")
        print(f"Get more with clipbridge pull NAME; they are stored in {hub_cache()}")
    for fault in faults:
        print(f"clipbridge: {fault}", file=sys.stderr)
    return NoModel.exit_code if faults else 0


def _pass_on(options: argparse.Namespace) -> int:
    """Export, import or remove a learned model."""
    usage = {"export": ("NAME", "FILE"), "import": ("FILE",), "remove": ("NAME",)}[options.what]
    if len(options.names) != len(usage):
        raise BadArgument(f"clipbridge models {options.what} needs {' and '.join(usage)}.")
    if options.name is not None and options.what != "import":
        raise BadArgument("--name goes with import only.")
    match options.what, options.names:
        case "export", [name, target]:
            parcel.export(name, Path(target).expanduser())
            print(f"{name} is in {target}. Others take it with: clipbridge models import {Path(target).name}")
        case "import", [file]:
            name = parcel.take(Path(file).expanduser(), options.name or "")
            print(f"{name} is here. Use it with: clipbridge models --use {name}")
        case "remove", [name]:
            what = learned.remove(name)
            print(f"Removed {name}." if what == "model" else f"Forgot what was learned of {name}.")
    return 0


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
