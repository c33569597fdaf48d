"""Which files may be played and changed by their paths."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.errors import UnknownClip
from bridge.library.reach import reachable


def nothing(_file: Path) -> bool:
    return False


@pytest.mark.parametrize("look", [True, False])
def test_a_file_below_a_linked_sample_folder_is_reached_by_both_spellings(tmp_path: Path, look: bool) -> None:
    real, linked = tmp_path / "real", tmp_path / "linked"
    (real / "drums").mkdir(parents=True)
    if sys.platform != "win32":
        linked.symlink_to(real)
    (real / "drums" / "kick.wav").touch()
    for folder in {real, linked} if linked.exists() else {real}:
        for spelling in {real, linked} if linked.exists() else {real}:
            path = spelling / "drums" / ".." / "drums" / "kick.wav"
            if look or spelling in (real, folder):
                assert reachable(str(path), folder, nothing, look) == (real / "drums" / "kick.wav").resolve()


@pytest.mark.parametrize("look", [True, False])
def test_a_clip_of_the_library_is_reached_wherever_it_is(tmp_path: Path, look: bool) -> None:
    folder, clip = tmp_path / "folder", tmp_path / "other" / "kick.wav"
    clip.parent.mkdir()
    clip.touch()
    folder.mkdir()
    assert reachable(str(clip), folder, lambda file: file == clip, look) == clip
    with pytest.raises(UnknownClip):
        reachable(str(clip), folder, nothing, look)


def test_another_machine_gets_the_same_answer_about_every_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "there.wav").touch()
    (folder / "a folder").mkdir()
    answers = set()
    for path in ("there.wav", "missing.wav", "folder/missing.wav", "folder/a folder", "folder/../there.wav"):
        with pytest.raises(UnknownClip) as refused:
            reachable(str(tmp_path / path), folder, nothing, look=False)
        answers.add(str(refused.value).partition(" is ")[2])
    assert len(answers) == 1


@pytest.mark.parametrize("look", [True, False])
def test_a_file_that_the_system_refuses_is_refused_with_its_reason(tmp_path: Path, look: bool) -> None:
    path = str(
        tmp_path / f"{'x' * 300}.wav"
    )  # longer than any name may be; a protected folder is refused in the same way
    with pytest.raises(UnknownClip) as refused:
        reachable(path, tmp_path, nothing, look)
    assert ("cannot be opened (" if look and sys.platform != "win32" else "' ") in str(refused.value)
