"""ACE-Step 1.5 in a real daemon: tempo, key and lyrics over OSC, and the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.files.reading import recipe_from_file
from tests.harness import Client, Daemon, pairs


@pytest.fixture(scope="module")
def tiny_daemon(turbo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    place = tmp_path_factory.mktemp("tiny")
    options = ("--model", str(turbo_folder), "--set", "engine.threads=1", "--audio-device", "no such thing")
    daemon = Daemon(place / "clips", place / "home", *options)
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


def numbers(path: str) -> np.ndarray:
    return soundfile.read(path, dtype="int32", always_2d=True)[0]


def test_bars_key_and_lyrics_become_a_stereo_file_whose_recipe_has_them(tiny_client: Client) -> None:
    status = pairs(tiny_client.ask("/bridge/status")[1], 1)
    assert status["can"] == "steps notes tempo lyrics early continue fill vary"
    keys = ("bars", 1, "bpm", 240, "key", "am", "lyrics", "[verse] la / la", "seed", 5)
    facts = done(tiny_client, "house", *keys)
    assert facts["frames"] == 48_000 and numbers(facts["path"]).shape == (48_000, 2)
    recipe = recipe_from_file(Path(facts["path"])).prompt
    assert (recipe.lyrics, recipe.bpm, recipe.key) == ("[verse] la / la", 240.0, "am")
    tiny_client.send("/bridge/recall", facts["path"], "id", "again")
    assert Path(tiny_client.end_of("again")[1][1]).read_bytes() == Path(facts["path"]).read_bytes()


def test_what_is_kept_of_a_source_is_in_the_file_as_it_was(tiny_client: Client, tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    soundfile.write(source, np.random.default_rng(1).uniform(-0.3, 0.3, (24_000, 2)), 48_000, "PCM_24")
    before = numbers(str(source))
    longer = numbers(done(tiny_client, "rain", "continue", str(source), "more", 0.5)["path"])
    assert longer.shape == (48_000, 2) and np.array_equal(longer[:22_560], before[:22_560])
    filled = numbers(done(tiny_client, "rain", "fill", str(source), "from", 0.2, "to", 0.3)["path"])
    assert np.array_equal(filled[:9_600], before[:9_600]) and np.array_equal(filled[14_400:], before[14_400:])
    varied = done(tiny_client, "rain", "vary", str(source), "strength", 0.4)
    assert varied["method"] == "whole" and numbers(varied["path"]).shape == (24_000, 2)


def test_what_it_cannot_do_is_refused_with_who_can(tiny_client: Client) -> None:
    for keys, why in (
        (("negative", "hiss"), "has no negative prompt: leave negative out. Checkpoints that can: AudioLDM 2"),
        (("loop", 1), "cannot make seamless loops: leave loop out. Checkpoints that can: AudioLDM 2"),
        (("steps", 20), "takes steps from 1 to 8, not 20."),
        (("guidance", 7.0), "has no guidance: leave guidance out."),
    ):
        tiny_client.send("/bridge/generate", "rain", 1.0, *keys, "id", "no")
        assert str(tiny_client.until("/bridge/failed", "/bridge/error")[1][-1]).startswith(f"turbo {why}")
