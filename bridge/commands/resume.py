"""`clipbridge resume`: resume the jobs that a crash interrupted, or list them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bridge.client import Client, connect, pairs
from bridge.errors import LibraryError, NoAnswer

RESUME_TIMEOUT_S = 10.0  # a daemon that has just started scans its folder first
COUNT, JOB, RESUMED = "/bridge/interrupted/count", "/bridge/interrupted/job", "/bridge/resumed"


def main(options: argparse.Namespace) -> int:
    """Resume the jobs and print their number, or list them. Returns 1 if the queue had no room for some. Raises NoAnswer or
    LibraryError."""
    with connect(options.osc_port) as daemon:
        return _list(daemon, options.json) if options.list else _resume(daemon, options.json)


def _resume(daemon: Client, as_json: bool) -> int:
    resumed, left = _ask(daemon, "/bridge/resume", RESUMED, 2)
    if as_json:
        print(json.dumps({"resumed": resumed, "left": left}))
    else:
        print(f"Resumed {resumed} jobs." if resumed or left else "Nothing was interrupted.")
    if left:
        print(f"clipbridge: the queue had no room for {left} more; resume again later.", file=sys.stderr)
    return 1 if left else 0


def _list(daemon: Client, as_json: bool) -> int:
    (count,) = _ask(daemon, "/bridge/interrupted", COUNT, 1)
    jobs = []
    for _ in range(count):
        answer = daemon.wait_for(lambda address, values: address == JOB and len(values) >= 5)
        if answer is None:
            raise NoAnswer("Clipbridge stopped answering in the middle of the list; try again.")
        name, prompt, seconds, *rest = answer[1]
        jobs.append({"id": name, "prompt": prompt, "seconds": seconds, **pairs(rest, 0)})
    if as_json:
        print(json.dumps(jobs))
    for job in () if as_json else jobs:
        print(f"{job['prompt']}  {job['seconds']:g} s  seed {job.get('seed', '')}")
    if not jobs and not as_json:
        print("Nothing was interrupted.")
    return 0


def _ask(daemon: Client, address: str, answer: str, count: int) -> list[Any]:
    """The `count` whole numbers of the answer. Raises NoAnswer or LibraryError."""

    def accept(_address: str, values: list[Any]) -> bool:
        return len(values) == count and all(isinstance(value, int) for value in values)

    message = daemon.ask_for(address, answer=answer, accept=accept, timeout_s=RESUME_TIMEOUT_S)
    if message is None:
        raise daemon.no_answer()
    if message[0] == "/bridge/error":
        raise LibraryError(str(message[1][2]))
    return message[1]
