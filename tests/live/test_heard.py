"""A clip that starts from what sounds: a clip, a pad, a file, the stream, through a virtual audio device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.harness import Client, Daemon, pairs
from tests.jack_device import Recorder
from tests.on_stage import pad_state, play


@pytest.fixture
def client(stage: Daemon) -> Iterator[Client]:
    client = stage.client()
    yield client
    client.send("/bridge/stop")
    client.send("/bridge/pad/5/clear")


def varied(client: Client, voice: int, job: str) -> dict[str, object]:
    """Vary what a voice plays; returns the facts of the clip, with its path."""
    client.send("/bridge/generate", "", "vary", f"voice:{voice}", "steps", 2, "id", job)
    _, values = client.until("/bridge/done", "/bridge/failed", job=job)
    assert len(values) > 3, values
    return {"path": values[1], **pairs(values, 3)}


def test_a_clip_that_sounds_and_is_in_the_folder_is_varied(stage: Daemon, client: Client) -> None:
    voice = play(client, "long rain", 4.0, "sink", "both", job="sounding")
    assert varied(client, voice, "v")["frames"] == 4 * 48_000


def test_the_take_of_a_pad_is_written_first_so_that_its_variation_can_be_recalled(
    stage: Daemon, client: Client
) -> None:
    before = set(stage.folder.rglob("*.wav"))
    client.send("/bridge/pad/5/set", "long wind", 3.0, "steps", 2)
    pad_state(client, 5, "ready", 1)
    client.send("/bridge/pad/5/play")
    _, (voice, *_) = client.until("/bridge/voice")
    made = varied(client, int(voice), "p")
    new = {path for path in stage.folder.rglob("*.wav") if path not in before}
    assert len(new) == 2 and Path(str(made["path"])) in new  # the take itself, and its variation
    client.send("/bridge/recall", made["path"], "id", "again")
    _, again = client.until("/bridge/done", "/bridge/failed", job="again")
    assert Path(again[1]).read_bytes() == Path(str(made["path"])).read_bytes()


def test_a_file_that_is_auditioned_is_varied(stage: Daemon, client: Client) -> None:
    file = stage.folder / "hum.wav"
    soundfile.write(file, 0.2 * np.sin(np.arange(48_000) / 20), 48_000)
    client.send("/bridge/play", str(file))
    _, (voice, *_) = client.until("/bridge/voice")
    assert varied(client, int(voice), "f")["frames"] == 48_000


def test_a_voice_that_ended_is_refused(stage: Daemon, client: Client) -> None:
    client.send("/bridge/generate", "", "vary", "voice:999999", "id", "none")
    _, (_, code, why) = client.until("/bridge/failed", job="none")
    assert code == "unknown_voice" and "may have ended" in why


def test_a_pad_plays_variations_of_a_sound_and_names_its_source_after_a_restart(
    stage: Daemon, client: Client, recorder: Recorder
) -> None:
    file = stage.folder / "tick.wav"
    soundfile.write(file, 0.5 * np.exp(-np.arange(24_000) / 4_000) * np.sin(np.arange(24_000) / 9), 48_000)
    client.send("/bridge/pad/5/set", "tick", "vary", str(file), "strength", 0.3, "steps", 4)
    pad_state(client, 5, "ready", 2)
    client.send("/bridge/pads")
    _, values = client.until("/bridge/pad/5/prompt")
    keys = pairs(values, 3 if len(values) % 2 else 2)
    assert keys["vary"] == str(file) and keys["strength"] == pytest.approx(0.3)
