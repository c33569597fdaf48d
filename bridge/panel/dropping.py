"""Drops on the window: shows what one would do, then does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from bridge.client import pairs
from bridge.errors import BadArgument
from bridge.panel.background import Background
from bridge.panel.drop_hint import DropHint
from bridge.panel.drops import Audio, Lists, Nothing, Words, what_drop_means, would_do
from bridge.panel.jobs import MOST_AGAIN, Jobs
from bridge.panel.link import ABSENT, Link
from bridge.panel.lists import copy_lists
from bridge.panel.make import Make
from bridge.panel.offer_bar import OfferBar
from bridge.panel.offers import Offer, describe, offers

MEASURE_S = 15  # a long file on a slow disk


class Dropping(QObject):
    """Takes the drags over `window` by filtering its events. `say` shows a sentence."""

    def __init__(
        self,
        window: QMainWindow,
        link: Link,
        make: Make,
        jobs: Jobs,
        bar: OfferBar,
        inbox: str,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._link, self._make, self._jobs, self._bar, self._inbox, self._say = link, make, jobs, bar, inbox, say
        self._hint, self._background = DropHint(window), Background(self)
        self._paths: tuple[str, ...] = ()
        self._patience = QTimer(self, interval=MEASURE_S * 1_000, singleShot=True)
        self._patience.timeout.connect(lambda: say("Clipbridge did not answer about the dropped file. Drop it again."))
        bar.chosen.connect(self._on_chosen)
        link.received.connect(self._on_message)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        match event:
            case QDropEvent() if event.type() == QEvent.Type.Drop:
                self._hint.hide()
                self._take(event)
                self.drop(event.mimeData())
            case QDragMoveEvent():  # also those that enter
                if event.type() == QEvent.Type.DragEnter and not self._from_inside(event):
                    meaning = what_drop_means(event.mimeData())
                    self._hint.tell(would_do(meaning), not isinstance(meaning, Nothing))
                self._take(event)
            case _ if event.type() == QEvent.Type.DragLeave:
                self._hint.hide()
            case _:
                return False
        return True

    def drop(self, mime: QMimeData) -> None:
        """Do what a drop means."""
        match what_drop_means(mime):
            case Words(text):
                self._make.set_prompt(text)
            case Audio(paths, left_out):
                self._measure(paths)
                if left_out:
                    self._say(f"Took {len(paths)} of {len(paths) + left_out} files: the others are not audio.")
            case Lists(paths):
                self._background.do(lambda: copy_lists(paths, self._inbox), self._say)
            case Nothing(why):
                self._say(why)

    def _take(self, event: QDropEvent) -> None:
        """Accept as a copy: some sources propose to move, and would delete the file. What cannot be used is accepted too, so
        that the drop gets a sentence; drags that began in this window are for its pages."""
        if self._from_inside(event):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def _from_inside(self, event: QDropEvent) -> bool:
        return event.source() is not None

    def _measure(self, paths: tuple[str, ...]) -> None:
        if self._link.state == ABSENT:
            self._say(
                "Clipbridge reads dropped files, and it is not running. Press Start Clipbridge, then drop it again."
            )
            return
        self._paths = paths
        try:
            self._link.send("/bridge/measure", paths[0])
        except BadArgument as error:
            self._say(str(error))
            return
        self._patience.start()

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/measured", [str(path), *rest] if self._patience.isActive() and self._is_asked(path):
                self._patience.stop()
                self._offer(pairs(rest, 0))
            case "/bridge/error", ["/bridge/measure", *_]:
                self._patience.stop()  # the window says why

    def _is_asked(self, path: str) -> bool:
        return bool(self._paths) and PurePath(path).name == PurePath(self._paths[0]).name

    def _offer(self, measured: dict[str, Any]) -> None:
        made = offers(measured, self._make.tempo.beats_per_bar)
        words = describe(self._paths[0], measured)
        if (count := len(self._paths)) > 1:
            words = f"{words}  and {count - 1} more"
            again = (
                f"Make all {count} again" if count <= MOST_AGAIN else f"Make the first {MOST_AGAIN} of {count} again"
            )
            made = [replace(offer, words=again) if offer.what == "again" else offer for offer in made]
        self._bar.show_offers(words, made)

    def _on_chosen(self, offer: Offer) -> None:
        match offer.what:
            case "recipe":
                self._make.set_recipe(offer.values)
            case "again":
                try:
                    for path in self._paths[:MOST_AGAIN]:
                        self._jobs.recall(path)
                except BadArgument as error:
                    self._say(str(error))
            case "length" | "tempo":
                self._make.set_recipe(
                    {**self._make.filled().keys(), "seconds": None, "bars": None, "bpm": None, **offer.values}
                )
