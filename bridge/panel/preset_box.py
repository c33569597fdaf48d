"""The presets of the daemon, to choose one or none."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox

from bridge.panel.link import Link

MOST_PRESETS = 500
NO_PRESET = "no preset"


class PresetBox(QComboBox):
    """The presets by name; `""` is none."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self.addItem(NO_PRESET, "")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setAccessibleName("Preset")
        link.connected.connect(self._ask)
        link.received.connect(self._on_message)

    def choose(self, name: str) -> None:
        """Choose a preset, also one that is not listed: the list has not come yet, or the preset is gone, and the daemon decides."""
        if (at := self.findData(name)) < 0:
            self.addItem(name, name)
            at = self.count() - 1
        self.setCurrentIndex(at)

    def _ask(self) -> None:
        self._link.send("/bridge/presets")

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/presets", names:
                self._set([name for name in names if isinstance(name, str)][:MOST_PRESETS])
            case "/bridge/preset", [str(), "ready" | "gone", *_]:
                self._ask()

    def _set(self, names: list[str]) -> None:
        chosen = self.currentData() or ""
        if [self.itemData(at) for at in range(1, self.count())] == names:
            return
        self.clear()
        self.addItem(NO_PRESET, "")
        for name in names:
            self.addItem(name[:80], name)
        self.choose(chosen)
