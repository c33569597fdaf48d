"""Files that are measured and cropped by their paths, with a real shaper."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.harness import STAND_IN, Client, Daemon, pairs
from tests.rhythms import clicks

pytestmark = pytest.mark.daemon
RATE = 48_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    place = tmp_path_factory.mktemp("files")
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    yield daemon
    daemon.stop()


@pytest.fixture
def client(desk: Daemon) -> Client:
    return desk.client()


def generated(client: Client, *values: object) -> Path:
    """A clip of the stand-in engine."""
    client.send("/bridge/generate", *values, "steps", 2, "id", "clip")
    address, done = client.end_of("clip")
    assert address == "/bridge/done", done
    return Path(done[1])


def refusal(client: Client, address: str, *values: object) -> tuple[str, str]:
    """The code and the sentence with which a message is refused."""
    reply, (about, code, why) = client.ask(address, *values)
    assert (reply, about) == ("/bridge/error", address) and why.endswith(".")
    return str(code), str(why)


def test_any_file_of_this_machine_is_measured(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "beat ä.flac"
    beat = clicks(97, 12.0)
    soundfile.write(file, np.repeat(beat, 2, axis=1), RATE)
    _, (path, *rest) = client.ask("/bridge/measure", str(file))
    facts = pairs(rest, 0)
    info = soundfile.info(file)
    assert path == str(file) and facts["seconds"] == pytest.approx(info.duration)
    assert [facts[name] for name in ("sample_rate", "channels", "frames")] == [RATE, 2, info.frames]
    assert facts["bpm"] == pytest.approx(97, abs=0.1) and facts["confidence"] > 0.8 and "prompt" not in facts


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_tempo_is_measured_at_any_rate_and_half_or_double_follows_the_tempo_that_runs(
    client: Client, tmp_path: Path, rate: int
) -> None:
    file = tmp_path / "beat.wav"
    soundfile.write(file, soxr.resample(clicks(170, 10.0), RATE, rate), rate)
    for running, measured in ((120, 85), (175, 170)):
        client.send("/bridge/tempo", running)
        assert pairs(client.ask("/bridge/measure", str(file))[1], 1)["bpm"] == pytest.approx(measured, abs=0.1)
    client.send("/bridge/tempo", 120)


def test_a_clip_is_measured_with_its_prompt_and_a_sound_without_a_beat_has_no_tempo(client: Client) -> None:
    facts = pairs(client.ask("/bridge/measure", str(generated(client, "rain on tin", 2.0)))[1], 1)
    assert facts["prompt"] == "rain on tin" and facts["bpm"] == 0.0 and facts["seconds"] == 2.0


def test_a_file_that_cannot_be_measured_is_refused_with_the_reason(
    client: Client, desk: Daemon, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no audio " * 50)
    soundfile.write(empty, np.zeros((0, 1)), RATE)
    for path, expected in (
        (tmp_path / "missing.wav", "No such file or directory"),
        (tmp_path, "it is a folder"),
        (text, "it is not audio, or damaged"),
        (empty, "it has no samples"),
    ):
        code, why = refusal(client, "/bridge/measure", str(path))
        assert code == "bad_audio" and expected in why
    for values in ((), (7,), ("",), ("clip.wav",), (str(text), 1), (str(text), "bpm", 3)):
        assert refusal(client, "/bridge/measure", *values)[0] == "bad_argument"


@pytest.mark.skipif(sys.platform != "linux", reason="makes a pipe and reads a sparse file")
def test_a_pipe_is_not_waited_for_and_of_a_huge_file_only_the_beginning_is_read(client: Client, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in refusal(client, "/bridge/measure", str(tmp_path / "pipe.wav"))[1]
    file = tmp_path / "huge.wav"
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16", format="RF64") as opened:
        opened.write(np.repeat(clicks(100, 31.0), 2, axis=1))
    size, frames = file.stat().st_size, 1_500_000_000
    data = bytearray(file.read_bytes()[:200])
    at = data.index(b"ds64") + 8
    data[at : at + 24] = b"".join(number.to_bytes(8, "little") for number in (size + 4 * frames, 4 * frames, frames))
    with file.open("r+b") as raw:
        raw.write(data)
        raw.truncate(size + 4 * frames)
    facts = pairs(client.ask("/bridge/measure", str(file))[1], 1)
    assert facts["frames"] == frames and facts["bpm"] == pytest.approx(100, abs=0.1)
