"""Jobs on an engine on another machine that is killed again and again: `python -m tests.bench.measure_losses`.

A core with real engine processes of a front, and, on this machine, a box that is killed with SIGKILL and started again on its port; with
--ray, replicas of Ray Serve, one of which is killed each time. Prints how many jobs ended exactly once, how many are done, and each kind
of failure. Exits with 1 if a job did not end once, or less than four of five are done.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bridge.config import EngineConfig
from bridge.core.core import Core
from bridge.engine.messages import TARGET
from bridge.errors import ClipbridgeError
from bridge.system.supervise import Child
from tests.cluster.boxes import SERVE, Box
from tests.core.running import Recorder, ask, play
from tests.engine.remote.test_process import free_port

STARTER = ("--model", "starter", "--compute", "cpu", "--set", "engine.compile=off", "--set", "engine.threads=1")
LEAST_DONE = 0.8


class Victim(Protocol):
    """What is killed. `url`: of the engine."""

    url: str

    def kill(self) -> None: ...
    def stop(self) -> None: ...


class OneBox:
    """A box that somebody starts again whenever it dies."""

    def __init__(self, home: Path, model: str) -> None:
        self._home, self._model, self._port = home, model, free_port()
        self._box = self._start()
        self.url = self._box.url

    def kill(self) -> None:
        """Kill it, and start it again."""
        self._box.kill()
        self._box = self._start()

    def stop(self) -> None:
        """End it."""
        self._box.stop()

    def _start(self) -> Box:
        return started(self._home, self._model, "--port", str(self._port))


class Cluster:
    """Replicas of Ray Serve, which starts each again."""

    def __init__(self, home: Path, model: str, replicas: int) -> None:
        self._box = started(home, model, "--ray", "--replicas", str(replicas), "--port", str(free_port()))
        self.url, self._killed = self._box.url, set[int]()

    def kill(self) -> None:
        """Kill the replica that has run longest."""
        running = [process for process in replicas() if process.pid not in self._killed]
        if running:
            oldest = min(running, key=lambda process: process.create_time())
            self._killed.add(oldest.pid)
            oldest.kill()

    def stop(self) -> None:
        """End them."""
        self._box.stop()


def started(home: Path, model: str, *options: str) -> Box:
    """A box with the stand-in that sleeps, or with a checkpoint."""
    if model == "stand-in":
        return Box(home, *options, behaviour="slow")
    return Box(home, *STARTER, *options, run=SERVE)


def replicas() -> list[psutil.Process]:
    """The replicas of our deployment on this machine that have an engine process."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if "ServeReplica" in line and "Engine" in line and process.children():
            found.append(process)
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """`steps` and `seconds`: of each job. `every_s`: between two losses. `slots`: jobs at a time."""

    jobs: int
    steps: int
    seconds: float
    every_s: float
    slots: int


def measure(run: Run, victim: Victim, folder: Path) -> bool:
    """Run the jobs and print what became of them. Returns whether that is enough."""
    engines = [Child(f"engine-{n}", TARGET, EngineConfig(url=victim.url, slots=run.slots)) for n in range(run.slots)]
    kills, serials = [], list[int]()

    async def lose_often() -> None:
        while True:
            await asyncio.sleep(run.every_s)
            await asyncio.to_thread(victim.kill)
            kills.append(time.monotonic())

    async def story(core: Core, recorder: Recorder) -> None:
        losing = asyncio.create_task(lose_often())
        while len(serials) < run.jobs or core.jobs.unfinished:
            while len(serials) < run.jobs and len(core.jobs.unfinished) < 2 * run.slots:
                try:
                    serials.append(ask(core, f"kick {len(serials)}", run.seconds, steps=run.steps).serial)
                except ClipbridgeError as error:
                    print(f"refused, and asked again: {error}")
                    break
            await asyncio.sleep(0.02)
        losing.cancel()

    begun, computed = time.monotonic(), time.process_time()
    recorder = play(folder, "", story, engine=engines[0], more_engines=engines[1:], limit_s=24 * 3600.0)
    took_s, ends = time.monotonic() - begun, recorder.ends()
    once = sum(len(ends.get(serial, ())) == 1 for serial in serials)
    done = sum(ends.get(serial) == ["done"] for serial in serials)
    failures = collections.Counter(fields["why"] for _, kind, fields in recorder.events if kind == "failed")
    own_ms = 1000 * (time.process_time() - computed) / run.jobs
    states = collections.Counter(recorder.states)
    print(
        f"{len(serials)} jobs in {took_s:.0f} s, {len(kills)} kills, {run.slots} at a time: {once} ended once, {done} are done"
    )
    for why, count in failures.most_common():
        print(f"  {count} times: {why}")
    print(f"  the front's own processor time: {own_ms:.1f} ms a job of {run.steps} steps")
    print(f"  states: {', '.join(f'{name} {count}' for name, count in states.items())}")
    return once == run.jobs and done >= LEAST_DONE * run.jobs and all(failures) and "failed" not in states


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("stand-in", "starter"), default="stand-in")
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="between two losses")
    parser.add_argument("--steps", type=int, default=10, help="of each job; one of the stand-in takes 0.05 s")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each clip")
    parser.add_argument("--ray", type=int, default=0, metavar="REPLICAS", help="replicas of Ray Serve instead of a box")
    options = parser.parse_args()
    slots = options.ray or 1
    run = Run(options.jobs, options.steps, options.seconds, options.every, slots)
    with tempfile.TemporaryDirectory() as place:
        home, folder = Path(place, "home"), Path(place, "core")
        home.mkdir()
        folder.mkdir()
        victim: Victim = Cluster(home, options.model, slots) if options.ray else OneBox(home, options.model)
        try:
            return 0 if measure(run, victim, folder) else 1
        finally:
            victim.stop()


if __name__ == "__main__":  # children import this module too
    sys.exit(main())
