"""Stable Audio 3 in a real daemon: what a host asks for over OSC, and the files it gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.harness import Client, Daemon, pairs
from tests.jack_device import Jack
from tests.on_stage import ended, pad_state

MODEL = "small"


@pytest.fixture(scope="module")
def tiny_daemon(distilled_folder: Path, server: Jack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose audio device is open."""
    place = tmp_path_factory.mktemp("tiny")
    options = ("--model", str(distilled_folder), "--set", "engine.threads=1", "--audio-device", "system")
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        daemon = Daemon(place / "clips", place / "home", *options)
        daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
        yield daemon
        daemon.stop()


@pytest.fixture
def tiny_client(tiny_daemon: Daemon) -> Client:
    return tiny_daemon.client()


def done(client: Client, *values: Any) -> dict[str, Any]:
    """What /bridge/done says of an ask, with its `path`."""
    client.send("/bridge/generate", *values, "id", "one")
    address, reply = client.end_of("one")
    assert address == "/bridge/done", reply
    return {"path": reply[1], **pairs(reply, 3)}


def refusal(client: Client, *values: Any) -> str:
    client.send("/bridge/generate", *values, "id", "no")
    address, reply = client.until("/bridge/failed", "/bridge/error", "/bridge/done")
    assert address != "/bridge/done"
    return str(reply[-1])


def numbers(path: str) -> np.ndarray:
    return soundfile.read(path, dtype="int32", always_2d=True)[0]


def test_the_daemon_says_what_it_can_and_makes_a_stereo_file(tiny_client: Client) -> None:
    status = pairs(tiny_client.ask("/bridge/status")[1], 1)
    assert (status["model"], status["max_seconds"], status["can"]) == (
        MODEL,
        150.0,
        "steps notes early continue fill vary",
    )
    facts = done(tiny_client, "deep warm kick", 0.5, "preset", "drum", "seed", 5)
    samples = numbers(facts["path"])
    assert (facts["channels"], samples.shape) == (2, (24_000, 2)) and not np.array_equal(samples[:, 0], samples[:, 1])
    assert numbers(done(tiny_client, "deep warm kick", 0.5, "channels", 1)["path"]).shape == (24_000, 1)


def test_what_it_cannot_do_is_refused_with_who_can(tiny_client: Client) -> None:
    able = "Checkpoints that can: AudioLDM 2"
    loop, negative = (refusal(tiny_client, "rain", 1.0, *keys) for keys in (("loop", 1), ("negative", "hiss")))
    assert loop.startswith(f"{MODEL} cannot make seamless loops: leave loop out. {able}")
    assert negative.startswith(f"{MODEL} has no negative prompt: leave negative out. {able}")
    assert refusal(tiny_client, "rain", 1.0, "steps", 20) == f"{MODEL} takes steps from 1 to 8, not 20."
    assert refusal(tiny_client, "rain", 1.0, "guidance", 4.0) == f"{MODEL} has no guidance: leave guidance out."


def test_takes_are_files_of_which_each_can_be_made_again_alone(tiny_client: Client) -> None:
    first = done(tiny_client, "rain", 0.5, "seed", 7, "takes", 2)
    assert first["seed"] == 7
    alone = done(tiny_client, "rain", 0.5, "seed", 7)
    assert np.abs(numbers(first["path"]) / 2**31 - numbers(alone["path"]) / 2**31).max() < 1e-4


def test_a_clip_is_recalled_byte_for_byte(tiny_client: Client) -> None:
    path = done(tiny_client, "rain", 0.5, "seed", 9)["path"]
    tiny_client.send("/bridge/recall", path, "id", "again")
    address, reply = tiny_client.end_of("again")
    assert address == "/bridge/done" and Path(reply[1]).read_bytes() == Path(path).read_bytes()


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_kept_of_a_source_is_in_the_file_as_it_was(tiny_client: Client, tmp_path: Path, channels: int) -> None:
    source = tmp_path / "source.wav"
    soundfile.write(source, np.random.default_rng(1).uniform(-0.3, 0.3, (24_000, channels)), 48_000, "PCM_24")
    before = np.repeat(numbers(str(source)), 2 // channels, axis=1)
    longer = numbers(done(tiny_client, "rain", "continue", str(source), "more", 0.5)["path"])
    assert longer.shape == (48_000, 2) and np.array_equal(longer[:22_560], before[:22_560])
    filled = numbers(done(tiny_client, "rain", "fill", str(source), "from", 0.2, "to", 0.3)["path"])
    assert np.array_equal(filled[:9_600], before[:9_600]) and np.array_equal(filled[14_400:], before[14_400:])
    varied = done(tiny_client, "rain", "vary", str(source), "strength", 0.4)
    assert varied["method"] == "whole" and numbers(varied["path"]).shape == (24_000, 2)


def test_a_pad_plays_its_takes_and_a_saved_one_has_two_channels(tiny_client: Client) -> None:
    tiny_client.send("/bridge/pad/3/set", "rain", 0.3)
    pad_state(tiny_client, 3, "ready", 2.0)
    tiny_client.send("/bridge/pad/3/play", 1.0)
    _, (voice, state, _why) = tiny_client.until("/bridge/voice")
    assert state == "began" and ended(tiny_client, voice) == ""
    tiny_client.send("/bridge/pad/3/save")
    assert numbers(tiny_client.until("/bridge/pad/3/saved")[1][0]).shape == (14_400, 2)
    tiny_client.send("/bridge/pad/3/clear")


def test_the_first_second_of_a_long_clip_is_heard_before_the_rest_is_decoded(tiny_client: Client) -> None:
    facts = done(tiny_client, "rain", 12.0, "steps", 1, "sink", "both")
    assert facts["voice"] > 0 and numbers(facts["path"]).shape == (576_000, 2)


def test_a_kit_and_a_cancelled_job(tiny_client: Client) -> None:
    tiny_client.send("/bridge/kit", "two", "kick", "snare", "@seconds", 0.3)
    kit = tiny_client.until("/bridge/kit/done")[1]
    files = [name for name in os.listdir(kit[1]) if name.endswith(".wav")]
    assert kit[2] == len(files) == 2 and all(numbers(f"{kit[1]}/{name}").shape[1] == 2 for name in files)
    tiny_client.send("/bridge/generate", "rain", 100.0, "id", "long")
    tiny_client.until("/bridge/progress", job="long")
    tiny_client.send("/bridge/cancel", "long")
    assert tiny_client.end_of("long")[0] == "/bridge/cancelled"
    assert done(tiny_client, "rain", 0.3)["frames"] == 14_400
