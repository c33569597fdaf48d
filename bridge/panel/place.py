"""The window's place on the screen: remembered, and corrected if that screen is gone."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPoint, QRect, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from bridge.panel.switches import ON_TOP, is_on

DEFAULT_SIZE = 380, 520
GRIP = 60, 20  # pixels of the top of the window that must be on a screen, to move it by


def restore(window: QWidget, settings: QSettings) -> None:
    """Put the window where it was; a new one has DEFAULT_SIZE."""
    if is_on(settings, ON_TOP):
        from PySide6.QtCore import Qt  # with all its names it takes longer than the window

        window.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
    window.resize(*DEFAULT_SIZE)
    saved = settings.value("window/geometry")
    if isinstance(saved, QByteArray) and window.restoreGeometry(saved):
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        corrected = on_screen(window.geometry(), screens)
        if corrected != window.geometry():
            window.setGeometry(corrected)


def save(window: QWidget, settings: QSettings) -> None:
    """Remember the place and the size."""
    settings.setValue("window/geometry", window.saveGeometry())


def on_screen(place: QRect, screens: list[QRect]) -> QRect:
    """`place`, or one of that size in the middle of the first screen if nobody could reach the top of the window."""
    top = QRect(place.topLeft(), place.topRight() + QPoint(0, GRIP[1]))
    reachable = any(
        common.width() >= GRIP[0] and common.height() >= GRIP[1] for common in (top & screen for screen in screens)
    )
    if reachable or not screens:
        return place
    made = QRect(QPoint(0, 0), place.size().boundedTo(screens[0].size()))
    made.moveCenter(screens[0].center())
    return made
