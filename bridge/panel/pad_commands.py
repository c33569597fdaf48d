"""What the page does with a pad on request: set, load, stop, lock, save, paste, clear, and take a clear back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from bridge.domain.limits import PAD_FILE_KEYS
from bridge.errors import BadArgument
from bridge.panel import pad_drop
from bridge.panel.link import ABSENT, NOT_RUNNING, Link
from bridge.panel.pad_facts import Pad


class PadCommands(QObject):
    """Sends to the daemon. `said`: a sentence for the status line."""

    said = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._cleared: list[Pad] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._cleared)

    def play(self, number: int, velocity: float) -> None:
        """Play a pad; velocity 0 releases it."""
        self.send(number, "play", velocity)

    def send(self, number: int, what: str, *values: Any) -> None:
        """Send a message about a pad."""
        if self._link.state == ABSENT:
            self.said.emit(NOT_RUNNING)
            return
        try:
            self._link.send(f"/bridge/pad/{number}/{what}", *values)
        except BadArgument as error:
            self.said.emit(str(error))

    def set(self, number: int, prompt: str, keys: dict[str, Any]) -> None:
        """Give a pad a prompt and exactly these keys; with the key `file`, that file; and with `choke`, that choke group."""
        if "file" in keys:
            self.load(number, str(keys["file"]), keys)
        else:
            rest = {name: value for name, value in keys.items() if name not in ("seconds", "choke")}
            length = [float(keys["seconds"])] if "seconds" in keys else []
            self.send(number, "set", prompt, *length, *(part for pair in rest.items() for part in pair))
        if "choke" in keys:
            self.send(number, "choke", keys["choke"])

    def load(self, number: int, file: str, keys: dict[str, Any]) -> None:
        """Let a pad play a file, with those of the keys that are about playing."""
        self.send(number, "load", file, *(part for key in PAD_FILE_KEYS if key in keys for part in (key, keys[key])))

    def drop(self, pad: Pad, what: Path | str) -> None:
        """Words become the prompt, with the keys that the pad has; a file is what it plays."""
        if isinstance(what, Path):
            self.load(pad.number, what.as_posix(), pad.keys)
        else:
            self.set(pad.number, what, {key: value for key, value in pad.keys.items() if key != "file"})

    def paste(self, pad: Pad) -> None:
        """Drop what is in the clipboard."""
        if (what := pad_drop.what(QGuiApplication.clipboard().mimeData())) is None:
            self.said.emit("A pad takes words, or an audio file.")
        else:
            self.drop(pad, what)

    def stop(self, pad: Pad) -> None:
        self.send(pad.number, "stop")

    def lock(self, pad: Pad) -> None:
        """Lock the pad, or unlock it."""
        self.send(pad.number, "lock", 0 if pad.locked else 1)

    def save(self, pad: Pad) -> None:
        self.send(pad.number, "save")

    def clear(self, pad: Pad) -> None:
        """Empty the pad; `undo` sets it again."""
        if pad.prompt:
            self._cleared.append(pad)
            self.said.emit(f"Pad {pad.number} is empty. Ctrl+Z brings its prompt back.")
        self.send(pad.number, "clear")

    def undo(self) -> None:
        """Set the pad that was cleared last as it was."""
        if self._cleared:
            pad = self._cleared.pop()
            self.set(pad.number, pad.prompt, pad.keys)
            if pad.locked:
                self.send(pad.number, "lock", 1)
