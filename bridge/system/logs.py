"""The log: short lines on the terminal, everything in a file of limited size. Callers never wait for the disk."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

FILE_BYTES, OLDER_FILES = 1_000_000, 4
COLLAPSE_S = 60.0
REMEMBERED_MESSAGES = 1_000  # recent messages that new ones are compared with
MAX_QUEUED_RECORDS = 2_000  # per handler; further records are dropped
MAX_CHARACTERS = 20_000  # per record: enough for a traceback, or a prompt with all its keys
FLUSH_TIMEOUT_S = 1.0  # at shutdown, for queued records


def escaped(text: str) -> str:
    """`text` with unprintable characters escaped, so that it can neither fake a log line nor move the cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


class Collapse(logging.Filter):
    """Passes each message once in COLLAPSE_S seconds; the next one says how many were dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, int, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, message = self._clock(), record.getMessage()
        key = (record.name, record.levelno, hash(message))
        since, more = self._seen.get(key, (now - COLLAPSE_S, 0))
        if now - since < COLLAPSE_S:
            self._seen[key] = (since, more + 1)
            return False
        if len(self._seen) >= REMEMBERED_MESSAGES:
            self._seen = {seen: value for seen, value in self._seen.items() if now - value[0] < COLLAPSE_S}
        if len(self._seen) < REMEMBERED_MESSAGES:
            self._seen[key] = (now, 0)
        if more:
            record.msg, record.args = f"{message} ({more} more of this in the last {now - since:.0f} s)", None
        return True


class Lines(logging.Formatter):
    """One line per record; a traceback follows on indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record)[:MAX_CHARACTERS].split("\n")
        return "\n    ".join([escaped(first), *map(escaped, rest)])


class Rotating(logging.handlers.RotatingFileHandler):
    """A log file that keeps growing if it cannot be rotated: Windows does not rename a file that another program has open."""

    def doRollover(self) -> None:
        try:
            super().doRollover()
        except OSError:
            self.stream = self.stream or self._open()

    def handleError(self, _record: logging.LogRecord) -> None:
        """Ignore errors: a full disk costs log lines and nothing else."""


class Writer(threading.Thread):
    """Feeds one handler on its own thread, so that a paused terminal does not delay the file, and a slow disk delays nothing."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__(name="log", daemon=True)
        self.handler = handler
        self._waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(MAX_QUEUED_RECORDS)

    def offer(self, record: logging.LogRecord | None) -> None:
        """Queue a record; it is dropped if the queue is full. None ends the thread."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(record)

    def run(self) -> None:
        while (record := self._waiting.get()) is not None:
            self.handler.handle(record)
        self.handler.close()


class Entry(logging.handlers.QueueHandler):
    """Passes records from any thread to the writers."""

    def __init__(self, writers: list[Writer]) -> None:
        super().__init__(queue.Queue())  # type: ignore[arg-type, unused-ignore]
        self._writers = writers
        self.addFilter(Collapse())

    def enqueue(self, record: logging.LogRecord) -> None:
        record.msg = record.message = str(record.msg)[:MAX_CHARACTERS]
        for writer in self._writers:
            if record.levelno >= writer.handler.level:
                writer.offer(record)


def start(folder: Path, name: str) -> Callable[[], None]:
    """Log warnings to standard error, and everything to a rotating file `name` in `folder`. Returns a function that
    stops it.

    If the folder cannot be written, a warning says so once and logging goes on without a file.
    """
    ours = logging.getLogger("clipbridge")
    ours.setLevel(logging.DEBUG)
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(Lines("%(name)s: %(message)s"))
    handlers: list[logging.Handler] = [terminal]
    problem = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = Rotating(
            folder / name, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", errors="backslashreplace"
        )
        file.setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handlers.append(file)
    except OSError as error:
        problem = f"Logging without a file: {error}"
    writers = [Writer(handler) for handler in handlers]
    entry = Entry(writers)
    ours.addHandler(entry)
    ours.propagate = False
    for writer in writers:
        writer.start()
    if problem:
        ours.warning("%s", problem)

    def stop() -> None:
        ours.removeHandler(entry)
        ours.propagate = True
        for writer in writers:
            writer.offer(None)
        for writer in writers:
            writer.join(FLUSH_TIMEOUT_S)

    return stop
