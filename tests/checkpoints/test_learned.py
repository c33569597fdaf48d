"""Learned models: their names, their cards, and the one file in which they are passed on."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.checkpoints import audiolm, find, learned, parcel
from bridge.checkpoints.learned import Card
from bridge.errors import BadArgument, FolderError, NoModel
from tests.harness import called, environment
from tests.learn.stand_in_course import StandInCourse

WEIGHTS = "codec/model.safetensors"
CARD = Card("my-drums", "2026-11-28", 232, 1.7512, 2.304, 300.0)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with one learned model."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    make_model(CARD)
    return tmp_path


def make_model(card: Card) -> None:
    with learned.new_model(card.name) as folder:
        StandInCourse().save_model(folder)
        (folder / learned.CARD).write_text(card.text(), "utf-8")


def parts(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", ["my-drums", "808", "Kit 2", "a_b", "x" * 40, "  spaced   out "])
def test_a_name_is_one_that_every_system_can_have_as_a_folder(name: str) -> None:
    assert learned.checked_name(name) == " ".join(name.split())


@pytest.mark.parametrize(
    "name", ["", " ", "..", "../x", "a/b", "a\\b", "дождь", "x" * 41, "con", "-x", "a\0b", "a.b", "🥁"]
)
def test_other_names_are_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(BadArgument, match="my-drums"):
        learned.checked_name(name)
    assert learned.folder_of(name) is None


def test_a_card_is_read_as_it_was_written(user: Path) -> None:
    folder = learned.folder_of("my-drums")
    assert folder is not None and learned.card_of(folder) == CARD and learned.names() == ["my-drums"]
    (folder / learned.CARD).write_text("license: \x1b[2J\nfiles: 1e999\ndate: tomorrow\nloss: -\n")
    assert learned.card_of(folder) == Card("my-drums", "", 0, 0.0, 0.0, 0.0, "")


def test_a_taken_name_is_refused_in_any_case_of_its_letters(user: Path) -> None:
    for name in ("my-drums", "My-Drums", "starter", "untrained", "audiolm"):
        with pytest.raises(BadArgument, match="already"):
            find.check_free(name)
    find.check_free("my-drums-2")


def test_a_learned_model_goes_before_a_folder_of_the_same_name(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (user / "samples" / "my-drums").mkdir(parents=True)
    monkeypatch.chdir(user / "samples")
    found = find.find("my-drums")
    assert found.folder == learned.folder_of("my-drums") and found.revision == "2026-11-28"


def test_a_model_that_cannot_be_written_leaves_nothing(user: Path) -> None:
    with pytest.raises(FolderError, match="no room"), learned.new_model("other") as folder:
        (folder / "config.json").write_text("{}")
        raise OSError(28, "no room")
    assert [path.name for path in learned.models_folder().iterdir()] == ["my-drums"]


def test_an_exported_model_is_one_file_and_comes_back_without_your_licence(user: Path) -> None:
    file = user / "my-drums.clipbridge"
    parcel.export("my-drums", file)
    with pytest.raises(BadArgument, match="already"):
        parcel.export("my-drums", file)
    with pytest.raises(BadArgument, match="already"):
        parcel.take(file)
    assert parcel.take(file, "from a friend") == "from a friend"
    ours, theirs = (parts(learned.models_folder() / name) for name in ("my-drums", "from a friend"))
    card = learned.card_of(learned.models_folder() / "from a friend")
    assert (card.licence, card.files, card.date) == ("", 232, "2026-11-28")
    assert all(theirs[name] == ours[name] for name in ours if name != learned.CARD) and set(ours) == set(theirs)
    shutil.rmtree(learned.models_folder() / "my-drums")
    assert parcel.take(file) == "my-drums"


def evil(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A parcel of the model with changed entries."""
    content = parts(learned.models_folder() / "my-drums")
    change(content)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return file


BAD: dict[str, Callable[[dict[str, bytes]], None]] = {
    "a path": lambda content: content.update({"../evil.json": b"{}"}),
    "an absolute path": lambda content: content.update({"/tmp/evil.safetensors": b""}),
    "a folder": lambda content: content.update({"sub/model.safetensors": b""}),
    "a pickle": lambda content: content.update({"model.pt": b"\x80\x04."}),
    "code": lambda content: content.update({"setup.py": b"print()"}),
    "no weights": lambda content: content.__delitem__("causal/model.safetensors"),
    "no words": lambda content: content.__delitem__("words.json"),
    "no card": lambda content: content.__delitem__("README.md"),
    "another index": lambda content: content.update({"model_index.json": b'{"_class_name": "os.system"}'}),
    "an index of other classes": lambda content: content.update(
        {"model_index.json": json.dumps({**audiolm.INDEX, "codec": ["os", "system"]}).encode()}
    ),
    "weights that are a pickle": lambda content: content.update({WEIGHTS: b"\x80\x04\x95" + bytes(100)}),
    "weights that are cut off": lambda content: content.update({WEIGHTS: content[WEIGHTS][:-1]}),
    "no JSON": lambda content: content.update({"codec/config.json": b"import os"}),
    "JSON that is a number": lambda content: content.update({"words.json": b"7"}),
    "deep JSON": lambda content: content.update({"words.json": b"[" * 100_000}),
    "a bomb": lambda content: content.update({"words.json": b"[" + b" " * 50_000_000 + b"]"}),
    "more weights": lambda content: content.update({"fine/model.safetensors": content[WEIGHTS]}),
    "no name": lambda content: content.update({"README.md": b"hello"}),
    "a name that is a path": lambda content: content.update({"README.md": b"---\nname: ../../x\n"}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_parcel_with_anything_else_in_it_is_refused_and_leaves_nothing(user: Path, what: str) -> None:
    file = evil(user / "evil.zip", BAD[what])
    with pytest.raises((NoModel, BadArgument)) as refused:
        parcel.take(file, "" if "name" in what else "evil")
    assert str(refused.value).endswith(".") and len(str(refused.value)) < 600
    assert [path.name for path in learned.models_folder().iterdir()] == ["my-drums"]
    assert not (user / "evil.json").exists() and not Path("/tmp/evil.safetensors").exists()


def test_two_entries_of_one_name_and_files_that_are_no_parcel_are_refused(user: Path) -> None:
    file = user / "twice.zip"
    evil(file, lambda content: None)
    with zipfile.ZipFile(file, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("words.json", "[]")
    with pytest.raises(NoModel, match="two files of one name"):
        parcel.take(file, "twice")
    for name, data in (("empty", b""), ("text", b"hello"), ("cut", file.read_bytes()[:200])):
        (user / name).write_bytes(data)
        with pytest.raises(NoModel, match="damaged, or no model"):
            parcel.take(user / name, "other")
    for missing in (user / "nothing", user):
        with pytest.raises(NoModel, match="cannot be used"):
            parcel.take(missing, "other")


def test_an_entry_that_is_longer_than_it_states_is_refused(user: Path) -> None:
    file = evil(user / "lies.zip", lambda content: content.update({"words.json": b"[" + b" " * 1_000 + b"]"}))
    data = file.read_bytes()
    real, stated = (1_002).to_bytes(4, "little"), (2).to_bytes(4, "little")
    assert real in data
    file.write_bytes(data.replace(real, stated))
    with pytest.raises(NoModel):
        parcel.take(file, "lies")
    assert learned.names() == ["my-drums"]


def test_the_command_lists_exports_imports_and_removes(user: Path) -> None:
    listed = json.loads(called(user, "models", "--osc-port", "1", "--json").stdout)
    assert (
        listed["learned"][0]["name"] == "my-drums"
        and listed["learned"][0]["licence"] == "yours"
        and not listed["faults"]
    )
    lines = called(user, "models", "--osc-port", "1").stdout
    assert "yours, learned 2026-11-28 from 232 files, loss 1.75" in lines
    file = user / "mine.zip"
    assert called(user, "models", "export", "my-drums", str(file)).returncode == 0 and file.is_file()
    taken = called(user, "models", "import", str(file))
    assert taken.returncode == 2 and "already" in taken.stderr
    assert called(user, "models", "import", str(file), "--name", "twin").stdout.startswith("twin is here")
    assert "ask its authors" in called(user, "models", "--osc-port", "1").stdout
    assert called(user, "models", "remove", "my-drums").returncode == 0 and learned.names() == ["twin"]
    (learned.states_folder() / "begun").mkdir(parents=True)
    assert "begun" in called(user, "models", "--osc-port", "1").stdout
    assert called(user, "models", "remove", "begun").returncode == 0 and not learned.unfinished()
    for wrong, code in (
        (("remove", "nothing"), 7),
        (("export", "nothing", str(user / "x")), 7),
        (("export", "twin"), 2),
        (("import",), 2),
        (("remove", "twin", "--name", "x"), 2),
        (("eksport", "twin", "x"), 2),
        (("export", "twin", str(user / "no" / "folder.zip")), 6),
    ):
        said = called(user, "models", *wrong)
        assert said.returncode == code and said.stderr.rstrip().endswith((".", "?")), (wrong, said)
