"""Stop and go on: the state of a stage is saved every few minutes, whole or not at all."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from accelerate import Accelerator

SAVE_SECONDS = 240


class Resumable:
    """Loads what an earlier run left in `folder` (models, optimisers, random states) and says at which step it was."""

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
        """Save, if it is time to, and say whether; the older state goes when the newer one is complete."""
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
