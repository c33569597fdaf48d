"""Files played by their paths: as they are from the requested place on, and silent after a panic."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from bridge.client import encode
from tests.harness import Client, Daemon, pairs
from tests.jack_device import BLOCK, RATE, Recorder
from tests.packets import bundle

FADE = 240  # frames: an edge within the file
QUIET = 0.2


def noise(seconds: float, rate: int = RATE, channels: int = 2, seed: int = 1) -> np.ndarray:
    """Noise without treble, which survives MP3 and resampling."""
    coarse = np.random.default_rng(seed).uniform(-QUIET, QUIET, (round(seconds * 4_000) + 8, channels))
    return np.asarray(soxr.resample(coarse, 4_000, rate, "HQ")[: round(seconds * rate)], np.float32)


@pytest.fixture
def client(stage: Daemon) -> Iterator[Client]:
    client = stage.client()
    yield client
    client.send("/bridge/stop")


def states(client: Client, path: Path | str, *keys: object) -> list[tuple[str, str]]:
    """Play a file to its end: each state of its voice, and why."""
    client.send("/bridge/play", str(path), *keys)
    told: list[tuple[str, str]] = []
    while not told or told[-1][0] != "ended":
        _, (_voice, state, why, *rest) = client.until("/bridge/voice")
        assert pairs(rest, 0) == {"path": str(path)}
        told.append((state, why))
    return told


def begun(client: Client, path: Path, *keys: object) -> int:
    """Play a file; the number of its voice, once it has begun."""
    client.send("/bridge/play", str(path), *keys)
    while (told := client.until("/bridge/voice")[1])[1] != "began":
        assert told[1] == "waiting", told
    return int(told[0])


def heard_of(recorder: Recorder, expected: np.ndarray) -> np.ndarray:
    """What was heard from the frame on at which it fits `expected` best, as long as that."""
    time.sleep(0.1)
    recording = recorder.heard()
    size = 1 << (len(recording) + len(expected)).bit_length()
    spectra = [np.fft.rfft(one[:, 0], size) for one in (recording, expected)]
    first = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]), size)[: len(recording)]))
    piece = recording[first : first + len(expected)]
    assert len(piece) == len(expected)
    assert not recording[first + len(expected) :].any() and not recording[: max(0, first - 1)].any()
    return piece


def test_a_file_sounds_exactly_from_one_place_to_another(stage: Daemon, client: Client, recorder: Recorder) -> None:
    file = stage.folder / "played" / "exact.wav"
    file.parent.mkdir(exist_ok=True)
    samples = noise(1.0)
    soundfile.write(file, samples, RATE, "FLOAT")
    assert states(client, file, "from", 0.25, "to", 0.75) == [("waiting", ""), ("began", ""), ("ended", "")]
    expected = samples[12_000:36_000]
    heard = heard_of(recorder, expected)
    assert np.array_equal(heard[FADE:-FADE], expected[FADE:-FADE])
    assert np.abs(heard[0]).max() == 0 and np.abs(heard[-1]).max() == 0
    recorder.restart()
    assert states(client, file)[-1] == ("ended", "")
    assert np.array_equal(heard_of(recorder, samples), samples)  # its own edges are not faded


@pytest.mark.parametrize(
    ("name", "rate", "channels", "accuracy"),
    [
        ("one.flac", 48_000, 1, 1e-4),
        ("two.aiff", 44_100, 2, 1e-3),
        ("three.wav", 96_000, 1, 1e-3),
        ("four.mp3", 44_100, 2, 0.05),
        ("five.ogg", 48_000, 1, 0.05),
        ("six.opus", 48_000, 2, 0.05),
    ],
)
def test_a_file_of_any_format_and_rate_sounds_from_its_place_on(
    stage: Daemon, client: Client, recorder: Recorder, name: str, rate: int, channels: int, accuracy: float
) -> None:
    file = stage.folder / name
    forms = {".opus": {"format": "OGG", "subtype": "OPUS"}}
    soundfile.write(file, noise(1.5, rate, channels), rate, **forms.get(file.suffix, {}))
    assert states(client, file, "from", 0.5)[-1] == ("ended", "")
    whole = soundfile.read(file, dtype="float32", always_2d=True)[0]
    expected = soxr.resample(whole, rate, RATE, "HQ")[24_000:]
    heard = heard_of(recorder, expected)
    assert np.abs(heard - expected)[FADE:-FADE].max() < accuracy
    file.unlink()


def test_a_loop_goes_round_from_one_place_to_another(stage: Daemon, client: Client, recorder: Recorder) -> None:
    file = stage.folder / "round.wav"
    samples = noise(1.0, channels=1)
    soundfile.write(file, samples, RATE, "FLOAT")
    voice = begun(client, file, "loop", 1, "from", 0.5, "to", 0.6)
    recorder.wait_for_sound(time.monotonic())
    time.sleep(0.4)
    client.send(f"/bridge/voice/{voice}/loop", 0)
    client.until("/bridge/voice")
    time.sleep(0.1)
    heard = recorder.heard()[:, 0]
    sounding = heard[np.flatnonzero(heard)[0] :][: 3 * 4_800]
    turns = np.concatenate([samples[24_000:28_800, 0]] * 4)
    shift = next(at for at in (0, 1) if np.array_equal(sounding[FADE:], turns[at:][FADE : len(sounding)]))
    assert shift <= 1  # a faded first sample is silence


def test_gain_pan_and_stop_reach_the_voice_of_a_file(stage: Daemon, client: Client, recorder: Recorder) -> None:
    file = stage.folder / "long.wav"
    soundfile.write(file, np.full((20 * RATE, 1), 0.5, np.float32), RATE, "PCM_16")
    voice = begun(client, file, "gain", 0.5, "pan", 1)
    recorder.wait_for_sound(time.monotonic())
    time.sleep(0.1)
    assert recorder.heard()[-1].tolist() == [0.0, 0.25]
    client.send(f"/bridge/voice/{voice}/gain", 1.0, 10.0)
    client.send(f"/bridge/voice/{voice}/pan", 0.0, 10.0)
    time.sleep(0.3)
    assert recorder.heard()[-1].tolist() == [0.5, 0.5]
    client.send(f"/bridge/voice/{voice}/stop", 30.0)
    assert client.until("/bridge/voice")[1] == [voice, "ended", "", "path", str(file)]


def test_a_file_waits_for_the_next_bar(stage: Daemon, client: Client) -> None:
    file = stage.folder / "bar.wav"
    soundfile.write(file, noise(0.1), RATE)
    client.send("/bridge/tempo", 300, 4)
    assert [state for state, _ in states(client, file, "quantize", "bar")] == ["waiting", "began", "ended"]
    client.send("/bridge/tempo", 120, 4)


def test_nothing_that_was_asked_for_before_a_panic_is_heard(stage: Daemon, client: Client, recorder: Recorder) -> None:
    file = stage.folder / "panic.wav"
    soundfile.write(file, noise(5.0), RATE)
    client.udp.sendto(bundle(encode("/bridge/play", str(file)), encode("/bridge/stop")), ("127.0.0.1", stage.port))
    assert client.until("/bridge/error")[1][:2] == ["/bridge/play", "cancelled"]
    client.send("/bridge/play", str(file), "quantize", "bar")
    number, state, *_ = client.until("/bridge/voice")[1]
    assert state == "waiting"
    client.send("/bridge/stop")
    assert client.until("/bridge/voice")[1][:2] == [number, "ended"]
    time.sleep(0.2)
    assert not recorder.heard().any()
    begun(client, file)
    recorder.wait_for_sound(time.monotonic())
    at = time.monotonic()
    client.send("/bridge/stop")
    assert client.until("/bridge/voice")[1][1] == "ended"
    time.sleep(0.3)
    assert max(recorder.sounding_after(at), default=0.0) < 0.02 + 3 * BLOCK / RATE + 0.05


def test_two_gigabytes_begin_at_once_from_any_place(stage: Daemon, client: Client, recorder: Recorder) -> None:
    file, frames = stage.folder / "huge.wav", 500_000_000
    head = (
        b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE, 4 * RATE, 4, 16) + b"data" + struct.pack("<I", 4 * frames)
    )
    with file.open("wb") as opened:  # sparse
        opened.write(b"RIFF" + struct.pack("<I", 36 + 4 * frames) + head)
        opened.seek(44 + 4 * 10_000 * RATE)
        opened.write(np.full((RATE, 2), 8_192, "<i2").tobytes())
        opened.truncate(44 + 4 * frames)
    voice = begun(client, file, "from", 10_000.0)
    recorder.wait_for_sound(time.monotonic())
    time.sleep(0.2)
    assert recorder.heard()[-1].tolist() == [0.25, 0.25]
    client.send(f"/bridge/voice/{voice}/stop")
    file.unlink()


def write_channels(file: Path, channels: int) -> None:
    """A WAV with silence in so many channels."""
    data = bytes(2 * channels * 100)
    form = struct.pack("<IHHIIHH", 16, 1, channels, RATE, 2 * channels * RATE, 2 * channels, 16)
    body = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(data)) + data
    file.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("text.wav", "text.wav cannot be read: it is not audio, or damaged (Format not recognised)"),
        ("nothing.wav", "nothing.wav cannot be read: it is not audio, or damaged"),
        ("silent.wav", "silent.wav cannot be read: it has no samples"),
        ("crowd.wav", "crowd.wav cannot be read: it has 300 channels, and at most 64 are read"),
        ("samples.raw", "samples.raw cannot be read: it does not state its format"),
        ("slow.wav", "slow.wav cannot be read: its sample rate of 8 Hz is not within 1000 to 768000 Hz"),
        ("short.wav", "short.wav is only 0.100 seconds long"),
    ],
)
def test_a_file_that_cannot_be_played_ends_its_voice_with_the_reason(
    stage: Daemon, client: Client, name: str, why: str
) -> None:
    file = stage.folder / name
    contents: dict[str, Any] = {
        "text.wav": lambda: file.write_text("no audio " * 100),
        "nothing.wav": file.touch,
        "silent.wav": lambda: soundfile.write(file, np.zeros((0, 1)), RATE),
        "crowd.wav": lambda: write_channels(file, 300),
        "samples.raw": lambda: file.write_bytes(bytes(1_000)),
        "slow.wav": lambda: soundfile.write(file, np.zeros((10, 1)), 8),
        "short.wav": lambda: soundfile.write(file, noise(0.1), RATE),
    }
    contents[name]()
    waiting, ended = states(client, file, "from", 0.2 if name == "short.wav" else 0)
    assert waiting == ("waiting", "") and ended[0] == "ended" and ended[1].startswith(why)
    file.unlink()


def test_any_file_of_this_machine_is_played(stage: Daemon, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "Söurce.flac"
    soundfile.write(file, noise(0.05), RATE)
    assert states(client, file) == [("waiting", ""), ("began", ""), ("ended", "")]


def test_what_is_no_file_is_not_played(stage: Daemon, client: Client, tmp_path: Path) -> None:
    refusals: list[tuple[str, str]] = [
        ("clip.wav", "'clip.wav' is not a whole path"),
        (os.path.relpath(tmp_path / "clip.wav", stage.folder), "is not a whole path"),
        (str(tmp_path / "missing.wav"), "'missing.wav' does not exist."),
        (str(stage.folder), "is a folder."),
    ]
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.wav")
        refusals.append((str(tmp_path / "pipe.wav"), "'pipe.wav' is not a regular file."))
        refusals.append(("/dev/zero", "'zero' is not a regular file."))
    for path, why in refusals:
        address, (about, code, told) = client.ask("/bridge/play", path)
        assert (address, about, code) == ("/bridge/error", "/bridge/play", "unknown_clip") and why in told, path


@pytest.mark.parametrize(
    "values",
    [
        (),
        (7,),
        ("",),
        ("x" * 5_000,),
        ("/a.wav", "gain"),
        ("/a.wav", "gain", 5),
        ("/a.wav", "gain", float("nan")),
        ("/a.wav", "gain", 1, "gain", 1),
        ("/a.wav", "pan", "left"),
        ("/a.wav", "loop", 2),
        ("/a.wav", "quantize", "never"),
        ("/a.wav", "from", -1),
        ("/a.wav", "from", float("inf")),
        ("/a.wav", "from", 2, "to", 1),
        ("/a.wav", "from", 1, "to", 1),
        ("/a.wav", "speed", 2),
        ("/a.wav", 3, 4),
        ("/a.wav", None),
    ],
)
def test_a_malformed_request_to_play_is_refused_with_a_sentence(client: Client, values: tuple[object, ...]) -> None:
    address, (about, code, why) = client.ask("/bridge/play", *values)
    assert (address, about, code) == ("/bridge/error", "/bridge/play", "bad_argument") and why.endswith(".")
