"""A folder learned as a LoRA, from a small checkpoint in the place of the starter, to the model that is used, passed on and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.checkpoints import adapted, find, learned, parcel
from bridge.checkpoints.loras import lora_of
from bridge.domain.learning import LearnAsk
from bridge.engine.audioldm2.course import LoraCourse
from bridge.errors import BadArgument, NoModel
from bridge.learn import pace, record
from bridge.learn.course import Course
from bridge.learn.messages import Heard, Learned, Progress, Stopped
from bridge.learn.session import Session
from tests.engine.audioldm2 import small_starter
from tests.harness import called
from tests.learn.sounds import make_folder


def session(user: Path, sent: list[Any], steps: int = 10_000, name: str = "my-drums", how: str = "lora") -> Session:
    """A session that is stopped after this many events of progress."""
    course: Course = LoraCourse()
    ask = LearnAsk(str(user / "kit"), name, 2 / 60, how)

    def ends() -> bool:
        return sum(isinstance(one, Progress) for one in sent) > steps

    return Session(course, ask, user / "scratch", user / "clips", sent.append, ends, lambda must_save: None)


@pytest.mark.timeout(120)
def test_a_folder_becomes_a_lora_of_the_starter_that_is_used_by_its_name_and_its_word(
    user: Path, built_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "STARTER_FOLDER", small_starter.saved(user / "small", built_cache))
    monkeypatch.setattr(pace, "LEAST_LISTEN_S", 0.5)
    make_folder(user / "kit", 8)
    sent: list[Any] = []
    assert session(user, sent, steps=1).run() == Stopped()
    state = learned.states_folder() / "my-drums" / record.STATE
    assert 0 < state.stat().st_size < learned.STATE_BYTES
    with pytest.raises(BadArgument, match="go on with --how lora"):
        session(user, [], how="tokens").run()
    sent.clear()
    end = session(user, sent).run()
    assert isinstance(end, Learned) and end.loss < end.base and end.word == "my drums"
    assert [one for one in sent if isinstance(one, Heard)], "random weights make noise, not silence"
    own = learned.models_folder() / "my-drums"
    assert {file.name for file in own.iterdir()} == set(parcel.LORA_FILES)
    found, facts = find.find("my-drums"), find.facts("my-drums")
    assert found.folder == find.STARTER_FOLDER and found.own == own and found.loras[0].file == own / adapted.FILE
    assert found.revision.startswith("9 lora my drums ") and "my-drums" in find.available()
    assert facts.licence == "yours" and 0 < facts.size_bytes < 1_000_000 and facts.sample_rate == 16_000
    assert learned.card_of(own).word == "my drums" and "Say *my drums*" in (own / learned.CARD).read_text()
    assert lora_of("my-drums:0.7").strength == 0.7 and lora_of("my-drums").file == own / adapted.FILE
    assert "say my drums" in called(user / "home", "models", "--osc-port", "1").stdout
    assert "\nmy drums\n" in called(user / "home", "sounds", "--model", "my-drums").stdout
    parcel.export("my-drums", user / "drums.zip")
    assert parcel.take(user / "drums.zip", "twin") == "twin"
    assert learned.card_of(learned.models_folder() / "twin").word == "my drums" and find.find("twin").loras
    (own / adapted.FILE).write_bytes(b"\0" * 20)
    parcel.export("my-drums", user / "broken.zip")
    with pytest.raises(NoModel, match="holds no weights"):
        parcel.take(user / "broken.zip", "broken")
    assert learned.names() == ["my-drums", "twin"] and learned.remove("my-drums") == "model"
