"""The engine process: one thread computes, the other receives, so that a cancel takes effect between two steps."""

from __future__ import annotations

import gc
import logging
import os
import queue
import threading
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.families import open_engine
from bridge.engine.messages import (
    Broken,
    Cancel,
    Cost,
    Engine,
    Finished,
    Generate,
    Ready,
    Samples,
    Stage,
    Step,
    Unloadable,
)
from bridge.errors import ClipbridgeError, EngineLost, JobCancelled, NoModel
from bridge.system.portable import compute_beside_others
from bridge.system.waiting import let_threads_sleep

log = logging.getLogger("clipbridge")

POISONED_EXIT = 70  # after a CUDA error only a new process works
# Between two steps that improve the engine: the front has this long to send the next of several jobs.
PAUSE_S = 0.2


def set_up() -> None:
    """Settle what holds for the whole process. Call it before torch is imported."""
    # No loader may download anything: that is left to `clipbridge pull`.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    let_threads_sleep()
    compute_beside_others()


class Server:
    """Owns the engine. `run` is the torch thread; `_listen` only queues jobs and notes cancels."""

    def __init__(self, connection: Connection, config: EngineConfig) -> None:
        self._connection = connection
        self._config = config
        self._jobs: queue.SimpleQueue[Generate] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._improving: Iterator[list[Cost] | None] | None = None

    def run(self) -> None:
        threading.Thread(target=self._listen, name="engine-listen", daemon=True).start()
        # Imports leave no garbage. Searching for it took 1.8 of 7.8 s at the start, and would slow every later collection.
        gc.disable()
        try:
            engine = self._prepare()
        except ClipbridgeError as error:
            self._connection.send(Unloadable(str(error)))
            engine = None
        except Exception as error:  # noqa: BLE001 - a broken installation or checkpoint; a new try would not help
            reason = " ".join(str(error).split())[:300]
            why = f"The engine cannot start ({type(error).__name__}: {reason})."
            self._connection.send(Unloadable(why, traceback.format_exc()))
            engine = None
        gc.freeze()
        gc.enable()
        while True:
            if engine is None:
                self._connection.send(Broken(self._jobs.get().serial, NoModel.code, "No checkpoint is loaded."))
            else:
                self._serve(engine, self._next_job(engine))

    def _prepare(self) -> Engine:
        # First: importing torch takes as long as everything else in loading a small checkpoint.
        self._stage("loading", 0, 1, "torch")
        engine = open_engine(self._config)
        engine.load(lambda done, total, what: self._stage("loading", total + done, 2 * total, what))
        costs = engine.warm(lambda done, total, what: self._stage("warming", done, total, what))
        self._ready(engine, costs)
        self._improving = engine.improve(
            lambda done, total, what: self._stage("improving", done, total, what), lambda: not self._jobs.empty()
        )
        return engine

    def _ready(self, engine: Engine, costs: list[Cost]) -> None:
        ready = Ready(engine.model, tuple(costs), engine.needs, engine.highest_bytes(), engine.shortcoming)
        self._connection.send(ready)

    def _next_job(self, engine: Engine) -> Generate:
        """Wait for a job, and let the engine improve meanwhile."""
        while self._improving is not None:
            try:
                return self._jobs.get(timeout=PAUSE_S)
            except queue.Empty:
                self._improve(engine, self._improving)
        return self._jobs.get()

    def _improve(self, engine: Engine, steps: Iterator[list[Cost] | None]) -> None:
        try:
            costs = next(steps)
        except StopIteration:
            self._improving = None
            return
        except Exception as error:  # jobs are served as before; it is logged
            log.info("the engine does not improve further", exc_info=error)
            self._improving = None
            return
        if costs is not None:
            self._ready(engine, costs)

    def _stage(self, phase: str, done: int, total: int, what: str) -> None:
        self._connection.send(Stage(phase, done, total, what))

    def _serve(self, engine: Engine, job: Generate) -> None:
        failure = self._try(engine, job.serial, job.prompt)
        # Outside the except block: only now the frames of a failed run are gone and its tensors free (pytorch #18853).
        if failure is None:
            facts = engine.highest_bytes(), engine.unmet(job.prompt), engine.in_tempo(job.prompt)
            self._connection.send(
                Finished(job.serial, engine.cost, engine.scores, self._remarks(engine, job.prompt), *facts)
            )
        else:
            self._fail(failure)
        self._cancelled.discard(job.serial)

    def _remarks(self, engine: Engine, prompt: Prompt) -> dict[str, str]:
        return engine.remarks(prompt)

    def _fail(self, failure: Broken) -> None:
        """Report a job that ended without a clip."""
        self._connection.send(failure)
        if failure.code == EngineLost.code:
            os._exit(POISONED_EXIT)

    def _cancel(self, serial: int) -> None:
        """Note that a job is to end. Called on the listening thread."""
        self._cancelled.add(serial)

    def _try(self, engine: Engine, serial: int, prompt: Prompt) -> Broken | None:
        def on_step(done: int, units: int) -> None:
            if serial in self._cancelled:
                raise JobCancelled("cancelled")
            self._connection.send(Step(serial, done, units))

        try:
            on_step(0, prompt.units)
            for piece in engine.generate(prompt, on_step):
                self._connection.send(Samples(serial, piece))
        except ClipbridgeError as error:
            return Broken(serial, error.code, str(error))
        except Exception as error:  # noqa: BLE001 - one bad job must not end the engine; it is reported and logged
            # After a CUDA error every later call fails too.
            code = EngineLost.code if "CUDA error" in str(error) else ClipbridgeError.code
            why = f"The engine failed on this job ({type(error).__name__}: {str(error)[:300]})."
            return Broken(serial, code, why, traceback.format_exc())
        return None

    def _listen(self) -> None:
        while True:
            try:
                message: Any = self._connection.recv()
            except (EOFError, OSError):
                message = None
            if message is None:
                os._exit(0)  # the front is gone, or ends this process; torch has nothing to close
            if isinstance(message, Cancel):
                self._cancel(message.serial)
            else:
                self._jobs.put(message)
