"""The learn process: learns one folder, and ends. It has the lowest priority of all; the front starts it when it is needed."""

from __future__ import annotations

import importlib
import os
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bridge.domain.learning import LearnAsk
from bridge.errors import ClipbridgeError, NoModel, OutOfMemory
from bridge.learn.course import Course
from bridge.learn.messages import Begin, Refused, Stop, Stopped
from bridge.learn.session import Ended, Session
from bridge.system.portable import compute_last
from bridge.system.waiting import let_threads_sleep


def main(connection: Connection, openers: Mapping[str, str], scratch: str, clips: str) -> None:
    """Wait for Begin, learn, and wait until the pipe ends. `openers`: for each way to learn, the "module:function" that makes its course;
    `scratch`: the folder for
    clips on their way to the front; `clips`: the sample folder."""
    compute_last()
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may download anything
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    let_threads_sleep()
    begin = _receive(connection)
    if not isinstance(begin, Begin):
        return
    front = Front(connection)
    front.listen()
    try:
        front.send(_learn(begin.ask, openers, Path(scratch), Path(clips), front))
    except (BrokenPipeError, ConnectionResetError):
        return  # the front is gone, and the state is saved
    front.wait_for_end()


class Front:
    """The front, as a session sees it. A thread listens, so that Stop takes effect between two steps; and if the front is gone, or ends
    this process, while there is nothing to save, the process ends at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._must_save, self._is_gone = False, False
        self._thread = threading.Thread(target=self._listen, name="learn-listen", daemon=True)

    def listen(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def send(self, message: Any) -> None:
        """Send a message. One that the front no longer waits for is dropped. Raises BrokenPipeError, ConnectionResetError."""
        if not self._is_gone:
            self._connection.send(message)

    def ends(self) -> bool:
        """Whether the session should stop."""
        return self._stop.is_set()

    def settles(self, must_save: bool) -> None:
        """Say whether there is something to save before the process may end."""
        with self._lock:
            self._must_save = must_save
            if self._is_gone and not must_save:
                os._exit(0)

    def wait_for_end(self) -> None:
        """Wait until the front ends this process."""
        self.settles(False)
        self._thread.join()

    def _listen(self) -> None:
        while isinstance(_receive(self._connection), Stop):
            self._stop.set()
        with self._lock:
            self._is_gone = True
            self._stop.set()
            if not self._must_save:
                os._exit(0)  # torch has nothing to close


def _learn(ask: LearnAsk, openers: Mapping[str, str], scratch: Path, clips: Path, front: Front) -> Any:
    """Learn. Returns the last message: Learned, Stopped or Refused."""
    try:
        course = _course(openers[ask.how])
        return Session(course, ask, scratch, clips, front.send, front.ends, front.settles).run()
    except Ended:
        return Stopped()
    except (BrokenPipeError, ConnectionResetError):
        raise
    except ClipbridgeError as error:
        return Refused(error.code, str(error))
    except MemoryError:
        why = "The machine has too little free memory to learn this folder: choose a smaller one, or close other programs."
        return Refused(OutOfMemory.code, why)
    except Exception as error:  # noqa: BLE001 - reported and logged; the last saved state stays
        reason = " ".join(str(error).split())[:300]
        return Refused(
            ClipbridgeError.code, f"Learning failed ({type(error).__name__}: {reason}).", traceback.format_exc()
        )


def _course(opener: str) -> Course:
    """The course. Raises NoModel if its code or what it needs is not installed."""
    module, _, function = opener.partition(":")
    try:
        course: Course = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise NoModel(f"This Clipbridge cannot learn: what it learns with is not installed ({error}).") from error
    return course


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None
