"""The starter on this machine, which makes the clips while the box cannot be reached (engine.fallback = local)."""

from __future__ import annotations

import dataclasses
import threading
import time

from bridge.checkpoints.find import STARTER
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.families import open_engine
from bridge.engine.messages import Engine, OnStage, Ready
from bridge.engine.process import set_up
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Unreachable
from bridge.errors import NoModel


class Fallback:
    """`engine`: the starter while it is in use, else None. It is loaded at the first loss and kept. Meanwhile a thread of its own asks
    `box` every `pause_s` seconds, because a lost one may take seconds to say nothing."""

    def __init__(self, config: EngineConfig, box: RemoteEngine, pause_s: float) -> None:
        self._config = dataclasses.replace(config, url="", model=STARTER, compile="off", fallback="", slots=1)
        self._box, self._pause_s = box, pause_s
        self.engine: Engine | None = None
        self._loaded: Engine | None = None
        self._is_back = threading.Event()

    def begin(self, on_stage: OnStage) -> Ready:
        """Load the starter, and use it from now on. Raises NoModel."""
        if self._loaded is None:
            self._loaded = self._load(on_stage)
        self.engine = self._loaded
        self._is_back.clear()
        threading.Thread(target=self._look, name="look for the box", daemon=True).start()
        engine, name = self.engine, self._box.name
        why = f"{name} cannot be reached, so {engine.model.name} on this machine makes the clips"
        return Ready(engine.model, (engine.cost,), engine.needs, engine.highest_bytes(), why)

    def end(self) -> bool:
        """Whether the box is back; then the starter is not used any more."""
        if self._is_back.is_set():
            self.engine = None
        return self.engine is None

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """The remarks on a clip of the starter."""
        assert self.engine is not None
        remarks = self.engine.remarks(prompt)
        here = f"made by {self.engine.model.name} on this machine: {self._box.name} could not be reached"
        return remarks | {"remark": "; ".join(filter(None, [here, remarks.get("remark", "")]))}

    def _load(self, on_stage: OnStage) -> Engine:
        set_up()
        try:
            engine = open_engine(self._config)
        except ModuleNotFoundError as error:  # a front without torch
            raise NoModel(
                f"engine.fallback = local needs {error.name}, which is not installed here: install all of Clipbridge, or leave it out."
            ) from error
        engine.load(on_stage)
        engine.warm(on_stage)
        return engine

    def _look(self) -> None:
        while True:
            try:
                self._box.look()
            except Unreachable:
                time.sleep(self._pause_s)
            else:
                self._is_back.set()
                return
