"""What names a source, and who may use which name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.core.sources import MAX_WAITING, STREAM, Place, Sources
from bridge.domain.ask import Ask
from bridge.errors import BadSource, ClipbridgeError, IdTaken, QueueFull, UnknownClip

FACTS = {
    "sha256": "0" * 64, "over_db": 0.0, "seconds": 1.0, "from_s": 0.0, "to_s": 1.0, "words": "kick", "bpm": 0.0, "loop": False,
}  # fmt: skip


class Files:
    """A stand-in for the work on files: it answers at once, unless it is `slow`."""

    def __init__(self, slow: bool = False, **facts: Any) -> None:
        self.facts, self.slow, self.inspected = FACTS | facts, slow, list[Any]()

    def ask(self, message: Any, answer: Any, refuse: Any) -> None:
        self.inspected.append(message)
        if not self.slow:
            answer(dict(self.facts))


class Library:
    """A stand-in for the library, which knows the clips 1 and 2."""

    def clip_file(self, number: int) -> Path:
        if number not in (1, 2):
            raise UnknownClip(f"The library has no clip {number}.")
        return Path(f"/clips/{number}.wav")

    def newest(self) -> Path:
        return Path("/clips/2.wav")


def found(ask: Ask, is_local: bool = True, owner: str = "me", sources: Sources | None = None, **facts: Any) -> Any:
    """The ask with its source, or the error."""

    async def find() -> Any:
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        stage: Any = SimpleNamespace(tempo=SimpleNamespace(bpm=120.0))
        library: Any = Library()
        files: Any = Files(**facts)
        used = sources or Sources(files, library, stage)
        try:
            used.find(ask, owner, is_local, result.set_result, result.set_result)
        except ClipbridgeError as error:
            return error
        return await asyncio.wait_for(result, 5)

    return asyncio.run(find())


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize(("reference", "path"), [("last", "/clips/2.wav"), ("clip:1", "/clips/1.wav")])
def test_anybody_may_name_clips_of_the_library(reference: str, path: str, is_local: bool) -> None:
    assert found(Ask("x", vary=reference), is_local).source.path == path


def test_a_path_may_be_named_from_this_machine_only_and_the_refusal_does_not_say_whether_it_exists(
    tmp_path: Path,
) -> None:
    file = tmp_path / "kick.wav"
    file.write_bytes(b"RIFF")
    assert found(Ask("x", vary=str(file))).source.path == file.as_posix()
    refusals = [found(Ask("x", vary=str(path)), is_local=False) for path in (file, tmp_path / "none.wav", "kick.wav")]
    assert all(isinstance(refusal, BadSource) for refusal in refusals)
    assert len({str(refusal) for refusal in refusals}) == 1


def test_last_is_the_last_clip_of_the_asker_while_it_is_there(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.wav", tmp_path / "other.wav"
    mine.touch()
    other.touch()
    stage: Any = SimpleNamespace(tempo=SimpleNamespace(bpm=120.0))
    library: Any = Library()
    files: Any = Files()
    sources = Sources(files, library, stage)
    sources.delivered("me", str(mine))
    sources.delivered("you", str(other))
    assert found(Ask("x", vary="last"), sources=sources).source.path == mine.as_posix()
    mine.unlink()
    assert found(Ask("x", vary="last"), sources=sources).source.path == "/clips/2.wav"


def test_an_unknown_number_is_refused_by_the_library() -> None:
    assert isinstance(found(Ask("x", vary="clip:7")), UnknownClip)


@pytest.mark.parametrize(
    "reference", ["clip:0", "clip:-1", "clip:1x", "voice:", "clip:9999999999", "kick.wav", "~/kick.wav"]
)
def test_what_is_no_name_of_a_source_is_taken_for_a_path_that_is_not_whole(reference: str) -> None:
    error = found(Ask("x", vary=reference))
    assert isinstance(error, BadSource) and "not a whole path" in str(error)


def test_an_ask_without_a_source_is_answered_at_once() -> None:
    ask = Ask("rain")
    answers: list[Ask] = []
    nothing: Any = None
    Sources(nothing, nothing, nothing).find(ask, "me", False, answers.append, lambda error: None)
    assert answers == [ask]


def test_a_loop_of_the_library_stays_a_loop_when_it_is_varied_but_not_when_it_goes_on() -> None:
    assert found(Ask("x", vary="last"), loop=True).loop == 1
    assert found(Ask("x", vary="last", loop=0), loop=True).loop == 0
    assert found(Ask("x", continue_="last"), loop=True).loop is None


def test_only_a_bounded_number_of_asks_waits_for_files() -> None:
    stage: Any = SimpleNamespace(tempo=SimpleNamespace(bpm=120.0))
    library: Any = Library()
    files: Any = Files(slow=True)

    async def flood() -> None:
        sources = Sources(files, library, stage)
        for _ in range(MAX_WAITING):
            sources.find(Ask("x", vary="clip:1"), "me", True, lambda ask: None, lambda error: None)
        with pytest.raises(QueueFull, match="ask again later"):
            sources.find(Ask("x", vary="clip:1"), "me", True, lambda ask: None, lambda error: None)
        sources.find(Ask("rain"), "me", True, lambda ask: None, lambda error: None)

    asyncio.run(flood())


@pytest.mark.parametrize(
    ("owner", "job_id", "expected"), [("me", 7.0, 1), ("me", None, 2), ("you", None, 0), ("me", 9, 0)]
)
def test_an_ask_is_cancelled_while_its_source_is_looked_for(owner: str, job_id: Any, expected: int) -> None:
    stage: Any = SimpleNamespace(tempo=SimpleNamespace(bpm=120.0))
    library: Any = Library()
    files: Any = Files(slow=True)
    made: list[Ask] = []
    refused: list[ClipbridgeError] = []

    async def cancel() -> None:
        sources = Sources(files, library, stage)
        for known in (7, "8"):
            sources.find(Ask("x", vary="clip:1"), "me", True, made.append, refused.append, known)
        assert sources.cancel(owner, job_id) == bool(expected)
        assert [error.code for error in refused] == ["cancelled"] * expected
        await asyncio.sleep(0.1)  # their files are found now
        assert len(files.inspected) == 2 - expected and not made

    asyncio.run(cancel())


@pytest.mark.parametrize(
    ("ask", "is_refused"),
    [
        (Ask("x", continue_="last"), True),
        (Ask("x", continue_="last", bits=24, preset="loud"), True),
        (Ask("x", continue_="last", bits=32), False),
        (Ask("x", continue_="last", preset="loud"), False),  # it may have bits 32
        (Ask("x", vary="last"), False),
    ],
)
def test_a_source_that_would_be_cut_off_at_full_scale_is_refused_at_once(ask: Ask, is_refused: bool) -> None:
    result = found(ask, over_db=2.0)
    assert isinstance(result, BadSource) == is_refused
    assert is_refused or result.source is not None


def searching(*asks: tuple[Ask, Any, Place], then: Callable[[Sources], Any]) -> tuple[list[Ask], list[ClipbridgeError]]:
    """What is made and what is refused of asks, each with its id and its place, if `then` happens before their files are found."""
    stage: Any = SimpleNamespace(tempo=SimpleNamespace(bpm=120.0))
    library: Any = Library()
    files: Any = Files()
    made: list[Ask] = []
    refused: list[ClipbridgeError] = []

    async def search() -> None:
        sources = Sources(files, library, stage)
        for ask, job_id, place in asks:
            sources.find(ask, "me", True, made.append, refused.append, job_id, place)
        then(sources)
        for _ in range(100):
            if len(made) + len(refused) >= len(asks):
                break
            await asyncio.sleep(0.01)

    asyncio.run(search())
    assert len(made) + len(refused) == len(asks)
    return made, refused


def test_what_is_newer_on_a_pad_takes_the_place_of_an_ask_whose_source_is_looked_for() -> None:
    asks = [(Ask("x", vary="clip:1"), None, ("pad", number)) for number in (3, 4)]
    made, refused = searching(*asks, then=lambda sources: sources.leave(("pad", 3)))
    assert len(made) == 1 and [error.code for error in refused] == ["cancelled"]


@pytest.mark.parametrize(("place", "kept"), [(("kit", "me", "drums"), 1), (("kit", "me"), 0), (("kit", "you"), 2)])
def test_a_kit_is_cancelled_by_its_name_or_with_all_of_its_owner(place: Place, kept: int) -> None:
    asks = [(Ask("x", vary="clip:1"), None, ("kit", "me", name)) for name in ("drums", "bells")]
    made, refused = searching(*asks, then=lambda sources: sources.leave(place))
    assert (len(made), len(refused)) == (kept, 2 - kept)


def test_after_a_panic_nothing_sounds_whose_source_was_looked_for_and_files_are_made_all_the_same() -> None:
    sinks = ("audio", "both", "folder", None)
    asks: list[Any] = [(Ask("x", vary="clip:1", sink=sink), None, ()) for sink in sinks]
    asks += [(Ask("x", vary="clip:1"), None, STREAM)]
    made, refused = searching(*asks, then=lambda sources: sources.panic())
    assert {ask.sink for ask in made} == {"folder", None} and len(made) == 3
    assert [error.code for error in refused] == ["cancelled"] * 2


def test_asks_whose_sources_are_looked_for_are_refused_when_clipbridge_stops() -> None:
    made, refused = searching((Ask("x", vary="clip:1"), 7, ()), then=lambda sources: sources.stop())
    assert not made and [error.code for error in refused] == ["stopping"]


def test_an_id_belongs_to_one_ask_while_its_source_is_looked_for() -> None:
    ask = Ask("x", vary="clip:1")

    def again(sources: Sources) -> None:
        with pytest.raises(IdTaken, match="use another"):
            sources.find(Ask("rain"), "me", True, lambda ask: None, lambda error: None, 7)
        sources.find(Ask("rain"), "you", True, lambda ask: None, lambda error: None, 7)
        sources.find(ask, "me", True, lambda ask: None, lambda error: None, 7)

    made, refused = searching((ask, 7, ()), then=again)
    assert len(made) == 1 and not refused
