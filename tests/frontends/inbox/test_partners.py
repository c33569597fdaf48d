"""An audio file that comes into the inbox with a text of the same name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain.ask import Ask
from bridge.frontends.inbox.folder import InboxFolder
from bridge.frontends.inbox.partners import partner_of
from tests.frontends.inbox.test_inbox import finished, settled


@pytest.fixture
def inbox(tmp_path: Path) -> InboxFolder:
    (tmp_path / "clips").mkdir()
    folder = InboxFolder(tmp_path / "inbox", tmp_path / "clips")
    assert folder.ready() == ""
    return folder


def sound(file: Path) -> None:
    soundfile.write(file, 0.3 * np.random.default_rng(1).standard_normal(24_000), 48_000)


def asks(dropped: object) -> list[Ask]:
    entries = dropped.entries  # type: ignore[attr-defined]
    assert all(isinstance(entry.what, Ask) for entry in entries), [entry.why for entry in entries]
    return [entry.what for entry in entries]


@pytest.mark.parametrize("first", ["audio", "text"])
def test_each_prompt_of_the_text_varies_the_audio_which_moves_to_where_it_stays(inbox: InboxFolder, first: str) -> None:
    writes = [lambda: sound(inbox.folder / "my kick.wav"), lambda: (inbox.folder / "my kick.txt").write_text(
        'distorted kick strength=0.4\nlong rain vary="last"\n'
    )]  # fmt: skip
    for write in writes if first == "audio" else reversed(writes):
        write()
    dropped = settled(inbox)
    assert dropped is not None and dropped.name == "my kick.txt"
    one, other = asks(dropped)
    moved = inbox.folder / "sources" / "my kick.wav"
    assert (one.vary, one.strength, one.text) == (str(moved), 0.4, "distorted kick")
    assert other.vary == "last" and moved.is_file() and not (inbox.folder / "my kick.wav").exists()
    finished(inbox, dropped)
    assert moved.is_file() and settled(inbox) is None


def test_a_text_of_only_keys_or_comments_varies_the_audio_without_a_prompt(inbox: InboxFolder) -> None:
    sound(inbox.folder / "a.flac")
    (inbox.folder / "a.txt").write_text("# softer, please\n")
    sound(inbox.folder / "b.aiff")
    (inbox.folder / "b.txt").write_text("strength=0.7 takes=3\n")
    first = settled(inbox)
    assert first is not None and [(ask.text, ask.how) for ask in asks(first)] == [("", "vary")]
    finished(inbox, first)
    second = settled(inbox)
    assert second is not None and [(ask.text, ask.strength, ask.takes) for ask in asks(second)] == [("", 0.7, 3)]


def test_a_text_that_stays_empty_varies_the_audio_too(inbox: InboxFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(inbox.folder / "a.wav")
    (inbox.folder / "a.txt").touch()
    (inbox.folder / "b.txt").touch()  # without audio it waits for its prompts
    monkeypatch.setattr("bridge.frontends.inbox.folder.UNREADABLE_S", 1.0)
    dropped = settled(inbox)
    assert dropped is not None and dropped.name == "a.txt"
    assert [(ask.text, ask.how) for ask in asks(dropped)] == [("", "vary")]
    finished(inbox, dropped)
    assert settled(inbox) is None


def test_after_a_restart_the_text_still_knows_its_audio(inbox: InboxFolder, tmp_path: Path) -> None:
    sound(inbox.folder / "kick.wav")
    (inbox.folder / "kick.txt").write_text("distorted kick\n")
    assert settled(inbox) is not None
    inbox.close()  # the daemon was killed before anything was made
    again = InboxFolder(inbox.folder, tmp_path / "clips")
    assert again.ready() == ""
    dropped = settled(again)
    assert dropped is not None and asks(dropped)[0].vary == str(inbox.folder / "sources" / "kick.wav")
    again.close()


def test_a_later_text_of_that_name_without_audio_is_a_plain_list(inbox: InboxFolder) -> None:
    sound(inbox.folder / "kick.wav")
    (inbox.folder / "kick.txt").write_text("distorted kick\n")
    dropped = settled(inbox)
    assert dropped is not None
    finished(inbox, dropped)
    (inbox.folder / "kick.txt").write_text("deep kick\n")
    later = settled(inbox)
    assert later is not None and asks(later)[0].how == ""


def test_only_files_of_one_name_and_different_kinds_belong_together() -> None:
    names = ["kick.wav", "kick.toml", "snare.txt", "snare.rtf", "hat.wav", "hat.flac"]
    assert partner_of("kick.wav", names) == "kick.toml" and partner_of("kick.toml", names) == "kick.wav"
    assert partner_of("snare.txt", names) == "" and partner_of("hat.wav", names) == ""
