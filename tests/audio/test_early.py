"""A clip sounds while it is still being decoded, without a gap and as the whole would."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
import soundfile

from bridge.audio.early import MAX_GAIN, EarlyClip
from bridge.audio.shape import shape
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.errors import BadAudio
from bridge.player.messages import Change, Stop
from bridge.player.mixer import Mixer
from bridge.player.voice import Voice
from bridge.shaper.make import make
from tests.harness import Daemon, pairs
from tests.jack_device import RATE, Recorder
from tests.on_stage import ended


@pytest.mark.parametrize("second", [0.5, -1.0, -0.8])
def test_channels_1_mixes_early_pieces_and_the_whole_alike_even_if_the_channels_cancel(second: float) -> None:
    left = (0.5 * np.sin(np.arange(96_000) / 20)).astype(np.float32)
    sound = np.stack([left, second * left], axis=1).astype(np.float32)
    prompt = Prompt("x", "x", 2.0, 1, shape=Shape(channels=1))
    whole = make(sound, 48_000, prompt).samples
    clip = EarlyClip(48_000, 2.0, prompt.shape)
    early = np.concatenate([clip.add(sound[:30_000], False), clip.add(sound[30_000:], True)])
    assert early.shape == whole.shape == (96_000, 1)
    assert np.abs(early).max() > 0.5 and np.corrcoef(early[:, 0], whole[:, 0])[0, 1] > 0.999


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_pieces_together_are_what_the_whole_is_but_for_its_level(rate: int) -> None:
    rng = np.random.default_rng(1)
    noise = np.convolve(rng.normal(0, 0.1, 3 * rate + 700), np.hanning(24), "same")
    wave = (0.1 + noise)[:, None].astype(np.float32)
    how = Shape(fade_in_ms=20.0, fade_out_ms=1_500.0)
    clip = EarlyClip(rate, 3.0, how)
    cuts = [0, rate, rate + 5, 2 * rate + 17, len(wave)]
    parts = [clip.add(wave[a:b], b == len(wave)) for a, b in itertools.pairwise(cuts)]
    whole = shape(wave, rate, 3.0, how)
    early = np.concatenate(parts)
    assert early.shape == whole.shape == (3 * OUTPUT_RATE, 1)
    # The constant that is taken out is that of the first piece; it is estimated once more in the whole.
    level = float(np.dot(early[:, 0], whole[:, 0]) / np.dot(whole[:, 0], whole[:, 0]))
    assert np.abs(early / level - whole).max() < 0.02 and np.corrcoef(early[:, 0], whole[:, 0])[0, 1] > 0.999
    steps = np.abs(np.diff(early[:, 0]))
    seams = np.cumsum([len(part) for part in parts])[:-1]
    for seam in seams[seams < len(steps)]:
        assert (
            steps[max(0, seam - 3) : seam + 3].max() <= np.quantile(steps, 0.9999) * 1.5
        )  # no click where pieces meet


@pytest.mark.parametrize(("channels", "expected"), [(0, 2), (1, 1), (2, 2)])
def test_two_channels_are_heard_early_as_they_are_or_mixed_down(channels: int, expected: int) -> None:
    wave = np.random.default_rng(2).normal(0, 0.1, (OUTPUT_RATE, 2)).astype(np.float32)
    heard = EarlyClip(OUTPUT_RATE, 1.0, Shape(0, 0, channels=channels)).add(wave, True)
    source = wave if expected == 2 else wave.mean(axis=1, keepdims=True)
    assert heard.shape == (OUTPUT_RATE, expected) and np.corrcoef(heard[:, -1], source[:, -1])[0, 1] > 0.9999


def test_a_quiet_beginning_is_not_lifted_without_bounds_and_no_sound_is_refused() -> None:
    clip = EarlyClip(OUTPUT_RATE, 2.0, Shape(0.0, 0.0))
    quiet = 0.01 * np.sin(np.arange(OUTPUT_RATE) / 20)[:, None].astype(np.float32)
    assert np.abs(clip.add(quiet, False)).max() == pytest.approx(0.01 * MAX_GAIN, rel=0.01)
    with pytest.raises(BadAudio):
        clip.add(np.full((10, 1), np.nan, np.float32), True)
    assert len(clip.add(np.zeros((2 * OUTPUT_RATE, 1), np.float32), True)) == OUTPUT_RATE  # as long as was asked for


def growing(mixer: Mixer, clip: np.ndarray, filled: int, number: int = 7) -> Voice:
    """A voice with only `filled` frames ready."""
    voice = mixer.voice(number, clip)
    voice.filled = filled
    mixer.requests.append(voice)
    return voice


def rendered(mixer: Mixer, frames: int) -> np.ndarray:
    blocks = []
    for _ in range(frames // 500):
        mix = np.empty((500, 1), np.float32)
        mixer.render(mix)
        blocks.append(mix)
    return np.concatenate(blocks)[:, 0]


CLIP = (0.3 * np.sin(np.arange(30_000) / 15)).astype(np.float32)[:, None]
STEP = 0.3 / 15 + 0.3 / 240  # the sine's own, and that of a fade of 5 ms


def test_a_voice_that_grows_in_time_sounds_exactly_as_the_whole() -> None:
    mixer = Mixer(RATE, 1)
    voice = growing(mixer, CLIP, 10_000)
    heard = [rendered(mixer, 9_000)]
    voice.filled = 20_000
    heard.append(rendered(mixer, 10_000))
    voice.filled = 30_000
    heard.append(rendered(mixer, 12_000))
    assert np.array_equal(np.concatenate(heard)[:30_000], CLIP[:, 0]) and list(mixer.ended) == [7]


def test_a_voice_that_runs_dry_fades_out_waits_and_goes_on_where_it_was() -> None:
    mixer = Mixer(RATE, 1)
    voice = growing(mixer, CLIP, 10_000)
    heard = rendered(mixer, 15_000)
    assert heard[9_000] and not heard[10_500:].any() and np.abs(np.diff(heard)).max() < STEP and not mixer.ended
    stopped_at = voice.position
    voice.filled = 30_000
    more = rendered(mixer, 25_000)
    assert np.abs(np.diff(np.concatenate([heard, more[: 30_000 - stopped_at]]))).max() < STEP
    assert np.array_equal(more[500 : 30_000 - stopped_at], CLIP[stopped_at + 500 :, 0]) and list(mixer.ended) == [7]


@pytest.mark.parametrize("fade_ms", [5.0, 100.0])
def test_a_voice_that_grows_is_stopped_with_its_whole_fade_also_while_it_waits(fade_ms: float) -> None:
    mixer = Mixer(RATE, 1)
    voice = growing(mixer, CLIP, 10_000)
    heard = [rendered(mixer, 9_500)]
    mixer.requests.append(Stop(7, fade_ms))
    voice.filled = 30_000
    heard.append(rendered(mixer, 10_000))
    whole = np.concatenate(heard)
    last = int(np.nonzero(whole)[0][-1])
    assert abs(last - 9_500 - fade_ms * 48) < 60 and np.abs(np.diff(whole)).max() < STEP and list(mixer.ended) == [7]
    mixer = Mixer(RATE, 1)
    growing(mixer, CLIP, 10_000)
    rendered(mixer, 15_000)
    mixer.requests.append(Stop(None, fade_ms))
    rendered(mixer, 500)
    assert list(mixer.ended) == [7]


def test_gain_and_loop_hold_for_all_of_a_voice_that_grows() -> None:
    mixer = Mixer(RATE, 1)
    voice = growing(mixer, CLIP, 10_000)
    rendered(mixer, 5_000)
    mixer.requests.extend([Change(7, gain=0.1, glide_ms=5.0), Change(7, loop=True)])
    voice.filled = 30_000
    heard = rendered(mixer, 60_000)
    assert np.abs(heard[1_000:]).max() <= 0.0301
    assert np.abs(heard[25_000:55_000] - 0.1 * CLIP[:, 0]).max() < 1e-6  # the whole again, not a part


def test_a_long_clip_is_heard_before_it_is_done_without_a_gap_and_its_file_is_whole(
    stage: Daemon, recorder: Recorder
) -> None:
    # A machine that is busy at the wrong moment decodes the second piece too late, and the voice pauses for it: then once more.
    alike = 0.0
    for attempt in range(3):
        alike = max(alike, _heard_as_in_its_file(stage, recorder, f"early {attempt}"))
        if alike > 0.999:  # the same sound over the seam of its first two pieces
            return
        recorder.restart()
    raise AssertionError(f"what was heard is not what is in the file: {alike}")


def _heard_as_in_its_file(stage: Daemon, recorder: Recorder, job: str) -> float:
    """The correlation of the first two seconds of a clip, as they were heard while it was made, with its file."""
    client = stage.client()
    at = time.monotonic()
    client.send("/bridge/generate", "surf", 15.0, "steps", 1, "sink", "both", "id", job)
    _, (voice, state, _) = client.until("/bridge/voice")
    began = time.monotonic() - at
    assert state == "began"
    _, done = client.until("/bridge/done", job=job)
    assert time.monotonic() - at > began
    assert pairs(done, 3)["voice"] == voice and soundfile.info(done[1]).frames == 15 * RATE
    time.sleep(max(0.0, at + began + 2.5 - time.monotonic()))  # two seconds of it are compared
    client.send(f"/bridge/voice/{voice}/stop")
    assert ended(client, voice) == ""
    time.sleep(0.1)
    heard, file = recorder.heard()[:, 0], soundfile.read(done[1], dtype="float32")[0]
    start = int(np.nonzero(heard)[0][0]) - int(np.nonzero(np.abs(file) > 1e-6)[0][0])
    piece, expected = heard[start + 500 : start + 2 * RATE], file[500 : 2 * RATE]
    return float(np.corrcoef(piece, expected)[0, 1])


def test_a_clip_that_is_cancelled_while_it_is_heard_is_silent(stage: Daemon, recorder: Recorder) -> None:
    client = stage.client()
    client.send("/bridge/generate", "surf", 60.0, "steps", 1, "sink", "audio", "id", "gone")
    _, (voice, _, _) = client.until("/bridge/voice")
    client.send("/bridge/cancel", "gone")
    assert client.end_of("gone")[0] in ("/bridge/cancelled", "/bridge/done")
    client.send(f"/bridge/voice/{voice}/stop")
    time.sleep(0.5)
    last = recorder.heard()[-4_096:]
    assert not last.any()
