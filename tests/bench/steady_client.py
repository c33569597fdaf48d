"""A JACK client in C, as a plain synthesiser is one, that counts the blocks it does not get in time (steady_client.c).

It needs a C compiler and JACK's headers (Debian: gcc, libc6-dev, libjack-jackd2-dev). Which servers show a missed block, tried by
stopping the client for 30 ms five times beside the dummy driver with blocks of 5.3 ms, which costs 24 blocks. With real-time threads
or without, the same; `realtime` says which ones the client got.

- With `-S` the server waits for a late client: it skips none (`skipped` 0), but comes late itself, and `lost` says 24.
- Without it (`Jack(synchronous=False)`) it goes on without the client, as a sound card does: `skipped` and `lost` both say 24.

On a virtual machine whose host takes a core away for milliseconds, even an idle machine loses a block now and then, with real-time
threads too (seen: 23 in 3 s, then none in 36 s). So compare with a run without what is tested, never with 0 alone.

A server that goes on goes on without **all** its clients: where one is late, the block is lost for each of them. So two clients whose
figures are to be compared need a server each.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.harness import need, skip_or_fail
from tests.jack_device import Jack

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Figures:
    """What the client saw. `callbacks`: blocks it rendered. `skipped`: blocks that the server began without it. `lost`: blocks by
    which its callbacks are behind the steady clock they began with (a fraction; of the last 32 blocks, the least late counts).
    `xruns`: reports of the server. `late_ms`: the longest time between two callbacks, less a block. `work_ms`: the longest
    callback. `block_ms`: one block. `realtime`: whether JACK gives it real-time threads."""

    callbacks: int
    skipped: int
    lost: float
    xruns: int
    late_ms: float
    work_ms: float
    block_ms: float
    realtime: bool
    server_ended: bool

    @property
    def missed(self) -> int:
        """Blocks that a sound card would have played without it."""
        return max(self.skipped, round(self.lost))


class SteadyClient:
    """A client that plays. `figures` after `stop`."""

    def __init__(self, process: subprocess.Popen[str], out: IO[str]) -> None:
        self.process, self._out = process, out
        self.figures: Figures | None = None

    def stop(self) -> Figures:
        """End it and return what it saw. Raises RuntimeError if it failed."""
        if self.figures is None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            answer = self._out.readline()
            if self.process.wait(20) != 0 or not answer:
                raise RuntimeError(f"the steady client ended with {self.process.returncode}")
            self.figures = Figures(**json.loads(answer))
        return self.figures


@contextlib.contextmanager
def steady_client(server: Jack, voices: int = 16, gain: float = 0.0, seconds: float = 0.0) -> Iterator[SteadyClient]:
    """A client of `server` that plays and counts until `stop` (or for `seconds`). `voices`: sines, about 2 µs each in a block
    of 256 frames; `gain`: of each, 0 is silence that costs as much. Skips a test where it cannot be compiled."""
    process = subprocess.Popen(
        [_program(), "steady", str(seconds), str(voices), str(gain)],
        env={**os.environ, **server.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "playing\n":
            raise RuntimeError("the steady client does not start")
        yield SteadyClient(process, process.stdout)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


@functools.cache
def _program() -> str:
    """The path of the compiled client, which lives as long as this process."""
    place = tempfile.mkdtemp(prefix="clipbridge-steady-client-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    program = str(Path(place) / "steady_client")
    command = [need("cc"), "-O2", "-o", program, str(SOURCE), "-ljack", "-lm", "-pthread"]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    if compiled.returncode:
        why = compiled.stderr.strip()[-300:]
        skip_or_fail(f"no client of JACK can be compiled (Debian: libc6-dev, libjack-jackd2-dev): {why}")
    return program
