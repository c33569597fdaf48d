"""`clipbridge models`: list the checkpoints on this disk and the running one, or change to another with `--use NAME`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import socket
import sys
from pathlib import Path
from typing import Any

from bridge.checkpoints.find import UNTRAINED, available, facts, hub_cache
from bridge.commands.asking import connected, encode, receive, send
from bridge.commands.pull import licence_in_words
from bridge.errors import BadArgument, NoAnswer, NoModel


def main(options: argparse.Namespace) -> int:
    """List the checkpoints, or change. Returns 7 if one is damaged. Raises NoAnswer or NoModel."""
    if options.use is not None:
        return _use(options.osc_port, options.use)
    running = _running(options.osc_port)
    models, faults = [], []
    for name in available():
        try:
            models.append(facts(name))
        except NoModel as error:
            faults.append(str(error))
    if options.json:
        print(
            json.dumps(
                {"running": running, "models": [dataclasses.asdict(model) for model in models], "faults": faults}
            )
        )
    else:
        for model in models:
            rate = f"{model.sample_rate / 1000:g} kHz" if model.sample_rate else ""
            licence = "noise, to try things with" if model.name == UNTRAINED else licence_in_words(model.licence)
            print(f"{model.name:<26} {_size(model.size_bytes):>9}  {rate:<8}  {licence}")
        print(f"\nRunning: {running or 'no daemon answers'}")
        print(f"Others: clipbridge pull NAME. They are stored in {hub_cache()}")
    for fault in faults:
        print(f"clipbridge: {fault}", file=sys.stderr)
    return NoModel.exit_code if faults else 0


def _running(osc_port: int | None) -> str:
    try:
        with connected(osc_port) as udp:
            status = _ask(udp, "/bridge/status") or []
    except BadArgument:  # no daemon: print the list anyway
        return ""
    return str(dict(zip(status[1::2], status[2::2], strict=False)).get("model", ""))


def _use(osc_port: int | None, name: str) -> int:
    folder = Path(name).expanduser()
    target = (
        str(folder.resolve()) if folder.is_dir() else name
    )  # absolute, because the daemon has another current folder
    with connected(osc_port) as udp:
        answer = _ask(udp, "/bridge/restart", target)
        port = udp.getpeername()[1]
    if answer is None:
        raise NoAnswer(f"No Clipbridge answers on port {port}. Start it with: clipbridge run --model {name}")
    if len(answer) == 3:  # /bridge/error address code why
        raise NoModel(str(answer[2]))
    print(f"Changing to {name}.")
    return 0


def _ask(udp: socket.socket, address: str, *values: Any) -> list[Any] | None:
    """The arguments of the answer at the same address, or of a /bridge/error about it; [] without an answer."""

    def about_it(answered: str, given: list[Any]) -> bool:
        return answered == address or (answered == "/bridge/error" and given[:1] == [address] and len(given) == 3)

    send(udp, encode(address, *values))
    answer = receive(udp, about_it)
    return None if answer is None else answer[1]


def _size(size_bytes: int) -> str:
    return "" if not size_bytes else f"{size_bytes / 1e9:.2f} GB" if size_bytes > 5e8 else f"{size_bytes / 1e6:.0f} MB"
