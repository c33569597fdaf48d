"""Presses of takes that are still being loaded, and requests to voices that are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.player import held
from bridge.player.desk import STOPPED, Desk
from bridge.player.held import MAX_LATE_S, HeldTakes
from bridge.player.messages import NOW, Change, Ended, Held, Hold, Sound, Stop, When
from bridge.player.mixer import Mixer

RATE = 48_000
SLOT, VOICE = 3, 7


class Stage:
    """A desk with held takes, whose disk waits for `reads`."""

    def __init__(self) -> None:
        self.reads, self.reports = threading.Event(), list[Ended | Held]()
        self.desk, self.mixer = Desk(), Mixer(RATE, 1)
        self.held = HeldTakes(self.desk, self.reports.append)
        self.desk.open(self.mixer)
        threading.Thread(target=self.held.run, daemon=True).start()

    def read(self, _file: str, _rate: int, _device_rate: int) -> np.ndarray:
        assert self.reads.wait(10)
        return np.full((RATE, 1), 0.5, np.float32)

    def press(self, when: When = NOW, loop: bool = False) -> None:
        """Press a take that is not loaded yet."""
        self.held.hold(Hold(SLOT, "take", RATE))
        self.held.sound(Sound(VOICE, SLOT, when=when, loop=loop))

    def load(self) -> None:
        loaded = self.held.when_loaded()
        self.reads.set()
        assert loaded.wait(10)

    def rendered(self, seconds: float = 0.1) -> np.ndarray:
        sound = np.empty((round(seconds * RATE), 1), np.float32)
        self.mixer.render(sound, time.perf_counter())
        return sound[:, 0]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage()
    monkeypatch.setattr(held, "read", stage.read)
    yield stage
    stage.reads.set()


def test_a_press_waits_for_its_own_take(stage: Stage) -> None:
    stage.press()
    assert not stage.held.when_loaded().wait(0.05) and not stage.rendered().any()
    stage.load()
    assert stage.rendered().any() and not stage.reports


def test_a_change_to_a_loading_voice_is_applied_when_it_starts(stage: Stage) -> None:
    stage.press()
    stage.desk.change(Change(VOICE, gain=0.5, glide_ms=0.0))
    stage.load()
    assert stage.rendered()[-1] == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("voice", [VOICE, None])
def test_a_voice_stopped_while_it_loads_never_sounds(stage: Stage, voice: int | None) -> None:
    stage.press()
    stage.desk.stop(Stop(voice, 5.0))
    stage.load()
    assert not stage.rendered().any() and stage.reports == [Ended(VOICE, STOPPED)]


def test_a_stop_with_a_time_reaches_a_voice_that_is_still_loading(stage: Stage) -> None:
    stage.press(loop=True)
    stage.desk.stop(Stop(VOICE, 5.0, When(time.perf_counter())))
    stage.load()
    stage.rendered()
    assert not stage.rendered().any() and list(stage.mixer.ended) == [VOICE]


def test_a_press_for_later_may_load_until_then_and_one_for_now_only_briefly(stage: Stage) -> None:
    stage.press(When(time.perf_counter() + 10 * MAX_LATE_S))
    time.sleep(1.2 * MAX_LATE_S)
    stage.load()
    assert not stage.reports and stage.mixer.requests
    stage.reads.clear()
    stage.held.hold(Hold(SLOT + 1, "another", RATE))
    stage.held.sound(Sound(VOICE + 1, SLOT + 1))
    time.sleep(1.2 * MAX_LATE_S)
    stage.load()
    assert [(one.voice, one.why) for one in stage.reports if isinstance(one, Ended)] == [
        (VOICE + 1, "it could not begin in time")
    ]


def test_a_take_released_while_it_is_read_is_dropped(stage: Stage) -> None:
    stage.press()
    stage.held.release(SLOT)
    stage.load()
    assert stage.reports == [Ended(VOICE, "it was not ready")]
    stage.held.sound(Sound(VOICE + 1, SLOT))
    assert len(stage.reports) == 2


def test_an_audio_file_is_held_at_the_rate_of_the_device_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    good, long, damaged = (tmp_path / name for name in ("50% wet & röhre (take #2).flac", "long.wav", "damaged.wav"))
    tone = np.sin(np.arange(22_050) / 9).astype(np.float32)
    soundfile.write(good, tone, 22_050)
    soundfile.write(long, np.zeros(RATE), 1_000)
    damaged.write_bytes(b"RIFF")
    stage = Stage()
    for slot, file in enumerate((good, long, damaged, tmp_path / "gone.wav")):
        stage.held.hold(Hold(slot, str(file), 0, longest_s=30.0))
    assert stage.held.when_loaded().wait(10)
    whys = {report.slot: report.why for report in stage.reports if isinstance(report, Held)}
    assert whys[0] == "" and whys[1] == "A pad's clip has at most 30 seconds, and the file has 48.0."
    assert "damaged.wav" in whys[2] and "gone.wav" in whys[3]
    stage.held.sound(Sound(VOICE, 0))
    heard = stage.rendered(1.1)
    assert np.abs(heard[:48_000]).max() > 0.85 and np.abs(heard[48_100:]).max() == 0
