"""A file has one spelling, whichever of its paths is named."""

from __future__ import annotations

import errno
import os
import sys
import unicodedata
from pathlib import Path

import pytest

from bridge.system.spelling import on_disk

FOLDER = unicodedata.normalize("NFC", "Klänge 雨 がらす")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    clip = tmp_path.resolve() / FOLDER / "é.wav"
    clip.parent.mkdir()
    clip.touch()
    return clip


def test_links_dots_and_compositions_of_letters_mean_the_same_file(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(clip.parent)
    (tmp_path / "clip.wav").symlink_to(clip)
    (tmp_path / "chain").symlink_to(tmp_path / "link")
    monkeypatch.chdir(clip.parent)
    for path in (
        clip,
        Path(unicodedata.normalize("NFD", str(clip))),
        tmp_path / "link" / "é.wav",
        tmp_path / "chain" / unicodedata.normalize("NFD", "é.wav"),
        tmp_path / "clip.wav",
        clip.parent / ".." / clip.parent.name / "é.wav",
        tmp_path / "link" / ".." / unicodedata.normalize("NFD", FOLDER) / "é.wav",
        Path("é.wav"),
    ):
        assert on_disk(path) == clip, path


def test_a_name_on_disk_may_be_decomposed_too(tmp_path: Path) -> None:
    decomposed = tmp_path.resolve() / unicodedata.normalize("NFD", FOLDER)
    decomposed.mkdir()
    assert on_disk(tmp_path / FOLDER).samefile(decomposed)
    if sys.platform == "linux":  # both spellings may exist
        composed = tmp_path.resolve() / FOLDER
        composed.mkdir()
        assert (on_disk(composed), on_disk(decomposed)) == (composed, decomposed)


def test_another_letter_case_is_the_same_file_where_the_disk_says_so(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shouted = clip.with_name("É.WAV")
    if sys.platform == "linux":
        assert on_disk(shouted) == shouted  # does not exist
        real = os.path.realpath
        monkeypatch.setattr(os.path, "lexists", lambda path: True)  # a disk as on Windows and macOS
        monkeypatch.setattr(os.path, "realpath", lambda path, strict: real(path))
    assert on_disk(shouted) == clip
    assert on_disk(clip.parent.with_name(FOLDER.upper()) / "É.wav") == clip


def test_what_does_not_exist_keeps_its_spelling(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "unplugged")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    gone = (
        clip.with_name("gone.wav"),
        tmp_path / "dangling",
        tmp_path / "circle" / "x",
        Path("/nowhere/\0"),
        clip / "x",
    )
    for path in gone:
        assert on_disk(path) == path


def test_a_folder_that_may_not_be_read_may_be_entered(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def refuse(folder: Path) -> list[str]:  # not by its mode: root reads every folder
        if folder == clip.parent:
            raise PermissionError(errno.EACCES, "no permission")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    assert on_disk(clip) == clip
