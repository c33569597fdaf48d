"""Child processes: spawn them, exchange messages, notice that one died or hangs, and start it again."""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextlib
import importlib
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import psutil

from bridge.system import output
from bridge.system.liveness import Liveness
from bridge.system.portable import ignore_stop_signals

DEATHS_ALLOWED = 5
DEATHS_WINDOW_S = 60.0
# The interval of supervision. A tick that comes much later means that the front itself was asleep (laptop lid,
# debugger); the child is not killed for that.
TICK_S = 0.25
RESTART_DELAY_S = 1.0
KILL_TIMEOUT_S = 3.0
_CLOSE = object()  # in an outbox: the end of the messages


class Worker(Protocol):
    """A process that works for the daemon. Child is one on this machine, and documents the methods."""

    on_message: Callable[[Any], None]
    on_death: Callable[[str, bool], None]

    def start(self) -> None: ...
    def send(self, message: Any) -> None: ...
    def watch(self, budget_s: float | None, doing: str = "") -> None: ...
    def tick(self) -> None: ...
    def settled(self) -> None: ...
    def change(self, **options: Any) -> None: ...
    def restart(self) -> None: ...
    async def close(self, timeout_s: float = 3.0) -> None: ...


class Child:
    """A supervised process that runs `target` ("module:function", called with a Connection, `args` and, once `change` was
    called, its options).

    Messages are picklable values. `on_message(message)` and `on_death(reason, given_up)` are called on the event
    loop. After a death the child is started again at once, unless it died DEATHS_ALLOWED times in DEATHS_WINDOW_S
    seconds, or DEATHS_ALLOWED times in a row without reporting `settled()`: then it is given up until `restart()`.
    """

    def __init__(self, name: str, target: str, *args: Any) -> None:
        self.name, self._target, self._args = name, target, args
        self._options: dict[str, Any] = {}
        self.on_message: Callable[[Any], None] = lambda message: None
        self.on_death: Callable[[str, bool], None] = lambda reason, given_up: None
        self.process: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._gone = threading.Event()
        self._incarnation = 0
        self._deaths: collections.deque[float] = collections.deque(maxlen=DEATHS_ALLOWED)
        self._deaths_in_a_row = 0
        self._liveness = Liveness()
        self._vitals: psutil.Process | None = None
        self._doing = ""
        self._ticked = time.monotonic()
        self._kill_reason = ""
        self._killed_at = 0.0

    def start(self) -> None:
        """Spawn the process. Must be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._incarnation += 1
        self._outbox, self._kill_reason, self._vitals = queue.SimpleQueue(), "", None
        context = multiprocessing.get_context("spawn")
        self._gone = threading.Event()
        try:
            ours, theirs = context.Pipe()
            self.process = context.Process(
                target=_main,
                args=(self._target, theirs, self._args, self._options),
                name=f"clipbridge-{self.name}",
                daemon=True,
            )
            self.process.start()
        except OSError as error:  # out of memory, processes or files: try again in a moment
            self.process = None
            self._gone.set()
            self._loop.call_later(RESTART_DELAY_S, self._died, f"it could not be started: {error}", self._incarnation)
            return
        # multiprocessing's own clean-up at exit sends SIGTERM, which children ignore, and then waits forever.
        atexit.register(self.process.kill)
        theirs.close()  # so that the pipe ends when the child does
        self._liveness.begin(time.monotonic())
        with contextlib.suppress(psutil.Error):  # it has just died
            self._vitals = psutil.Process(self.process.pid)
        reading = (ours, self.process, self._incarnation, self._gone)
        for work, arguments in ((self._read, reading), (self._write, (ours, self._outbox))):
            threading.Thread(target=work, args=arguments, name=f"{self.name}{work.__name__}", daemon=True).start()

    def send(self, message: Any) -> None:
        """Queue a message. Never blocks; lost if the child dies first."""
        self._outbox.put(message)

    def watch(self, budget_s: float | None, doing: str = "") -> None:
        """Kill the child if it sends nothing for `budget_s` seconds from now on, or for longer if other programs leave it little
        processor time (see Liveness); None for no limit. `doing` is part of the reason."""
        self._doing = doing
        self._liveness.expect(budget_s, time.monotonic())

    def tick(self) -> None:
        """Kill the child if it exceeded its budget. Call this every TICK_S seconds."""
        now = time.monotonic()
        if now - self._ticked > 1.0:
            self._liveness.pause(now - self._ticked)
        self._ticked = now
        if self._kill_reason and now - self._killed_at > KILL_TIMEOUT_S:
            # A hanging driver or disk delays even SIGKILL, but must not delay those who wait for this child.
            self._died(self._kill_reason, self._incarnation)
        elif (budget_s := self._liveness.budget_s) is None or self._kill_reason:
            return
        elif self._liveness.hangs(now, self._processor_time()):
            self.kill(f"it made no progress for {budget_s:.0f} s while {self._doing}")

    def kill(self, reason: str) -> None:
        """End the process at once; `on_death` gets the reason."""
        self._kill_reason, self._killed_at = reason, time.monotonic()
        if self.process is not None and self.process.pid is not None:
            self.process.kill()

    def _processor_time(self) -> float | None:
        """Seconds of processor time that the child has used; None if the system does not say."""
        try:
            times = self._vitals.cpu_times() if self._vitals is not None else None
        except (psutil.Error, OSError):
            return None
        return None if times is None else float(times.user + times.system)

    def settled(self) -> None:
        """Report that the child did its work: earlier deaths no longer count as in a row."""
        self._deaths_in_a_row = 0

    def change(self, **options: Any) -> None:
        """Give the target these options (keyword arguments) at the next start and at every later one."""
        self._options |= options

    def restart(self) -> None:
        """Kill the child and start a new one with a clean record. `on_death` is not called."""
        self._deaths.clear()
        self._deaths_in_a_row = 0
        self._end()
        self.start()

    async def close(self, timeout_s: float = 3.0) -> None:
        """Ask the child to end, wait, and kill it if it does not."""
        if self.process is None:
            return
        self._incarnation += 1  # an intended end, not a death
        self.send(None)
        await asyncio.to_thread(self._gone.wait, timeout_s)
        self._end()
        await asyncio.to_thread(self._gone.wait, timeout_s)

    def _end(self) -> None:
        self._incarnation += 1  # ignore what the old one still sends
        self._liveness.expect(None, time.monotonic())
        self._outbox.put(_CLOSE)
        if self.process is not None and self.process.pid is not None:
            self.process.kill()

    def _read(self, connection: Connection, process: Any, incarnation: int, gone: threading.Event) -> None:
        try:
            # Wait for the sentinel too: on Windows a child that dies early leaves the pipe open.
            while connection in wait([connection, process.sentinel]):
                self._post(self._on_message, connection.recv(), incarnation)
        except (EOFError, OSError):
            pass  # the pipe ends with the process
        process.join(1.0)  # on this thread: the event loop must not wait
        if process.exitcode is None:
            process.kill()
            process.join(10.0)
        atexit.unregister(process.kill)
        gone.set()
        code = process.exitcode
        killed = code is not None and code < 0
        self._post(self._died, f"it was killed by signal {-code}" if killed else f"exit code {code}", incarnation)

    def _write(self, connection: Connection, outbox: queue.SimpleQueue[Any]) -> None:
        while (message := outbox.get()) is not _CLOSE:
            try:
                connection.send(message)
            except (BrokenPipeError, OSError):
                return  # the reader notices it too

    def _post(self, call: Callable[[Any, int], None], message: Any, incarnation: int) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, message, incarnation)

    def _on_message(self, message: Any, incarnation: int) -> None:
        if incarnation == self._incarnation:
            self._liveness.sign(time.monotonic())
            self.on_message(message)

    def _died(self, reason: str, incarnation: int) -> None:
        if incarnation != self._incarnation:
            return
        reason, self._kill_reason = self._kill_reason or reason, ""
        self._end()
        now = time.monotonic()
        self._deaths.append(now)
        self._deaths_in_a_row += 1
        quick = len(self._deaths) == DEATHS_ALLOWED and now - self._deaths[0] < DEATHS_WINDOW_S
        given_up = quick or self._deaths_in_a_row >= DEATHS_ALLOWED
        self.on_death(reason, given_up)
        if not given_up:
            self.start()


def _main(target: str, connection: Connection, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    ignore_stop_signals()
    output.to_file(multiprocessing.current_process().name)
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(connection, *args, **options)
