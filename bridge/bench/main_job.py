"""Measure the daemon's own cost, without the engine: `python -m bridge.bench.main_job`.

Starts its own daemon (with the starter, or --model), drives it over UDP and prints a table, or JSON with --json. Every latency
is compared with that of a bare UDP echo process in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import platform
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bridge.bench import busy
from bridge.bench.daemon import Daemon

FLOOD = 10_000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=1000, help="asks per latency figure (default: 1000)")
    options.add_argument("--jobs", type=int, default=50, help="clips for the cost per job (default: 50)")
    options.add_argument("--model", default="starter", help="checkpoint of the daemon (default: starter)")
    options.add_argument("--json", action="store_true", help="print the numbers as JSON")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), chosen.model, chosen.rounds, chosen.jobs)
    if chosen.json:
        print(json.dumps(figures))
        return
    print(
        f"{platform.system()} {platform.machine()}, {multiprocessing.cpu_count()} cores, Python {platform.python_version()}\n"
    )
    print("| what | figure |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value} |")


def measure(folder: Path, model: str, rounds: int, jobs: int) -> dict[str, str]:
    """All figures by name."""
    # Run it once before measuring, to build the checkpoint and fill the disk cache.
    Daemon(folder, model).stop()
    daemon = Daemon(folder, model)
    try:
        return _figures(daemon, rounds, jobs)
    finally:
        daemon.stop()


def _figures(daemon: Daemon, rounds: int, jobs: int) -> dict[str, str]:
    figures = {
        "start to first answer": f"{daemon.answered_s:.2f} s",
        "start to ready (checkpoint built before, files in the disk cache)": f"{daemon.ready_s:.2f} s",
    }
    figures |= _memory(daemon, "ready, idle")
    figures |= _cost_per_job(daemon, jobs)
    figures |= _latencies(daemon, rounds)
    figures |= _beside_busy_programs(daemon)
    return figures | _memory(daemon, f"after {jobs + rounds} jobs")


def _cost_per_job(daemon: Daemon, jobs: int) -> dict[str, str]:
    own, delivery, wall, eta = [], [], [], []
    for number in range(jobs + 5):
        started = time.perf_counter()
        daemon.send("/bridge/generate", "bench", 1.0, "id", f"cost {number}")
        expected = daemon.until("/bridge/queued", f"cost {number}")[2]
        done = daemon.until("/bridge/done", f"cost {number}")
        took = time.perf_counter() - started
        facts = dict(zip(done[3::2], done[4::2], strict=True))
        if number >= 5:  # the first ones train the estimate
            wall.append(took)
            own.append(took - facts["engine_seconds"] - facts["delivery_seconds"])
            delivery.append(facts["delivery_seconds"])
            eta.append(expected / took)
    return {
        "1 s clip, 20 steps, ask to done, p50": _ms(wall),
        "of that: Clipbridge itself, p50 / p99": f"{_ms(own)} / {_ms(own, 99)}",
        "of that: shaping and writing with fsync, p50 / p99": f"{_ms(delivery)} / {_ms(delivery, 99)}",
        "eta over real time, p50 (p5 to p95)": f"{_at(eta, 50):.2f} ({_at(eta, 5):.2f} to {_at(eta, 95):.2f})",
    }


def _beside_busy_programs(daemon: Daemon) -> dict[str, str]:
    """The same clip next to one busy loop per core at normal priority, like a DAW under load."""
    took: dict[str, list[float]] = {"alone": [], "busy": []}
    for which, times in took.items():
        with busy.a_loop_a_core() if which == "busy" else contextlib.nullcontext():
            for number in range(8):
                started = time.perf_counter()
                daemon.send("/bridge/generate", "beside", 1.0, "id", f"{which} {number}")
                daemon.until("/bridge/done", f"{which} {number}")
                times.append(time.perf_counter() - started)
    alone, beside = statistics.median(took["alone"]), statistics.median(took["busy"])
    what = "1 s clip beside one busy loop a core (at normal priority), p50"
    return {what: f"{beside * 1000:.0f} ms ({beside / alone:.1f} × alone in the same run)"}


def _latencies(daemon: Daemon, rounds: int) -> dict[str, str]:
    """Latency of acknowledgements while the engine computes, compared with a bare echo at the same time."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    echo = context.Process(target=_echo, args=(theirs,), daemon=True)
    echo.start()
    bare = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bare.connect(("127.0.0.1", ours.recv()))
    acknowledged, refused, echoed = [], [], []
    for number in range(rounds):
        if number % 50 == 0:  # keep the engine busy with one long clip after the other
            daemon.send("/bridge/cancel")
            daemon.send("/bridge/generate", "busy", 20.0, "steps", 250, "id", f"busy {number}")
            daemon.until("/bridge/progress", f"busy {number}")
        started = time.perf_counter()
        bare.send(b"x" * 64)
        bare.recv(100)
        echoed.append(time.perf_counter() - started)
        started = time.perf_counter()
        daemon.send("/bridge/generate", "acknowledge me", 1.0, "id", number)
        daemon.until("/bridge/queued", number)
        acknowledged.append(time.perf_counter() - started)
        daemon.send("/bridge/cancel", number)
        daemon.until("/bridge/cancelled", number)
        started = time.perf_counter()
        daemon.send("/bridge/generate", "refuse me", -1.0, "id", f"refused {number}")
        daemon.until("/bridge/failed", f"refused {number}")
        refused.append(time.perf_counter() - started)
        time.sleep(0.005)
    answered = _flood(daemon)
    daemon.send("/bridge/cancel")
    bare.close()
    echo.kill()
    ratio = _at(acknowledged, 50) / _at(echoed, 50)
    return {
        "baseline: bare UDP echo process while the engine computes, p50 / p99": f"{_ms(echoed)} / {_ms(echoed, 99)}",
        "acknowledgement (/bridge/queued) while the engine computes, p50 / p99": (
            f"{_ms(acknowledged)} / {_ms(acknowledged, 99)} ({ratio:.1f} × the echo's p50)"
        ),
        f"pings answered of {FLOOD:,} sent at 5,000 a second while the engine computes": f"{answered:,}",
        "refusal (/bridge/failed) while the engine computes, p50 / p99": f"{_ms(refused)} / {_ms(refused, 99)}",
    }


def _flood(daemon: Daemon) -> int:
    """The number of FLOOD pings, sent at 5,000 per second, that are answered."""
    answered, started = 0, time.perf_counter()
    for number in range(FLOOD):
        while time.perf_counter() - started < number / 5_000:
            answered += daemon.drain()
        daemon.send("/bridge/ping", number)
    end = time.perf_counter() + 1.0
    while time.perf_counter() < end:
        answered += daemon.drain()
    return answered


def _echo(connection: Any) -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    connection.send(udp.getsockname()[1])
    while True:
        data, sender = udp.recvfrom(2048)
        udp.sendto(data, sender)


def _memory(daemon: Daemon, when: str) -> dict[str, str]:
    import psutil

    front = psutil.Process(daemon.process.pid)
    children = [child for child in front.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
    sizes = sorted(child.memory_info().rss / 2**20 for child in children)
    own = front.memory_info().rss / 2**20
    rest = " / ".join(f"{size:.0f}" for size in sizes)
    return {f"resident memory, {when}: front / shaper and player / engine": f"{own:.0f} / {rest} MiB"}


def _at(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _ms(values: list[float], percent: int = 50) -> str:
    return f"{_at(values, percent) * 1000:.2f} ms"


if __name__ == "__main__":
    main()
