"""A real MIDI port of JACK plays pads and sets the tempo, is unplugged and comes back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.config import MidiConfig
from bridge.domain.events import AudioChanged
from tests.harness import STAND_IN, Daemon, skip_or_fail
from tests.jack_device import Jack, jack
from tests.on_stage import pad_state


class Keyboard:
    """A keyboard, plugged in while the context lasts."""

    def __init__(self, server: Jack, name: str = "My Keys") -> None:
        environment = {**os.environ, **server.environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.keyboard", name],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def send(self, message: str) -> None:
        """Send a message in mido's notation."""
        assert self.process.stdin is not None
        print(message, file=self.process.stdin, flush=True)

    def __enter__(self) -> Keyboard:
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            skip_or_fail("no MIDI over JACK here")
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.communicate()  # it ends with its input


@pytest.fixture(scope="module")
def own() -> Iterator[Jack]:
    """A server without a recorder: as a Python client it would slow down clients that come and go."""
    with jack(timeout_ms=200) as server:
        yield server


@pytest.fixture(scope="module")
def played(own: Jack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that waits for a keyboard."""
    place = tmp_path_factory.mktemp("midi")
    with pytest.MonkeyPatch.context() as patch:
        own.lend(patch)
        daemon = Daemon(
            place / "clips", place / "home", "--model", "untrained", "--audio-device", "system",
            "--midi", "my keys", "--set", "midi.api=jack", run=STAND_IN,
        )  # fmt: skip
        line = daemon.wait_for(lambda line: line["event"] == "midi")
        assert line["state"] == "waiting" and "my keys" in line["why"]
        yield daemon
        daemon.stop()


def midi_state(daemon: Daemon, state: str, start: int) -> None:
    daemon.wait_for(lambda line: line["event"] == "midi" and line["state"] == state, start=start)
    time.sleep(0.3)  # JACK connects ports a little later


def test_notes_play_the_pads_of_their_numbers_and_a_keyboard_may_come_and_go(played: Daemon, own: Jack) -> None:
    client = played.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/36/set", "hit", 0.2, "steps", 1)
    client.send("/bridge/pad/37/set", "drone", 3.0, "steps", 1, "gate", 1)
    pad_state(client, 36, "ready", 2.0)
    pad_state(client, 37, "ready", 2.0)
    for _ in range(2):
        start = len(played.lines)
        with Keyboard(own) as keys:
            midi_state(played, "open", start)
            keys.send("note_on note=99 velocity=100")  # an empty pad: nothing happens
            keys.send("note_on note=36 velocity=127")
            hit, state, _ = client.until("/bridge/voice")[1]
            assert state == "began"
            assert client.until("/bridge/voice")[1] == [hit, "ended", ""]
            keys.send("note_on note=37 velocity=40")
            drone, state, _ = client.until("/bridge/voice")[1]
            assert (drone, state) == (hit + 1, "began")
            time.sleep(0.3)
            keys.send("note_on note=37 velocity=0")  # how most keyboards send note-off
            _, end = client.until("/bridge/voice", timeout_s=2.0)  # it is 3 seconds long
            assert end == [drone, "ended", ""]
            pad_state(client, 36, "ready", 2.0)
            start = len(played.lines)
        midi_state(played, "waiting", start)


def test_notes_faster_than_takes_are_made_all_sound_and_a_pad_without_a_take_says_why(
    played: Daemon, own: Jack
) -> None:
    client = played.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/38/set", "roll", 0.1, "steps", 1)
    pad_state(client, 38, "ready", 2.0)
    start = len(played.lines)
    with Keyboard(own) as keys:
        midi_state(played, "open", start)
        for _ in range(16):
            keys.send("note_on note=38 velocity=127")
        voices: set[int] = set()
        while len(voices) < 16:
            _, (voice, state, why) = client.until("/bridge/voice")
            assert why == ""
            voices |= {voice} if state == "began" else set()
        client.send("/bridge/pad/39/set", "never", 0.1, "preset", "no such preset")
        keys.send("note_on note=39 velocity=127")
        # Why it cannot be filled may come before why it did not sound.
        while "Pad 39" not in ((state := client.until("/bridge/pad/39/state")[1])[7:] or [""])[0]:
            pass
        assert state[:6] == ["filling", 0.0, "fresh", 0, "repeated", 0]
        for pad in (38, 39):
            client.send(f"/bridge/pad/{pad}/clear")
        start = len(played.lines)
    midi_state(played, "waiting", start)


def test_a_clock_sets_the_tempo_and_the_beats(played: Daemon, own: Jack) -> None:
    client = played.client()
    start = len(played.lines)
    with Keyboard(own) as keys:
        midi_state(played, "open", start)
        keys.send("start")
        began = time.perf_counter()
        for clock in range(24 * 6):
            time.sleep(max(0.0, began + clock * 60 / 90 / 24 - time.perf_counter()))
            keys.send("clock")
        _, (bpm, beats, beat) = client.ask("/bridge/tempo")
        assert bpm == pytest.approx(90, rel=0.03) and beats == 4 and abs(beat - 6) < 0.3
        keys.send("stop")
        keys.send("control_change control=120 value=0")


def test_missing_midi_packages_are_reported_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.errors import ConfigError
    from bridge.frontends import midi

    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[midi\]'"):
        midi.inputs()


class Input:
    """An input of rtmidi with these ports."""

    def __init__(self, *ports: str) -> None:
        self.ports, self.opened = [*ports], threading.Event()

    def get_ports(self) -> list[str]:
        return self.ports

    def open_port(self, _number: int, _name: str) -> None:
        self.opened.set()

    def set_callback(self, _callback: object) -> None: ...
    def delete(self) -> None: ...
    def close_port(self) -> None: ...


def test_a_lost_audio_device_opens_the_input_again_as_one_of_an_ended_jack_server_lists_its_old_ports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bridge.frontends import midi

    before, after = Input("My Keys"), Input("My Keys")
    later: list[Input | OSError] = [OSError("the server does not run yet"), after]

    def reopened(_api: str) -> Input:
        if isinstance(found := later.pop(0), OSError):
            raise found
        return found

    async def play() -> None:
        core: Any = SimpleNamespace(stage=None, publish=lambda _event: None)
        keys = midi.Midi(core, MidiConfig(port="keys"), before)
        watching = asyncio.create_task(asyncio.to_thread(keys.watch))
        assert await asyncio.to_thread(before.opened.wait, 10)
        for state in ("lost", "unusable", "open"):
            keys.on_event(AudioChanged(state))
        assert await asyncio.to_thread(after.opened.wait, 10)
        keys.ending.set()
        await watching

    monkeypatch.setattr(midi, "open_api", reopened)
    monkeypatch.setattr(midi, "PORT_POLL_S", 0.001)
    asyncio.run(play())
