"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip."""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import sys
import time
from typing import Any

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge import config
from bridge.errors import BadArgument, NoAnswer

ANSWER_S = 2.0  # a daemon on this machine answers within milliseconds
ASK_AGAIN_S = 5.0
MAX_DATAGRAM_BYTES = 65_000  # UDP's own limit is 65,507 (RFC 768 over IPv4)
EVENTS = {"queued": 3, "progress": 2, "take": 4, "done": 3, "failed": 3, "cancelled": 1}  # with at least so many values
KEYS = ("preset", "seed", "negative", "steps", "guidance", "takes", "note")


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if the job failed. Raises NoAnswer, BadArgument."""
    osc = config.load(settings={} if options.osc_port is None else {"osc.port": options.osc_port}).osc
    job_id = secrets.token_hex(6)
    pairs = [part for key in KEYS if (value := getattr(options, key)) is not None for part in (key, value)]
    seconds = [] if options.seconds is None else [_seconds(options.seconds)]
    if osc.port == 0:
        raise BadArgument("The daemon's port is needed: --osc-port N (it says it when it starts).")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(osc.host, osc.host)
    ask = _encode("/bridge/generate", options.prompt, *seconds, "id", job_id, *pairs)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect((host, osc.port))
            _send(udp, ask)
        except OSError as error:
            raise BadArgument(f"Nothing can be sent to {host} port {osc.port} ({error.strerror or error}).") from error
        try:
            return _follow(udp, job_id, options.json)
        except KeyboardInterrupt:
            _send(udp, _encode("/bridge/cancel", job_id))
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
            _send(udp, _encode("/bridge/job", job_id))
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
            print(*paths, sep="\n")
            facts = dict(zip(given[3::2], given[4::2], strict=False))
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


def _encode(address: str, *values: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    try:
        datagram = builder.build().dgram
    except (BuildError, OverflowError) as error:
        raise BadArgument("This cannot be sent: the prompt is no valid text, or a number is far too large.") from error
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise BadArgument(f"This cannot be sent: it has {len(datagram):,} bytes. The prompt is far too long.")
    return datagram


def _send(udp: socket.socket, datagram: bytes) -> None:
    try:
        udp.send(datagram)
    except ConnectionRefusedError:
        pass  # nobody listens: the wait for an answer says so


def _receive(udp: socket.socket, job_id: str, timeout_s: float) -> tuple[str, list[Any]] | None:
    """The next event of our job as (kind, arguments); None if none came in time or nobody is there.

    Whoever else may hold the port can send what he likes: only what a Clipbridge would say is heard.
    """
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        udp.settimeout(left)
        try:
            message = OscMessage(udp.recv(65_536))
        except (TimeoutError, ConnectionError):
            return None
        except (ParseError, UnicodeDecodeError):
            continue
        kind, given = message.address.removeprefix("/bridge/"), list(message)
        if kind in EVENTS and len(given) >= EVENTS[kind] and given[0] == job_id:
            return kind, given
    return None
