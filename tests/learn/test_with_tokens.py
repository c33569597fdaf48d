"""A folder learned with the networks themselves, from a small base with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.checkpoints import find, learned, parcel
from bridge.checkpoints.sounds import known_sounds
from bridge.domain.learning import LearnAsk
from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.course import TokenCourse
from bridge.learn import pace, record
from bridge.learn.course import Course
from bridge.learn.messages import Heard, Learned, Progress, Stopped
from bridge.learn.session import AGAIN, Session
from tests.engine.audiolm import small_model
from tests.learn.sounds import make_folder

MINUTES = 3 / 60


def session(user: Path, sent: list[Any], steps: int = 10_000) -> Session:
    """A session that is stopped after this many events of progress."""
    course: Course = TokenCourse()
    ask = LearnAsk(str(user / "kit"), "my-drums", MINUTES)

    def ends() -> bool:
        return sum(isinstance(one, Progress) for one in sent) > steps

    return Session(course, ask, user / "scratch", user / "clips", sent.append, ends, lambda must_save: None)


@pytest.mark.timeout(120)
def test_a_base_learns_a_folder_is_stopped_goes_on_and_can_be_passed_on(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = user / "base"
    base.mkdir()
    monkeypatch.setattr(find, "AUDIOLM_FOLDER", small_model.saved(base))
    monkeypatch.setattr(pace, "LEAST_LISTEN_S", 0.5)
    make_folder(user / "kit", 8)
    sent: list[Any] = []
    assert session(user, sent, steps=2).run() == Stopped()
    state = learned.states_folder() / "my-drums" / record.STATE
    assert 0 < state.stat().st_size < learned.STATE_BYTES
    sent.clear()
    end = session(user, sent).run()
    assert isinstance(end, Learned) and end.loss < end.base and end.steps > 3
    assert [one for one in sent if isinstance(one, Heard)], "random weights make noise, not silence"
    found = find.find("my-drums")
    assert found.folder is not None and find.facts("my-drums").max_seconds == 30.0
    assert "snare" in model_folder.load(found.folder).words.tokens
    known = known_sounds(found.folder)
    assert known is not None and known.names["kick"] == ["bd"] and {"deep", "snare", "kit"} <= set(known.adjectives)
    parcel.export("my-drums", user / "drums.zip")
    assert parcel.take(user / "drums.zip", "twin") == "twin" and find.find("twin").folder is not None


@pytest.mark.timeout(120)
def test_a_state_of_other_sounds_is_given_up_and_that_is_said(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = user / "base"
    base.mkdir()
    monkeypatch.setattr(find, "AUDIOLM_FOLDER", small_model.saved(base))
    make_folder(user / "kit", 8)
    session(user, [], steps=2).run()
    (user / "kit" / "Kick00.wav").rename(user / "kit" / "Thunderclap.wav")
    sent: list[Any] = []
    session(user, sent, steps=0).run()
    (progress,) = [one for one in sent if isinstance(one, Progress)]
    assert progress.step == 0 and progress.remark == AGAIN
