"""Files that cannot be the source of a clip are refused at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import BadSource
from bridge.files.same_file import MOST_BYTES
from bridge.shaper import source
from bridge.shaper.messages import InspectSource


def refusal(file: Path, how: str = "vary") -> str:
    """The reason why the file cannot be varied, or filled from 0.1 to 0.2 s."""
    with pytest.raises(BadSource) as error:
        source.inspect(InspectSource(0, str(file), how, 0.1, 0.2 if how == "fill" else None, 120.0))
    return str(error.value)


def noise(file: Path, seconds: float = 2.0) -> Path:
    soundfile.write(file, np.random.default_rng(1).uniform(-0.1, 0.1, round(seconds * 48_000)), 48_000)
    return file


def test_a_huge_file_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rain.ogg"
    with file.open("wb") as huge:
        huge.truncate(MOST_BYTES + 1)  # a hole: it takes no room
    monkeypatch.setattr(source, "AudioFile", None)
    assert "larger than 1 GB" in refusal(file)


def test_a_damaged_file_has_the_code_of_a_bad_source(tmp_path: Path) -> None:
    file = noise(tmp_path / "rain.flac")
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    assert "damaged" in refusal(file)


def test_a_file_that_is_too_long_to_be_filled_is_refused_with_its_own_length(tmp_path: Path) -> None:
    assert "has 160 seconds" in refusal(noise(tmp_path / "rain.wav", 160.0), "fill")
