"""The rows of what runs, waits and failed. They are drawn again ten times a second at most, however many events arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QToolButton, QVBoxLayout, QWidget

from bridge.panel import icons
from bridge.panel.jobs import FAILED, RUNNING, SENT, Job, Jobs
from bridge.panel.text_line import TextLine

if TYPE_CHECKING:
    from bridge.domain.events import JobId

REFRESH_MS = 100
TICK_EVERY = 10  # refreshes: once a second
MOST_ROWS = 24
NEW_ROWS = 6  # at each refresh: to build one takes about 3 ms
SHARE = 0.27  # of the window's height, for the rows
LINES_FOR_SEVERAL = 19  # of text: in a lower window one row is seen at a time


class Bar(QProgressBar):
    """A progress bar with the prompt in it."""

    prompt = ""

    def text(self) -> str:
        """The prompt and the percentage, as far as they fit."""
        percent = f"  {self.value()} %"
        metrics = self.fontMetrics()
        room = self.width() - metrics.horizontalAdvance(percent) - metrics.averageCharWidth() * 2
        return metrics.elidedText(self.prompt, Qt.TextElideMode.ElideRight, room) + percent


class Row(QWidget):
    """A job: a bar while it runs, words while it waits, a sentence if it failed; and ✕."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._id: JobId = ""
        self.bar, self.words, self.sentence = Bar(), TextLine(), QLabel(wordWrap=True)
        self.place = QLabel()
        self.place.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.bar.setMaximumHeight(self.fontMetrics().height() + 4)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setForegroundRole(QPalette.ColorRole.BrightText)
        self.remove = QToolButton(autoRaise=True)
        self.remove.setIcon(icons.icon(icons.CLOSE))
        self.remove.clicked.connect(lambda: jobs.remove(self._id))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.bar, self.words, self.sentence):
            row.addWidget(widget, 1)
        row.addWidget(self.place)
        row.addWidget(self.remove)

    def show_job(self, job: Job) -> None:
        """Show a job, perhaps another one than before."""
        self._id = job.id
        prompt = job.prompt[:200] or "a clip"
        self.bar.setVisible(job.state == RUNNING)
        self.words.setVisible(job.state not in (RUNNING, FAILED))
        self.place.setVisible(job.state not in (RUNNING, FAILED))
        self.sentence.setVisible(job.state == FAILED)
        match job.state:
            case "running":
                self.bar.prompt = prompt
                self.bar.setValue(round(job.fraction * 100))
            case "failed":
                self.sentence.setText(f"{prompt}: {job.why[:1_000]}")
            case _:
                self.words.setText(prompt)
                self.place.setText(waits(job))
        verb = "Dismiss" if job.state == FAILED else "Cancel"
        self.remove.setAccessibleName(f"{verb} {prompt}")
        self.remove.setToolTip(verb)
        self.bar.setAccessibleName(f"Progress of {prompt}")
        self.remove.setEnabled(job.yours and not job.cancelling)


def waits(job: Job) -> str:
    """The place of a waiting job, and about when it is ready."""
    if job.state == SENT:
        return "sent …"
    before = "next" if job.place <= 1 else f"{job.place} before it"
    left = job.due - time.monotonic()
    return before + (f", in about {left:.0f} s" if left >= 1 else "")


class JobRows(QScrollArea):
    """The rows, in as little height as they need. Hidden while there are none, or if `wanted` is False."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs, self.wanted = jobs, True
        self._rows: list[Row] = []
        self._refreshes = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self.rest = QLabel()
        self._column.addWidget(self.rest)
        self._column.addStretch(1)
        self.setWidget(inner)
        self.setVisible(False)
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._timer.start()

    def show_now(self) -> None:
        """Show the table as it is."""
        shown = (all_rows := self._jobs.rows())[: min(MOST_ROWS, len(self._rows) + NEW_ROWS)]
        if len(shown) < min(MOST_ROWS, len(all_rows)):
            self._jobs.changed = True  # the others come with the next refresh
        while len(self._rows) < len(shown):
            self._rows.append(Row(self._jobs))
            self._column.insertWidget(len(self._rows) - 1, self._rows[-1])
        for at, row in enumerate(self._rows):
            row.setVisible(at < len(shown))
            if at < len(shown):
                row.show_job(shown[at])
        left = len(all_rows) - len(shown)
        self.rest.setText(f"and {left} more")
        self.rest.setVisible(left > 0)
        self.setVisible(self.wanted and bool(shown))
        needed = self._needed()
        one = self._rows[0].sizeHint().height() if self._rows else 0
        lines = self.window().height() / self.fontMetrics().lineSpacing()
        is_low = lines < LINES_FOR_SEVERAL
        off, needed_bar = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(off if is_low else needed_bar)  # for one row there is no room for its arrows
        most = round(self.window().height() * SHARE) if not is_low else one
        self.setFixedHeight(max(min(needed, most), one))

    def _needed(self) -> int:
        """The height of all rows in pixels."""
        self._column.invalidate()
        width = max(self.viewport().width(), 100)
        by_width = self._column.totalHeightForWidth(width) if self._column.hasHeightForWidth() else 0
        return max(by_width, self._column.sizeHint().height())

    def _refresh(self) -> None:
        self._refreshes += 1
        if self._refreshes % TICK_EVERY == 0:
            self._jobs.tick()
        if self._jobs.changed or (self._refreshes % TICK_EVERY == 0 and self.isVisible()):
            self._jobs.changed = False
            self.show_now()
