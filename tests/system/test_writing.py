from pathlib import Path

import pytest

from bridge.system import portable
from bridge.system.writing import write_synced, write_whole


def test_a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    for content in (b"old", b"new and longer"):
        write_whole(file, content)
        assert file.read_bytes() == content and list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: Path, _target: Path) -> None:
        raise OSError("disk full")

    file = tmp_path / "kept.json"
    write_whole(file, b"old")
    monkeypatch.setattr(portable, "replace", full)
    with pytest.raises(OSError, match="full"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "kept.json", b"")


def test_a_file_that_is_synced_overwrites_no_other(tmp_path: Path) -> None:
    write_synced(tmp_path / "clip.wav", b"one")
    with pytest.raises(FileExistsError):
        write_synced(tmp_path / "clip.wav", b"two")
    assert (tmp_path / "clip.wav").read_bytes() == b"one"
