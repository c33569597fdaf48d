"""What `clipbridge run --json` tells a program: one line of JSON per event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge import __version__
from bridge.commands.terminal import emit
from bridge.core.core import Core
from bridge.domain.job import Job, JobEvent
from bridge.domain.kit import KitEvent
from bridge.engine.messages import Stage


class JsonLines:
    """The same for programs: one JSON object a line, keys as in the OSC table."""

    def started(self, core: Core, port: int, folder: Path) -> None:
        self.core = core
        self._say(
            event="started",
            version=__version__,
            osc_port=port,
            folder=folder.absolute().as_posix(),
            state=self.core.state,
        )

    def stopped(self) -> None:
        self._say(event="stopped")

    def preparing(self, stage: Stage) -> None:
        self._say(event="preparing", phase=stage.phase, done=stage.done, total=stage.total, what=stage.what)

    def state_changed(self, state: str, why: str) -> None:
        model = self.core.model
        known = {"model": model.name, "compute": model.compute, "untrained": model.untrained} if model else {}
        self._say(event="state", state=state, why=why, **known)

    def pad_saved(self, pad: int, path: str, why: str) -> None:
        self._say(event="pad saved", pad=pad, path=path, why=why)

    def stream_changed(self, state: str, why: str) -> None:
        self._say(event="stream", state=state, why=why)

    def kit_changed(self, event: KitEvent) -> None:
        self._say(event=f"kit {event.kind}", name=event.name, **event.fields)

    def audio_changed(self, state: str, why: str) -> None:
        self._say(event="audio", state=state, why=why)

    def midi_changed(self, state: str, why: str) -> None:
        self._say(event="midi", state=state, why=why)

    def preset_changed(self, name: str, state: str, why: str) -> None:
        self._say(event="preset", name=name, state=state, why=why)

    def inbox_changed(self, state: str, what: str) -> None:
        self._say(event="inbox", state=state, what=what)

    def job_event(self, job: Job, event: JobEvent) -> None:
        self._say(event=event.kind, id=event.job_id, prompt=job.prompt.text, **event.fields)

    def _say(self, **fields: Any) -> None:
        emit(json.dumps(fields))
