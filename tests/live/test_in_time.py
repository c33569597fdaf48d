"""Sound on time: on a beat, at a time tag, while a button is held, and without end."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest

from bridge.client import encode
from tests.harness import Client, Daemon
from tests.jack_device import BLOCK, RATE, Recorder
from tests.on_stage import pad_state

PAD = "/bridge/pad/21"


def at(moment: float, *messages: bytes) -> bytes:
    """A bundle with a time tag, `moment` in seconds since 1970."""
    whole = int(moment)
    tag = struct.pack(">II", whole + 2_208_988_800, int((moment - whole) * 2**32))
    return b"#bundle\0" + tag + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def onsets(recording: np.ndarray, silence_s: float = 0.05) -> list[int]:
    """Frames at which sound begins after silence."""
    sounding = np.nonzero(recording.any(axis=1))[0]
    return [int(sounding[0]), *sounding[1:][np.diff(sounding) > silence_s * RATE].tolist()]


@pytest.fixture
def pad(stage: Daemon) -> Iterator[Client]:
    """A subscribed client, and a locked pad with a short take."""
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send(f"{PAD}/set", "click", 0.15, "steps", 2, "quantize", "beat")
    client.send(f"{PAD}/lock", 1)
    pad_state(client, 21, "ready", 2.0)
    yield client
    client.send(f"{PAD}/clear")
    client.send("/bridge/tempo", 120, 4)


def onsets_of_six_presses(pad: Client, recorder: Recorder) -> list[int]:
    """Where the clips begin: four on the next beat, two on the next bar. The device must keep time meanwhile, because beats
    follow the clock when a device falls behind it."""
    for _ in range(3):
        recorder.restart()
        time.sleep(1.0)  # what the device lost just before the first press moves the beats after it
        states = []
        for number in range(6):
            pad.send(f"{PAD}/play", 1.0, *(("quantize", "bar") if number > 3 else ()))
            voice = pad.until("/bridge/voice")[1]
            states.append([voice[1]])
            while states[-1][-1] != "ended":
                states[-1].append(pad.until("/bridge/voice")[1][1])
            time.sleep(0.031 * number)
        time.sleep(0.1)
        assert states == [["waiting", "began", "ended"]] * 6
        starts = onsets(recorder.heard())
        assert len(starts) == 6
        if recorder.lag_s() < 0.002:
            return starts
    raise AssertionError("this machine is too busy: the virtual device fell behind in each of three recordings")


def test_presses_at_any_moment_sound_exactly_on_the_beat_and_the_bar(pad: Client, recorder: Recorder) -> None:
    pad.send("/bridge/tempo", 150, 3)  # 19,200 frames a beat
    pad.send("/bridge/beat", 0)
    starts = onsets_of_six_presses(pad, recorder)
    assert all((start - starts[0]) % 19_200 == 0 for start in starts), np.diff(starts)
    assert (starts[5] - starts[4]) % (3 * 19_200) == 0
    at = time.monotonic()
    pad.send(f"{PAD}/play", 1.0, "quantize", "off")
    assert recorder.wait_for_sound(at) < 0.15


def test_time_tags_are_exact_to_a_millisecond_and_refused_if_too_far_ahead(pad: Client, recorder: Recorder) -> None:
    play = encode(f"{PAD}/play", 1.0, "quantize", "off")
    now, start = time.time(), time.monotonic()
    moments = [0.4, 0.7, 1.25, 1.9037]
    for moment in reversed(moments):
        pad.raw(at(now + moment, play))
    pad.raw(at(now - 60.0, play))  # late: at once
    time.sleep(2.4)
    starts = onsets(recorder.heard())
    assert len(starts) == 5
    gaps = np.diff(starts[1:]) / RATE
    assert np.abs(gaps - np.diff(moments)).max() < 0.0015, gaps
    delays = [delay for delay in recorder.sounding_after(start) if delay > 0.3]
    assert -0.005 < delays[0] - 0.4 < 4 * BLOCK / RATE + 0.05  # the latency of the device
    pad.raw(at(time.time() + 11.0, play))
    assert pad.until("/bridge/error")[1][:2] == [f"{PAD}/play", "bad_argument"]
    pad.raw(at(time.time() + 9.0, play))
    voice, state, _ = pad.until("/bridge/voice")[1]
    assert state == "waiting"
    pad.raw(at(time.time() + 0.1, encode(f"{PAD}/stop")))
    assert pad.until("/bridge/voice")[1][:2] == [voice, "ended"]


def test_a_gated_pad_sounds_as_long_as_its_button_is_held(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/pad/22/set", "drone", 3.0, "steps", 2, "gate", 1)
    pad_state(client, 22, "ready", 2.0)
    client.send("/bridge/pad/22/play", 100)
    recorder.wait_for_sound(time.monotonic())
    time.sleep(0.2)
    at = time.monotonic()
    client.send("/bridge/pad/22/play", 0)
    while client.until("/bridge/voice")[1][1] != "ended":
        pass
    time.sleep(0.2)
    assert max(recorder.sounding_after(at)) < 0.02 + 3 * BLOCK / RATE + 0.05
    client.send("/bridge/pad/22/clear")


def test_a_generated_clip_waits_for_its_bar_too(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/tempo", 60, 2)
    client.send("/bridge/generate", "hit", 0.3, "sink", "audio", "quantize", "bar", "steps", 1, "id", 1)
    client.until("/bridge/done", job=1)
    assert [client.until("/bridge/voice")[1][1] for _ in range(3)] == ["waiting", "began", "ended"]
    client.send("/bridge/tempo", 120, 4)


def stream_state(client: Client, *states: str, timeout_s: float = 30.0) -> list[object]:
    """Wait until the stream is in one of these states."""
    end = time.monotonic() + timeout_s
    client.send("/bridge/subscribe")  # a lease is for a minute, which a busy machine may need
    while time.monotonic() < end:
        values = client.until("/bridge/stream/state", timeout_s=timeout_s)[1]
        if values[0] in states:
            return values
    raise AssertionError(f"the stream was never {states}")


def loudness(recording: np.ndarray) -> np.ndarray:
    """RMS of each 20 ms from the first sound on."""
    window = RATE // 50
    sounding = recording[onsets(recording)[0] :, 0]
    return np.sqrt(np.mean(sounding[: len(sounding) // window * window].reshape(-1, window) ** 2, axis=1))


def test_a_stream_has_no_gap_thins_out_when_the_engine_is_busy_and_ends_on_request(
    stage: Daemon, recorder: Recorder
) -> None:
    client, other = stage.client(), stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/stream/start", "waves", 2.0, "steps", 2, "gain", 0.5)
    assert stream_state(client, "filling")[1] == 0.0
    assert stream_state(client, "playing")[1] > 2.0  # type: ignore[operator]
    time.sleep(3.0)
    client.send("/bridge/stream/set", "rain", 2.0, "steps", 2, "gain", 0.5)
    time.sleep(2.0)
    client.send("/bridge/stream")
    assert client.until("/bridge/stream/state")[1][0] == "playing"
    # The engine is busy for longer than the buffer of the stream lasts; the ask does not wait for the stream.
    other.send("/bridge/generate", "long", 60.0, "steps", 250, "id", "long")
    other.until("/bridge/progress", job="long")
    stream_state(client, "thin", timeout_s=40.0)
    time.sleep(3.0)
    other.send("/bridge/cancel", "long")
    stream_state(client, "playing")
    time.sleep(1.0)
    levels = loudness(recorder.heard())[60:]  # it fades in over a second
    assert levels.min() > 0.1 * np.median(levels), np.argmin(levels)  # at its thinnest a quarter of the gain
    at = time.monotonic()
    client.send("/bridge/stream/stop", 100.0)
    assert stream_state(client, "off") == ["off", 0.0]
    time.sleep(1.0)
    assert max(recorder.sounding_after(at)) < 0.5
    client.send("/bridge/stream")
    assert client.until("/bridge/stream/state")[1] == ["off", 0.0]


def test_a_panic_ends_the_stream_too(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/stream/start", "waves", 2.0, "steps", 1)
    stream_state(client, "playing")
    recorder.wait_for_sound(time.monotonic())
    at = time.monotonic()
    client.send("/bridge/stop")
    assert stream_state(client, "off") == ["off", 0.0]
    time.sleep(1.5)
    assert max(recorder.sounding_after(at)) < 0.02 + 3 * BLOCK / RATE + 0.05
