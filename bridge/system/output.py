"""What libraries print. ALSA, JACK, torch and others write to standard error, past Python: none of it belongs on the terminal."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from bridge.system import portable

FILE_BYTES = 1_000_000  # a larger file is begun again

_one_at_a_time = threading.Lock()


def to_file(name: str) -> None:
    """Send all further output of this process, a child, to the file `name`.log in the log folder, or nowhere if it cannot be
    written."""
    try:
        file = portable.log_folder() / f"{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        start = os.O_TRUNC if file.exists() and file.stat().st_size > FILE_BYTES else os.O_APPEND
        target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | start, 0o644)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    for standard in (1, 2):
        os.dup2(target, standard)
    os.close(target)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Drop what anything in this process writes to standard error meanwhile."""
    with _one_at_a_time:
        try:
            saved = os.dup(2)
        except OSError:  # a program without a console on Windows
            yield
            return
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
