"""The window without a mouse, and for a screen reader: read back through Qt's accessibility interface."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAccessible, QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QProgressBar,
    QScrollBar,
    QStackedWidget,
    QTabBar,
    QWidget,
)

from bridge.panel.jobs import Job
from bridge.panel.offers import offers
from tests.harness import Daemon, free_port
from tests.panel.conftest import Open, Wait

INTERACTIVE = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QProgressBar,
)  # fmt: skip
PARTS = (QAbstractItemView, QAbstractSpinBox, QComboBox, QTabBar)  # the parts of these are read with the whole


def test_every_widget_that_does_something_has_a_name(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    for at, state in enumerate(("sent", "waiting", "running", "failed")):
        window.jobs._jobs[state] = Job(state, f"job {at}", state=state, why="It failed.")
    window.job_rows.show_now()
    window.offer_bar.show_offers("a.wav", offers({"prompt": "bell", "seconds": 1.0}, 4))
    window.make.set_recipe({"text": "bell", "seed": 4})
    nameless = []
    for widget in window.findChildren(QWidget):
        if not is_shown(widget):
            continue
        part = isinstance(widget, QScrollBar) or any(isinstance(above, PARTS) for above in ancestors(widget))
        if not isinstance(widget, INTERACTIVE) or part or widget.objectName().startswith("qt_"):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name).strip():
            nameless.append(f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}")
    assert nameless == []


def ancestors(widget: QObject) -> Iterator[QObject]:
    """What a widget is a part of."""
    parent = widget.parent()
    while parent is not None:
        yield parent
        parent = parent.parent()


def is_shown(widget: QWidget) -> bool:
    """Whether a widget is there once its page is in front."""
    chain = [widget, *(above for above in ancestors(widget) if isinstance(above, QWidget))]
    return not any(part.isHidden() and not isinstance(part.parent(), QStackedWidget) for part in chain)


def test_the_state_and_the_status_line_can_be_read(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    read = QAccessible.queryAccessibleInterface(window.state_line.words)
    assert read is not None and read.text(QAccessible.Text.Name) == "State of Clipbridge: ready"
    window.say("It is done.")
    wait(lambda: window.status.accessibleName() == "Status: It is done.")


def test_tab_goes_through_the_form_in_its_order(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window.activateWindow()
    wait(window.isActiveWindow)
    window.make.set_length("bars", 2)
    make, order = window.make, list[QWidget]()
    make.prompt.setFocus()
    for _ in range(7):
        focused = QApplication.focusWidget()
        assert focused is not None
        order.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert order == [make.prompt, make.button, make.preset, make.length, make.unit, make.takes, make.note]


def test_escape_silences_even_from_a_text_field(open_window: Open, wait: Wait) -> None:
    window, sent = open_window(free_port()), list[tuple[object, ...]]()
    window.activateWindow()
    wait(window.isActiveWindow)
    window.make.prompt.setFocus()
    window._link.send = lambda *message: sent.append(message)  # type: ignore[method-assign]
    QTest.keyClick(window.make.prompt, Qt.Key.Key_Escape)
    assert ("/bridge/stop",) in sent


def test_no_key_of_the_window_is_a_key_of_something_in_it_too(open_window: Open) -> None:
    """Qt would do neither."""
    window = open_window(free_port())
    keys = [(short_cut.key().toString(), short_cut.context()) for short_cut in window.findChildren(QShortcut)]
    keys += [
        (key.toString(), action.shortcutContext())
        for action in window.findChildren(QAction)
        for key in action.shortcuts()
    ]
    everywhere = [key for key, context in keys if context == Qt.ShortcutContext.WindowShortcut]
    assert {"Ctrl+L", "Ctrl+Return", "Esc"} <= set(everywhere)
    assert [key for key in everywhere if [other for other, _ in keys].count(key) > 1] == []
