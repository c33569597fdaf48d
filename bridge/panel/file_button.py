"""A button that stands for a file: it is dragged into a program, or pressed to copy the file."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from bridge.panel import drag
from bridge.panel.tool_tips import as_it_is


class FileButton(QToolButton):
    """`said(sentence)`. Without a path it is disabled."""

    said = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self.path, self._pressed_at = name, "", QPoint()
        self.setText(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_path("")
        self.clicked.connect(self._copy)

    def set_path(self, path: str) -> None:
        """Stand for this file."""
        self.path = path
        self.setEnabled(bool(path))
        self.setAccessibleName(f"{self._name} mapping")
        self.setToolTip(as_it_is(f"Drag it into a sampler, or press it to copy the file: {path}") if path else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = (event.position().toPoint() - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
        if not (event.buttons() & Qt.MouseButton.LeftButton and far and self.path):
            super().mouseMoveEvent(event)
            return
        self.setDown(False)
        if paths := self._present():
            drag.drag(self, paths, self.grab())

    def _copy(self) -> None:
        if paths := self._present():
            QGuiApplication.clipboard().setMimeData(drag.copied(paths))
            self.said.emit(f"Copied {self.path}: paste it into a sampler or a folder.")

    def _present(self) -> list[str]:
        paths, left_out = drag.present([self.path])
        if left_out:
            self.said.emit(left_out)
        return paths
