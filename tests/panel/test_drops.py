"""What drops mean, and what is offered for a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl

from bridge.domain.clip import Prompt
from bridge.domain.recipe import write
from bridge.panel import lists
from bridge.panel.drops import MOST_FILES, Audio, Folder, Lists, Meaning, Nothing, Words, what_drop_means, would_do
from bridge.panel.form import BARS, SECONDS, Form, from_recipe
from bridge.panel.lists import MOST_LISTS, copy_lists
from bridge.panel.offers import describe, offers
from bridge.panel.sound_folder import look
from tests.fake_engine import MODEL

ODD_NAME = "/clips/50% wet & röhre (take #2).wav"


def mime(*urls: str, text: str | None = None) -> QMimeData:
    made = QMimeData()
    if urls:
        made.setUrls([QUrl(url) for url in urls])
    if text is not None:
        made.setText(text)
    return made


def local(path: str) -> str:
    return QUrl.fromLocalFile(path).toString(QUrl.ComponentFormattingOption.FullyEncoded)


def test_words_are_words() -> None:
    assert what_drop_means(mime(text="  deep kick\n")) == Words("deep kick")


def test_a_file_is_a_file_although_it_is_text_too() -> None:
    assert what_drop_means(mime(local(ODD_NAME), text=local(ODD_NAME))) == Audio((ODD_NAME,))


def test_a_file_that_comes_as_text_alone_is_a_file() -> None:
    assert what_drop_means(mime(text=local(ODD_NAME))) == Audio((ODD_NAME,))
    assert what_drop_means(mime("about:blank#blocked", text=local(ODD_NAME))) == Audio((ODD_NAME,))


@pytest.mark.parametrize(
    "dropped",
    [
        mime("http://example.org/a.wav", text="http://example.org/a.wav"),
        mime("about:blank#blocked"),
        mime("relative.wav"),
        mime("file:///a%00b.wav"),
        mime(text="\0\0\0"),
        mime(text="   "),
        mime(local("/a/folder"), local("/b/folder")),
        mime(local("/a/picture.png")),
        mime(),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(dropped: QMimeData) -> None:
    meaning = what_drop_means(dropped)
    assert isinstance(meaning, Nothing) and meaning.why.endswith((".", ")."))


@pytest.mark.parametrize("name", ["/samples/my drums", "/samples/Kit v1.2", "/samples/My.Samples", "/samples/kit/"])
def test_one_file_without_the_suffix_of_a_file_may_be_a_folder(name: str) -> None:
    meaning = what_drop_means(mime(local(name)))
    assert meaning == Folder(name)
    assert isinstance(what_drop_means(mime(local(name), local("/b/kit"))), Nothing)


def test_of_a_folder_the_sounds_are_counted_and_small_ones_get_a_sentence(tmp_path: Path) -> None:
    assert "cannot be used" in look(str(tmp_path / "picture")).why
    folder = tmp_path / "my drums"
    folder.mkdir()
    assert "no sound" in look(str(folder)).why
    (folder / "read me.txt").touch()
    for number in range(7):
        (folder / str(number % 2)).mkdir(exist_ok=True)
        (folder / str(number % 2) / f"{number}.WAV").touch()
        found = look(str(folder))
        assert found.sounds == number + 1 and ("too few" in found.why) == (number < 4)


def test_the_first_file_decides_and_the_others_are_counted() -> None:
    files = [local(f"/{name}") for name in ("note.pdf", "a.wav", "b.FLAC", "list.txt")]
    assert what_drop_means(mime(*files, "http://example.org")) == Audio(("/a.wav", "/b.FLAC"), 3)
    assert what_drop_means(mime(*reversed(files))) == Lists(("/list.txt",))


def test_of_many_files_a_thousand_are_looked_at() -> None:
    meaning = what_drop_means(mime(*(local(f"/{number}.wav") for number in range(MOST_FILES + 500))))
    assert isinstance(meaning, Audio) and len(meaning.paths) == MOST_FILES and meaning.left_out == 500
    assert "1000 clips" in would_do(meaning)


@pytest.mark.parametrize(
    "meaning",
    [Words("x"), Audio(("/a.wav",)), Audio(("/a.wav", "/b.wav")), Lists(("/a.txt",)), Folder("/a"), Nothing("Why.")],
)
def test_a_drag_says_what_a_drop_would_do(meaning: Meaning) -> None:
    assert would_do(meaning)


def test_a_clip_offers_its_recipe_and_to_be_made_again() -> None:
    prompt = Prompt("glassy bell", "a glassy bell", 2.0, 4711, takes=4, preset="note", note="a#4", steps=20)
    recipe = write(prompt, MODEL, take=2)
    made = offers({"seconds": 2.0, "bpm": 0.0, "confidence": 0.0, "prompt": "glassy bell", "recipe": recipe}, 4)
    assert [offer.what for offer in made] == ["recipe", "again", "length"]
    filled = from_recipe(made[0].values)
    assert filled == Form("glassy bell", "note", SECONDS, 2.0, 1, "a#4", extras={"seed": 4712, "steps": 20})
    in_bars = write(Prompt("rain", "rain", 3.8095, 5, bars=2.0, bpm=126.0, loop=True), MODEL, take=1)
    filled = from_recipe(offers({"prompt": "rain", "recipe": in_bars}, 4)[0].values)
    assert filled == Form("rain", "", BARS, 2.0, loop=True, extras={"seed": 5, "bpm": 126.0})
    assert offers({"prompt": "bell", "recipe": "{"}, 4)[0].values == {"text": "bell"}
    assert describe("/clips/a.wav", {"prompt": "bell", "seconds": 2.0}) == "a.wav  “bell”  2 s"


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"seconds": 3.81, "bpm": 126.0, "confidence": 0.9}, ["Use its length (3.81 s)", "Use 2 bars at 126 BPM"]),
        ({"seconds": 4.5, "bpm": 126.0, "confidence": 0.9}, ["Use its length (4.5 s)", "Use its tempo (126 BPM)"]),
        ({"seconds": 4.5, "bpm": 126.0, "confidence": 0.2}, ["Use its length (4.5 s)"]),
        ({"seconds": 3_600.0, "bpm": 0.0}, []),
        ({"seconds": "4", "bpm": None, "prompt": 5}, []),
        ({"seconds": float("nan"), "bpm": float("inf")}, []),
        ({}, []),
    ],
)
def test_other_audio_offers_its_length_and_its_tempo_if_that_is_sure(
    measured: dict[str, object], words: list[str]
) -> None:
    assert [offer.words for offer in offers(measured, 4)] == words


def test_lists_go_into_the_inbox_under_free_names(tmp_path: Path) -> None:
    (tmp_path / "drums.txt").write_text("kick\nsnare\n", "utf-8")
    inbox = tmp_path / "in" / "box"
    for _ in range(2):
        assert copy_lists((str(tmp_path / "drums.txt"),), str(inbox)).startswith("Put 1 list into the inbox")
    assert sorted(file.name for file in inbox.iterdir()) == ["drums 2.txt", "drums.txt"]
    assert (inbox / "drums 2.txt").read_text("utf-8") == "kick\nsnare\n"


def test_lists_that_cannot_be_copied_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(b"x" * 300_000)
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "file").write_text("x", "utf-8")
    missing, long, folder = (str(tmp_path / name) for name in ("no.txt", "long.txt", "folder.txt"))
    assert "not a file" in copy_lists((missing,), str(tmp_path / "inbox"))
    assert "more than 256 kB" in copy_lists((long,), str(tmp_path / "inbox"))
    assert "1 more" in copy_lists((folder, missing), str(tmp_path / "inbox"))
    assert "left out" in copy_lists((str(tmp_path / "file"),), str(tmp_path / "file" / "inbox"))
    assert "no inbox" in copy_lists((missing,), "")


def test_a_list_that_found_no_free_name_does_not_count_as_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_NAMES", 3)
    (tmp_path / "a.txt").write_text("kick", "utf-8")
    said = [copy_lists((str(tmp_path / "a.txt"),), str(tmp_path / "inbox")) for _ in range(3)]
    assert said[1].startswith("Put 1 list") and said[2].startswith(
        "a.txt was left out: the inbox has 2 files of this name"
    )


def test_of_many_lists_some_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("kick", "utf-8")
    said = copy_lists((str(tmp_path / "a.txt"),) * (MOST_LISTS + 5), str(tmp_path / "inbox"))
    assert f"Put {MOST_LISTS} lists" in said and f"first {MOST_LISTS} of {MOST_LISTS + 5}" in said
