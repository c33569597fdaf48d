"""A session from its first file to its model, with a stand-in for what learns."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from bridge.checkpoints import find, learned, parcel
from bridge.domain.learning import LearnAsk
from bridge.errors import BadArgument, ClipbridgeError, FolderError
from bridge.learn import pace, record, session
from bridge.learn.messages import Heard, Learned, Left, Progress, Read, Reading, Stopped
from bridge.learn.session import DIVERGED, NO_GAIN, Ended, Session
from tests.learn.sounds import make_folder
from tests.learn.stand_in_course import StandInCourse

MINUTES = 0.4 / 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is done every few seconds is done all the time."""
    monkeypatch.setattr(pace, "LEAST_LISTEN_S", 0.02)
    monkeypatch.setattr(pace, "MOST_LISTEN_S", 0.02)
    monkeypatch.setattr(pace, "SAVE_EVERY_S", 0.02)
    monkeypatch.setattr(pace, "CLIP_EVERY_S", 0.1)
    monkeypatch.setattr(session, "SAY_EVERY_S", 0.0)


class Run:
    """A session and what it sent."""

    def __init__(
        self,
        user: Path,
        course: StandInCourse | None = None,
        minutes: float = MINUTES,
        folder: str = "kit",
        ends: Callable[[list[Any]], bool] = lambda sent: False,
    ) -> None:
        self.sent: list[Any] = []
        self.course = course or StandInCourse(step_s=0.002)
        self.ask = LearnAsk(str(user / folder), "my-drums", minutes)
        self.session = Session(
            self.course,
            self.ask,
            user / "scratch",
            user / "clips",
            self.sent.append,
            lambda: ends(self.sent),
            lambda must_save: None,
        )

    def __call__(self) -> Learned | Stopped:
        return self.session.run()

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.sent if isinstance(message, kind)]


def place() -> Path:
    return learned.states_folder() / "my-drums"


def test_a_folder_becomes_a_model_with_a_card(user: Path) -> None:
    make_folder(user / "kit", 10)
    (user / "kit" / "broken.wav").write_bytes(b"RIFF")
    run = Run(user)
    end = run()
    assert isinstance(end, Learned) and end.files == 10 and end.loss < end.base and not end.remark
    folder = Path(end.folder)
    assert folder == learned.models_folder() / "my-drums"
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(parcel.FILES)
    assert find.find("my-drums").folder == folder and "my-drums" in find.available()
    assert find.facts("my-drums").licence == "yours"
    card = learned.card_of(folder)
    assert (card.name, card.files, card.licence) == ("my-drums", 10, "yours")
    assert card.loss == pytest.approx(end.loss, abs=1e-3) and card.loss < card.base_loss and card.date.startswith("20")
    assert json.loads((folder / "words.json").read_text()) == ["kick", "kit", "snare"]
    assert not place().exists() and [path.name for path in learned.models_folder().iterdir()] == ["my-drums"]


def test_it_says_what_it_reads_how_far_it_is_and_what_can_be_heard(user: Path) -> None:
    make_folder(user / "kit", 10)
    (user / "kit" / "broken.wav").write_bytes(b"RIFF")
    (user / "kit" / "words.csv").write_bytes(b"\xff\xff\xff")
    run = Run(user)
    run()
    assert run.of(Reading)[-1] == Reading(11, 11)
    assert {left.file for left in run.of(Left)} == {"broken.wav", "words.csv"}
    (read,) = run.of(Read)
    assert (read.files, read.left_out, read.words, read.learned_s) == (10, 1, 3, 0.0)
    told = run.of(Progress)
    assert told[0].fraction == 0.0 and told[0].held_out == told[0].base > 0
    assert [one.fraction for one in told] == sorted(one.fraction for one in told) and told[-1].seconds_left < 0.1
    assert told[-1].loss < told[1].loss and told[-1].held_out < told[-1].base
    heard = run.of(Heard)
    assert len(heard) >= 2 and {clip.words for clip in heard} == {("kick", "kit"), ("snare", "kit")}
    samples = np.load(heard[0].file)
    assert samples.shape == (heard[0].frames, 1) == (24_000, 1) and 0.5 < np.abs(samples).max() <= 1.0


def test_it_stops_when_the_held_out_sounds_no_longer_gain(user: Path) -> None:
    make_folder(user / "kit")
    run = Run(user, StandInCourse("gains nothing", 0.002), minutes=10.0)
    end = run()
    assert isinstance(end, Learned) and end.seconds < 60 and end.remark == NO_GAIN


def test_a_training_that_diverges_ends_with_the_best_state_before(user: Path) -> None:
    make_folder(user / "kit")
    run = Run(user, StandInCourse("diverges", 0.002), minutes=10.0)
    end = run()
    assert isinstance(end, Learned) and end.remark == DIVERGED and end.loss < end.base
    assert all(math.isfinite(one.held_out) and math.isfinite(one.loss) for one in run.of(Progress))


def test_a_stopped_session_goes_on_and_its_model_is_the_same_folder(user: Path) -> None:
    make_folder(user / "kit")
    first = Run(user, ends=lambda sent: sum(isinstance(one, Progress) for one in sent) > 30)
    assert first() == Stopped()
    known = record.load(place())
    assert known is not None and known.steps == first.course.steps > 0 and known.base is not None
    assert learned.unfinished() == ["my-drums"] and not learned.names()
    second = Run(user)
    end = second()
    assert isinstance(end, Learned) and end.steps > known.steps and end.base == pytest.approx(known.base)
    assert second.of(Read)[0].learned_s == pytest.approx(known.seconds)
    assert second.of(Progress)[0].fraction >= known.seconds / (60 * MINUTES) - 0.01
    assert second.course.steps == end.steps, "it went on from the state"


def test_what_is_stopped_before_it_learns_leaves_nothing_to_save(user: Path) -> None:
    make_folder(user / "kit")
    with pytest.raises(Ended):
        Run(user, ends=lambda sent: bool(sent))()
    assert not (place() / record.STATE).exists()


def test_a_record_without_its_state_and_a_damaged_one_begin_again(user: Path) -> None:
    make_folder(user / "kit")
    stop = Run(user, ends=lambda sent: sum(isinstance(one, Progress) for one in sent) > 30)
    stop()
    (place() / record.STATE).unlink()
    again = Run(user, ends=lambda sent: sum(isinstance(one, Progress) for one in sent) > 30)
    again()
    assert again.of(Read)[0].learned_s == 0.0
    for damage in (
        "",
        "[]",
        "{",
        '{"folder": 7}',
        '{"folder": "x", "seconds": 1e999}',
        '{"folder": "x", "steps": "3"}',
    ):
        (place() / record.FILE).write_text(damage)
        assert record.load(place()) is None
    assert isinstance(Run(user)(), Learned)


def test_another_folder_of_the_same_name_and_a_taken_name_are_refused(user: Path) -> None:
    make_folder(user / "kit")
    make_folder(user / "other")
    Run(user, ends=lambda sent: sum(isinstance(one, Progress) for one in sent) > 30)()
    with pytest.raises(BadArgument, match="models remove my-drums"):
        Run(user, folder="other")()
    Run(user)()
    with pytest.raises(BadArgument, match="already"):
        Run(user)()


def test_the_state_of_a_model_that_is_done_is_swept(user: Path) -> None:
    make_folder(user / "kit")
    Run(user)()
    place().mkdir()
    (place() / record.STATE).touch()  # as if it had been killed before it could remove it
    with pytest.raises(BadArgument, match="already"):
        Run(user)()
    assert not place().exists()


def test_two_sessions_at_once_are_refused(user: Path) -> None:
    make_folder(user / "kit")
    learned.states_folder().mkdir(parents=True)
    with FileLock(learned.states_folder() / session.LOCK), pytest.raises(BadArgument, match="Another Clipbridge"):
        Run(user)()


def test_a_full_disk_is_told_while_it_learns_and_the_model_is_not_half_written(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(user / "kit")
    run = Run(user)

    def full(_place: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run.course, "save_state", full)
    monkeypatch.setattr(run.course, "save_model", full)
    with pytest.raises(FolderError, match="No space left"):
        run()
    assert any("No space left" in one.remark for one in run.of(Progress))
    assert not learned.names() and not list(learned.models_folder().iterdir())


def test_a_folder_that_is_gone_or_too_small_is_refused(user: Path) -> None:
    with pytest.raises(FolderError, match="is gone"):
        Run(user)()
    make_folder(user / "kit", 3)
    with pytest.raises(BadArgument, match="--vary"):
        Run(user)()


def test_a_base_without_numbers_is_refused(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(user / "kit")
    run = Run(user)
    monkeypatch.setattr(run.course, "held_out_loss", lambda: float("nan"))
    with pytest.raises(ClipbridgeError, match="no numbers"):
        run()


def test_a_silent_clip_is_left_out_and_learning_goes_on(user: Path) -> None:
    make_folder(user / "kit")
    run = Run(user, StandInCourse("is silent", 0.002))
    assert isinstance(run(), Learned) and not run.of(Heard)
