"""Figures of the panel, for RESULTS.md: `xvfb-run python -m tests.bench.measure_panel [--runs 7]`, on Linux.

Start: from the start of the process to the first painted window, beside a bare Qt window, in turn. Memory: with 1,000 clips that
have been scrolled through. Flood: 5,000 events a second for ten seconds; the longest that one turn of the event loop (a
handler, or painting) kept the processor, so that other programs on a busy machine do not count.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bridge.client import encode
from tests.harness import STAND_IN, Daemon, environment
from tests.panel.fake_daemon import FakeDaemon

CLIPS, TAKES = 1_000, 16
RATE, FLOOD_S, BATCH = 5_000, 10.0, 50
TURN = "longest turn of the event loop (99.9 % of the turns)"
PANEL = """
import os
from bridge.panel.window import Window
"""
BARE = """
import os, sys
from PySide6.QtWidgets import QApplication, QWidget
class Bare(QWidget):
    def paintEvent(self, event):
        super().paintEvent(event)
        os.write(1, b"painted")
        os._exit(0)
application = QApplication([])
window = Bare()
window.resize(380, 520)
window.show()
application.exec()
"""
COMPLETE = """
from PySide6.QtCore import QTimer
begin = Window.begin
def begun(self, with_daemon):
    begin(self, with_daemon)
    self.repaint()
    os.write(1, b"painted")
    os._exit(0)
Window.begin = begun
from bridge.cli import main
main(["panel", "--osc-port", "9"])
"""
STARTED = """
def paintEvent(self, event):
    os.write(1, b"painted")
    os._exit(0)
Window.paintEvent = paintEvent
from bridge.cli import main
main(["panel", "--osc-port", "9"])
"""
# The time that each turn of the event loop keeps the processor: a timer without delay sees every turn.
PROBE = """
worst, turns = [], [0]
class Probe:
    def begin(self):
        self.last = time.thread_time()
        self.timer = QTimer()
        self.timer.setInterval(0)
        self.timer.timeout.connect(self.turn)
        self.timer.start()
    def turn(self):
        now = time.thread_time()
        worst.append(now - self.last)
        turns[0] += 1
        self.last = now
        time.sleep(0.0005)
"""
REPORT = """
def report():
    resident_bytes = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
    ranked = sorted(worst)
    facts = {"rss_mb": resident_bytes / 1e6, "turns": turns[0], "heard": heard[0]}
    if ranked:
        facts |= {"worst_ms": ranked[-1] * 1000, "p999_ms": ranked[int(len(ranked) * 0.999)] * 1000}
    facts["clips"] = len(found[0].model.loader.clips) if found else 0
    print(json.dumps(facts), flush=True)
    os._exit(0)
"""


def run(code: str, home: Path, *arguments: str) -> str:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(home), capture_output=True, text=True, check=False
    )
    if not done.stdout:
        raise SystemExit(done.stderr)
    return done.stdout


def starts(home: Path, runs: int) -> list[float]:
    """Median seconds to the first painted window, of a bare one and of the panel's, and until that is complete."""
    seconds: dict[str, list[float]] = {BARE: [], PANEL + STARTED: [], PANEL + COMPLETE: []}
    for _, code in itertools.product(range(runs + 1), seconds):
        began = time.perf_counter()
        run(code, home)
        seconds[code].append(time.perf_counter() - began)
    return [statistics.median(values[1:]) for values in seconds.values()]  # without the first, from a cold disk


def watched(home: Path, port: int, begin_ms: int, end_ms: int, scroll: bool = False) -> dict[str, Any]:
    """The figures of a panel between two moments after its start."""
    code = f"""{PANEL}
import json, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
{PROBE}
heard, found = [0], []
{REPORT}
def start():
    window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, Window))
    found.append(window.pages.widget(0))
    window._link.received.connect(lambda *_: heard.__setitem__(0, heard[0] + 1))
    {"scroll(found[0].view)" if scroll else ""}
    probe.begin()
def scroll(view):
    found[0].model.loader.load_all()
    bar = view.verticalScrollBar()
    def step():
        bar.setValue(bar.value() + view.viewport().height() // 2 if bar.value() < bar.maximum() else 0)
    timer = QTimer(view, interval=40)
    timer.timeout.connect(step)
    timer.start()
probe = Probe()
begin = Window.begin
def began(self, with_daemon):
    begin(self, with_daemon)
    QTimer.singleShot({begin_ms}, start)
    QTimer.singleShot({end_ms}, report)
Window.begin = began
from bridge.cli import main
main(["panel", "--osc-port", "{port}"])
"""
    return dict(json.loads(run(code, home)))


def flood(home: Path) -> dict[str, Any]:
    """The figures of a panel at which all kinds of events arrive."""
    ids = [f"job-{number}" for number in range(200)]
    kinds = [
        *(encode("/bridge/progress", job, 0.5) for job in ids),
        *(encode("/bridge/queued", job, 3, 4.0, "seed", 7) for job in ids),
        *(encode("/bridge/done", job, f"/clips/{job}.wav", 1.0, "seed", 7) for job in ids),
        *(encode("/bridge/failed", job, "internal", "It failed.") for job in ids),
        *(encode(f"/bridge/pad/{pad}/state", "filling", 0.5, "fresh", 1, "repeated", 0) for pad in range(64)),
        *(encode("/bridge/error", "/bridge/play", "no_audio", f"There is no audio output {n}.") for n in range(50)),
    ]
    ended = threading.Event()
    sent = 0

    def rain(fake: FakeDaemon) -> None:
        nonlocal sent
        datagrams = itertools.cycle(kinds)
        due = time.monotonic()
        while not ended.is_set():
            _ = fake.heard  # answers the subscription
            if fake._panel is not None:
                for _ in range(BATCH):
                    fake._udp.sendto(next(datagrams), fake._panel)
                sent += BATCH
            due += BATCH / RATE
            time.sleep(max(0.0, due - time.monotonic()))

    with FakeDaemon() as fake:
        thread = threading.Thread(target=rain, args=(fake,))
        thread.start()
        try:
            return watched(home, fake.port, 3_000, 3_000 + round(FLOOD_S * 1000))
        finally:
            ended.set()
            thread.join()


def with_clips(place: Path) -> dict[str, Any]:
    """The figures of a panel that scrolls through CLIPS clips."""
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    try:
        client = daemon.client()
        for number in range(-(-CLIPS // TAKES)):
            client.send("/bridge/generate", f"sound {number}", 0.5, "takes", TAKES, "steps", 1, "id", number)
            client.end_of(number, 120.0)
        return watched(place / "home", daemon.port, 3_000, 20_000, scroll=True)
    finally:
        daemon.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", choices=("start", "flood", "clips"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        print("| what | figure |\n|---|---|")
        for name, measure in (("start", start_figures), ("flood", flood_figures), ("clips", clip_figures)):
            if options.only in (None, name):
                measure(place, options.runs)


def start_figures(place: Path, runs: int) -> None:
    """Print how long the start takes."""
    bare, panel, complete = starts(place / "home", runs)
    print(f"| a bare Qt window on screen, median of {runs} | {bare:.3f} s |")
    print(f"| the panel on screen | {panel:.3f} s, {panel / bare:.2f} times as long |")
    print(
        f"| the form, the list and the pages in it | {complete:.3f} s, {complete / bare:.2f} times as long |",
        flush=True,
    )


def flood_figures(place: Path, _runs: int) -> None:
    """Print how the window does under a flood of events."""
    figures = flood(place / "home")
    print(f"| events handled in {FLOOD_S:g} s of {RATE:,} a second | {figures['heard']:,} |")
    print(f"| {TURN} | {figures['worst_ms']:.1f} ms ({figures['p999_ms']:.1f} ms) |", flush=True)


def clip_figures(place: Path, _runs: int) -> None:
    """Print what many clips cost."""
    figures = with_clips(place)
    print(f"| memory with {figures['clips']:,} clips, scrolled through | {figures['rss_mb']:.0f} MB |")
    print(f"| {TURN} meanwhile | {figures['worst_ms']:.1f} ms ({figures['p999_ms']:.1f} ms) |", flush=True)


if __name__ == "__main__":
    main()
