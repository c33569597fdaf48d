"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip."""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import sys
from typing import Any

from bridge.cli import GENERATE_KEYS
from bridge.commands.asking import ANSWER_S, connected, encode, receive, send
from bridge.errors import BadArgument, NoAnswer

ASK_AGAIN_S = 5.0
EVENTS = {"queued": 3, "progress": 2, "take": 4, "done": 3, "failed": 3, "cancelled": 1}  # with at least so many values


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if the job failed. Raises NoAnswer, BadArgument."""
    job_id = secrets.token_hex(6)
    pairs = [part for key in GENERATE_KEYS if (value := getattr(options, key)) is not None for part in (key, value)]
    seconds = [] if options.seconds is None else [_seconds(options.seconds)]
    ask = encode("/bridge/generate", options.prompt, *seconds, "id", job_id, *pairs)
    with connected(options.osc_port) as udp:
        send(udp, ask)
        try:
            return _follow(udp, job_id, options.json)
        except KeyboardInterrupt:
            send(udp, encode("/bridge/cancel", job_id))
            raise


def _follow(udp: socket.socket, job_id: str, as_json: bool) -> int:
    """Read events until the last one of our job. An answer that got lost is asked for again."""
    bar = _Bar(not as_json and sys.stderr.isatty())
    patience_s = ANSWER_S
    takes: list[str] = []
    asked_again = False
    while True:
        event = _receive(udp, job_id, patience_s)
        if event is None:
            if asked_again or patience_s == ANSWER_S:
                raise NoAnswer(f"No Clipbridge answers on port {udp.getpeername()[1]}. Start it with: clipbridge run")
            send(udp, encode("/bridge/job", job_id))
            asked_again = True
            continue
        patience_s, asked_again = ASK_AGAIN_S, False
        kind, given = event
        if as_json:
            print(json.dumps({"event": kind, "id": given[0], "values": given[1:]}), flush=True)
        if kind == "queued" and given[1] > 0:
            bar.wait(given[1], given[2])
        elif kind == "take":
            takes.append(given[2])
        elif kind == "progress":
            bar.show(given[1])
        elif kind in ("done", "failed", "cancelled"):
            bar.close()
            return _end(kind, given, takes or given[1:2], as_json)


def _end(kind: str, given: list[Any], paths: list[str], as_json: bool) -> int:
    if kind == "done":
        if not as_json:
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


def _receive(udp: socket.socket, job_id: str, timeout_s: float) -> tuple[str, list[Any]] | None:
    """The next event of our job as (kind, arguments)."""

    def ours(address: str, given: list[Any]) -> bool:
        kind = address.removeprefix("/bridge/")
        return kind in EVENTS and len(given) >= EVENTS[kind] and given[0] == job_id

    event = receive(udp, ours, timeout_s)
    return event and (event[0].removeprefix("/bridge/"), event[1])
