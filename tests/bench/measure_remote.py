"""What an engine on another machine adds to a clip: `python -m tests.bench.measure_remote`. Both are on this machine, in turns.

For each clip, the time between the prompt and the end in the front's pipe, less the engine's own time. Also: the time from a cancel to the
first step of the next job, in steps; the memory of the engine process of the front; whether the samples are equal.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.messages import TARGET, Broken, Cancel, Finished, Generate, Ready, Samples, Step
from bridge.system.supervise import _main
from tests.cluster.boxes import SERVE, Box

OPTIONS = ("--model", "starter", "--compute", "cpu", "--set", "engine.compile=off", "--set", "engine.threads=1")
LOCAL = EngineConfig(model="starter", compute="cpu", compile="off", threads=1)


@dataclass(frozen=True, slots=True)
class Clip:
    """`beside_s`: seconds beside the engine's own; `first_s`: until the first samples."""

    beside_s: float
    whole_s: float
    first_s: float
    digest: str


class EngineProcess:
    """An engine process and the front's end of its pipe."""

    def __init__(self, config: EngineConfig) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        begun = time.perf_counter()
        self.process = context.Process(target=_main, args=(TARGET, theirs, (config,), {}), name="measured", daemon=True)
        self.process.start()
        theirs.close()
        self.ready = next(message for message in self._messages() if isinstance(message, Ready))
        self.start_s = time.perf_counter() - begun
        self._serial = 0

    def make(self, prompt: Prompt) -> Clip:
        """Make a clip."""
        begun, first_s, digest = self.ask(prompt), 0.0, hashlib.sha256()
        for message in self._messages():
            if isinstance(message, Samples):
                first_s = first_s or time.perf_counter() - begun
                digest.update(message.piece.samples)
            elif isinstance(message, Finished):
                whole_s = time.perf_counter() - begun
                return Clip(whole_s - message.cost.seconds, whole_s, first_s, digest.hexdigest())
            elif isinstance(message, Broken):
                raise RuntimeError(message.why)
        raise RuntimeError("it has ended")

    def cancel(self, prompt: Prompt, short: Prompt) -> tuple[float, float]:
        """Cancel a long job after its sixth step; returns the seconds until the next job's first step, and those of a step."""
        self.ask(prompt)
        times = [self._at_step(step) for step in (1, 6)]
        self.pipe.send(Cancel(self._serial))
        cancelled = time.perf_counter()
        self.ask(short)
        self._at_step(1)
        return time.perf_counter() - cancelled, (times[1] - times[0]) / 5

    def ask(self, prompt: Prompt) -> float:
        """Send a prompt; returns the time."""
        self._serial += 1
        self.pipe.send(Generate(self._serial, prompt))
        return time.perf_counter()

    def end(self) -> None:
        """End the process."""
        self.pipe.send(None)
        self.process.join(5)

    def _at_step(self, step: int) -> float:
        for message in self._messages():
            if isinstance(message, Step) and message.serial == self._serial and message.done == step:
                return time.perf_counter()
        raise RuntimeError("it has ended")

    def _messages(self) -> Iterator[Any]:
        while True:
            yield self.pipe.recv()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    box = Box(Path(tempfile.mkdtemp()), *OPTIONS, run=SERVE).wait_ready()
    try:
        here, there = EngineProcess(LOCAL), EngineProcess(EngineConfig(url=box.url))
        print(f"start: here {here.start_s:.2f} s, there {there.start_s:.2f} s")
        prompts = [
            there.ready.model.abilities.settled(Prompt(f"deep kick {n}", "deep kick", 1.0, n))
            for n in range(rounds + 1)
        ]
        clips = [(here.make(prompt), there.make(prompt)) for prompt in prompts][1:]
        for name, mine in (("here", [a for a, _ in clips]), ("there", [b for _, b in clips])):
            beside = sorted(1000 * clip.beside_s for clip in mine)
            whole = statistics.median(1000 * clip.whole_s for clip in mine)
            first = statistics.median(1000 * clip.first_s for clip in mine)
            print(
                f"{name}: beside the engine's time median {statistics.median(beside):.1f} ms, p90 {beside[int(0.9 * rounds)]:.1f}, "
                f"max {beside[-1]:.1f}; whole clip {whole:.0f} ms; first samples {first:.0f} ms"
            )
        print(f"equal samples: {sum(a.digest == b.digest for a, b in clips)} of {rounds}")
        long, short = replace(prompts[0], seconds=10.0, steps=250), replace(prompts[0], seconds=0.5, steps=1)
        cuts = [there.cancel(long, short) for _ in range(5)]
        print(
            "cancel to the next job's first step: "
            + ", ".join(f"{1000 * a:.0f} ms (a step: {1000 * b:.0f})" for a, b in cuts)
        )
        for name, process in (("here", here), ("there", there)):
            print(
                f"engine process of the front, {name}: {psutil.Process(process.process.pid).memory_info().rss / 2**20:.0f} MiB"
            )
        for process in (here, there):
            process.end()
    finally:
        box.stop()


if __name__ == "__main__":
    main()
