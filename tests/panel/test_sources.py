"""Clips made from audio in the window: dropped, chosen in the list, used, and heard beside what came of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from bridge.panel.source import FormSource
from tests.harness import Daemon, free_port
from tests.panel.conftest import Open, Wait
from tests.panel.fake_daemon import FakeDaemon
from tests.panel.test_dropping import ANY_ACTION, button, drop, files
from tests.rhythms import clicks

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane
    from bridge.panel.window import Window

RATE = 48_000
CAN = "steps guidance vary continue fill"


@pytest.fixture
def beat(tmp_path: Path) -> Path:
    """A beat outside of the sample folder: a bar of two seconds."""
    file = tmp_path / "Dusty break.wav"
    soundfile.write(file, clicks(120, 2.0), RATE)
    return file


def pane_of(window: Window) -> ClipPane:
    pane = window.pages.widget(0)
    assert isinstance(pane, QWidget)
    return pane  # type: ignore[return-value]


def ready(window: Window, wait: Wait) -> None:
    wait(lambda: window.state_line.words.text() == "ready")
    wait(lambda: window.make.abilities.ways() and pane_of(window).sources.abilities.ways())


def focus(window: Window, widget: QWidget, wait: Wait) -> None:
    """Give a widget the keyboard."""
    window.activateWindow()
    wait(window.isActiveWindow)
    widget.setFocus()


def next_of(fake: FakeDaemon, address: str, wait: Wait) -> list[Any]:
    """The arguments of the next message to an address; what came before it is forgotten."""
    wait(lambda: address in [heard for heard, _ in fake.heard])
    (arguments, *_) = [values for heard, values in fake.heard if heard == address]
    fake.heard.clear()
    return arguments


def made_from(window: Window, wait: Wait) -> tuple[str, str]:
    """Press Enter in the form: the paths of the clip that it makes, and of its source, once both are shown."""
    beside, before = pane_of(window).wave_pane.beside, pane_of(window).view.current_path()
    window.make.prompt.setFocus()
    QTest.keyClick(window.make.prompt, Qt.Key.Key_Return)
    wait(lambda: pane_of(window).view.current_path() != before and beside.source is not None)
    assert window.jobs.rows() == [] and beside.source is not None
    return pane_of(window).view.current_path(), beside.source.path


def test_a_dropped_file_is_varied_continued_and_filled_and_shown_beside_each_result(
    open_window: Open, panel_daemon: Daemon, wait: Wait, beat: Path
) -> None:
    window = open_window(panel_daemon.port)
    ready(window, wait)
    drop(window, files(beat))
    wait(window.offer_bar.isVisible)
    button(window, "Vary it").click()
    source = window.make.source
    assert window.make.prompt.placeholderText() == "as the source: Dusty break"
    source.strength.slider.setValue(0)
    varied, of = made_from(window, wait)
    assert of == beat.as_posix()
    samples, _ = soundfile.read(beat, dtype="float32")
    kept, _ = soundfile.read(varied, dtype="float32")
    assert np.corrcoef(samples, kept)[0, 1] > 0.999  # at strength 0 it is the source
    source.ways.buttons["continue"].click()
    window.make.set_length("bars", 2.0)
    continued, of = made_from(window, wait)
    assert of == beat.as_posix() and soundfile.info(continued).frames == 6 * RATE
    source.ways.buttons["fill"].click()
    assert source.hint.isVisible()
    source.wave.set_part(0.5, 1.0)
    filled, of = made_from(window, wait)
    new, _ = soundfile.read(filled, dtype="float32")
    assert of == beat.as_posix() and len(new) == len(samples)
    outside = np.r_[0 : RATE // 2, RATE : 2 * RATE]
    assert np.array_equal(new[outside], samples[outside]) and not np.array_equal(new, samples)
    titles = [clip.origin for clip in pane_of(window).model.clips()[:3]]
    assert titles == ["filled from Dusty break", "continued from Dusty break", "varied from Dusty break"]
    # The library says so too, in a window that is opened later.
    later = open_window(panel_daemon.port)
    wait(lambda: pane_of(later).model.rowCount() >= 3)
    assert [clip.origin for clip in pane_of(later).model.clips()[:3]] == titles


def test_a_file_on_the_form_is_its_source_at_once_and_can_be_taken_away(
    open_window: Open, panel_daemon: Daemon, wait: Wait, beat: Path
) -> None:
    window = open_window(panel_daemon.port)
    ready(window, wait)
    window.make.set_recipe({"text": "rain", "note": "c3", "bars": 2.0})
    filled = window.make.filled()
    wait(window.make.isVisible)
    drop(window, files(beat), on_form=True)
    wait(window.make.source.isVisible)
    assert not window.offer_bar.isVisible()
    source = window.make.source.source
    assert source is not None and (source.path, source.seconds) == (beat.as_posix(), 2.0)
    assert not window.make.note.isEnabled() and window.make.loop.isEnabled()
    window.make.source.ways.buttons["continue"].click()
    assert not window.make.loop.isEnabled() and "what is kept" in window.make.loop.toolTip()
    assert window.make.unit.currentText() == "usual addition"
    window.make.source.remove.click()
    assert not window.make.source.isVisible() and window.make.note.isEnabled() and window.make.loop.isEnabled()
    window.make.prompt.undo()
    assert window.make.filled() == filled


def test_a_clip_of_the_list_or_a_part_of_it_becomes_the_source(
    open_window: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    client = panel_daemon.client()
    client.send("/bridge/generate", "deep kick", 1.0, "steps", 2, "id", "kick")
    path = client.end_of("kick")[1][1]
    window = open_window(panel_daemon.port)
    ready(window, wait)
    pane = pane_of(window)
    assert (
        not pane.sources.ways.buttons["vary"].isEnabled()
        and pane.sources.ways.buttons["vary"].toolTip() == "Choose a clip first."
    )
    wait(lambda: pane.model.index_of(path).isValid())
    pane.view.choose(pane.model.index_of(path), quietly=True)
    assert pane.sources.ways.buttons["vary"].isEnabled() and not pane.sources.ways.buttons["fill"].isEnabled()
    assert "Select the gap" in pane.sources.ways.buttons["fill"].toolTip()
    focus(window, pane.view, wait)
    QTest.keyClick(pane.view, Qt.Key.Key_V)
    source = window.make.source.source
    assert source is not None and (source.path, source.how, source.words) == (path, "vary", "deep kick")
    pane.wave_pane.wave.set_part(0.25, 0.5)
    pane.sources.ways.buttons["fill"].click()
    source = window.make.source.source
    assert source is not None and (source.how, source.part) == ("fill", (0.25, 0.5))


def test_a_key_changes_between_the_source_and_the_result_at_the_same_moment(
    open_window: Open, fake: FakeDaemon, wait: Wait
) -> None:
    window = open_window(fake.port)
    wait(lambda: fake.heard and window.state_line.words.text() == "ready")
    pane = pane_of(window)
    facts = ["how", "continue", "source", "/s/a.wav", "from", 1.0, "to", 3.0]
    find = next(arguments for address, arguments in fake.heard if address == "/bridge/find")
    asked = find[find.index("id") + 1]
    fake.say("/bridge/found", 1, "total", 1, "id", asked)
    fake.say("/bridge/clip", "/c/b.wav", "prompt", "b", "seconds", 6.0, *facts, "id", asked)
    wait(lambda: pane.model.rowCount() == 1)
    pane.view.choose(pane.model.index(0), quietly=True)
    beside = pane.wave_pane.beside
    assert beside.words.text() == "Continued from a" and beside.isVisible()

    def played() -> list[Any]:
        return next_of(fake, "/bridge/play", wait)

    focus(window, pane.view, wait)
    QTest.keyClick(pane.view, Qt.Key.Key_B)
    assert played() == ["/s/a.wav", "output", "cue", "gain", 1.0, "from", 1.0, "to", 3.0]
    fake.say("/bridge/voice", 5, "began", "", "path", "/s/a.wav")
    wait(lambda: beside.wave.position >= 1.0)
    assert beside.button.text() == "Hear the result"
    beside.button.click()
    path, *rest = played()
    assert path == "/c/b.wav" and 0 <= dict(zip(rest[::2], rest[1::2], strict=True)).get("from", 0.0) < 2.0
    assert beside.button.text() == "Hear the source"
    focus(window, window.make.prompt, wait)
    QTest.keyClick(window.make.prompt, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert played()[0] == "/s/a.wav"
    assert beside.other(pane.current(), "/c/b.wav", 1.5) == (beside.source, 2.5)  # type: ignore[arg-type]
    assert beside.other(pane.current(), "/c/b.wav", 5.0) == (beside.source, 1.0)  # type: ignore[arg-type]


def test_only_what_the_checkpoint_can_do_is_offered_and_the_rest_says_why(
    open_window: Open, fake: FakeDaemon, wait: Wait
) -> None:
    window = open_window(fake.port)
    wait(lambda: ("/bridge/status", []) in fake.heard)
    abilities, buttons = window.make.abilities, window.make.source.ways.buttons
    assert "not ready yet" in abilities.refusal() and abilities.lack("vary", 1.0) == ""
    fake.say("/bridge/status", "ready", "queue", 0, "model", "tiny", "can", "steps vary")
    wait(lambda: abilities.ways() == ["vary"])
    assert abilities.refusal() == "The checkpoint tiny cannot continue a sound or fill a gap in a sound."
    assert buttons["vary"].isEnabled() and not buttons["fill"].isEnabled()
    assert buttons["fill"].toolTip() == "The checkpoint tiny cannot fill a gap in a sound."
    window.make.set_source(FormSource("/s/a.wav", "continue", 2.0))
    window.make.generate()
    assert window.make.fault.text() == "The checkpoint tiny cannot continue a sound." and window.jobs.rows() == []
    fake.say("/bridge/status", "ready", "queue", 0, "model", "tiny", "max_seconds", 10.0, "can", CAN)
    wait(lambda: len(abilities.ways()) == 3)
    window.make.set_source(FormSource("/s/a.wav", "vary", 12.5))
    window.make.generate()
    assert "at most 10 seconds of a sound, and this is 12.5: mark a shorter part" in window.make.fault.text()
    fake.say("/bridge/state", "loading", "changing to big")
    wait(lambda: abilities.ways() == [])
    fake.heard.clear()
    fake.say("/bridge/state", "ready", "")
    next_of(fake, "/bridge/status", wait)
    fake.say("/bridge/status", "ready", "queue", 0, "model", "big", "can", CAN)
    wait(lambda: len(abilities.ways()) == 3)
    assert abilities.refusal() == ""
    fake.say("/bridge/status", "ready", "queue", 0, "model", "old")
    wait(lambda: "older than the panel" in abilities.refusal())


def test_a_drop_is_offered_with_a_sentence_about_what_cannot_be_done(
    open_window: Open, fake: FakeDaemon, wait: Wait, beat: Path
) -> None:
    window = open_window(fake.port)
    wait(lambda: ("/bridge/status", []) in fake.heard)
    fake.say("/bridge/status", "ready", "queue", 0, "model", "tiny", "can", "steps vary")
    wait(window.make.abilities.ways)
    length = "Use its length (2 s)"
    for channels, words, why in ((1, ["Vary it", length], "cannot continue"), (6, [length], "6 channels")):
        drop(window, files(beat))
        fake.say("/bridge/measured", str(beat), "seconds", 2.0, "channels", channels, "bpm", 0.0)
        wait(window.offer_bar.isVisible)
        assert why in window.offer_bar.why.text()
        assert [offer.text() for offer in window.offer_bar.buttons] == words
        window.offer_bar.clear()


def test_a_clip_of_the_list_is_dropped_on_the_form_and_nowhere_else_in_the_window(
    open_window: Open, wait: Wait, beat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(free_port())
    wait(window.make.isVisible)
    inside, buttons, keys = window.pages, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    mime = files(beat)
    accepted = []
    for place in (QPoint(50, window.height() - 40), window.make.geometry().center()):
        for kind in (QDragEnterEvent, QDragMoveEvent):
            event = kind(place, ANY_ACTION, mime, buttons, keys)
            monkeypatch.setattr(event, "source", lambda: inside, raising=False)
            QApplication.sendEvent(window, event)
            accepted.append(event.isAccepted())
    assert accepted == [True, False, True, True]


def test_the_strength_is_left_to_the_preset_until_it_is_moved(open_window: Open) -> None:
    window = open_window(free_port())
    strength = window.make.source.strength
    window.make.set_source(FormSource("/s/a.wav", seconds=2.0))
    assert window.make.filled().ask(window.make.tempo).strength is None and strength.number.text() == "0.5"
    window.make.preset.choose("dirtier")
    assert strength.number.text() == "preset's"
    strength.slider.setValue(15)
    assert window.make.filled().ask(window.make.tempo).strength == 0.75 and strength.number.text() == "0.75"
    QTest.keyClick(strength.slider, Qt.Key.Key_Backspace)
    assert window.make.filled().ask(window.make.tempo).strength is None


def test_the_strength_and_the_addition_come_back_and_the_source_does_not(open_window: Open) -> None:
    port = free_port()
    first = open_window(port)
    first.make.set_length("seconds", 1.5)
    first.make.set_source(FormSource("/s/a.wav", "continue", 2.0))
    first.make.set_length("bars", 4.0)
    first.make.source.strength.slider.setValue(4)
    first.close()
    second = open_window(port)
    assert second.make.filled().source is None and second.make.lengths.value == ("seconds", 1.5)
    second.make.set_source(FormSource("/s/b.wav", "continue", 2.0))
    assert second.make.lengths.value == ("bars", 4.0) and second.make.source.strength.value == 0.2


def test_the_gap_is_marked_with_keys(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window.activateWindow()
    wait(window.isActiveWindow)
    window.make.set_source(FormSource("/s/a.wav", "fill", 2.0))
    wave = window.make.source.wave
    wait(wave.hasFocus)
    for key, times in (
        (Qt.Key.Key_Right, 25),
        (Qt.Key.Key_BracketLeft, 1),
        (Qt.Key.Key_Right, 25),
        (Qt.Key.Key_BracketRight, 1),
    ):
        for _ in range(times):
            QTest.keyClick(wave, key)
    source = window.make.source.source
    assert source is not None and source.part == pytest.approx((0.5, 1.0))
    assert window.make.source.part.isVisible() and not window.make.source.hint.isVisible()


def test_the_source_has_names_and_is_reached_by_tab(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window.activateWindow()
    wait(window.isActiveWindow)
    window.make.set_source(dataclasses.replace(FormSource("/s/a.wav", "vary", 2.0), part=(0.5, 1.0)))
    row = window.make.source
    for way in row.ways.buttons.values():
        way.setEnabled(True)
    row.ways.buttons["vary"].setFocus()
    reached = list[QWidget]()
    for _ in range(6):
        focused = QApplication.focusWidget()
        assert focused is not None and focused.accessibleName()
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert row.play in reached and row.remove in reached and row.wave in reached and row.strength.slider in reached


def test_in_a_low_window_the_gap_can_be_typed(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window.resize(300, 260)
    window.make.set_source(FormSource("/s/a.wav", "fill", 2.0))
    row = window.make.source
    wait(row.part.isVisible)
    assert not row.wave.isVisible()
    for box, value in zip(row.part.ends, (0.5, 1.0), strict=True):
        box.setFocus()
        box.setValue(value)
    assert row.source is not None and row.source.part == (0.5, 1.0)


def test_a_source_whose_file_is_gone_says_so(open_window: Open, wait: Wait, tmp_path: Path) -> None:
    window = open_window(free_port())
    window.make.set_source(FormSource(str(tmp_path / "gone.wav"), "vary", 2.0))
    wave = window.make.source.wave
    wait(lambda: "no longer there" in wave.accessibleDescription())
    soundfile.write(tmp_path / "here.wav", clicks(120, 1.0), RATE)
    window.make.set_source(FormSource(str(tmp_path / "here.wav"), "vary"))
    wait(lambda: window.make.source.name.text() == "here, 1 s")
    assert "no longer there" not in wave.accessibleDescription() and wave.seconds == 1.0


def test_the_source_is_played_from_the_form_and_stopped_there(open_window: Open, fake: FakeDaemon, wait: Wait) -> None:
    window = open_window(fake.port)
    wait(lambda: fake.heard and window.state_line.words.text() == "ready")
    row = window.make.source
    window.make.set_source(FormSource("/s/a.wav", "vary", 2.0, (0.5, 1.5)))
    row.play.click()
    keys = ["output", "cue", "gain", 1.0, "from", 0.5, "to", 1.5]
    assert next_of(fake, "/bridge/play", wait) == ["/s/a.wav", *keys]
    fake.say("/bridge/voice", 7, "began", "", "path", "/s/a.wav")
    wait(lambda: row.wave.position >= 0.5 and row.play.accessibleName() == "Stop the source")
    row.play.click()
    next_of(fake, "/bridge/voice/7/stop", wait)
    assert row.play.accessibleName() == "Play the source" and row.wave.position == -1
