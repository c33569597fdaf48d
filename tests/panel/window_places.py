"""`clipbridge panel`, which also prints where its parts are on the screen, for tests that move a real mouse."""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import QRect, QTimer
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from bridge import cli
from bridge.panel import application
from bridge.panel.clip_model import CLIP
from bridge.panel.clip_view import ClipView
from bridge.panel.window import Window

EVERY_MS = 100


class TellingWindow(Window):
    """Prints a JSON object whenever something moved: names of clips and of accessible widgets → the middle of each."""

    def begin(self, with_daemon: bool) -> None:
        super().begin(with_daemon)
        self._told: dict[str, object] = {}
        timer = QTimer(self, interval=EVERY_MS)
        timer.timeout.connect(self._tell)
        timer.start()

    def _tell(self) -> None:
        places: dict[str, object] = {}
        for view in self.findChildren(ClipView):
            model = view.model()
            for row in range(model.rowCount()):
                index = model.index(row, 0)
                area = view.visualRect(index).intersected(view.viewport().rect())
                if area.height() > 4:
                    places[index.data(CLIP).path] = _middle(view.viewport(), area)
        tabs = self.pages.tabBar()
        for tab in range(tabs.count()):
            places[f"page {tabs.tabText(tab)}"] = _middle(tabs, tabs.tabRect(tab))
        for widget in self.findChildren(QWidget):
            name = widget.accessibleName() or (widget.text() if isinstance(widget, QPushButton) else "")
            if widget.isVisible() and name:
                places[name] = _middle(widget, widget.rect())
        texts = {line.accessibleName(): line.text() for line in self.findChildren(QLineEdit) if line.isVisible()}
        told = {"places": places, "texts": texts, "state": self._link.state}
        if told != self._told:
            self._told = told
            print(json.dumps(told), flush=True)


def _middle(widget: QWidget, area: QRect) -> list[int]:
    point = widget.mapToGlobal(area.center())
    return [point.x(), point.y()]


if __name__ == "__main__":
    application.Window = TellingWindow  # type: ignore[misc]
    sys.exit(cli.main(["panel", *sys.argv[1:]]))
