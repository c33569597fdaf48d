"""Text that comes from elsewhere is shown as it is: none of it is HTML, which could load pictures from a disk or a network."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QTreeWidget, QWidget

from bridge.panel.clip_pane import ClipPane
from bridge.panel.clips import Clip
from bridge.panel.jobs import Job
from bridge.panel.kit_page import KitPage
from bridge.panel.tool_tips import as_it_is
from tests.harness import free_port
from tests.panel.conftest import Open, Wait

HTML = "<b>loud</b> <img src='//elsewhere/picture.png'>"


def test_a_tool_tip_shows_html_as_it_is() -> None:
    assert as_it_is("deep kick & bass") == "deep kick & bass"
    shown = QTextDocument()
    shown.setHtml(as_it_is(HTML))
    assert shown.toPlainText() == HTML


def test_nothing_that_the_daemon_sends_is_shown_as_html(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    receive = window._link.received.emit
    window.jobs._jobs.update(
        {state: Job(state, HTML, state=state, why=HTML) for state in ("waiting", "running", "failed")}
    )
    window.job_rows.show_now()
    window.say(HTML)
    window.state_line.tell(HTML, can_start=True)
    receive("/bridge/pad/0/state", ["filling", 0.0, "why", HTML])
    receive("/bridge/pad/0/prompt", [HTML])
    receive("/bridge/kit/preset", [HTML, 3, HTML])
    receive("/bridge/kit/queued", [HTML, 1])
    receive("/bridge/kit/sound", [HTML, 36, "", HTML, "prompt", HTML])
    receive("/bridge/kit/done", [HTML, f"/{HTML}", 1, 1, "sfz", f"/{HTML}.sfz", "guessed", HTML, "why", HTML])
    window.pages.setCurrentIndex(2)
    kit = window.pages.widget(2)
    assert isinstance(kit, KitPage)
    kit.name.setEditText(HTML)
    kit.form.kit.setCurrentIndex(1)
    wait(lambda: window.status.text() and kit.result.list.topLevelItemCount() and window.findChildren(QLabel))
    widgets = window.findChildren(QWidget)
    labels = [label for label in widgets if isinstance(label, QLabel) and "<b>" in label.text()]
    tips = [widget.toolTip() for widget in widgets if "loud" in widget.toolTip()]
    tips += [
        item.toolTip(column)
        for tree in window.findChildren(QTreeWidget)
        for column in range(3)
        if (item := tree.topLevelItem(0)) is not None and "loud" in item.toolTip(column)
    ]
    assert len(labels) >= 5 and {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    assert len(tips) >= 4 and not [tip for tip in tips if GuiQt.mightBeRichText(tip) and "<b>" in tip]


def test_the_tool_tip_of_a_clip_is_no_html(open_window: Open) -> None:
    window = open_window(free_port())
    pane = window.pages.widget(0)
    assert isinstance(pane, ClipPane)
    path = "/clips/<b>loud.wav"
    pane.model.loader.clips = {path: Clip(path)}
    pane.model.loader.changed.emit()
    tip = pane.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "loud" in tip and "<b>" not in tip
