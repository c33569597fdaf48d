"""Stand-in child processes for the tests of supervision."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection


def echo(connection: Connection) -> None:
    """Echo messages until None comes."""
    while (message := connection.recv()) is not None:
        connection.send(message)


def die_on_message(connection: Connection) -> None:
    """Exit with the number that is sent."""
    connection.send(os.getpid())
    os._exit(connection.recv())


def dead_at_once(connection: Connection, *_arguments: str) -> None:
    """Exit before saying anything, as a process does whose imports fail."""
    os._exit(1)


def stubborn(connection: Connection, *_arguments: str) -> None:
    """Never end by itself."""
    connection.send("here")
    while True:
        time.sleep(1)


def compute(connection: Connection) -> None:
    """Compute for as many seconds of processor time as each message says, silently, then say "done"."""
    connection.send("here")
    while (seconds := connection.recv()) is not None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        connection.send("done")


def player(connection: Connection, *_arguments: object) -> None:
    """A player that never opens a device and says nothing."""
    while connection.recv() is not None:
        pass
