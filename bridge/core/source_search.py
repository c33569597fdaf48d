"""The search for the source of one ask: its file is found, then inspected in the shaper process; then the ask goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.core.file_work import FileWork
from bridge.domain.ask import Ask
from bridge.domain.source import Source
from bridge.errors import BadSource, ClipbridgeError
from bridge.shaper.messages import InspectSource

Answer = Callable[[Ask], None]
Refuse = Callable[[ClipbridgeError], None]


class Search:
    """Ends once, with `answer` or `refuse`; what comes later is ignored. `bpm`: of tempi that fit equally well, the one nearest to it is
    taken. `on_end` is called first."""

    def __init__(self, ask: Ask, answer: Answer, refuse: Refuse, files: FileWork, bpm: float) -> None:
        self.ask, self._answer, self._refuse, self._files = ask, answer, refuse, files
        self._bpm, self._is_over = ask.bpm or bpm, False
        self.on_end: Callable[[], Any] = lambda: None

    def inspect(self, path: Path) -> None:
        """Have the file inspected; it was found."""
        if self._is_over:
            return
        ask = self.ask
        message = InspectSource(0, str(path), ask.how, ask.from_ or 0.0, ask.to, self._bpm)
        try:
            self._files.ask(message, lambda facts: self._go_on(path, facts), self.fail)
        except ClipbridgeError as error:
            self.fail(error)

    def silence(self) -> None:
        """Make only a file of it, if it was to sound too."""
        if self.ask.sink == "both":
            self.ask = dataclasses.replace(self.ask, sink="folder")

    def fail(self, error: Exception) -> None:
        """Refuse the ask."""
        if not self._is_over:
            self._end()
            if not isinstance(error, ClipbridgeError):
                error = BadSource(f"The source cannot be read ({error}).")
            self._refuse(error)

    def _go_on(self, path: Path, facts: dict[str, Any]) -> None:
        if self._is_over:
            return
        self._end()
        try:
            self._answer(_with_source(self.ask, path, facts))
        except ClipbridgeError as error:
            self._refuse(error)

    def _end(self) -> None:
        self._is_over = True
        self.on_end()


def _with_source(ask: Ask, path: Path, facts: dict[str, Any]) -> Ask:
    """The ask with what was found. Raises BadSource if what is kept would be cut off at full scale."""
    may_have_32_bits = ask.bits == 32 or (ask.bits is None and ask.preset)  # of a preset, the shaper knows
    if facts["over_db"] and ask.how != "vary" and not may_have_32_bits:
        raise BadSource(
            f"{path.name} cannot be kept as it is: its peaks exceed full scale by {facts['over_db']:.2g} dB. Lower it first, or ask for "
            "bits 32."
        )
    whole_loop = facts["loop"] and ask.how == "vary"
    source = Source(
        path=path.as_posix(),
        sha256=facts["sha256"],
        how=ask.how,  # type: ignore[arg-type]
        seconds=facts["seconds"],
        from_s=facts["from_s"],
        to_s=facts["to_s"],
        strength=0.5 if ask.strength is None else ask.strength,
        parts=ask.parts or "",
        words=facts["words"],
        bpm=facts["bpm"],
    )
    loop = 1 if whole_loop and ask.loop is None else ask.loop
    return dataclasses.replace(ask, source=source, loop=loop)
