"""Drags over the window: shows what a drop would do where the mouse is, and takes drops."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, QRect, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from bridge.panel.drop_hint import DropHint, Zone
from bridge.panel.drops import Audio, Nothing, what_drop_means, would_do


class DropTarget(QObject):
    """Filters the events of `window`. `dropped(data, on_form)`: `on_form`: audio was dropped on the widget `form`.

    Files of other programs are taken everywhere. A clip of the window's own list is taken on the form only: pads take it themselves."""

    dropped = Signal(QMimeData, bool)

    def __init__(self, window: QMainWindow, form: QWidget) -> None:
        super().__init__(window)
        self._window, self._form, self._hint = window, form, DropHint(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        match event:
            case QDropEvent() if event.type() == QEvent.Type.Drop:
                self._hint.hide()
                if self._take(event):
                    self.dropped.emit(event.mimeData(), self._is_on_form(event))
            case QDragMoveEvent():  # also those that enter
                self._show(event)
                if not self._take(event) and event.type() == QEvent.Type.DragEnter:
                    event.accept()  # it may move to the form
            case _ if event.type() == QEvent.Type.DragLeave:
                self._hint.hide()
            case _:
                return False
        return True

    def _take(self, event: QDropEvent) -> bool:
        """Accept as a copy: some sources propose to move, and would delete the file. What cannot be used is accepted too, so that the
        drop gets a sentence."""
        is_ours = event.source() is None or self._is_on_form(event)
        if is_ours:
            event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(is_ours)
        return is_ours

    def _is_on_form(self, event: QDropEvent) -> bool:
        return self._area().contains(event.position().toPoint()) and isinstance(
            what_drop_means(event.mimeData()), Audio
        )

    def _area(self) -> QRect:
        """The form in the window; nothing while it is hidden."""
        if not self._form.isVisible():
            return QRect()
        return QRect(self._form.mapTo(self._window, self._form.rect().topLeft()), self._form.size())

    def _show(self, event: QDropEvent) -> None:
        meaning, on_form = what_drop_means(event.mimeData()), self._is_on_form(event)
        zones, whole = [], self._window.rect()
        if isinstance(meaning, Audio) and (form := self._area()).isValid():
            zones.append(Zone(form, would_do(meaning, on_form=True), is_here=on_form))
            whole = whole.adjusted(0, form.bottom() + 1, 0, 0)
        if event.source() is None:
            zones.append(Zone(whole, would_do(meaning), not isinstance(meaning, Nothing), is_here=not on_form))
        if zones != self._hint.zones or self._hint.isHidden():
            self._hint.tell(zones)
