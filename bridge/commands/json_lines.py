"""The output of `clipbridge run --json`: one line of JSON per event, with the names and keys of the OSC table."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.commands.terminal import emit
from bridge.domain.events import Event, JobEvent, PadChanged, PadSet, PadVoice, StateChanged, StreamChanged


class JsonLines:
    """Prints each event as one JSON object: `event` is its label, the other keys are its facts."""

    def on_event(self, event: Event) -> None:
        if isinstance(event, PadChanged | PadSet | PadVoice):
            return  # only hosts and controllers need them
        facts = event.facts()
        match event:
            case JobEvent():
                facts = {"id": event.job_id, "prompt": event.prompt.text, **facts}
            case StateChanged(model=model) if model is not None:
                facts |= {"model": model.name, "compute": model.compute, "untrained": model.untrained}
            case StreamChanged():
                del facts["ahead_s"]  # it changes all the time
        emit(json.dumps({"event": event.label(), **facts}, default=_as_text))


def _as_text(value: object) -> str:
    """A value that JSON has no type for, as text; a path is absolute, with `/`."""
    return value.absolute().as_posix() if isinstance(value, Path) else str(value)
