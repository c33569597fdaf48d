"""The engine process with an engine on another machine: it waits for the box, returns what the box did not begin, and looks for news."""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import threading
import time
from multiprocessing.connection import Connection

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.messages import Broken, Engine, Generate, Returned, Waiting
from bridge.engine.process import Server
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Refused, Unreachable
from bridge.errors import EngineLost, NoModel

log = logging.getLogger("clipbridge")

LOOK_S = 3.0  # between two looks at an idle box: it may be gone, have improved, or hold another checkpoint
PAUSES_S = (0.5, 1.0, 2.0, 3.0)  # between two tries to reach a lost one; the last goes on
NOT_BEGUN = {kind.code for kind in (Unreachable, *Unreachable.__subclasses__())}


class RemoteServer(Server):
    """See Server. Only a wrong set-up at the first contact makes the engine unusable; every later loss is waited for."""

    def __init__(self, connection: Connection, config: EngineConfig) -> None:
        super().__init__(connection, config)
        self._engine = RemoteEngine(config)
        self._lock = threading.Lock()
        self._serial: int | None = None  # of the job that the engine works on

    def _prepare(self) -> Engine:
        self._wait_for_box(is_first=True)
        return self._engine

    def _next_job(self, engine: Engine) -> Generate:
        while True:
            try:
                return self._jobs.get(timeout=LOOK_S)
            except queue.Empty:
                self._look(engine)

    def _look(self, engine: Engine) -> None:
        """Tell the front what is new on the box."""
        try:
            if self._engine.look():
                self._ready(engine, engine.warm(self._nothing))
        except Unreachable as error:
            self._tell_waiting(error)
            self._wait_for_box()

    def _try(self, engine: Engine, serial: int, prompt: Prompt) -> Broken | None:
        with self._lock:
            self._serial = serial
        try:
            return super()._try(engine, serial, prompt)
        finally:
            with self._lock:
                self._serial = None

    def _fail(self, failure: Broken) -> None:
        """See Server. A job of which nothing was begun goes back; a lost one fails; then the box is waited for."""
        if failure.code in NOT_BEGUN:
            log.info("%s", failure.why)
            self._tell_waiting(Unreachable(failure.why))
            self._connection.send(Returned(failure.serial))
            self._wait_for_box()
        elif failure.code == EngineLost.code:
            self._connection.send(Waiting(f"waiting for {self._engine.name}: {failure.why}"))
            self._connection.send(Broken(failure.serial, failure.code, failure.why, failure.details, survives=True))
            self._wait_for_box()
        else:
            self._connection.send(failure)

    def _cancel(self, serial: int) -> None:
        super()._cancel(serial)
        with self._lock:
            if serial == self._serial:
                self._engine.cancel()

    def _wait_for_box(self, is_first: bool = False) -> None:
        """Return once the box is ready, and the front knows it. Raises NoModel if it refuses at the first contact."""
        for tries in itertools.count():
            try:
                self._engine.look()
                break
            except Refused as error:
                if is_first:
                    raise NoModel(str(error)) from error
                self._tell_waiting(error)
            except Unreachable as error:
                self._tell_waiting(error)
            self._return_jobs()
            time.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        self._return_jobs()
        self._ready(self._engine, self._engine.warm(self._nothing))

    def _return_jobs(self) -> None:
        """Give back what the front sent before it knew that the box is lost."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._connection.send(Returned(self._jobs.get_nowait().serial))

    def _tell_waiting(self, error: Unreachable) -> None:
        self._connection.send(Waiting(f"waiting for {self._engine.name}: {error}"))

    @staticmethod
    def _nothing(_done: int, _total: int, _what: str) -> None:
        """A box reports no stages."""
