"""What the running checkpoint can do with a source, as the daemon says it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QObject, Signal

from bridge.client import pairs
from bridge.domain.model import WITH_SOURCES
from bridge.domain.source import HOWS, How
from bridge.panel.link import ABSENT, Link

READY = "ready"


class Abilities(QObject):
    """`changed`: another checkpoint runs, or none."""

    changed = Signal()

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link, self._model = link, ""
        self._can: frozenset[str] | None = None  # None: not known
        self._is_old, self._max_s = False, 0.0
        link.state_changed.connect(self._on_state)
        link.received.connect(self._on_message)

    def refusal(self, ways: Iterable[How] = HOWS) -> str:
        """Why the running checkpoint cannot use a source in any of these ways, or in some of them; "" if it can in all."""
        if self._link.state == ABSENT:
            return "Clipbridge is not running."
        if self._is_old:
            return "This Clipbridge is older than the panel: update it and start it again."
        if self._can is None:
            return "Clipbridge is not ready yet: it does not say what it can do with a sound."
        lacks = [WITH_SOURCES[how] for how in ways if how not in self._can]
        if not lacks:
            return ""
        what = lacks[0] if len(lacks) == 1 else f"{', '.join(lacks[:-1])} or {lacks[-1]}"
        return f"The checkpoint {self._model} cannot {what}."

    def lack(self, how: How, used_s: float) -> str:
        """Why the running checkpoint cannot use `used_s` seconds of a source so, as far as is known; "" if it can."""
        if self._can is None:
            return ""
        if not (why := self.refusal([how])) and 0 < self._max_s < used_s:
            then = "cut it first" if how == "fill" else "mark a shorter part of its waveform"
            why = f"The checkpoint {self._model} uses at most {self._max_s:g} seconds of a sound, and this is {used_s:.4g}: {then}."
        return why

    def ways(self) -> list[How]:
        """The ways in which the running checkpoint can use a source."""
        return [how for how in HOWS if not self.refusal([how])]

    def _on_state(self, state: str, _why: str) -> None:
        if state == READY:
            self._link.send("/bridge/status")
        elif self._can is not None or state == ABSENT:
            self._set("", None, is_old=False)

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if address == "/bridge/status" and arguments[:1] == [READY]:
            facts = pairs(arguments, 1)
            model, can = facts.get("model"), facts.get("can")
            longest = facts.get("max_seconds")
            self._max_s = float(longest) if isinstance(longest, int | float) else 0.0
            words = frozenset(can.split()) if isinstance(can, str) else None
            self._set(model if isinstance(model, str) else "", words, is_old=words is None)

    def _set(self, model: str, can: frozenset[str] | None, is_old: bool) -> None:
        if (model, can, is_old) != (self._model, self._can, self._is_old):
            self._model, self._can, self._is_old = model[:80], can, is_old
            self.changed.emit()
