"""A checkpoint with two channels, from the ask to files that other programs read: left stays left, and right stays right."""

from __future__ import annotations

import hashlib
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.events import KitEvent
from bridge.domain.kit import KitAsk
from bridge.domain.source import How, Source
from bridge.files.reading import recipe_from_file
from bridge.kits.keymap import lay_out
from tests.core.running import Recorder, play, until
from tests.harness import need

RATE = 48_000
LEFT_HZ, RIGHT_HZ = 877.0, 1_755.0  # of the stand-in engine at 44.1 kHz


def made(tmp_path: Path, ask: Ask) -> dict[str, Any]:
    """What /bridge/done says of an ask."""

    async def story(core: Core, recorder: Recorder) -> None:
        job = core.generate(ask, "127.0.0.1")[0]
        await until(lambda: job.state.ended)

    recorder = play(tmp_path, "stereo", story)
    return next(fields for _, kind, fields in recorder.events if kind == "done")


def loudest_hz(channel: Any) -> float:
    """The frequency of the loudest partial, to 2 Hz for half a second."""
    return float(np.abs(np.fft.rfft(channel * np.hanning(len(channel)))).argmax() * RATE / len(channel))


def is_left_and_right(samples: Any) -> bool:
    """Whether (frames, 2) holds both channels of the stand-in engine, each alone on its side."""
    return [loudest_hz(channel) for channel in samples.T] == pytest.approx([LEFT_HZ, RIGHT_HZ], abs=5)


def numbers(path: str) -> Any:
    return soundfile.read(path, dtype="int32", always_2d=True)[0]


def a_source(folder: Path, how: How, channels: int) -> Source:
    """Half a second of noise, whose gap is from 0.2 to 0.3 s."""
    file = folder / f"source-{channels}.wav"
    samples = np.random.default_rng(3).uniform(-0.3, 0.3, (RATE // 2, channels))
    soundfile.write(file, samples, RATE, "PCM_24")
    from_s, to_s = (0.2, 0.3) if how == "fill" else (0.0, 0.5)
    return Source(file.as_posix(), hashlib.sha256(file.read_bytes()).hexdigest(), how, 0.5, from_s, to_s)


def keys_of(source: Source) -> dict[str, Any]:
    """The keys of an ask for this source, of which half a second is added to one that is continued."""
    place = {"seconds": 1.0} if source.how == "continue" else {"from": source.from_s, "to": source.to_s}
    return {source.how: source.path, "source": source, **place}


def test_three_other_programs_read_both_channels_of_a_file(tmp_path: Path) -> None:
    path = made(tmp_path, Ask("x", seconds=0.5))["path"]
    ours = numbers(path) >> 8
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 3, RATE)
        packed = np.frombuffer(file.readframes(RATE), np.uint8).reshape(-1, 2, 3)
    python = np.zeros((len(packed), 2, 4), np.uint8)
    python[:, :, 1:] = packed
    commands = (
        [need("sox"), path, "-t", "raw", "-e", "signed", "-b", "32", "-"],
        [need("ffmpeg"), "-v", "error", "-i", path, "-f", "s32le", "-"],
    )
    others = [subprocess.run(command, capture_output=True, check=True).stdout for command in commands]
    for read in (python.view("<i4")[:, :, 0], *(np.frombuffer(raw, "<i4").reshape(-1, 2) for raw in others)):
        assert np.array_equal(read >> 8, ours)
    assert is_left_and_right(ours)


@pytest.mark.parametrize(
    "keys", [{"trim": "free"}, {"lufs": -20.0}, {"reverse": 1}, {"format": "flac"}, {"format": "aiff", "bits": 16}]
)
def test_shaping_and_every_format_keep_left_and_right(tmp_path: Path, keys: dict[str, Any]) -> None:
    fields = made(tmp_path, Ask("x", seconds=0.5, **keys))
    assert fields["channels"] == 2 and is_left_and_right(numbers(fields["path"]))


def test_a_loop_in_two_channels_is_judged_by_its_worse_seam(tmp_path: Path) -> None:
    fields = made(tmp_path, Ask("x", seconds=0.5, loop=1))
    assert is_left_and_right(numbers(fields["path"])) and fields["seam"] > 0.95  # no channel of these closes


def test_bars_and_a_key_move_both_channels_alike(tmp_path: Path) -> None:
    fields = made(tmp_path, Ask("x", bars=1.0, bpm=240.0, key="c"))
    left, right = (loudest_hz(channel) for channel in numbers(fields["path"]).T)
    assert (
        fields["frames"] == RATE and right == pytest.approx(2 * left, abs=5) and left != pytest.approx(LEFT_HZ, abs=5)
    )


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("how", ["continue", "fill"])
def test_what_is_kept_stays_sample_for_sample_in_each_channel(tmp_path: Path, how: How, channels: int) -> None:
    source = a_source(tmp_path, how, channels)
    fields = made(tmp_path, Ask.of("x", keys_of(source)))
    clip, before = numbers(fields["path"]), numbers(source.path)
    kept = [slice(0, 9_600), slice(14_400, 24_000)] if how == "fill" else [slice(0, 24_000 - 1_440)]
    assert fields["channels"] == 2
    for part in kept:
        assert np.array_equal(clip[part], np.repeat(before[part], 2 // channels, axis=1))
    if how == "continue":
        assert is_left_and_right(clip[24_000:])


def test_a_source_with_one_channel_stays_one_if_that_is_asked_for(tmp_path: Path) -> None:
    source = a_source(tmp_path, "continue", 1)
    fields = made(tmp_path, Ask("x", continue_=source.path, source=source, seconds=1.0, channels=1))
    assert np.array_equal(numbers(fields["path"])[:22_000], numbers(source.path)[:22_000])


def test_a_kit_has_both_channels_in_each_sample(tmp_path: Path) -> None:
    kits: list[KitEvent] = []

    async def story(core: Core, recorder: Recorder) -> None:
        recorder.on_event = lambda event: kits.append(event) if isinstance(event, KitEvent) else None  # type: ignore
        core.make_kit(KitAsk("two", lay_out(["kick", "snare"]), Ask("", seconds=0.5)), "127.0.0.1", None)
        await until(lambda: core.kits.idle)

    play(tmp_path, "stereo", story)
    folder = Path(kits[-1].fields["folder"])
    files = sorted(folder.glob("*.wav"))
    assert len(files) == 2 and (folder / "two.sfz").is_file()
    assert all(is_left_and_right(numbers(str(file))) for file in files)


@pytest.mark.parametrize("how", [None, "continue", "fill"])
def test_its_clips_are_recalled_byte_for_byte(tmp_path: Path, how: How | None) -> None:
    keys = keys_of(a_source(tmp_path, how, 1)) if how else {"seconds": 1.0}

    async def story(core: Core, recorder: Recorder) -> None:
        first = core.generate(Ask.of("x", keys), "127.0.0.1")[0]
        await until(lambda: first.state.ended)
        file = Path(recorder.events[-1][2]["path"])
        again, _ = core.recall(recipe_from_file(file), "127.0.0.1")
        await until(lambda: again.state.ended)
        assert Path(recorder.events[-1][2]["path"]).read_bytes() == file.read_bytes()

    play(tmp_path, "stereo", story)
