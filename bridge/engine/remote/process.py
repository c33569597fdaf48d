"""The engine process with an engine on another machine: it waits for the box, returns what the box did not begin, and looks for news."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import queue
import threading
import time
from multiprocessing.connection import Connection

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.messages import Broken, Engine, Generate, Returned, Waiting
from bridge.engine.process import Server
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Busy, Refused, Unreachable
from bridge.engine.remote.fallback import Fallback
from bridge.errors import EngineLost, NoModel

LOOK_S = 3.0  # between two looks at an idle box: it may be gone, have improved, or hold another checkpoint
PAUSES_S = (0.5, 1.0, 2.0, 3.0)  # between two tries to reach a lost one; the last goes on
NOT_BEGUN = (Unreachable.code, Refused.code, Busy.code)


class RemoteServer(Server):
    """See Server. Only a wrong set-up at the first contact makes the engine unusable; every later loss is waited for."""

    def __init__(self, connection: Connection, config: EngineConfig) -> None:
        super().__init__(connection, config)
        self._box = RemoteEngine(config)
        self._fallback = Fallback(config, self._box, LOOK_S) if config.fallback else None
        self._lock = threading.Lock()
        self._serial: int | None = None  # of the job that the box works on

    @property
    def _stand_in(self) -> Engine | None:
        """The engine of the fallback while it is in use."""
        return None if self._fallback is None else self._fallback.engine

    def _prepare(self) -> Engine:
        self._wait_for_box(is_first=True)
        return self._box

    def _next_job(self, _engine: Engine) -> Generate:
        while True:
            if self._fallback is not None and self._stand_in is not None and self._fallback.end():
                self._tell_ready()
            try:
                return self._jobs.get(timeout=LOOK_S)
            except queue.Empty:
                if self._stand_in is None:
                    self._look()

    def _look(self) -> None:
        """Tell the front what is new on the box."""
        try:
            if self._box.look():
                self._tell_ready()
        except Unreachable as error:
            self._wait_for_box(error)

    def _serve(self, _engine: Engine, job: Generate) -> None:
        super()._serve(self._stand_in or self._box, job)

    def _try(self, engine: Engine, serial: int, prompt: Prompt) -> Broken | None:
        with self._lock:
            self._serial = serial if engine is self._box else None
        try:
            return super()._try(engine, serial, prompt)
        finally:
            with self._lock:
                self._serial = None

    def _remarks(self, engine: Engine, prompt: Prompt) -> dict[str, str]:
        if self._fallback is not None and engine is self._stand_in:
            return self._fallback.remarks(prompt)
        return super()._remarks(engine, prompt)

    def _fail(self, failure: Broken) -> None:
        """See Server. A job of which nothing was begun goes back; a lost one fails; then the box is waited for."""
        if self._stand_in is not None:
            super()._fail(failure)
        elif failure.code in NOT_BEGUN:
            # First, so that the front does not send it again at once.
            self._tell_waiting(failure.why)
            self._connection.send(Returned(failure.serial))
            self._wait_for_box(Unreachable(failure.why))  # not at once: other replicas of a cluster may be ready
        elif failure.code == EngineLost.code:
            self._tell_waiting(failure.why)
            self._connection.send(dataclasses.replace(failure, survives=True))
            self._wait_for_box()
        else:
            self._connection.send(failure)

    def _cancel(self, serial: int) -> None:
        super()._cancel(serial)
        with self._lock:
            if serial == self._serial:
                self._box.cancel()

    def _wait_for_box(self, error: Unreachable | None = None, is_first: bool = False) -> None:
        """Return once the box is ready, or the fallback, and the front knows it. `error`: of the last look. Raises NoModel if the box
        refuses at the first contact."""
        for tries in itertools.count():
            error = error or self._reached()
            if error is None:
                self._return_jobs()
                self._tell_ready()
                return
            if is_first and isinstance(error, Refused):
                raise NoModel(str(error)) from error
            self._tell_waiting(str(error))
            self._return_jobs()
            if self._fall_back(error):
                return
            error = None
            time.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])

    def _reached(self) -> Unreachable | None:
        """Look at the box; returns why it cannot be used now."""
        try:
            self._box.look()
        except Unreachable as error:
            return error
        return None

    def _fall_back(self, error: Unreachable) -> bool:
        """Use the fallback, if there is one."""
        if self._fallback is None:
            return False
        try:
            ready = self._fallback.begin(lambda done, total, what: self._stage("loading", done, total, what))
        except NoModel as reason:
            self._fallback = None
            self._tell_waiting(f"{error} {reason}")
            return False
        self._connection.send(ready)
        return True

    def _return_jobs(self) -> None:
        """Give back what the front sent before it knew that the box is lost."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._connection.send(Returned(self._jobs.get_nowait().serial))

    def _tell_waiting(self, why: str) -> None:
        self._connection.send(Waiting(f"waiting for {self._box.name}: {why}"))

    def _tell_ready(self) -> None:
        self._ready(self._box, self._box.costs)
