"""Starts `clipbridge serve` in tests: a real process with a real uvicorn on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from tests.harness import START_S, environment

SERVE = [sys.executable, "-m", "bridge", "serve"]
STAND_IN = [sys.executable, "-m", "tests.stand_in", "serve"]  # without torch
SMALL = ("--model", "untrained", "--compute", "cpu", "--set", "engine.threads=1", "--set", "engine.compile=off")


class Box:
    """`clipbridge serve` on a free port of loopback. `behaviour`: of the stand-in engine."""

    def __init__(
        self, home: Path, *options: str, run: list[str] = STAND_IN, behaviour: str = "well", port: int = 0
    ) -> None:
        self.process = subprocess.Popen(
            [*run, "--port", str(port), *options],
            env={**environment(home), "STAND_IN_ENGINE": behaviour},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.wait_for(r"Serving on \S+ port (\d+)")[1])
        scheme = "https" if "--certificate" in options else "http"
        self.url = f"{scheme}://{'127.0.0.1' if scheme == 'http' else 'localhost'}:{self.port}"

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in a line of the output."""
        with self._changed:
            end = time.monotonic() + START_S
            while True:
                for line in self.lines:
                    if match := re.search(pattern, line):
                        return match
                assert self._changed.wait(max(0.0, end - time.monotonic())), self.lines
                assert self.process.poll() is None or self.lines, "it has ended"

    def wait_ready(self) -> Box:
        """Wait until the engine is loaded."""
        self.wait_for(r"^Ready: ")
        return self

    def engine(self) -> psutil.Process:
        """The engine process."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if "spawn_main" in " ".join(child.cmdline()))

    def pause(self) -> None:
        """Stop all of it, as if its machine had been cut off: connections stay, and nothing is answered."""
        psutil.Process(self.process.pid).suspend()

    def resume(self) -> None:
        """End a pause."""
        psutil.Process(self.process.pid).resume()

    def kill(self) -> None:
        """End it at once, with its engine."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for child in children:
            child.kill()
        self._close()

    def stop(self) -> int:
        """End it as Ctrl-C does; returns the exit code."""
        if self.process.poll() is None:
            self.resume()
            self.process.send_signal(signal.SIGTERM if os.name == "posix" else signal.SIGINT)
        self._close()
        return self.process.returncode

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _close(self) -> None:
        try:
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)
            self._reader.join(5)
            assert self.process.stdout is not None
            self.process.stdout.close()
