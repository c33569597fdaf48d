"""The audio of a source on its way to a box: its bytes travel, its path does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bridge.domain.clip import Prompt
from bridge.engine.wire import MOST_SOURCE_BYTES
from bridge.errors import BadSource
from bridge.files.same_file import SAMPLES, check, check_size


def packed(prompt: Prompt) -> tuple[Prompt, bytes, str]:
    """The prompt without the path of its source, the bytes of its file and the suffix of that. Raises BadSource."""
    source = prompt.source
    if source is None:
        return prompt, b"", ""
    path = Path(source.path)
    suffix = path.suffix.lower()
    if suffix == SAMPLES and not source.sha256:  # only this daemon writes there
        check_size(path)
    else:
        check(source)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_SOURCE_BYTES + 1)
    except OSError as error:
        raise BadSource(f"{path.name} cannot be read ({error.strerror}).") from error
    if len(raw) > MOST_SOURCE_BYTES:
        raise BadSource(
            f"{path.name} is larger than {MOST_SOURCE_BYTES >> 20} MiB, the most that is sent to another machine: cut out a part."
        )
    return dataclasses.replace(prompt, source=dataclasses.replace(source, path=f"source{suffix}")), raw, suffix
