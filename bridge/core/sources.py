"""Find the audio that an ask starts from, before the ask becomes a job: by its path, its number in the library, or what sounds.

The event loop never waits: files are looked up on threads, and read in the shaper process.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bridge.core.file_work import FileWork
from bridge.domain.ask import Ask
from bridge.domain.source import LAST, NUMBERED, Source
from bridge.errors import BadArgument, BadSource, ClipbridgeError, LibraryError
from bridge.library.library import Library
from bridge.live.heard import Samples, heard
from bridge.live.stage import Stage
from bridge.shaper.messages import InspectSource, Keep
from bridge.system.aside import run_aside
from bridge.system.spelling import on_disk

ITSELF = ("0", "1")  # of a stream
MAX_WAITING = 32
REMEMBERED_OWNERS = 64


def clip_number(reference: str) -> int | None:
    """The number in `clip:12`; None for any other text."""
    numbered = NUMBERED.fullmatch(reference)
    return int(numbered[2]) if numbered is not None and numbered[1] == "clip" else None


Answer = Callable[[Ask], None]
Refuse = Callable[[ClipbridgeError], None]


class Sources:
    """`files`: the work of the shaper process on files. `library`: for clips by their numbers, if there is one."""

    def __init__(self, files: FileWork, library: Library | None, stage: Stage) -> None:
        self._files, self._library, self._stage = files, library, stage
        self._last: OrderedDict[str, str] = OrderedDict()  # the last clip of each owner
        self._waiting = 0

    def delivered(self, owner: str, path: str) -> None:
        """Remember the last clip of `owner`."""
        self._last.pop(owner, None)
        self._last[owner] = path
        while len(self._last) > REMEMBERED_OWNERS:
            self._last.popitem(last=False)

    def find(self, ask: Ask, owner: str, is_local: bool, answer: Answer, refuse: Refuse) -> None:
        """Call `answer` with the ask and its source, at once if it needs none, or `refuse` with a reason, at once or soon. `is_local`:
        whether the asker may name files of this machine. Raises BadArgument, ShaperLost."""
        if not ask.how or ask.source is not None:
            answer(ask)
            return
        if ask.reference in ITSELF:
            raise BadArgument(f"Only a stream goes on after itself: send {ask.how} with the path of a file, or last.")
        if self._waiting >= MAX_WAITING:
            raise BadArgument(f"{MAX_WAITING} asks wait for their sources already; ask again later.")
        self._waiting += 1

        def fail(error: Exception) -> None:
            self._waiting -= 1
            refuse(error if isinstance(error, ClipbridgeError) else BadSource(f"The source cannot be read ({error})."))

        def found(path: Path) -> None:
            message = InspectSource(
                0, str(path), ask.how, ask.from_ or 0.0, ask.to, ask.bpm or self._stage.tempo.bpm
            )  # fmt: skip
            self._attempt(lambda: self._files.inspect(message, partial(inspected, path), fail), fail)

        def inspected(path: Path, facts: dict[str, Any]) -> None:
            self._waiting -= 1
            try:
                answer(_with_source(ask, path, facts))
            except ClipbridgeError as error:
                refuse(error)

        try:
            look = self._looker(ask.reference, owner, is_local, fail, found)
        except ClipbridgeError:
            self._waiting -= 1
            raise
        if look is not None:
            run_aside(look, found, fail)

    def _looker(
        self,
        reference: str,
        owner: str,
        is_local: bool,
        fail: Callable[[Exception], None],
        found: Callable[[Path], None],
    ) -> Callable[[], Path] | None:
        """What finds the file, on another thread; None if the shaper process is asked to write it first. Raises UnknownVoice,
        BadSource, BadArgument, ShaperLost."""
        if reference == LAST:
            last = self._last.get(owner, "")
            return lambda: Path(last) if last and Path(last).is_file() else self._newest()
        if (numbered := NUMBERED.fullmatch(reference)) is not None:
            number = int(numbered[2])
            if numbered[1] == "clip":
                return lambda: self._clip(number)
            sound = heard(self._stage, number)
            if isinstance(sound, Samples):
                keep = Keep(0, sound.file, sound.prompt, sound.model)
                self._files.keep(keep, lambda facts: found(Path(facts["path"])), fail)
                return None
            return lambda: Path(sound)
        if not is_local:  # the answer would tell which files exist here
            raise BadSource(
                "Only programs on the machine of Clipbridge may name files: send clip: and the number of a clip, or last."
            )
        path = Path(reference)
        if not path.is_absolute():  # else it would be looked for in the folder that Clipbridge was started in
            raise BadSource(
                f"{reference[-200:]!r} is not a whole path: send all of it, with its folders; or last, clip:NUMBER, voice:NUMBER."
            )
        return lambda: on_disk(path)

    def _newest(self) -> Path:
        path = self._known().newest()
        if path is None:
            raise BadSource("There is no last clip yet: make one first, or name a file.")
        return path

    def _clip(self, number: int) -> Path:
        return self._known().clip_file(number)

    def _known(self) -> Library:
        if self._library is None:
            raise LibraryError("This Clipbridge keeps no library: name a file instead.")
        return self._library

    @staticmethod
    def _attempt(call: Callable[[], None], fail: Callable[[Exception], None]) -> None:
        try:
            call()
        except ClipbridgeError as error:
            fail(error)


def _with_source(ask: Ask, path: Path, facts: dict[str, Any]) -> Ask:
    """The ask with what was found. Raises BadSource if what is kept would be cut off at full scale."""
    if facts["over_db"] and ask.how != "vary" and ask.bits != 32:
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
