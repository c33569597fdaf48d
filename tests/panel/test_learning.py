"""A folder that is dropped on the window: what is offered, and the row that shows how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.learning import is_model_name, name_for
from bridge.panel.jobs import FAILED, RUNNING, SENT, Jobs
from bridge.panel.results import learned_sentence
from tests.harness import free_port
from tests.learn.sounds import make_folder
from tests.panel.conftest import Open, Wait
from tests.panel.fake_daemon import FakeDaemon
from tests.panel.test_dropping import button, drop, files

FACTS = ("step", 7, "loss", 1.5, "held_out", 1.92, "base", 2.3, "seconds_left", 100.0)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my-drums", "my-drums"),
        ("GM Rock Kit (v1.2)", "GM Rock Kit v1 2"),
        ("дождь", "my sounds"),
        ("con", "my sounds"),
        ("", "my sounds"),
        ("x" * 90, "x" * 36),
    ],
)
def test_a_model_is_called_like_its_folder_as_far_as_that_is_a_name(folder: str, name: str) -> None:
    assert name_for(folder) == name and is_model_name(name) and is_model_name(f"{name} 99")


class Table:
    """The table of jobs and what it sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.jobs = Jobs(lambda *message: self.sent.append(message))

    def hear(self, kind: str, *arguments: Any) -> None:
        self.jobs.on_message(f"/bridge/learn/{kind}", list(arguments))


def test_a_row_shows_how_far_a_folder_is_learned_until_it_is_done() -> None:
    table = Table()
    table.jobs.learn("/samples/my drums")
    assert table.sent == [("/bridge/learn", "/samples/my drums", "my drums")]
    (row,) = table.jobs.rows()
    assert row.state == SENT
    table.hear("begun", "my drums", 5.0)
    table.hear("reading", "my drums", 20, 80)
    assert (row.state, row.prompt, row.fraction) == (RUNNING, "Reading my drums", 0.25)
    table.hear("progress", "my drums", 0.5, *FACTS)
    assert (row.prompt, row.fraction) == ("Learning my drums, loss 1.92 (was 2.30)", 0.5)
    table.jobs.on_message("/bridge/queue/count", [0])
    assert table.jobs.rows() == [row], "it is in no queue"
    table.jobs.remove(row.id)
    assert table.sent[-1] == ("/bridge/learn/cancel", "my drums")
    table.hear("failed", "my drums", "cancelled", "Learning was cancelled.")
    assert table.jobs.rows() == []


def test_a_taken_name_gets_a_number_and_other_refusals_are_shown() -> None:
    table = Table()
    table.jobs.learn("/samples/kit")
    table.hear("failed", "kit", "name_taken", "There is a model 'kit' already.")
    table.hear("failed", "kit 2", "name_taken", "There is a model 'kit 2' already.")
    assert table.sent[-1] == ("/bridge/learn", "/samples/kit", "kit 3")
    table.hear("failed", "kit 3", "disk", "Only 3 MB are free.")
    (row,) = table.jobs.rows()
    assert (row.state, row.why) == (FAILED, "Only 3 MB are free.")


def test_what_another_program_has_learned_has_a_row_too_and_leaves_no_failure() -> None:
    table = Table()
    table.hear("progress", "theirs", 0.1, *FACTS)
    assert [row.learns for row in table.jobs.rows()] == ["theirs"]
    table.hear("failed", "theirs", "disk", "Full.")
    table.hear("done", "unknown", "/models/unknown")
    assert table.jobs.rows() == []


@pytest.mark.parametrize("rest", [[], [7], ["x", 1.0], [None], ["x", "y", "held_out", "z"]])
def test_malformed_events_do_no_harm(rest: list[Any]) -> None:
    table = Table()
    for kind in ("begun", "reading", "read", "progress", "clip", "failed", "done", "", "x"):
        table.jobs.on_message(f"/bridge/learn/{kind}", rest)
    assert learned_sentence("x", rest)


def test_a_dropped_folder_is_learned_when_it_is_chosen(
    open_window: Open, fake: FakeDaemon, wait: Wait, tmp_path: Path
) -> None:
    window = open_window(fake.port)
    wait(lambda: bool(fake.heard) and window.state_line.words.text() == "ready")
    drop(window, files(make_folder(tmp_path / "my drums", 6)))
    wait(window.offer_bar.isVisible)
    assert window.offer_bar.words.text() == "my drums 6 sounds"
    button(window, "Learn these 6 sounds").click()
    wait(heard(fake, "/bridge/learn"))
    fake.say("/bridge/learn/progress", "my drums", 0.25, *FACTS)
    wait(lambda: [row.fraction for row in window.jobs.rows()] == [0.25])
    fake.say("/bridge/learn/done", "my drums", "/models/my drums", "files", 6, "held_out", 1.8, "base", 2.3)
    wait(lambda: "Learned my drums: loss 1.80, was 2.30" in window.status.text())
    assert window.jobs.rows() == [] and window.offer_bar.words.text() == "Learned my drums"
    button(window, "Use my drums now").click()
    wait(lambda: ("/bridge/restart", ["my drums"]) in fake.heard)


def heard(fake: FakeDaemon, address: str) -> Callable[[], bool]:
    return lambda: any(message[0] == address for message in fake.heard)


def test_a_folder_that_cannot_be_learned_gets_a_sentence(open_window: Open, wait: Wait, tmp_path: Path) -> None:
    window = open_window(free_port())
    drop(window, files(make_folder(tmp_path / "few", 2)))
    wait(lambda: "too few" in window.status.text())
    drop(window, files(make_folder(tmp_path / "many", 6)))
    wait(lambda: "Press Start Clipbridge" in window.status.text())
    assert not window.offer_bar.isVisible()
