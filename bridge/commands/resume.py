"""`clipbridge resume`: resume the jobs that a crash interrupted, or list them."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from typing import Any

from bridge.commands.asking import connected, encode, nobody, receive, send
from bridge.errors import LibraryError, NoAnswer

RESUME_TIMEOUT_S = 10.0  # a daemon that has just started scans its folder first
COUNT, JOB, RESUMED = "/bridge/interrupted/count", "/bridge/interrupted/job", "/bridge/resumed"


def main(options: argparse.Namespace) -> int:
    """Ask for the jobs again and print their number. Returns 1 if the queue had no room for some. Raises NoAnswer or
    LibraryError."""
    with connected(options.osc_port) as udp:
        return _list(udp, options.json) if options.list else _resume(udp, options.json)


def _resume(udp: socket.socket, as_json: bool) -> int:
    resumed, left = _ask(udp, "/bridge/resume", RESUMED, 2)
    if as_json:
        print(json.dumps({"resumed": resumed, "left": left}))
    else:
        print(f"{resumed} jobs are on their way again." if resumed or left else "Nothing was interrupted.")
    if left:
        print(f"clipbridge: {left} more did not fit into the queue; resume again later.", file=sys.stderr)
    return 1 if left else 0


def _list(udp: socket.socket, as_json: bool) -> int:
    (count,) = _ask(udp, "/bridge/interrupted", COUNT, 1)
    jobs = []
    for _ in range(count):
        answer = receive(udp, lambda address, given: address == JOB and len(given) >= 5)
        if answer is None:
            raise NoAnswer("Clipbridge stopped in the middle of its answer; ask again.")
        name, prompt, seconds, *pairs = answer[1]
        jobs.append(
            {"id": name, "prompt": prompt, "seconds": seconds, **dict(zip(pairs[::2], pairs[1::2], strict=False))}
        )
    if as_json:
        print(json.dumps(jobs))
    for job in () if as_json else jobs:
        print(f"{job['prompt']}  {job['seconds']:g} s  seed {job.get('seed', '')}")
    if not jobs and not as_json:
        print("Nothing was interrupted.")
    return 0


def _ask(udp: socket.socket, address: str, answer: str, values: int) -> list[Any]:
    """The `values` whole numbers of the answer."""

    def is_answer(answered: str, given: list[Any]) -> bool:
        if answered == "/bridge/error":
            return given[:1] == [address] and len(given) == 3
        return answered == answer and len(given) == values and all(isinstance(value, int) for value in given)

    send(udp, encode(address))
    got = receive(udp, is_answer, RESUME_TIMEOUT_S)
    if got is None:
        raise nobody(udp)
    if got[0] == "/bridge/error":
        raise LibraryError(str(got[1][2]))
    return got[1]
