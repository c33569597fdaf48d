"""An object in a process of its own, asked over a pipe: torch's threads, which spin while they wait, and its settings then belong
to that object alone."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import traceback
from multiprocessing.connection import Connection
from typing import Any

import psutil

from bridge.errors import ClipbridgeError

END_S = 20.0  # for a process to end by itself


class Apart:
    """`with Apart("module:Class", like_engine, …) as thing: thing.ask("method", …)`. Ended with the block."""

    def __init__(self, what: str, like_engine: bool, *arguments: Any) -> None:
        """Start the process and make the object from `arguments`. `like_engine`: the process is set up as the engine's, before it
        imports torch. Raises what the object raises."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, what, like_engine, arguments), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._answer()
        except BaseException:
            self.end()
            raise

    def ask(self, method: str, *arguments: Any, **keys: Any) -> Any:
        """What the method returns. Raises ClipbridgeErrors as they are, any other error as RuntimeError with its traceback; either ends
        the process."""
        self._connection.send((method, arguments, keys))
        return self._answer()

    def resident_bytes(self) -> int:
        """The memory that the process holds now."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def end(self) -> None:
        """End the process and wait for it."""
        self._connection.close()
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def _answer(self) -> Any:
        try:
            answer, error = self._connection.recv()
        except EOFError:
            raise RuntimeError(f"A process of the measurement ended ({self._process.exitcode}).") from None
        if error is not None:
            raise error
        return answer


def _serve(connection: Connection, what: str, like_engine: bool, arguments: tuple[Any, ...]) -> None:
    if like_engine:
        from bridge.engine.process import set_up

        set_up()
    module, _, name = what.partition(":")
    failure: Exception | None = None
    try:
        thing = getattr(importlib.import_module(module), name)(*arguments)
        connection.send((None, None))
        while (asked := _next(connection)) is not None:
            method, values, keys = asked
            connection.send((getattr(thing, method)(*values, **keys), None))
    except ClipbridgeError as error:
        failure = error
    except Exception:  # noqa: BLE001 - the asker raises it
        failure = RuntimeError(traceback.format_exc())
    with contextlib.suppress(OSError):  # nobody asks any more
        connection.send((None, failure))
    os._exit(0)  # torch has nothing to close


def _next(connection: Connection) -> Any:
    """What is asked next; None when the asker is gone."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None
