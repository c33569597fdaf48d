"""Clips played from the list, by a real daemon with a virtual audio device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness import STAND_IN, Client, Daemon
from tests.jack_device import Jack
from tests.panel.clips import make, open_pane, paths_of  # noqa: F401
from tests.panel.conftest import Wait

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane


@pytest.fixture(scope="module")
def sounding(server: Jack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a stand-in engine and an open audio device, and three clips: a loop, a short and a long one."""
    place: Path = tmp_path_factory.mktemp("sounding")
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        daemon = Daemon(place / "clips", place / "home", "--audio-device", "system", run=STAND_IN)
    client = daemon.client()
    make(client, "long", seconds=9.0)
    make(client, "short", seconds=0.4)
    make(client, "round", "loop", 1, seconds=0.5)
    yield daemon
    daemon.stop()


@pytest.fixture
def pane(sounding: Daemon, open_pane: Callable[[int], ClipPane], wait: Wait) -> ClipPane:  # noqa: F811
    """A pane whose current clip is the loop."""
    pane = open_pane(sounding.port)
    wait(lambda: pane.model.rowCount() == 3)
    pane.view.setFocus()
    pane.view.choose(pane.model.index(0), quietly=True)
    return pane


@pytest.fixture
def voices(sounding: Daemon) -> Iterator[Callable[[], dict[int, list[str]]]]:
    """The states of all voices that began since, as another program hears them."""
    listener = sounding.client()
    listener.ask("/bridge/subscribe")
    heard: dict[int, list[str]] = {}

    def states() -> dict[int, list[str]]:
        while True:
            try:
                address, values = listener.receive(0.001)
            except TimeoutError:
                return heard
            if address == "/bridge/voice":
                heard.setdefault(values[0], []).append(values[1])

    yield states
    listener.send("/bridge/unsubscribe")


def press(pane: ClipPane, key: str) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.keyClick(pane.view, getattr(Qt.Key, f"Key_{key}"))


def test_right_plays_again_left_stops_and_other_voices_go_on(
    pane: ClipPane, sounding: Daemon, voices: Callable[[], dict[int, list[str]]], wait: Wait
) -> None:
    other = sounding.client()
    other.send("/bridge/play", paths_of(pane)[2])
    wait(lambda: ["began"] in [states[-1:] for states in voices().values()])
    (theirs,) = voices()
    press(pane, "Right")
    wait(lambda: pane.audition.position > 0)
    press(pane, "Right")
    wait(lambda: len(voices()) == 3 and voices()[theirs + 1][-1] == "ended" and voices()[theirs + 2][-1] == "began")
    press(pane, "Left")
    wait(lambda: voices()[theirs + 2][-1] == "ended")
    assert voices()[theirs][-1] == "began" and pane.audition.playing == ""
    press(pane, "Space")
    wait(lambda: pane.audition.position > 0)
    press(pane, "Space")
    wait(lambda: voices()[theirs + 3][-1] == "ended")
    other.send("/bridge/stop")
    wait(lambda: voices()[theirs][-1] == "ended")


def test_the_arrows_play_the_next_clip_only_if_autoplay_is_on(
    pane: ClipPane, voices: Callable[[], dict[int, list[str]]], wait: Wait
) -> None:
    press(pane, "Down")
    pane.wave_pane.autoplay.setChecked(True)
    press(pane, "Down")
    wait(lambda: [states[-1] for states in voices().values()] == ["began"])
    assert pane.audition.playing == paths_of(pane)[2] == pane.view.current_path()
    press(pane, "Up")
    wait(lambda: sorted(voices()) == [*voices()] and [states[-1] for states in voices().values()] == ["ended", "began"])
    wait(lambda: pane.audition.playing == "")  # the short clip ends by itself
    wait(lambda: [states[-1] for states in voices().values()] == ["ended", "ended"])


def test_many_clips_chosen_at_once_leave_only_the_last_one_sounding(
    pane: ClipPane, voices: Callable[[], dict[int, list[str]]], wait: Wait
) -> None:
    for row in (2, 0, 2, 0, 2):
        pane.view.choose(pane.model.index(row), quietly=True)
        pane.play()
    wait(lambda: len(voices()) == 5 and [states[-1] for states in voices().values()].count("ended") == 4)
    (last,) = (voice for voice, states in voices().items() if states[-1] != "ended")
    wait(lambda: pane.audition.position > 0.1)
    assert pane.audition.playing == paths_of(pane)[2]
    pane.audition.stop()
    wait(lambda: voices()[last][-1] == "ended")


def test_a_click_in_the_waveform_plays_from_there_and_a_loop_goes_round(
    pane: ClipPane, sounding: Daemon, voices: Callable[[], dict[int, list[str]]], wait: Wait
) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    wave = pane.wave_pane.wave
    pane.view.choose(pane.model.index(2), quietly=True)
    half = QPoint(wave.width() // 2, wave.height() // 2)
    QTest.mouseClick(wave, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, half)
    wait(lambda: pane.audition.position > 4.4)
    assert pane.audition.position < 6 and wave.position > 4.4
    pane.view.choose(pane.model.index(0), quietly=True)
    pane.play()
    wait(lambda: pane.audition.position > 0.3)
    wait(lambda: 0 <= pane.audition.position < 0.2)  # round once
    pane.wave_pane.gain.setValue(50)
    sounding.client().send("/bridge/stop")  # panic reaches it
    wait(lambda: pane.audition.playing == "")
    wait(lambda: {states[-1] for states in voices().values()} == {"ended"})


def test_in_tempo_waits_for_the_next_bar(
    pane: ClipPane, sounding: Daemon, voices: Callable[[], dict[int, list[str]]], wait: Wait
) -> None:
    client: Client = sounding.client()
    client.send("/bridge/tempo", 60)
    pane.wave_pane.in_tempo.setChecked(True)
    pane.play()
    wait(lambda: list(voices().values()) == [["waiting"]])
    assert pane.audition.position == -1.0 and pane.audition.playing
    pane.audition.stop()
    wait(lambda: voices()[max(voices())][-1] == "ended")
    pane.wave_pane.in_tempo.setChecked(False)
