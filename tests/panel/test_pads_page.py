"""The Pads page with real events of mouse, keys, fingers and drops."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from tests.harness import Daemon
from tests.panel.conftest import OpenAny, Wait
from tests.panel.fake_daemon import FakeDaemon

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge.panel.pads_page import PadsPage

Open = Callable[[int], "PadsPage"]


@pytest.fixture
def open_page(open_any: OpenAny) -> Open:
    """Open the page, linked to a daemon's port."""
    from bridge.panel.pads_page import PadsPage

    def open_(port: int) -> PadsPage:
        page = open_any(PadsPage, port, 520)
        page.activateWindow()
        return page

    return open_


@pytest.fixture
def page(open_page: Open, fake: FakeDaemon, wait: Wait) -> PadsPage:
    """The page and the fake daemon, ready."""
    page = open_page(fake.port)
    wait(lambda: fake.heard and page._link.state == "ready")
    page.grid.buttons[0].setFocus()
    wait(page.grid.buttons[0].hasFocus)
    fake.heard.clear()
    return page


def plays(fake: FakeDaemon) -> list[tuple[str, float]]:
    """What was played so far: pad and velocity."""
    return [(address.split("/")[3], values[0]) for address, values in fake.heard if address.endswith("/play")]


def key(target: QWidget, letter: str, press: bool, code: int = 0, repeat: bool = False) -> None:
    """A key event with a key code of the system, as a keyboard makes it."""
    from PySide6.QtCore import QEvent, Qt
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QApplication

    kind = QEvent.Type.KeyPress if press else QEvent.Type.KeyRelease
    named = getattr(Qt.Key, f"Key_{letter.upper()}")
    scan, virtual = (0, code) if sys.platform == "darwin" else (code, 0)
    event = QKeyEvent(kind, named, Qt.KeyboardModifier.NoModifier, scan, virtual, 0, letter, repeat)
    QApplication.sendEvent(target, event)


def test_a_press_is_as_loud_as_it_is_high_and_is_released(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    button = page.grid.buttons[6]
    for part in (0.02, 0.5, 0.99):
        place = QPoint(button.width() // 2, round(button.height() * part))
        QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=place)
        QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=place)
    wait(lambda: len(plays(fake)) == 6)
    assert {pad for pad, _ in plays(fake)} == {"6"}
    loud, off, middle, off_too, soft, off_at_last = (velocity for _, velocity in plays(fake))
    assert loud == 1.0 and soft < middle < loud and 0.09 < soft < 0.2
    assert off == off_too == off_at_last == 0.0


def test_keys_play_by_their_place_whatever_is_printed_on_them(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from bridge.panel.pad_keys import CODES

    target = page.grid.buttons[0]
    for letter, code, pad in (("y", CODES[0], "0"), ("a", CODES[8], "8"), ("1", CODES[12], "12"), ("y", 0, "0")):
        fake.heard.clear()
        key(target, letter, True, code)
        key(target, letter, True, code, repeat=True)
        key(target, letter, False, code, repeat=True)
        wait(lambda: plays(fake))
        assert plays(fake) == [(pad, 1.0)]
        key(target, letter, False, code)
        wait(lambda: len(plays(fake)) == 2)
        assert plays(fake)[1] == (pad, 0.0)
    assert [button.key for button in (page.grid.buttons[0], page.grid.buttons[8])] == ["Y", "A"]


def test_several_keys_and_the_mouse_hold_pads_at_the_same_time(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    for letter in "zx":
        key(page.grid.buttons[0], letter, True)
    QTest.mousePress(page.grid.buttons[1], Qt.MouseButton.LeftButton)
    key(page.grid.buttons[0], "z", False)
    key(page.grid.buttons[0], "x", False)  # the mouse still holds it
    wait(lambda: len(plays(fake)) == 4)
    assert [pad for pad, velocity in plays(fake) if velocity == 0.0] == ["0"]
    QTest.mouseRelease(page.grid.buttons[1], Qt.MouseButton.LeftButton)
    wait(lambda: len(plays(fake)) == 5)
    assert plays(fake)[-1] == ("1", 0.0)


@pytest.mark.parametrize("how", ["another field", "another window", "another page"])
def test_a_held_pad_is_released_when_the_focus_leaves(page: PadsPage, fake: FakeDaemon, wait: Wait, how: str) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    key(page.grid.buttons[0], "z", True)
    wait(lambda: plays(fake) == [("0", 1.0)])
    if how == "another field":
        page.edit_button.setChecked(True)
        page.editor.prompt.setFocus()
    elif how == "another window":
        QApplication.sendEvent(page, QEvent(QEvent.Type.WindowDeactivate))
    else:
        page.hide()
    wait(lambda: plays(fake) == [("0", 1.0), ("0", 0.0)])
    key(page.editor.prompt, "z", False)
    key(page.grid.buttons[0], "z", False)
    assert page.presses.held == {}


def test_fingers_play_several_pads(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtTest import QTest

    screen = QTest.createTouchDevice()
    first, second = page.grid.buttons[0], page.grid.buttons[15]
    middles = [button.mapTo(page, button.rect().center()) for button in (first, second)]
    sequence = QTest.touchEvent(page, screen)
    sequence.press(0, middles[0]).press(1, middles[1]).commit()
    wait(lambda: len(plays(fake)) == 2)
    sequence.release(0, middles[0]).stationary(1).commit()
    wait(lambda: len(plays(fake)) == 3)
    sequence.release(1, middles[1]).commit()
    wait(lambda: len(plays(fake)) == 4)
    assert [pad for pad, velocity in plays(fake) if velocity > 0] in (["0", "15"], ["15", "0"])
    assert [pad for pad, velocity in plays(fake) if velocity == 0] == ["0", "15"]


def test_arrow_keys_move_and_page_keys_change_the_bank(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    def press(named: Qt.Key) -> None:
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, named)

    for named, pad in (
        (Qt.Key.Key_Right, 1), (Qt.Key.Key_Up, 5), (Qt.Key.Key_Left, 4), (Qt.Key.Key_Left, 4), (Qt.Key.Key_Down, 0),
        (Qt.Key.Key_Down, 0), (Qt.Key.Key_PageUp, 16), (Qt.Key.Key_PageDown, 0), (Qt.Key.Key_PageDown, 0),
    ):  # fmt: skip
        press(named)
        assert page.current.number == pad
    press(Qt.Key.Key_PageUp)
    QTest.keyClick(page.grid.current_button, Qt.Key.Key_Space)
    wait(lambda: plays(fake) == [("16", 1.0), ("16", 0.0)])


def test_a_bank_that_changes_while_a_key_is_held_releases_the_pad_that_was_played(
    page: PadsPage, fake: FakeDaemon, wait: Wait
) -> None:
    key(page.grid.buttons[0], "z", True)
    page.banks.setCurrentIndex(3)
    key(page.grid.current_button, "z", False)
    wait(lambda: len(plays(fake)) == 2)
    assert plays(fake) == [("0", 1.0), ("0", 0.0)]


def test_the_state_of_a_pad_is_said_to_screen_readers_in_words(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtGui import QAccessible

    seen = QAccessible.queryAccessibleInterface(page.grid.buttons[3])
    name, what = QAccessible.Text.Name, QAccessible.Text.Description
    assert seen.role() == QAccessible.Role.Button
    assert (seen.text(name), seen.text(what)) == ("Pad 3: empty", "empty")
    fake.say("/bridge/pad/3/prompt", "glassy bell", "locked", 1, "seconds", 1.0, "gate", 1)

    def described(words: str) -> None:
        wait(lambda: seen.text(what) == words)

    for state, words in (
        (("filling", 0.25, "fresh", 0, "repeated", 0), "filling"),
        (("filling", 0.25, "fresh", 0, "repeated", 1), "repeats, filling"),
        (("ready", 2.0, "fresh", 2, "repeated", 0), "2 ready"),
    ):
        fake.say("/bridge/pad/3/state", *state)
        described(f"{words}, locked, hold to play")
    assert seen.text(name) == "Pad 3: glassy bell"
    for voice, words in (("waiting", "waiting for its moment"), ("began", "playing"), ("ended", "")):
        fake.say("/bridge/pad/3/voice", 7, voice)
        described(f"{words}, 2 ready, locked, hold to play".removeprefix(", "))
    fake.say("/bridge/pad/3/state", "filling", 0.0, "fresh", 0, "repeated", 0, "why", "It has no sound.")
    described("cannot be filled, locked, hold to play, It has no sound.")
    assert "Length" in {part.accessibleName() for part in page.editor.children() if hasattr(part, "accessibleName")}


def test_a_pad_is_lit_while_it_sounds_in_the_colours_of_the_palette(
    page: PadsPage, fake: FakeDaemon, wait: Wait
) -> None:
    from PySide6.QtCore import QPoint

    button = page.grid.buttons[2]

    def colour() -> str:
        return str(button.grab().toImage().pixelColor(QPoint(button.width() // 2, button.height() // 2)).name())

    lit = page.palette().highlight().color().name()
    assert colour() != lit
    fake.say("/bridge/pad/2/voice", 9, "began")
    wait(lambda: colour() == lit)
    fake.say("/bridge/pad/2/voice", 9, "ended")
    wait(lambda: colour() != lit)


def test_who_presses_an_empty_pad_is_told_how_to_fill_it_in_this_window(
    page: PadsPage, fake: FakeDaemon, wait: Wait
) -> None:
    said = list[str]()
    page.said.connect(said.append)
    fake.say(
        "/bridge/error", "/bridge/pad/3/play", "pad_empty", "Pad 3 is empty: send /bridge/pad/3/set with a prompt."
    )
    fake.say("/bridge/pad/3/state", "filling", 0.0)
    fake.say("/bridge/error", "/bridge/pad/3/play", "pad_empty", "Pad 3 has no take yet.")
    wait(lambda: said == ["Pad 3 is empty: press Edit, or drop a clip on it.", "Pad 3 has no take yet."])


def test_a_file_from_elsewhere_that_is_dropped_on_a_pad_is_refused_with_what_to_do(
    open_page: Open, panel_daemon: Daemon, tmp_path: Path, wait: Wait
) -> None:
    from PySide6.QtCore import QMimeData, QUrl

    page, said = open_page(panel_daemon.port), list[str]()
    page.said.connect(said.append)
    wait(lambda: page._link.state == "ready")
    file = tmp_path / "loop.wav"
    soundfile.write(file, np.zeros(480), 48_000)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file))])
    assert drop(page.grid.buttons[6], mime)
    wait(lambda: said == ["Pad 6 plays files in the folder of clips: copy it there first."])


def test_malformed_messages_about_pads_change_nothing(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    for address, values in (
        ("/bridge/pad/3/state", ()), ("/bridge/pad/3/state", (1, 2)), ("/bridge/pad/3/state", ("ready", "many")),
        ("/bridge/pad/3/prompt", (7,)), ("/bridge/pad/3/voice", ("a", "b")), ("/bridge/pad/128/state", ("ready", 1.0)),
        ("/bridge/pad/999/prompt", ("x",)), ("/bridge/pad/-1/state", ("ready", 1.0)), ("/bridge/pad/3/prompt", ()),
        ("/bridge/presets", (1, None)), ("/bridge/pad/3/saved", (1,)), ("/bridge/error", ("/bridge/pad/3/play",)),
    ):  # fmt: skip
        fake.say(address, *values)
    fake.say("/bridge/pad/4/prompt", "after them")
    wait(lambda: page.pads[4].prompt == "after them")
    assert page.pads[3].prompt == "" and page.pads[3].state == "empty"


def test_a_flood_of_events_is_painted_a_few_times(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import QEvent, QObject

    class Counter(QObject):
        paints = 0

        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            self.paints += event.type() == QEvent.Type.Paint
            return False

    counter, count = Counter(), 5_000
    for button in page.grid.buttons:
        button.installEventFilter(counter)
    for number in range(count):
        address, values = f"/bridge/pad/{number % 16}/state", ["filling", number / count, "fresh", 0, "repeated", 0]
        page._link.received.emit(address, values)
    page._link.received.emit("/bridge/pad/15/prompt", ["last"])
    wait(lambda: page.grid.buttons[15].accessibleName() == "Pad 15: last")
    assert counter.paints < count / 50
    assert page.grid.buttons[15].pad.value > 0.99


def test_a_pad_is_set_in_the_editor_and_keeps_the_keys_that_it_does_not_show(
    open_page: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page, client = open_page(panel_daemon.port), panel_daemon.client()
    client.send("/bridge/pad/0/set", "rain", 1.0, "seed", 5, "gate", 1)
    wait(lambda: page.pads[0].prompt == "rain" and page.editor.preset.count() > 3)
    page.grid.buttons[0].setFocus()
    QTest.keyClick(page.grid.buttons[0], Qt.Key.Key_Return)
    wait(page.editor.prompt.hasFocus)
    assert page.editor.gate.isChecked() and page.editor.length.value() == 1.0
    QTest.keyClicks(page.editor.prompt, "rain on tin")
    page.editor.unit.setCurrentText("bars")
    page.editor.length.setValue(0.5)
    page.editor.loop.setChecked(True)
    page.editor.preset.setCurrentText("texture")
    page.editor.choke.setValue(3)
    QTest.keyClick(page.editor.prompt, Qt.Key.Key_Return)
    wait(lambda: page.pads[0].prompt == "rain on tin")
    wait(lambda: page.pads[0].keys == {"seed": 5, "preset": "texture", "bars": 0.5, "gate": 1, "loop": 1, "choke": 3})
    wait(lambda: page.pads[0].state == "ready" and page.pads[0].value == 2)
    client.send("/bridge/pad/0/clear")


def test_the_editor_stays_with_a_pad_that_is_being_edited(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    fake.say("/bridge/pad/0/prompt", "rain", "locked", 0)
    fake.say("/bridge/pad/1/prompt", "wind", "locked", 0)
    wait(lambda: page.pads[1].prompt == "wind")
    page.edit_button.setChecked(True)
    QTest.keyClicks(page.editor.prompt, " on tin")
    page.grid.buttons[1].setFocus()
    assert page.editor.prompt.text() == "rain on tin"
    QTest.keyClick(page.editor.prompt, Qt.Key.Key_Escape)
    wait(page.grid.buttons[1].hasFocus)
    page.grid.buttons[0].setFocus()
    page.grid.buttons[1].setFocus()
    assert page.editor.prompt.text() == "wind"


def test_keys_lock_save_stop_clear_and_take_a_clear_back(open_page: Open, panel_daemon: Daemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page, said = open_page(panel_daemon.port), list[str]()
    page.said.connect(said.append)
    control, none = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
    wait(lambda: page._link.state == "ready")
    page.grid.buttons[5].setFocus()
    page.commands.set(5, "snare", {"seconds": 0.5, "loop": 1})
    wait(lambda: page.pads[5].state == "ready")
    QTest.keyClick(page.grid.buttons[5], Qt.Key.Key_L, control | Qt.KeyboardModifier.ShiftModifier)
    wait(lambda: page.pads[5].locked)
    QTest.keyClick(page.grid.buttons[5], Qt.Key.Key_S, control)
    wait(lambda: any("has not been played yet" in sentence for sentence in said))
    QTest.keyClick(page.grid.buttons[5], Qt.Key.Key_Period, control)
    QTest.keyClick(page.grid.buttons[5], Qt.Key.Key_Delete, none)
    wait(lambda: page.pads[5].state == "empty" and page.pads[5].prompt == "")
    assert said[-1] == "Pad 5 is empty. Ctrl+Z brings its prompt back."
    QTest.keyClick(page.grid.buttons[5], Qt.Key.Key_Z, control)
    wait(lambda: page.pads[5].prompt == "snare" and page.pads[5].locked)
    assert page.pads[5].keys == {"seconds": 0.5, "loop": 1}
    page.commands.clear(page.current)
    wait(lambda: page.pads[5].state == "empty")


def test_the_menu_of_a_pad_opens_by_key_and_nothing_waits_for_it(page: PadsPage, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QMenu

    fake.say("/bridge/pad/2/prompt", "rain", "locked", 1)
    fake.say("/bridge/pad/2/state", "ready", 2.0, "fresh", 2, "repeated", 0)
    wait(lambda: page.pads[2].prompt == "rain")
    key(page.grid.buttons[0], "z", True)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    QApplication.sendEvent(page.grid.buttons[2], event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu) and page.current.number == 2
    wait(lambda: plays(fake) == [("0", 1.0), ("0", 0.0)])  # a key that is held is let go where the menu hears of it
    states = {action.text().replace("&", ""): (action.isEnabled(), action.isChecked()) for action in menu.actions()}
    assert states["Lock: the same take at every press"] == (True, True) and states["Undo clear"] == (False, False)
    fake.say("/bridge/pad/2/voice", 5, "began")
    wait(lambda: page.pads[2].sounds)  # messages are heard while the menu is open
    for named in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(menu, named)
    wait(lambda: ("/bridge/pad/2/stop", []) in fake.heard)
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize(
    ("words", "prompt"), [("rain on\n tin ", "rain on tin"), ("file:///x.wav is a name", "file:///x.wav is a name")]
)
def test_words_are_dropped_on_a_pad_or_pasted(
    page: PadsPage, fake: FakeDaemon, wait: Wait, words: str, prompt: str
) -> None:
    from PySide6.QtCore import QMimeData, Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtTest import QTest

    mime = QMimeData()
    mime.setText(words)
    fake.say("/bridge/pad/9/prompt", "before", "locked", 0, "seconds", 2.0, "gate", 1)
    wait(lambda: page.pads[9].prompt == "before")
    drop(page.grid.buttons[9], mime)
    wait(lambda: ("/bridge/pad/9/set", [prompt, 2.0, "gate", 1]) in fake.heard)
    QGuiApplication.clipboard().setText(words)
    QTest.keyClick(page.grid.buttons[0], Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    wait(lambda: ("/bridge/pad/0/set", [prompt]) in fake.heard)


def test_a_clip_that_is_dropped_on_a_pad_is_what_it_plays_until_words_replace_it(
    open_page: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtCore import QMimeData, Qt, QUrl
    from PySide6.QtTest import QTest

    page, client = open_page(panel_daemon.port), panel_daemon.client()
    client.send("/bridge/generate", "glassy bell", 0.5, "note", "c5", "id", "bell")
    path = Path(client.end_of("bell")[1][1])
    mime = QMimeData()
    mime.setUrls([QUrl("http://example.com/x.wav"), QUrl.fromLocalFile(str(path))])
    mime.setText(path.as_uri())  # file managers offer both
    wait(lambda: page._link.state == "ready")
    assert drop(page.grid.buttons[11], mime)
    wait(lambda: page.pads[11].file == path.as_posix() and page.pads[11].state == "ready")
    wait(lambda: page.grid.buttons[11].accessibleName() == "Pad 11: glassy bell c5")
    assert page.grid.buttons[11].accessibleDescription() == "a clip"
    page.grid.buttons[11].setFocus()
    page.edit_button.setChecked(True)
    assert not page.editor.preset.isEnabled()
    page.editor.prompt.setFocus()
    page.editor.gate.setChecked(True)
    QTest.keyClick(page.editor.prompt, Qt.Key.Key_Return)
    wait(lambda: page.pads[11].keys == {"gate": 1, "file": path.as_posix()})
    page.editor.prompt.setFocus()
    page.editor.prompt.selectAll()
    QTest.keyClicks(page.editor.prompt, "rain")
    QTest.keyClick(page.editor.prompt, Qt.Key.Key_Return)
    wait(lambda: page.pads[11].prompt == "rain")
    assert page.pads[11].keys == {"gate": 1} and path.is_file()
    client.send("/bridge/pad/11/clear")
    mime.setUrls([QUrl.fromLocalFile("/x/notes.txt"), QUrl("http://example.com/x.wav")])
    assert not drop(page.grid.buttons[11], mime)


@pytest.mark.parametrize("name", ["song.MP3", "bell.ogg", "rain.aiff"])
def test_every_audio_file_that_a_pad_can_play_can_be_dropped_on_it(
    page: PadsPage, fake: FakeDaemon, wait: Wait, name: str
) -> None:
    from PySide6.QtCore import QMimeData, QUrl

    mime, file = QMimeData(), Path.cwd() / name
    mime.setUrls([QUrl.fromLocalFile(str(file))])
    assert drop(page.grid.buttons[3], mime)
    wait(lambda: ("/bridge/pad/3/load", [file.as_posix()]) in fake.heard)


def drop(target: QWidget, mime: Any) -> bool:
    """Drop something in the middle of a widget. Returns whether it was taken."""
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QApplication

    place = QPointF(target.rect().center())
    actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    how = (mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entering = QDragEnterEvent(place.toPoint(), actions, *how)
    QApplication.sendEvent(target, entering)
    if not entering.isAccepted():
        return False
    assert entering.dropAction() == Qt.DropAction.CopyAction, "the source would remove the file"
    QApplication.sendEvent(target, QDropEvent(place, actions, *how))
    return True


def test_a_small_page_shows_the_pads_or_the_editor(page: PadsPage, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page.resize(290, 110)
    wait(lambda: page.height() <= 120)
    assert page.grid.isVisible() and min(button.height() for button in page.grid.buttons) >= 12
    QTest.keyClick(page.grid.buttons[0], Qt.Key.Key_Return)
    wait(page.editor.prompt.hasFocus)
    assert not page.grid.isVisible()
    QTest.keyClick(page.editor.prompt, Qt.Key.Key_Escape)
    wait(page.grid.buttons[0].hasFocus)
    assert page.grid.isVisible() and not page.editor.isVisible()


def test_bank_and_editor_are_remembered(open_page: Open, fake: FakeDaemon, wait: Wait) -> None:
    page = open_page(fake.port)
    page.banks.setCurrentIndex(2)
    page.edit_button.setChecked(True)
    again = open_page(fake.port)
    assert again.grid.bank == 2 and again.edit_button.isChecked()


def test_without_a_daemon_a_press_gets_a_sentence(open_page: Open) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page, said = open_page(9), list[str]()
    page.said.connect(said.append)
    QTest.mouseClick(page.grid.buttons[0], Qt.MouseButton.LeftButton)
    assert "Press Start Clipbridge" in said[0]
