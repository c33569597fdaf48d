"""Find the audio that an ask starts from, before the ask becomes a job: by its path, its number in the library, or what sounds.

The event loop never waits: files are looked up on threads, and read in the shaper process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from bridge.core.file_work import FileWork
from bridge.core.source_search import Answer, Refuse, Search
from bridge.domain.ask import Ask
from bridge.domain.events import JobId
from bridge.domain.job import id_key
from bridge.domain.source import LAST, NUMBERED
from bridge.errors import BadArgument, BadSource, IdTaken, LibraryError, QueueFull, Silenced, Stopping
from bridge.library.library import Library
from bridge.live.heard import Samples, heard
from bridge.live.stage import Stage
from bridge.shaper.messages import Keep
from bridge.system.aside import run_aside
from bridge.system.spelling import on_disk

ITSELF = ("0", "1")  # of a stream
MAX_WAITING = 32
REMEMBERED_OWNERS = 64
Place = tuple[str | int, ...]  # what an ask is for: a pad and its number, a kit with its owner and name; () for a job
STREAM: Place = ("stream",)
STOPPED = "Everything was stopped before it could sound: send it again."


def clip_number(reference: str) -> int | None:
    """The number in `clip:12`; None for any other text."""
    numbered = NUMBERED.fullmatch(reference)
    return int(numbered[2]) if numbered is not None and numbered[1] == "clip" else None


class Sources:
    """`files`: the work of the shaper process on files. `library`: for clips by their numbers, if there is one."""

    def __init__(self, files: FileWork, library: Library | None, stage: Stage) -> None:
        self._files, self._library, self._stage = files, library, stage
        self._last: OrderedDict[str, str] = OrderedDict()  # the last clip of each owner
        self._searches: dict[
            Search, tuple[str, str | None, Place]
        ] = {}  # each with its owner, the key of its id, and its place

    def delivered(self, owner: str, path: str) -> None:
        """Remember the last clip of `owner`."""
        self._last.pop(owner, None)
        self._last[owner] = path
        while len(self._last) > REMEMBERED_OWNERS:
            self._last.popitem(last=False)

    def find(
        self,
        ask: Ask,
        owner: str,
        is_local: bool,
        answer: Answer,
        refuse: Refuse,
        job_id: JobId | None = None,
        place: Place = (),
    ) -> None:
        """Call `answer` with the ask and its source, at once if it needs none, or `refuse` with a reason, at once or soon. `is_local`:
        whether the asker may name files of this machine. `job_id`: by which `cancel` finds it. `place`: by which `leave` does. Raises
        BadArgument, IdTaken, QueueFull, ShaperLost."""
        key = None if job_id is None else id_key(job_id)
        if key is not None and any(
            known[:2] == (owner, key) and search.ask != ask for search, known in self._searches.items()
        ):
            raise IdTaken(f"The id {str(job_id)[:40]!r} belongs to an ask that waits for its source: use another one.")
        if not ask.how or ask.source is not None:
            answer(ask)
            return
        if ask.reference in ITSELF:
            raise BadArgument(f"Only a stream goes on after itself: send {ask.how} with the path of a file, or last.")
        if len(self._searches) >= MAX_WAITING:
            raise QueueFull(f"{MAX_WAITING} asks wait for their sources already; ask again later.")
        search = Search(ask, answer, refuse, self._files, self._stage.tempo.bpm)
        look = self._looker(ask.reference, owner, is_local, search)
        self._searches[search] = owner, key, place
        search.on_end = lambda: self._searches.pop(search, None)
        if look is not None:
            run_aside(look, search.inspect, search.fail)

    def cancel(self, owner: str, job_id: JobId | None) -> bool:
        """Refuse the asks of `owner`, or the one with this id, whose sources are being looked for. Returns whether there were any."""
        key = None if job_id is None else id_key(job_id)
        searches = [one for one, known in self._searches.items() if known[0] == owner and key in (None, known[1])]
        for search in searches:
            search.fail(Silenced("It was cancelled before it began."))
        return bool(searches)

    def leave(self, place: Place, why: str = "Something newer was sent before its source was found.") -> bool:
        """Refuse the asks for `place`, because something newer takes it. Returns whether there were any."""
        searches = [search for search, known in self._searches.items() if known[2][: len(place)] == place]
        for search in searches:
            search.fail(Silenced(why))
        return bool(searches)

    def panic(self) -> None:
        """Let nothing sound that was asked for before: what is for the ears alone is refused, and of the rest only a file is made."""
        self.leave(STREAM, STOPPED)
        for search in list(self._searches):
            if search.ask.sink == "audio":
                search.fail(Silenced(STOPPED))
            else:
                search.silence()

    def stop(self) -> None:
        """Refuse all asks: Clipbridge stops."""
        for search in list(self._searches):
            search.fail(Stopping("Clipbridge was stopped before this job began."))

    def _looker(self, reference: str, owner: str, is_local: bool, search: Search) -> Callable[[], Path] | None:
        """What finds the file, on another thread; None if the shaper process writes it first. Raises UnknownVoice, BadSource,
        BadArgument, ShaperLost."""
        if reference == LAST:
            last = self._last.get(owner, "")
            return lambda: Path(last) if last and Path(last).is_file() else self._newest()
        if (numbered := NUMBERED.fullmatch(reference)) is not None:
            number = int(numbered[2])
            if numbered[1] == "clip":
                return lambda: self._known().clip_file(number)
            sound = heard(self._stage, number)
            if isinstance(sound, Samples):
                keep = Keep(0, sound.file, sound.prompt, sound.model)
                self._files.ask(keep, lambda facts: search.inspect(Path(facts["path"])), search.fail)
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

    def _known(self) -> Library:
        if self._library is None:
            raise LibraryError("This Clipbridge keeps no library: name a file instead.")
        return self._library
