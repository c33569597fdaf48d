"""Figures of the engine beside busy programs, for RESULTS.md:
`setsid --wait python -m tests.bench.measure_beside [--clips 3] [--figures FILE]`.

It must lead a session of its own, which then has only its own programs. Needs Linux, root (it raises and lowers priorities) and what
steady_client.py needs. Starts its own daemon, gives its engine one priority after the other beside one load after the other, and
at each of them

- times a one-shot of 1 s, from the ask to the reply, of a prompt that is known,
- counts the blocks that a client in C with real-time threads misses (the line "engine idle" has those that it misses anyway), and how
  long its real-time thread waited for a core,
- times pings to the front, and a bare echo process beside it,
- counts bursts that came late, where the load has bursts.

Each round is a line of FILE; the tables are about all of them, so that a run can be short.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from tests.bench.beside_loads import LOADS, PRIORITIES, Load, Priority, favour, late, running, session, waited_s
from tests.bench.steady_client import steady_client
from tests.harness import Client, Daemon
from tests.jack_device import Jack, jack

IDLE = "engine idle"
IDLE_S = 2.0
PAUSE_S = 0.02  # between two pings, so that they take no time worth mentioning
Cell = dict[str, Any]


def main() -> None:
    """Measure one round and print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clips", type=int, default=3, help="one-shots for each priority and load (default: 3)")
    options.add_argument("--figures", type=Path, help="append this round to FILE, and print all of FILE")
    chosen = options.parse_args()
    if os.getsid(0) != os.getpid():
        sys.exit("This shares its login session with other programs: start it with setsid --wait.")
    favour(os.getpid())
    with tempfile.TemporaryDirectory() as place, jack(realtime=True, synchronous=False, block=256) as server:
        cells = measure(Path(place), server, chosen.clips)
    if chosen.figures is not None:
        with chosen.figures.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cells) + "\n")
        cells = [cell for line in chosen.figures.read_text("utf-8").splitlines() for cell in json.loads(line)]
    report(cells)


def measure(place: Path, server: Jack, clips: int) -> list[Cell]:
    """One round: a cell for each load and priority."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    echo = context.Process(target=_echo, args=(theirs,), daemon=True)
    echo.start()
    daemon = converted(place)
    cells = []
    try:
        client, engine = daemon.client(), daemon.child("engine").pid
        favour(engine)  # which may lead a session of its own
        timers = (Pings(daemon.client()), Pings(None, ours.recv()))
        for number in range(5):  # the first ones are slower, and teach the estimate
            make(client, f"first {number}")
        for load in LOADS:
            for priority in (None, *PRIORITIES):
                if priority is not None:
                    priority.set(engine)
                with running(load) as group:
                    time.sleep(0.3)
                    cells.append(_cell(load, priority, group, daemon, client, timers, server, clips))
                print(".", end="", file=sys.stderr, flush=True)
    finally:
        daemon.stop()
        echo.kill()
    return cells


def _cell(
    load: Load,
    priority: Priority | None,
    group: subprocess.Popen[str] | None,
    daemon: Daemon,
    client: Client,
    timers: tuple[Pings, Pings],
    server: Jack,
    clips: int,
) -> Cell:
    """One load beside the engine at one priority (None: idle)."""
    if group is not None and session(group.pid):
        assert (session(group.pid) != session(daemon.process.pid)) == load.apart, "not in the session it should be in"
    name = IDLE if priority is None else priority.name
    stolen, began, took = psutil.cpu_times().steal, time.monotonic(), []
    with steady_client(server) as steady, timers[0], timers[1]:
        if priority is None:
            time.sleep(IDLE_S)
        else:
            took = [make(client, f"{load.name} {name} {time.monotonic()}") for _ in range(clips)]
        waited = waited_s(steady.process.pid)
        figures = steady.stop()
    cell = {"load": load.name, "priority": name, "took": took, "missed": figures.missed, "blocks": figures.callbacks}
    cell |= {"late_ms": figures.late_ms, "waited_us": 1e6 * waited / max(1, figures.callbacks)}
    cell |= {"pings": timers[0].times, "echoes": timers[1].times}
    cell["stolen"] = (psutil.cpu_times().steal - stolen) / (time.monotonic() - began) / (os.cpu_count() or 1)
    if group is not None and "bursts" in load.name:
        cell["late"] = late(group)
    return cell


def converted(place: Path) -> Daemon:
    """A daemon whose engine has nothing to convert any more. A process of its own converts, at the first start."""
    daemon = Daemon(place / "clips", place / "home")
    engine = psutil.Process(daemon.child("engine").pid)
    if not _works(engine):
        return daemon
    while _works(engine):
        time.sleep(0.5)
    daemon.stop()
    return Daemon(place / "clips", place / "home")


def _works(engine: psutil.Process) -> bool:
    return any(child.status() != psutil.STATUS_ZOMBIE for child in engine.children())


def make(client: Client, job: str) -> float:
    """Seconds from the ask for a one-shot to the reply."""
    started = time.perf_counter()
    client.send("/bridge/generate", "deep warm kick", 1.0, "id", job)
    client.until("/bridge/done", job=job)
    return time.perf_counter() - started


class Pings:
    """Times pings to the front, or packets to the echo process on a port, in a thread while it is entered."""

    def __init__(self, client: Client | None, port: int = 0) -> None:
        self._client, self.times = client, list[float]()
        self._bare = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._bare.connect(("127.0.0.1", port or 9))

    def __enter__(self) -> None:
        self.times, self._ending = [], threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_S):
            started = time.perf_counter()
            if self._client is None:
                self._bare.send(b"x" * 64)
                self._bare.recv(100)
            else:
                self._client.send("/bridge/ping", len(self.times))
                self._client.until("/bridge/pong", job=len(self.times))
            self.times.append(time.perf_counter() - started)


def _echo(connection: Connection) -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    connection.send(udp.getsockname()[1])
    while True:
        data, sender = udp.recvfrom(2048)
        udp.sendto(data, sender)


def report(cells: list[Cell]) -> None:
    """The tables of all rounds: medians of times, sums of counts."""
    by: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        by[cell["load"], cell["priority"]].append(cell)
    priorities, loads = (list(dict.fromkeys(cell[key] for cell in cells)) for key in ("priority", "load"))

    def table(what: str, row: Any, names: list[str]) -> None:
        print(f"\n| {what} | " + " | ".join(loads) + " |\n|---|" + "---|" * len(loads))
        for name in names:
            print(f"| {name} | " + " | ".join(row(by[load, name], by[loads[0], name]) for load in loads) + " |")

    def over_alone(here: list[Cell], alone: list[Cell]) -> str:
        here_s, alone_s = (statistics.median([t for cell in some for t in cell["took"]]) for some in (here, alone))
        return f"{1000 * here_s:.0f} ms ({here_s / alone_s:.2f} ×)"

    def pings(here: list[Cell], _: list[Cell]) -> str:
        figures = (_p99_ms([time for cell in here for time in cell[key]]) for key in ("pings", "echoes"))
        return " / ".join(f"{figure:.1f}" for figure in figures)

    def blocks(here: list[Cell], _: list[Cell]) -> str:
        missed, of = (sum(cell[key] for cell in here) for key in ("missed", "blocks"))
        return f"{missed} of {of}, {statistics.mean(cell['waited_us'] for cell in here):.0f} µs"

    def bursts(here: list[Cell], _: list[Cell]) -> str:
        return f"{statistics.mean(cell['late'] for cell in here):.1%}" if "late" in here[0] else ""

    table("1 s one-shot, median (over alone)", over_alone, [name for name in priorities if name != IDLE])
    table("ping / bare echo, p99, ms", pings, priorities)
    table("blocks missed by the C client; waiting for a core, mean of a block", blocks, priorities)
    table("bursts that came late", bursts, priorities)
    print(f"\nTaken by the machine's host: {statistics.mean(cell['stolen'] for cell in cells):.1%} of the cores' time")


def _p99_ms(times: list[float]) -> float:
    return 1000 * statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
