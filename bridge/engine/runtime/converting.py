"""The process that converts networks, as the engine sees it: started, looked at between jobs, ended with the engine."""

from __future__ import annotations

import collections
import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from bridge.engine.runtime.conversion import PROGRESS
from bridge.system import portable


class Progress(NamedTuple):
    """`done` of `total` parts are complete, and `what` is next."""

    done: int
    total: int
    what: str


class Converting:
    """A conversion that is running, or has ended. `folder`: see `kept`. `progress`: how far it is."""

    def __init__(self, module: str, checkpoint: Path, folder: Path, threads: int) -> None:
        """Start it. `module`: has `parts(checkpoint folder)`. Raises OSError."""
        self.folder, self.progress = folder, Progress(0, 1, "torch")
        self._said: collections.deque[str] = collections.deque(maxlen=5)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bridge.engine.runtime.conversion",
                module,
                str(checkpoint),
                str(folder),
                str(threads),
            ],
            stdin=subprocess.PIPE,  # it ends when this process does
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            creationflags=portable.NO_CONSOLE,
        )
        self._listener = threading.Thread(target=self._listen, name="converting", daemon=True)
        self._listener.start()

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def finish(self) -> str:
        """Wait for its end. Returns why it failed, "" if it did not."""
        code = self._process.wait()
        self._listener.join()
        assert self._process.stdin is not None
        self._process.stdin.close()
        lines = [line for line in self._said if line.strip()]
        return "" if code == 0 else lines[-1] if lines else f"exit code {code}"

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self.finish()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith(PROGRESS):
                    with contextlib.suppress(ValueError, TypeError):
                        self.progress = Progress(*json.loads(line.removeprefix(PROGRESS)))
                else:
                    self._said.append(line.strip()[:300])
