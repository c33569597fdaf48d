"""What /bridge/clip says about the source of a clip, and to whom."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.clip import Prompt
from bridge.domain.recipe import Recipe, write
from bridge.domain.source import How, Source
from bridge.frontends.osc.answers import Request
from bridge.frontends.osc.library import send_clip
from bridge.library import clips, database, search
from bridge.library.clips import Clip, File
from tests.fake_engine import MODEL


class Sent:
    """Stands for the socket: `facts` of the last reply."""

    def reply(self, _target: object, _address: str, facts: dict[str, Any]) -> None:
        self.facts = facts


def clip(tmp_path: Path, how: How) -> Clip:
    """A clip with a source, as the library returns it."""
    source = Source("/else/beat.wav", "0" * 64, how, 2.0, 0.5, 2.5, strength=0.7)
    prompt = MODEL.abilities.settled(Prompt("beat", "beat", 2.0, 1, source=source))
    with contextlib.closing(database.connect(tmp_path / "library.db")) as connection:
        recipe = Recipe(prompt, 1, {})
        file = File("/clips/beat.wav", 1, 1, b"x")
        clips.add(connection, file, Path("/clips"), recipe, write(prompt, MODEL, 1))
        (found,) = search.find(connection, search.Query("beat"))
    return found


@pytest.mark.parametrize("how", ["vary", "continue", "fill"])
def test_a_program_of_this_machine_learns_what_a_clip_was_made_from(tmp_path: Path, how: How) -> None:
    sent = Sent()
    send_clip(sent, Request("/bridge/find", [], ("127.0.0.1", 5)), clip(tmp_path, how), id=7)  # type: ignore[arg-type]
    names = ["how", "source", "from", "to", *(["strength"] if how == "vary" else []), "id"]
    assert list(sent.facts)[-len(names) :] == names
    assert [sent.facts[name] for name in names[:4]] == [how, "/else/beat.wav", 0.5, 2.5]
    assert sent.facts.get("strength", 0.7) == 0.7


def test_another_machine_does_not_learn_which_files_there_are(tmp_path: Path) -> None:
    sent = Sent()
    send_clip(sent, Request("/bridge/find", [], ("192.0.2.7", 5)), clip(tmp_path, "vary"))  # type: ignore[arg-type]
    assert sent.facts["prompt"] == "beat" and not {"how", "source", "from", "to", "strength"} & sent.facts.keys()
