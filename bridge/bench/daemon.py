"""A daemon to be measured, driven over UDP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bridge.client import Client

REPLY_TIMEOUT_S = 120.0


class Daemon:
    """A daemon and a socket to it. `answered_s`, `ready_s`: seconds from its start to the first answer and to `ready`."""

    def __init__(self, folder: Path, model: str, compute: str = "cpu") -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "bridge", "run", "--json", "--compute", compute, "--model", model, "--osc-port", "0",
                "--folder", str(folder / "clips"), "--inbox", "",
            ],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        port = json.loads(self.process.stdout.readline())["osc_port"]
        self._client = Client(port)
        self.send("/bridge/ping", "first")
        self.until("/bridge/pong", "first")
        self.answered_s = time.perf_counter() - started
        self.send("/bridge/subscribe")
        while self.until("/bridge/state")[0] != "ready":
            pass
        self.ready_s = time.perf_counter() - started
        self.send("/bridge/unsubscribe")

    def send(self, address: str, *values: Any) -> None:
        self._client.send(address, *values)

    def until(self, address: str, first: Any = None) -> list[Any]:
        def accept(came: str, values: list[Any]) -> bool:
            return came == address and (first is None or values[:1] == [first])

        message = self._client.wait_for(accept, REPLY_TIMEOUT_S)
        if message is None:
            raise self._client.no_answer()
        return message[1]

    def drain(self) -> int:
        """Read all received messages; returns the number of pongs."""
        pongs = 0
        self._client.udp.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                pongs += self._client.udp.recv(65_536).startswith(b"/bridge/pong")
        return pongs

    def stop(self) -> None:
        """Stop the daemon and wait for its end."""
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._client.close()
