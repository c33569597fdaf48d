"""A stand-in for the daemon, which notes what a host asks and answers with files that the test makes."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from pythonosc.osc_message import OscMessage

from bridge.client import encode
from bridge.domain.ask import Ask
from bridge.frontends.osc import asks

RATE = 48_000
ASKS = re.compile(r"/bridge/(generate|pad/\d+/set|stream/start)(/words)?")


@dataclass
class Answering:
    """Answers at `port`. `make`: the files of an ask, by default none, which fails. `asked`: what came in, as the daemon reads it."""

    port: int
    make: Callable[[Ask], list[Path]] = lambda _ask: []
    asked: list[Ask] = field(default_factory=list)

    def answers(self, data: bytes) -> Iterator[bytes]:
        message = OscMessage(data)
        if not ASKS.fullmatch(message.address):
            return
        read = (asks.words if message.address.endswith("words") else asks.pairs)(list(message))
        self.asked.append(read.ask())
        if not message.address.startswith("/bridge/generate"):
            return
        files, job = self.make(self.asked[-1]), read.job_id()
        yield encode("/bridge/queued", job, 0, 0.1, "seed", 5)
        if not files:
            yield encode("/bridge/failed", job, "bad_source", "The file is not audio.")
            return
        for take, file in enumerate(files if files[1:] else [], 1):
            yield encode("/bridge/take", job, take, file.as_posix(), 0.0, "seed", 5)
        seconds = soundfile.info(files[0]).duration
        yield encode("/bridge/done", job, files[0].as_posix(), seconds, "seed", 5, "method", "whole")


@contextlib.contextmanager
def answering() -> Iterator[Answering]:
    """Yield the stand-in while it answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.1)
        stand_in, over = Answering(udp.getsockname()[1]), threading.Event()

        def work() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    data, sender = udp.recvfrom(65_536)
                    for answer in stand_in.answers(data):
                        udp.sendto(answer, sender)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            yield stand_in
        finally:
            over.set()
            worker.join(5)


def noise(file: Path, seconds: float, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Write noise with 24 bits at 48 kHz, as clips are. Returns its samples."""
    samples = 0.3 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    soundfile.write(file, samples, RATE, subtype="PCM_24")
    return soundfile.read(file, dtype="float32")[0]
