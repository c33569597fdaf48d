"""Runner: the common part of all families' engines. It warms, measures, and recovers from running out of memory."""

from __future__ import annotations

import abc
import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Abilities, Model
from bridge.engine.lean_imports import without_compiler
from bridge.engine.messages import Cost, OnStage, OnStep
from bridge.engine.needs import Needs
from bridge.engine.runtime import memory, threads
from bridge.errors import JobCancelled, OutOfMemory

log = logging.getLogger("clipbridge")

# Warm-up runs, in seconds of sound: a one-shot, and the default length. Between the two, time grows in proportion.
WARM_SECONDS = (0.5, 4.0)
WARM_STEPS = 4


class Runner(abc.ABC):
    """An engine (see the Engine protocol) on one compute ("cuda", "mps", "cpu" or "intel"); a family adds the abstract methods.

    `load` sets `model` and `abilities`; `run` sets `cost` and may set `scores`.
    """

    model: Model
    abilities: Abilities
    cost: Cost

    def __init__(self, checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> None:
        self.checkpoint, self.compute, self._config, self._cache = checkpoint, compute, config, cache
        self.shortcoming = ""
        # The untrained checkpoint is so small that a second thread costs more than it gains.
        self.threads = threads.number(config.threads or int(checkpoint.folder is None))
        if self.on_a_processor:
            torch.set_num_threads(self.threads)
        self.scores: tuple[float, ...] = ()
        self.needs = Needs()
        self._highest_bytes = 0

    @abc.abstractmethod
    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint, after `memory.limit`. Raises NoModel, ConfigError."""

    @abc.abstractmethod
    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """Generate a settled prompt once. Raises what torch raises."""

    @abc.abstractmethod
    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """See the Engine protocol."""

    def unmet(self, prompt: Prompt) -> tuple[str, ...]:
        """See the Engine protocol. A family that tunes its sounds overrides it."""
        return ("note",) if prompt.note else ()

    def in_tempo(self, prompt: Prompt) -> bool:
        """See the Engine protocol. A family that keeps time overrides it."""
        return False

    def prepare(self, on_stage: OnStage) -> None:
        """Prepare what needs more than one run (CUDA graphs), before anything is measured."""
        return

    def measure(self) -> Needs:
        """The memory that jobs need, measured by a short run."""
        return Needs()

    def forget(self) -> bool:
        """Free memory that only makes it faster; returns whether there was any."""
        return False

    def warm(self, on_stage: OnStage) -> list[Cost]:
        """Run the shortest of WARM_SECONDS once, so that the first job is as fast as the next; returns its cost."""
        self.prepare(on_stage)
        on_stage(0, 2, "memory")
        # Measuring slows a run down; the very first is slow anyway, because it initialises everything.
        # On one thread: beside a busy program, several took up to 8 s. Counting operations would import the compiler.
        with threads.one_thread(), without_compiler():
            self.needs = replace(self.measure(), whole_s=self.abilities.whole_s)
        on_stage(1, 2, f"{WARM_SECONDS[0]:g} s")
        return [self.warm_run(WARM_SECONDS[0])]

    def improve(self, on_stage: OnStage, waiting: Callable[[], bool]) -> Iterator[list[Cost] | None]:
        """Run the others of WARM_SECONDS, so that all lengths can be estimated. See Engine."""

        def on_step(_done: int, _units: int) -> None:
            if waiting():
                raise JobCancelled("a job waits")

        for seconds in WARM_SECONDS[1:]:
            cost = None
            while cost is None:
                try:
                    cost = self.warm_run(seconds, on_step)
                except JobCancelled:
                    yield None
            yield [cost]

    def warm_run(self, seconds: float, on_step: OnStep = lambda done, units: None) -> Cost:
        """Make that much sound, and drop it. Raises OutOfMemory, and what `on_step` raises."""
        for _ in self.generate(self.warm_up(seconds), on_step):
            pass
        return self.cost

    def warm_up(self, seconds: float) -> Prompt:
        """A prompt for warming."""
        steps = None if self.abilities.steps is None else min(WARM_STEPS, self.abilities.usual_steps)
        prompt = Prompt("warm up", "warm up", seconds, seed=0, steps=steps, transcript="warm up")
        return self.abilities.settled(prompt)

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """The pieces of all takes. Raises JobCancelled from `on_step`, and OutOfMemory, after which the engine goes on."""
        prompt = self.abilities.settled(prompt)
        for again in (False, True):
            out_of_memory, began = "", False
            try:
                for piece in self.run(prompt, on_step):
                    began = True
                    yield piece
                return
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                out_of_memory = str(error)
            # Outside the except block: only now the frames that hold tensors are gone.
            gc.collect()
            held = self.forget()
            if not self.on_a_processor:
                getattr(torch, self.compute).empty_cache()
            if again or began or not held:
                break  # else try once more with the freed memory
        log.info("out of memory: %s", out_of_memory)
        less = "ask for fewer takes" if prompt.takes > 1 else "ask for a shorter clip"
        if prompt.takes == 1 and self.abilities.fixed_cost:
            less = "close other programs or use a smaller checkpoint"
        raise OutOfMemory(f"Not enough memory for {prompt.takes} × {prompt.seconds:g} s on {self.compute}: {less}.")

    def highest_bytes(self) -> int:
        """See Engine."""
        self._highest_bytes = max(self._highest_bytes, memory.highest(self.compute))
        return self._highest_bytes

    @property
    def on_a_processor(self) -> bool:
        """Whether torch runs on the processor."""
        return self.device == "cpu"

    @property
    def device(self) -> str:
        """Torch's device. Intel's devices are OpenVINO's, for converted networks."""
        return "cpu" if self.compute == "intel" else self.compute


def _is_out_of_memory(error: BaseException) -> bool:
    """CUDA and MPS raise torch.OutOfMemoryError; the CPU's allocator raises RuntimeError with one of these texts."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        part in text for part in ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")
    )
