"""Interrupt and resume a stage: its state is saved every few minutes, completely or not at all."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from accelerate import Accelerator

SAVE_SECONDS = 240


class Resumable:
    """Loads the state of an earlier run from `folder` (models, optimisers, random states). `step`: the step that it had
    reached."""

    def __init__(self, folder: Path, accelerator: Accelerator) -> None:
        self._folder, self._accelerator = folder, accelerator
        self._saved = time.monotonic()
        self.step = 0
        states = sorted(folder.glob("step-*"), key=lambda path: int(path.name.split("-")[1]))
        if states:
            accelerator.load_state(str(states[-1]))
            self.step = int(states[-1].name.split("-")[1])
            print(f"{folder.name}: going on from step {self.step}", flush=True)

    def keep(self, step: int, last: bool = False) -> bool:
        """Save the state if it is time to; returns whether it did. Older states are removed when the new one is complete."""
        if not last and time.monotonic() - self._saved < SAVE_SECONDS:
            return False
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        self._accelerator.save_state(str(partial))
        older = list(self._folder.glob("step-*"))
        partial.rename(self._folder / f"step-{step}")
        for path in older:
            if path.name != f"step-{step}":
                shutil.rmtree(path)
        self._saved = time.monotonic()
        return True
