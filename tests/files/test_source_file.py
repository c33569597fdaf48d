"""Reading the file of a source."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain.source import Source
from bridge.errors import BadSource
from bridge.files import source_file
from bridge.files.same_file import check, hash_of

RATE = 44_100


def written(
    folder: Path, name: str = "tone.wav", seconds: float = 1.0, channels: int = 1, subtype: str = "PCM_24"
) -> Source:
    """A file of noise, and the source that uses all of it."""
    file = folder / name
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (round(seconds * RATE), channels))
    soundfile.write(file, noise, RATE, subtype=subtype)
    return Source(file.as_posix(), hash_of(file), "vary", seconds, 0.0, seconds)


def test_the_part_that_is_used_is_exact_to_the_frame(tmp_path: Path) -> None:
    source = written(tmp_path, channels=2)
    whole, rate = source_file.read(source)
    part, _ = source_file.read(replace(source, from_s=0.25, to_s=0.5))
    assert rate == RATE and whole.shape == (RATE, 2) and whole.dtype == np.float32
    assert np.array_equal(part, whole[round(0.25 * RATE) : round(0.5 * RATE)])


def test_a_gap_leaves_the_whole_file_in_use(tmp_path: Path) -> None:
    samples, _ = source_file.read(replace(written(tmp_path), how="fill", from_s=0.4, to_s=0.6))
    assert len(samples) == RATE


def test_a_file_that_was_changed_or_removed_is_refused_by_name(tmp_path: Path) -> None:
    source = written(tmp_path)
    with Path(source.path).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BadSource, match=r"tone\.wav.*changed"):
        check(source)
    Path(source.path).unlink()
    with pytest.raises(BadSource, match=r"no file .*tone\.wav"):
        check(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_is_refused_at_once_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(BadSource, match="not a regular file"):
        hash_of(tmp_path / "pipe.wav")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="is a folder"):
        hash_of(tmp_path)


def test_a_file_that_ends_before_it_says_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path)
    file = Path(source.path)
    file.write_bytes(file.read_bytes()[:-60_000])
    with pytest.raises(BadSource, match=r"damaged|cannot be read|only"):
        source_file.read(replace(source, sha256=hash_of(file)))


def test_stored_samples_of_the_stream_are_read_as_they_are(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, (48_000, 2)).astype(np.float32)
    np.save(tmp_path / "7.npy", samples)
    source = Source((tmp_path / "7.npy").as_posix(), "", "continue", 0.5, 0.5, 1.0)
    part, rate = source_file.read(source)
    assert rate == 48_000 and np.array_equal(part, samples[24_000:])
    with pytest.raises(BadSource, match="cannot be made again"):
        check(source)  # as for a recipe, which may come from anybody
    (tmp_path / "7.npy").unlink()
    with pytest.raises(BadSource, match="cannot be read"):
        source_file.read(source)
