"""A stand-in for what learns: its loss falls with every step, and it plays a tone. STAND_IN_COURSE says how it behaves."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.checkpoints import audiolm
from bridge.errors import NoModel
from bridge.learn.course import RATE, Sample
from bridge.system.writing import write_whole

STEP_S = 0.005
TENSORS = {"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


def open_course() -> StandInCourse:
    return StandInCourse(os.environ.get("STAND_IN_COURSE", "learns"))


class StandInCourse:
    """`behaviour`: learns, no base, gains nothing, diverges, fails (at its 40th step), dies at once, is silent."""

    def __init__(self, behaviour: str = "learns", step_s: float = STEP_S) -> None:
        self._behaviour, self._step_s = behaviour, step_s
        self.steps, self.best = 0, float("inf")
        self.words: tuple[str, ...] = ()

    def begin(self, samples: Sequence[Sample], state: Path, name: str) -> None:
        if self._behaviour == "no base":
            raise NoModel("There is no base to learn from.")
        if self._behaviour == "dies at once":
            os._exit(9)
        assert any(sample.held_out for sample in samples) and not all(sample.held_out for sample in samples)
        self.words = tuple(sorted({word for sample in samples for word in sample.words}))
        if state.exists():
            values = json.loads(state.read_text())
            self.steps, self.best = values["steps"], values["best"]

    def step(self) -> float:
        time.sleep(self._step_s)
        self.steps += 1
        if self._behaviour == "fails" and self.steps == 40:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return float("nan") if self._behaviour == "diverges" and self.steps > 30 else self._loss()

    def held_out_loss(self) -> float:
        loss = 2.0 if self._behaviour == "gains nothing" else self._loss() + 0.1
        self.best = min(self.best, loss)
        return loss

    def _loss(self) -> float:
        return 1.0 + 1.0 / (1.0 + 0.01 * self.steps)

    def save_state(self, state: Path) -> None:
        write_whole(state, json.dumps({"steps": self.steps, "best": self.best}).encode())

    def hear(self, words: tuple[str, ...], seed: int) -> NDArray[np.float32]:
        level = 0.0 if self._behaviour == "is silent" else 0.4
        return (level * np.sin(np.arange(RATE // 2) * (seed + 1) / 10)).astype(np.float32)

    def save_model(self, folder: Path) -> None:
        (folder / "model_index.json").write_text(json.dumps(audiolm.INDEX))
        (folder / "words.json").write_text(json.dumps(self.words))
        header = json.dumps(TENSORS).encode()
        for part in audiolm.PARTS:
            (folder / part).mkdir()
            (folder / part / "config.json").write_text("{}")
            (folder / part / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
