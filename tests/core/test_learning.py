"""Learning in a process of its own, supervised by the core, with a stand-in for what learns."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
import soundfile

from bridge.checkpoints import learned
from bridge.core.core import Core
from bridge.domain.events import LearnEvent
from bridge.domain.learning import LearnAsk
from bridge.domain.recipe import read
from bridge.errors import BadArgument, UnknownJob
from bridge.files.tags import recipe_in
from bridge.learn import record
from bridge.system.supervise import Child
from tests.core.running import Recorder, play, until
from tests.harness import environment
from tests.learn.sounds import make_folder

ME = "127.0.0.1"
SHORT = 3 / 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sounds, of a user without models."""
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return make_folder(tmp_path / "kit")


def kinds(heard: Recorder) -> list[str]:
    return list(dict.fromkeys(event.kind for event in heard.learning))


def last(heard: Recorder) -> LearnEvent:
    return heard.learning[-1]


def ended(heard: Recorder) -> bool:
    return bool(heard.learning) and last(heard).kind in ("done", "failed")


def child_of(core: Core) -> Child:
    assert isinstance(core.learning._child, Child)
    return core.learning._child


def process_of(core: Core) -> psutil.Process:
    return psutil.Process(child_of(core).process.pid)


def test_a_folder_is_learned_and_its_clips_are_clips(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        core.learn(LearnAsk(str(folder), "my-drums", SHORT), ME, None)
        await until(lambda: ended(heard))
        await until(lambda: core.learning._ending is None)
        assert not child_of(core).process.is_alive(), "its memory is free again"

    heard = play(tmp_path, "well", story)
    assert kinds(heard) == ["begun", "reading", "read", "progress", "clip", "done"]
    done = last(heard).fields
    assert (
        done["files"] == 8 and done["held_out"] < done["base"] and Path(done["folder"]) == learned.folder_of("my-drums")
    )
    (clip,) = [event.fields for event in heard.learning if event.kind == "clip"]
    path = Path(clip["path"])
    assert path.parent == tmp_path / "clips" / "my-drums" and clip["prompt"] == "kick kit"
    assert soundfile.info(path).samplerate == 48_000 and soundfile.info(path).duration == pytest.approx(0.5)
    recipe = read(recipe_in(path))
    assert (recipe.prompt.text, recipe.conditions["model"]) == ("kick kit", "my-drums")
    assert not list((tmp_path / "playing").glob("learned-*"))


def test_it_has_the_lowest_priority_and_the_same_ask_is_not_a_second_one(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        ask = LearnAsk(str(folder), "my-drums", 10.0)
        assert core.learn(ask, ME, "first") is None
        await until(lambda: "progress" in kinds(heard))
        if os.name == "posix":
            assert process_of(core).nice() == 19
        again = core.learn(ask, ME, "second")
        assert again is not None and again.kind == "progress"
        await until(lambda: last(heard).reply_to == "second")
        with pytest.raises(BadArgument, match="only one folder"):
            core.learn(LearnAsk(str(folder), "other", 10.0), ME, None)
        with pytest.raises(UnknownJob):
            core.learning.cancel(ME, "other")
        with pytest.raises(UnknownJob):
            core.learning.cancel("192.168.1.7")
        core.learning.cancel(ME, "my-drums")
        await until(lambda: ended(heard))
        with pytest.raises(UnknownJob):
            core.learning.cancel(ME)

    heard = play(tmp_path, "well", story)
    assert last(heard).fields["code"] == "cancelled" and learned.unfinished() == ["my-drums"]


def test_after_a_cancel_the_same_ask_goes_on_at_once(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        ask = LearnAsk(str(folder), "my-drums", SHORT)
        core.learn(ask, ME, None)
        await until(lambda: sum(event.kind == "progress" for event in heard.learning) > 3)
        core.learning.cancel(ME)
        await until(lambda: ended(heard))
        heard.learning.clear()
        core.learn(ask, ME, None)
        await until(lambda: ended(heard))

    heard = play(tmp_path, "well", story)
    assert last(heard).kind == "done"
    (begun,) = [event.fields for event in heard.learning if event.kind == "read"]
    assert begun["learned_s"] > 0.2


def test_what_is_cancelled_before_it_learns_ends_at_once(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        core.learn(LearnAsk(str(folder), "my-drums", 10.0), ME, None)
        core.learning.cancel(ME)
        assert last(heard).fields["code"] == "cancelled"
        core.learn(LearnAsk(str(folder), "other", 1 / 60), ME, None)
        await until(lambda: ended(heard) and last(heard).name == "other")

    heard = play(tmp_path, "well", story)
    assert last(heard).kind == "done" and learned.names() == ["other"]


def test_a_killed_process_goes_on_from_its_state_by_itself(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        ask = LearnAsk(str(folder), "my-drums", SHORT)
        core.learn(ask, ME, None)
        await until(lambda: sum(event.kind == "progress" for event in heard.learning) > 3)
        core.learning.cancel(ME)  # which saves its state
        await until(lambda: ended(heard))
        heard.learning.clear()
        core.learn(ask, ME, None)
        state = learned.states_folder() / "my-drums" / record.STATE
        await until(lambda: state.exists() and "progress" in kinds(heard))
        process_of(core).kill()
        await until(lambda: ended(heard))

    heard = play(tmp_path, "well", story)
    first, second = [event.fields["learned_s"] for event in heard.learning if event.kind == "read"]
    assert last(heard).kind == "done" and 0 < first == second


def test_a_stop_of_the_daemon_saves_what_was_learned(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        core.learn(LearnAsk(str(folder), "my-drums", 10.0), ME, None)
        await until(lambda: sum(event.kind == "progress" for event in heard.learning) > 3)

    heard = play(tmp_path, "well", story)
    assert last(heard).fields["code"] == "stopping"
    known = record.load(learned.states_folder() / "my-drums")
    assert known is not None and known.steps > 0 and (learned.states_folder() / "my-drums" / record.STATE).exists()


@pytest.mark.parametrize(
    ("behaviour", "code", "said"),
    [
        ("no base", "no_model", "no base"),
        ("fails", "internal", "mat1 and mat2"),
        ("dies at once", "learner_lost", "exit code"),
    ],
)
def test_what_cannot_be_learned_is_reported_once(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, code: str, said: str
) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        core.learn(LearnAsk(str(folder), "my-drums", 10.0), ME, None)
        await until(lambda: ended(heard))

    monkeypatch.setenv("STAND_IN_COURSE", behaviour)
    heard = play(tmp_path, "well", story)
    assert (last(heard).kind, last(heard).fields["code"]) == ("failed", code) and said in last(heard).fields["why"]
    assert [event.kind for event in heard.learning].count("failed") == 1


def test_without_what_learns_a_sentence_says_so(tmp_path: Path, folder: Path) -> None:
    async def story(core: Core, heard: Recorder) -> None:
        core.learn(LearnAsk(str(folder), "my-drums", 10.0), ME, None)
        await until(lambda: ended(heard))

    heard = play(tmp_path, "well", story, course="bridge.engine.nothing:open_course")
    assert last(heard).fields["code"] == "no_model" and "cannot learn" in last(heard).fields["why"]
