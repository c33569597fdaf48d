"""Loads the clips of the library that match a search, page by page, and hears of new ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from bridge.panel.clips import Clip, clip_of
from bridge.panel.finder import PAGE, Finder, Page
from bridge.panel.link import Link
from bridge.panel.query import ClipQuery

SETTLE_MS = 60  # after an event: the takes of a job come together
SCAN_MS = 2_500  # files that the daemon did not record itself are found by its next scan
NEW_CLIPS = ("/bridge/done", "/bridge/cropped", "/bridge/kit/done", "/bridge/learn/clip")
MAX_SCORES = 20_000
BATCH = 1_000  # clips that appear together while the whole library is loaded: each time the view lays out all rows


class Loader(QObject):
    """`clips`: those loaded so far, by path, in the library's order; `total`: the number of all that match; `scores`: of takes.

    `changed`: other clips, or another order. `appended(clips)`: more at the end. `clip_changed(path)`: a value of one.
    `failed(why)`: the daemon cannot search."""

    changed = Signal()
    appended = Signal(list)
    clip_changed = Signal(str)
    failed = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._finder = Finder(link, self)
        self._finder.failed.connect(self.failed)
        self.query = ClipQuery()
        self.clips: dict[str, Clip] = {}
        self.scores: dict[str, float] = {}
        self.total = 0
        self._forgotten: set[str] = set()
        self._unshown: list[Clip] = []
        self._cursor, self._swept, self._wants_all, self._is_reloading = 0, False, False, False
        self._soon = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._later = QTimer(self, singleShot=True, interval=SCAN_MS)
        for timer in (self._soon, self._later):
            timer.timeout.connect(self._ask_for_new)
        link.received.connect(self._on_message)
        link.connected.connect(self.reload)

    def reload(self) -> None:
        """Load the first page again; until it comes, `clips` stay as they are."""
        self._finder.clear()
        self._is_reloading, self._swept, self._wants_all = True, False, False
        self._finder.ask(self.query.arguments(), 0, self._on_first)

    def load_all(self) -> None:
        """Load page after page until all are there."""
        self._wants_all = True
        if self.has_more:
            self.load_more()

    @property
    def is_complete(self) -> bool:
        """Whether all clips are there."""
        return not self._finder.is_busy and not self.has_more

    @property
    def has_more(self) -> bool:
        """Whether the library has more clips, and none are being loaded."""
        left = len(self.clips) < self.total and not (self._swept and self._cursor >= self.total)
        return left and not self._finder.is_busy

    def load_more(self) -> None:
        """Ask for the next page. Clips that were added or removed meanwhile move the others, so that a few may be left out: at the
        end it goes through all pages once more."""
        if self._cursor >= self.total:
            self._cursor, self._swept = 0, True
        self._finder.ask(self.query.arguments(), self._cursor, self._on_page)

    def forget(self, paths: Iterable[str]) -> None:
        """Remove clips whose files are gone; the daemon may still list them for a moment."""
        gone = set(paths) & self.clips.keys()
        self.clips = {path: clip for path, clip in self.clips.items() if path not in gone}
        self._forgotten |= gone
        self.total, self._cursor = max(0, self.total - len(gone)), max(0, self._cursor - len(gone))
        self.changed.emit()

    def move(self, path: str, new_path: str) -> None:
        """Follow a file that was renamed."""
        moved = {path: replace(self.clips[path], path=new_path)} if path in self.clips else {}
        renamed = (moved.get(old, clip) for old, clip in self.clips.items())
        self.clips = {clip.path: clip for clip in renamed}
        if path in self.scores:
            self.scores[new_path] = self.scores[path]
        self._forgotten.add(path)

    def _on_first(self, page: Page) -> None:
        self._is_reloading, self._unshown = False, []
        self.total, self._cursor = page.total, page.offset + PAGE
        self.clips = {clip.path: clip for clip in self._present(page)}
        self.changed.emit()

    def _on_page(self, page: Page) -> None:
        self.total, self._cursor = page.total, page.offset + PAGE
        new = [clip for clip in self._present(page) if clip.path not in self.clips]
        self.clips.update((clip.path, clip) for clip in new)
        self._unshown += new
        goes_on = self._wants_all and self.has_more
        if not goes_on or len(self._unshown) >= BATCH:
            clips, self._unshown = self._unshown, []
            self.appended.emit(clips)
        if goes_on:
            self.load_more()

    def _ask_for_new(self) -> None:
        if not self._is_reloading:
            self._finder.ask(self.query.arguments(), 0, self._on_top)

    def _on_top(self, page: Page) -> None:
        """Put clips that are new where the library has them."""
        clips, order = self._present(page), list(self.clips)
        new = [clip for clip in clips if clip.path not in self.clips]
        for place, clip in enumerate(clips, page.offset):
            if clip.path not in self.clips:
                order.insert(min(place, len(order)), clip.path)
        known = self.clips | {clip.path: clip for clip in clips}
        self.clips = {path: known[path] for path in order}
        self.total, self._cursor = page.total, self._cursor + len(new)
        self.changed.emit()
        if len(new) == PAGE and page.offset + PAGE < page.total:
            self._finder.ask(self.query.arguments(), page.offset + PAGE, self._on_top)

    def _present(self, page: Page) -> list[Clip]:
        """The clips of a page without those that are forgotten and still gone."""
        back = {clip.path for clip in page.clips if clip.path in self._forgotten and os.path.exists(clip.path)}
        self._forgotten -= back
        return [clip for clip in page.clips if clip.path not in self._forgotten]

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if address == "/bridge/take":
            match arguments:
                case [_, _, str(path), float(score), *_] if len(self.scores) < MAX_SCORES:
                    self.scores[path] = score
        elif address == "/bridge/clip":
            clip = clip_of(arguments)
            if clip is not None and clip.path in self.clips and clip != self.clips[clip.path]:
                self.clips[clip.path] = clip
                self.clip_changed.emit(clip.path)
        elif address == "/bridge/error" and arguments[:1] == ["/bridge/favourite"]:
            self.reload()  # the star is not what the list shows
        elif address in NEW_CLIPS or address.endswith("/saved"):
            self._soon.start()
            self._later.start()
