"""The window: state line, the form, jobs, the pages, the status line.

It is on screen before what it contains is imported and built, which takes longer than Qt itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QSettings, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from bridge import __version__
from bridge.errors import BadArgument
from bridge.panel import place, saved, switches
from bridge.panel.switches import Switch, is_on

if TYPE_CHECKING:
    from bridge import config
    from bridge.domain.ask import Ask
    from bridge.panel.clips import Clip
    from bridge.panel.jobs import Job
    from bridge.panel.look import Look
    from bridge.panel.menu import Menu

PATIENCE_MS = 500  # a daemon that runs has answered by then
SAY_MS = 50  # between two sentences that are shown
LINES_FOR_STATUS = 18  # of text, in the height of the window


class Window(QMainWindow):
    """The panel's window. Show it, and call `begin` at the signal `on_screen`."""

    on_screen = Signal()

    def __init__(self, settings: QSettings, look: Look, chosen: config.Config) -> None:
        super().__init__()
        self._settings, self._look, self._config = settings, look, chosen
        self._begun = False
        self.setWindowTitle("Clipbridge")
        self.setMinimumSize(240, 160)
        place.restore(self, settings)
        self._painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.on_screen.emit)

    def _build(self) -> None:
        from PySide6.QtWidgets import QTabWidget

        from bridge import client
        from bridge.panel.daemon import Daemon
        from bridge.panel.dropping import Dropping
        from bridge.panel.job_rows import JobRows
        from bridge.panel.jobs import Jobs
        from bridge.panel.link import Link
        from bridge.panel.make import Make
        from bridge.panel.offer_bar import OfferBar
        from bridge.panel.state_line import StateLine
        from bridge.panel.text_line import TextLine

        osc, settings = self._config.osc, self._settings
        self._link = link = Link(client.reachable(osc.host), osc.port, self)
        self.state_line = StateLine(link)
        self.make = Make(link, settings)
        self.jobs = Jobs(link.send)
        self.job_rows = JobRows(self.jobs)
        self.offer_bar = OfferBar()
        self.pages = QTabWidget(documentMode=True)
        self.pages.setAccessibleName("Pages")
        self.pages.tabBar().setAcceptDrops(True)
        self.pages.tabBar().setChangeCurrentOnDrag(True)  # a clip is dragged from the list over the tab to a pad
        self.status = TextLine("Status")
        self.daemon = Daemon(link.port, self)
        self.menu = self._menu(self._look)
        self._lay_out()
        self._sentence = ""
        self._early: Ask | None = None  # asked for while the daemon is starting
        self._play_new: Callable[[Clip], None] | None = None
        self._show_result: Callable[[str], None] | None = None
        self._say = QTimer(self, interval=SAY_MS, singleShot=True)
        self._say.timeout.connect(self._show_sentence)
        self._wire()
        Dropping(self, link, self.make, self.jobs, self.offer_bar, self._config.inbox.folder, self.say)
        self._begun = True
        for switch in switches.SWITCHES:
            self._on_switch(switch, is_on(settings, switch))
        self.make.fit(self.width(), self.height())

    def begin(self, with_daemon: bool) -> None:
        """Build what is in the window, and look for the daemon."""
        from PySide6.QtWidgets import QLineEdit, QToolButton

        self._look.follow_system()
        self._build()
        self._add_pages()
        self._link.start()
        self.pages.setCurrentIndex(saved.whole(self._settings.value("window/page")))
        if with_daemon:
            QTimer.singleShot(PATIENCE_MS, self._start_if_absent)
        for field in self.findChildren(QLineEdit):
            field.setAcceptDrops(False)  # the window takes drops: a file is text too
            for clear in field.findChildren(QToolButton):
                clear.setAccessibleName(f"Clear: {field.accessibleName()}")
        self.make.prompt.setFocus()

    def say(self, sentence: str) -> None:
        """Show a sentence in the status line."""
        self._sentence = sentence
        if not self._say.isActive():
            self._say.start()

    def _show_sentence(self) -> None:
        self.status.setText(self._sentence)
        wanted = is_on(self._settings, switches.SHOW_STATUS)
        self.status.setVisible(wanted and (bool(self._sentence) or self._keeps_line))

    @property
    def _keeps_line(self) -> bool:
        """Whether the status line has its place while it is empty, so that pads and rows stay where they are when it speaks."""
        return self.height() >= LINES_FOR_STATUS * self.fontMetrics().lineSpacing()

    def ask(self, ask: Ask) -> None:
        """Ask for a clip, and show its job; while the daemon is starting, as soon as it answers."""
        if self._link.is_absent:
            if self.daemon.runs:
                self._early = ask
                self.say("It is made as soon as Clipbridge has started.")
            else:
                self.say("Press Start Clipbridge first, then Enter here.")
            return
        from bridge.panel.form import arguments
        from bridge.panel.jobs import new_id
        from bridge.panel.results import title_of

        job_id = new_id()
        try:
            self.jobs.ask(
                job_id, title_of(ask), ask.seconds or 0.0, *arguments(ask), "id", job_id, source=ask.reference
            )
        except BadArgument as error:
            self.say(str(error))

    def recall(self, path: str) -> None:
        """Ask for the clip at `path` again, and show its job."""
        try:
            self.jobs.recall(path)
        except BadArgument as error:
            self.say(str(error))

    def silence(self) -> None:
        """Stop everything that sounds."""
        self._link.send("/bridge/stop")

    def start_daemon(self) -> None:
        """Start a daemon that ends with this window."""
        why = self.daemon.start()
        self.say("")
        self.state_line.tell(f"not running: {why}" if why else "starting …", can_start=bool(why))

    def _start_if_absent(self) -> None:
        if self._link.is_absent:
            self.start_daemon()

    def closeEvent(self, event: QCloseEvent) -> None:
        place.save(self, self._settings)
        super().closeEvent(event)
        if not self._begun:
            return
        self.make.save()
        self.make.close()
        self._settings.setValue("window/page", self.pages.currentIndex())
        for page in filter(None, map(self.pages.widget, range(self.pages.count()))):
            page.close()  # it ends what it does in the background
        self._link.close()
        self.daemon.leave(stay=is_on(self._settings, switches.KEEP_RUNNING))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._begun:
            self.make.fit(self.width(), self.height())
            self.job_rows.show_now()
            self._show_sentence()

    def _menu(self, look: Look) -> Menu:
        from bridge.panel.menu import Menu

        made = Menu(self, self._settings, look, self._on_switch)
        made.add("Open the folder of clips", self._open_folder, "Ctrl+Shift+O")
        made.addSeparator()
        made.addAction(made.switches[switches.KEEP_RUNNING])
        self._start = made.add("Start Clipbridge", self.start_daemon)
        self._stop = made.add("Stop Clipbridge", self.daemon.stop)
        self._restart = made.add("Restart the engine", lambda: self._link.send("/bridge/restart"))
        made.addSeparator()
        made.add("Quit", self.close, "Ctrl+Q")
        made.aboutToShow.connect(self._on_menu)
        return made

    def _open_menu(self) -> None:
        button = self.state_line.menu
        corner = button.mapToGlobal(button.rect().bottomRight())
        self.menu.popup(corner - QPoint(self.menu.sizeHint().width(), 0))

    def _on_menu(self) -> None:
        absent = self._link.is_absent
        self._start.setEnabled(absent and not self.daemon.runs)
        self._stop.setEnabled(self.daemon.runs)
        self._restart.setEnabled(not absent)

    def _lay_out(self) -> None:
        from PySide6.QtWidgets import QVBoxLayout

        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(6, 4, 6, 3)
        column.setSpacing(3)
        for widget in (self.state_line, self.make, self.offer_bar, self.job_rows):
            column.addWidget(widget)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.setCentralWidget(middle)

    def _wire(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtGui import QKeySequence, QShortcut

        self.state_line.start_wanted.connect(self.start_daemon)
        self.state_line.start_wanted.connect(self.make.prompt.setFocus)  # its button disappears
        self.state_line.stop_wanted.connect(self.silence)
        self.state_line.menu_wanted.connect(self._open_menu)
        self.make.asked.connect(self.ask)
        self.make.said.connect(self.say)
        self.daemon.ended.connect(self._on_ended)
        self._link.connected.connect(self._on_connected)
        self._link.state_changed.connect(self._on_state)
        self._link.received.connect(self._on_message)
        for keys, do in (
            (Qt.Key.Key_Escape, self.silence),
            (Qt.Key.Key_F10, self._open_menu),
            ("Ctrl+L", self._to_prompt),
        ):
            QShortcut(QKeySequence(keys), self, do)
        for at in range(3):
            QShortcut(QKeySequence(f"Ctrl+{at + 1}"), self, lambda at=at: self.pages.setCurrentIndex(at))

    def _add_pages(self) -> None:
        from PySide6.QtGui import QKeySequence, QShortcut

        from bridge.panel.clip_pane import ClipPane
        from bridge.panel.kit_page import KitPage
        from bridge.panel.pads_page import PadsPage

        clips = ClipPane(self._link, self._settings)
        clips.recipe_wanted.connect(self.make.set_recipe)
        clips.again_wanted.connect(self.recall)
        clips.source_wanted.connect(self.make.set_source)
        self.make.source.play_wanted.connect(clips.sources.play)
        self.make.source.stop_wanted.connect(clips.audition.stop)
        QShortcut(QKeySequence("Ctrl+B"), self, clips.sources.switch_side)
        clips.audition.moved.connect(self.make.source.show_position)
        clips.audition.ended.connect(lambda path: self.make.source.show_position(path, -1.0))
        self._play_new, self._show_result = clips.play_new, clips.sources.show_result
        pads, kit = PadsPage(self._link, self._settings), KitPage(self._link, self._settings)
        clips.said.connect(self.say)
        pads.said.connect(self.say)
        kit.said.connect(self.say)
        for page, name in ((clips, "Clips"), (pads, "Pads"), (kit, "Kit")):
            self.pages.addTab(page, name)

    def _to_prompt(self) -> None:
        self.menu.switches[switches.SHOW_FORM].setChecked(True)
        self.make.prompt.setFocus()
        self.make.prompt.selectAll()

    def _open_folder(self) -> None:
        from PySide6.QtGui import QDesktopServices

        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._config.folder.absolute()))):
            self.say(f"The folder cannot be opened: {self._config.folder}")

    def _on_switch(self, switch: Switch, on: bool) -> None:
        from PySide6.QtCore import Qt

        match switch:
            case switches.ON_TOP:
                if on != bool(self.windowFlags() & Qt.WindowType.WindowStaysOnTopHint):
                    visible = self.isVisible()
                    self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, on)  # which hides it
                    if visible:
                        self.show()
            case switches.SHOW_FORM:
                self.make.setVisible(on)
            case switches.SHOW_JOBS:
                self.job_rows.wanted = on
                self.job_rows.show_now()
            case switches.SHOW_STATUS:
                self._show_sentence()

    def _on_ended(self, why: str) -> None:
        self._early = None
        self._link.lose()
        self.state_line.tell(f"not running: {why}" if why else "", can_start=True)

    def _on_connected(self) -> None:
        self.say("")  # what was said without a daemon, such as how to start one
        self._link.send("/bridge/version")
        self._link.send("/bridge/queue")
        if (early := self._early) is not None:
            self._early = None
            self.ask(early)

    def _on_state(self, _state: str, _why: str) -> None:
        if self._link.is_absent:
            self.jobs.on_absent()

    def _on_done(self, job: Job, arguments: list[Any]) -> None:
        from bridge.panel.results import clip_of, done_sentence

        self.say(done_sentence(job, arguments))
        if self._play_new is not None and (clip := clip_of(job, arguments)) is not None:
            self._play_new(clip)
            if job.source and self._show_result is not None:
                self._show_result(clip.path)

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if address == "/bridge/done" and arguments and (job := self.jobs.owns(arguments[0])) is not None:
            self._on_done(job, arguments)
        self.jobs.on_message(address, arguments)
        match address, arguments:
            case "/bridge/learn/done", [str(name), *rest]:
                from bridge.panel.results import learned_sentence

                self.say(learned_sentence(name, rest))
            case "/bridge/version", [str(version), *_] if version != __version__:
                self.say(
                    f"Clipbridge {version[:20]} is running, and this window is of version {__version__}: "
                    "stop Clipbridge and start it again, so that both are the same."
                )
            case "/bridge/error", [str(unknown), "unknown_address", *_]:
                self.say(
                    f"This Clipbridge is older than the panel: it does not know {unknown[:60]}. Update it and start it again."
                )
            case "/bridge/error", [str(), str(), str(why), *_]:
                self.say(why)
