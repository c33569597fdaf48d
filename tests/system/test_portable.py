from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.system.portable import rename_new


def test_a_file_is_renamed_and_never_replaces_another_one_not_even_itself_under_a_second_name(tmp_path: Path) -> None:
    first, second = tmp_path / "kick.wav", tmp_path / "snare.wav"
    first.write_bytes(b"kick")
    rename_new(first, second)
    assert not first.exists() and second.read_bytes() == b"kick"
    os.link(second, first)
    with pytest.raises(FileExistsError):
        rename_new(second, first)
    assert second.exists() and first.read_bytes() == b"kick"


def test_only_the_case_of_a_name_can_be_changed(tmp_path: Path) -> None:
    (tmp_path / "kick.wav").write_bytes(b"kick")
    rename_new(tmp_path / "kick.wav", tmp_path / "Kick.wav")
    assert os.listdir(tmp_path) == ["Kick.wav"]
