"""`clipbridge generate`: ask the running daemon over OSC, show progress, print the path of the clip."""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import sys
import time
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge import config
from bridge.errors import BadArgument, ClipbridgeError, NoAnswer

ANSWER_S = 2.0  # a daemon on this machine answers within milliseconds
ASK_AGAIN_S = 5.0
KEYS = ("preset", "seed", "negative", "steps", "guidance", "takes")


def main(options: argparse.Namespace) -> int:
    """Ask, wait, print. Returns 0, or 1 if the job failed. Raises NoAnswer, BadArgument."""
    osc = config.load(settings={} if options.osc_port is None else {"osc.port": options.osc_port}).osc
    job_id = secrets.token_hex(6)
    pairs = [part for key in KEYS if (value := getattr(options, key)) is not None for part in (key, value)]
    seconds = [] if options.seconds is None else [_seconds(options.seconds)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        daemon = ("127.0.0.1" if osc.host == "0.0.0.0" else osc.host, osc.port)
        udp.connect(daemon)
        _send(udp, "/bridge/generate", options.prompt, *seconds, "id", job_id, *pairs)
        try:
            return _follow(udp, job_id, options.json)
        except KeyboardInterrupt:
            _send(udp, "/bridge/cancel", job_id)
            raise


def _follow(udp: socket.socket, job_id: str, as_json: bool) -> int:
    """Read events until the last one of our job. An answer that got lost is asked for again."""
    heard, bar = False, _Bar(not as_json and sys.stderr.isatty())
    while True:
        event = _receive(udp, ASK_AGAIN_S if heard else ANSWER_S)
        if event is None:
            if not heard:
                raise NoAnswer(f"No Clipbridge answers on port {udp.getpeername()[1]}. Start it with: clipbridge run")
            _send(udp, "/bridge/job", job_id)
            heard = False  # the next silence is the end
            continue
        heard = True
        kind, given = event
        if kind == "error":
            raise ClipbridgeError(str(given[-1]))
        if not given or given[0] != job_id:
            continue
        if as_json:
            print(json.dumps({"event": kind, "id": given[0], "values": given[1:]}), flush=True)
        if kind == "progress":
            bar.show(given[1])
        elif kind in ("done", "failed", "cancelled"):
            bar.close()
            return _end(kind, given, as_json)


def _end(kind: str, given: list[Any], as_json: bool) -> int:
    if kind == "done":
        if not as_json:
            print(given[1])
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


def _send(udp: socket.socket, address: str, *values: Any) -> None:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    try:
        udp.send(builder.build().dgram)
    except ConnectionRefusedError:
        pass  # nobody listens: the wait for an answer says so
    except OSError as error:
        raise BadArgument(f"This cannot be sent: {error.strerror}. Is the prompt far too long?") from error


def _receive(udp: socket.socket, timeout_s: float) -> tuple[str, list[Any]] | None:
    """The next event as (kind, arguments); None if nothing came in time or nobody is there."""
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        udp.settimeout(left)
        try:
            message = OscMessage(udp.recv(65_536))
        except (TimeoutError, ConnectionError):
            return None
        if message.address.startswith("/bridge/"):
            return message.address.removeprefix("/bridge/"), list(message)
    return None
