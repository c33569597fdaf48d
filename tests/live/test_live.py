"""Clips through a virtual audio device: exact to the sample, silent at once after a panic, back when the device is back."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from bridge.config import AudioConfig
from bridge.doctor import sound
from tests.harness import STAND_IN, Daemon, pairs, skip_or_fail
from tests.jack_device import BLOCK, RATE, Jack, Recorder, jack
from tests.on_stage import ended, pad_state, play

BLOCK_S = BLOCK / RATE
LOSSES = int(os.environ.get("CLIPBRIDGE_DEVICE_LOSSES", "2"))  # 20 by command: see RESULTS.md


def test_a_clip_sounds_exactly_like_its_file(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/generate", "rain", 1.0, "sink", "both", "steps", 2, "id", "exact")
    _, done = client.until("/bridge/done", job="exact")
    assert ended(client, int(pairs(done, 3)["voice"])) == ""
    time.sleep(0.1)
    file, rate = soundfile.read(done[1], dtype="float32")
    recording = recorder.heard()
    first = int(np.nonzero(recording[:, 0])[0][0]) - int(np.nonzero(file)[0][0])
    assert rate == RATE
    piece = recording[first : first + len(file)]
    assert np.abs(piece - file[:, None]).max() < 1.5 / 2**23  # the file has 24 bits
    assert not recording[first + len(file) :].any()


def test_sink_audio_writes_no_file_and_follows_gain_and_pan(stage: Daemon, recorder: Recorder) -> None:
    before = set(stage.folder.rglob("*.wav"))
    client = stage.client()
    voice = play(client, "wind", 0.5, "sink", "audio", "gain", 0.5, "pan", 1.0, job="panned")
    ended(client, voice)
    time.sleep(0.1)
    recording = recorder.heard()
    assert not recording[:, 0].any() and np.abs(recording[:, 1]).max() == pytest.approx(0.5 * 10 ** (-1 / 20), rel=1e-3)
    assert set(stage.folder.rglob("*.wav")) == before


def test_a_panic_silences_all_voices_within_moments_while_the_engine_works_and_messages_rain(
    stage: Daemon, recorder: Recorder
) -> None:
    client, other = stage.client(), stage.client()
    for number in range(3):
        play(client, "drone", 20.0, "sink", "audio", "gain", 0.3, job=f"drone {number}")
    client.send("/bridge/generate", "busy", 30.0, "steps", 100, "id", "busy")
    client.until("/bridge/progress", job="busy")
    raining = threading.Event()

    def rain() -> None:
        while not raining.is_set():
            for _ in range(50):
                other.send("/bridge/set/seconds", 2.0)
            time.sleep(0.01)

    thread = threading.Thread(target=rain)
    thread.start()
    try:
        recorder.wait_for_sound(time.monotonic())
        at = time.monotonic()
        client.send("/bridge/stop")
        time.sleep(1.0)
    finally:
        raining.set()
        thread.join()
    # The device's own delay: one block is playing, one is ready, and one is being rendered.
    assert max(recorder.sounding_after(at)) < 0.02 + 3 * BLOCK_S + 0.05
    client.send("/bridge/status")
    assert client.until("/bridge/status")[1][0] == "ready"
    client.send("/bridge/cancel")


def test_a_clip_requested_before_a_panic_is_made_but_not_heard(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/generate", "late", 2.0, "sink", "both", "steps", 30, "id", "late")
    client.until("/bridge/progress", job="late")
    client.send("/bridge/stop")
    _, done = client.until("/bridge/done", job="late")
    assert Path(done[1]).is_file() and "voice" not in pairs(done, 3)
    time.sleep(0.3)
    assert not recorder.heard().any()


def test_a_voice_is_stopped_and_changed_by_its_number(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    voice = play(client, "drone", 10.0, "sink", "audio", job="voice")
    client.send(f"/bridge/voice/{voice}/gain", 0.1, 10.0)
    client.send(f"/bridge/voice/{voice}/pan", -1.0)
    client.send(f"/bridge/voice/{voice}/loop", 1)
    recorder.wait_for_sound(time.monotonic())
    time.sleep(0.3)
    latest = recorder.heard()[-2 * BLOCK :]
    assert 0 < np.abs(latest[:, 0]).max() < 0.2 and not latest[:, 1].any()
    client.send(f"/bridge/voice/{voice}/stop", 30.0)
    assert ended(client, voice) == ""
    for address, values, code in (
        (f"/bridge/voice/{voice}/stop", (), "unknown_voice"),
        ("/bridge/voice/77/gain", (9.0,), "bad_argument"),
        ("/bridge/voice/77/gain", (), "bad_argument"),
        ("/bridge/voice/77/loop", (0.5,), "bad_argument"),
        ("/bridge/voice/77/stop", (float("nan"),), "bad_argument"),
        ("/bridge/voice/0/stop", (), "bad_argument"),
        ("/bridge/voice/1/explode", (), "unknown_address"),
        ("/bridge/voice//stop", (), "unknown_address"),
    ):
        assert client.ask(address, *values)[1][1] == code, address


def test_a_press_sounds_at_once_and_the_pad_refills_itself(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/3/set", "rain", 0.3, "steps", 2, "seed", 5, "gain", 0.5)
    pad_state(client, 3, "ready", 2.0)
    delays, levels = [], []
    for press in range(12):
        time.sleep(0.013 * press)  # at every place within a block
        at = time.monotonic()
        client.send("/bridge/pad/3/play", 127 if press % 2 else 0.5)
        delays.append(recorder.wait_for_sound(at))
        _, (voice, state, _why) = client.until("/bridge/voice")
        assert state == "began"
        levels.append(voice)
        while client.until("/bridge/voice")[1] != [voice, "ended", ""]:
            pass
        pad_state(client, 3, "ready", 2.0)
    # The device requests a block while it plays the one before, so up to two blocks pass first.
    assert max(delays) < 2 * BLOCK_S + 0.06, delays
    client.send("/bridge/pad/3/play", 0)
    client.send("/bridge/pad/3/save")
    _, (path, why) = client.until("/bridge/pad/3/saved")
    assert why == "" and soundfile.info(path).frames == 14_400
    client.send("/bridge/pad/3/clear")
    pad_state(client, 3, "empty", 0.0)
    client.send("/bridge/pad/3/play")
    assert client.until("/bridge/error")[1][1] == "pad_empty"


def test_a_pad_plays_a_file_and_says_so_when_it_is_gone(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/generate", "golden rain", 0.3, "id", "file", "steps", 2)
    path = Path(client.end_of("file")[1][1])
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/7/load", str(path), "gain", 0.5)
    assert client.until("/bridge/pad/7/prompt")[1] == ["golden rain", "locked", 0, "gain", 0.5, "file", path.as_posix()]
    client.send("/bridge/pad/7/play")
    _, (voice, state) = client.until("/bridge/pad/7/voice")
    assert state == "began"
    assert ended(client, voice) == ""
    time.sleep(0.1)
    file, recording = soundfile.read(path, dtype="float32")[0], recorder.heard()
    first = int(np.nonzero(recording[:, 0])[0][0]) - int(np.nonzero(file)[0][0])
    piece = recording[first : first + len(file)]
    assert np.abs(piece - 0.5 * file[:, None]).max() < 1.5 / 2**23 and not recording[first + len(file) :].any()
    path.unlink()
    client.send("/bridge/pad/7/load", str(path))
    assert client.until("/bridge/error")[1][:2] == ["/bridge/pad/7/load", "unknown_clip"]
    for values, reason in (
        (("/etc/passwd",), "neither a clip"),
        ((str(path), 2.0), "leave seconds out"),
        ((str(path), "seed", 5), "seed"),
    ):
        client.send("/bridge/pad/7/load", *values)
        assert reason in client.until("/bridge/error")[1][2]
    client.send("/bridge/pad/7/clear")
    client.send("/bridge/unsubscribe")


def test_a_locked_pad_repeats_its_take_and_an_unlocked_one_does_not(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/4/set", "wind", 0.2, "steps", 2)
    pad_state(client, 4, "ready", 2.0)

    def pressed() -> np.ndarray:
        start = len(recorder.heard())
        client.send("/bridge/pad/4/play")
        while client.until("/bridge/voice")[1][1] != "ended":
            pass
        end, heard = time.monotonic() + 10, np.zeros(0, np.float32)
        while len(heard) < 9_000 and time.monotonic() < end:  # what is mixed is played a little later
            time.sleep(0.05)
            recording = recorder.heard()[start:, 0]
            sounding = np.nonzero(recording)[0]
            heard = recording[sounding[0] : sounding[0] + 9_000] if len(sounding) else heard
        return heard

    client.send("/bridge/pad/4/lock", 1)
    one, two = pressed(), pressed()
    assert np.array_equal(one, two)
    client.send("/bridge/pad/4/lock", 0)
    assert np.array_equal(one, pressed())
    pad_state(client, 4, "ready", 2.0)
    assert not np.array_equal(one, pressed())
    client.send("/bridge/pad/4/clear")


def test_a_pad_sounds_at_every_press_while_the_engine_has_no_time_for_it(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/6/set", "snare", 0.2, "steps", 2)
    pad_state(client, 6, "ready", 2.0)
    client.send("/bridge/generate", "busy", 60.0, "steps", 250, "id", "busy")
    client.until("/bridge/progress", job="busy")
    client.send("/bridge/tempo", 240.0, 4)

    def began(*values: object) -> None:
        client.send("/bridge/pad/6/play", *values)
        while (message := client.until("/bridge/voice", "/bridge/error"))[1][1] != "began":
            assert message[0] == "/bridge/voice", message

    for _ in range(8):
        at = time.monotonic()
        began()
        recorder.wait_for_sound(at)
    began(1.0, "quantize", "bar")
    client.send("/bridge/pad/6/lock", 1)
    began(1.0)
    began(1.0, "quantize", "beat")
    client.send("/bridge/pad/6/lock", 0)
    client.send("/bridge/pad/6/set", "clap", 0.2, "steps", 2)
    assert client.until("/bridge/pad/6/state")[1] == ["filling", 0.0, "fresh", 0, "repeated", 2]
    began()
    saved = set()
    for _ in range(2):
        client.send("/bridge/pad/6/save")
        saved.add(client.until("/bridge/pad/6/saved")[1][0])
    assert len(saved) == 1 and "snare" in saved.pop()
    client.send("/bridge/cancel", "busy")
    client.send("/bridge/tempo", 120.0, 4)
    pad_state(client, 6, "ready", 2.0)
    client.send("/bridge/pad/6/clear")
    client.send("/bridge/pad/6/play")
    assert client.until("/bridge/error")[1][1] == "pad_empty"


def test_an_ask_goes_before_a_pad_that_is_being_filled(stage: Daemon) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/5/set", "endless drone", 30.0, "steps", 250)
    client.until("/bridge/pad/5/state")
    while client.until("/bridge/pad/5/state")[1][:1] != ["filling"]:
        pass
    client.send("/bridge/generate", "now", 0.2, "steps", 2, "id", "now")
    _, queued = client.until("/bridge/queued", job="now")
    client.until("/bridge/done", job="now", timeout_s=3)
    assert queued[2] < 3.0  # what is promised does not count the pad's own work
    client.send("/bridge/pad/5/set", "short", 0.2, "steps", 2)
    pad_state(client, 5, "ready", 2.0)
    client.send("/bridge/pad/5/clear")
    pad_state(client, 5, "empty", 0.0)


@pytest.mark.parametrize(
    ("address", "values", "code"),
    [
        ("/bridge/pad/128/set", ("rain",), "bad_argument"),
        ("/bridge/pad/1/set", (), "bad_argument"),
        ("/bridge/pad/1/set", ("rain", 60.0), "bad_argument"),
        ("/bridge/pad/1/set", ("rain", "takes", 4), "bad_argument"),
        ("/bridge/pad/1/set", ("rain", "sink", "audio"), "bad_argument"),
        ("/bridge/pad/1/play", (float("nan"),), "bad_argument"),
        ("/bridge/pad/1/play", (1.0,), "pad_empty"),
        ("/bridge/pad/1/play", ("loud",), "bad_argument"),
        ("/bridge/pad/1/save", (), "pad_empty"),
        ("/bridge/pad/1/lock", (3,), "bad_argument"),
        ("/bridge/pad/1/explode", (), "unknown_address"),
        ("/bridge/pad/one/play", (), "unknown_address"),
    ],
)
def test_invalid_pad_messages_are_refused_with_a_sentence(
    stage: Daemon, address: str, values: tuple[object, ...], code: str
) -> None:
    reply, (about, actual, why) = stage.client().ask(address, *values)
    assert (reply, about, actual) == ("/bridge/error", address, code) and why


def player(daemon: Daemon) -> psutil.Process:
    """The process that has PortAudio."""
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    (child,) = [child for child in children if any("libportaudio" in area.path for area in child.memory_maps())]
    return child


@pytest.mark.daemon
def test_a_lost_device_or_player_is_reported_files_go_on_and_sound_comes_back(tmp_path: Path) -> None:
    with jack(timeout_ms=50) as server, pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        daemon = Daemon(tmp_path / "clips", tmp_path / "home", "--audio-device", "system", run=STAND_IN)

        def audio(state: str, start: int = 0, within_s: float = 30.0) -> None:
            daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == state, within_s, start)

        try:
            audio("open")
            client = daemon.client()
            client.send("/bridge/subscribe")
            client.send("/bridge/pad/9/set", "drop", 0.3, "steps", 2)
            pad_state(client, 9, "ready", 2.0)
            for cycle, (lose, restore) in enumerate(
                [(server.stop, server.start)] * LOSSES + [(lambda: player(daemon).kill(), lambda: None)]
            ):
                voice = play(client, "drone", 10.0, "sink", "audio", job=f"heard {cycle}")
                start = len(daemon.lines)
                lose()
                audio("lost", start, 4.0)  # within 2 s where nothing else runs
                assert ended(client, voice) != ""
                client.send("/bridge/generate", "folder", 0.2, "steps", 2, "id", f"folder {cycle}")
                assert Path(client.until("/bridge/done", job=f"folder {cycle}")[1][1]).is_file()
                restore()
                audio("open", start, 10.0)  # JACK takes a second of it after a client was killed
            with contextlib.closing(Recorder(server)) as recorder:
                at = time.monotonic()
                client.send("/bridge/pad/9/play")  # its takes are older than the losses
                recorder.wait_for_sound(at)
                daemon.stop()
                frames = len(recorder.heard())
                time.sleep(1.0)
                # The server goes on for other clients without a daemon.
                assert len(recorder.heard()) - frames > RATE / 2
        finally:
            daemon.stop()
        again = Daemon(tmp_path / "clips", tmp_path / "home", run=STAND_IN)
        try:
            client = again.client()
            client.send("/bridge/subscribe")
            pad_state(client, 9, "ready", 2.0)  # the pad was restored and filled by itself
        finally:
            again.stop()


def test_devices_and_doctor_name_what_can_sound(server: Jack) -> None:
    environment = {**os.environ, **server.environment}
    listed = subprocess.run(
        [sys.executable, "-m", "bridge", "devices"], env=environment, capture_output=True, text=True, check=True
    )
    assert "system  (JACK Audio Connection Kit, 48000 Hz, 2 channels)" in listed.stdout
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        (right,), (wrong,) = (list(sound.check(AudioConfig(device))) for device in ("system", "no such thing"))
        assert right.state == "ok"
        assert wrong.state == "warning" and "system" in wrong.what and "folder" in wrong.what


def test_without_a_device_an_ask_for_sound_is_refused_with_a_sentence_and_files_go_on(small_daemon: Daemon) -> None:
    event = small_daemon.wait_for(lambda line: line["event"] == "audio")
    if event["state"] == "open":
        skip_or_fail("this machine has a sound card, on which the player falls back")
    assert event["state"] == "unusable" and event["why"]
    client = small_daemon.client()
    client.send("/bridge/generate", "rain", 0.5, "sink", "audio", "id", "heard")
    address, values = client.end_of("heard")
    assert (address, values[1]) == ("/bridge/failed", "no_audio") and "folder" in values[2]
    _, (_, code, why) = client.ask("/bridge/stream/start", "rain", 4)
    assert code == "no_audio" and "clipbridge doctor" in why and "sink" not in why
    client.send("/bridge/generate", "rain", 0.5, "sink", "both", "steps", 2, "id", "both")
    address, values = client.end_of("both")
    facts = pairs(values, 3)
    assert address == "/bridge/done" and Path(values[1]).is_file()
    assert "voice" not in facts and "not played: " in facts["remark"] and "sink" not in facts["remark"]
    client.send("/bridge/stop")
    client.send("/bridge/generate", "rain", 0.5, "steps", 2, "id", "written")
    assert client.end_of("written")[0] == "/bridge/done"
