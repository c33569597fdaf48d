"""The table of jobs, from real and from malformed messages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.errors import BadArgument
from bridge.panel import jobs as table
from bridge.panel.jobs import FAILED, RUNNING, WAITING, Jobs


@pytest.fixture
def sent() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def jobs(sent: list[tuple[Any, ...]]) -> Jobs:
    return Jobs(lambda *message: sent.append(message))


def states(jobs: Jobs) -> list[tuple[Any, str]]:
    return [(job.id, job.state) for job in jobs.rows()]


def test_a_job_waits_runs_and_goes(jobs: Jobs, sent: list[tuple[Any, ...]]) -> None:
    jobs.ask("a", "bell", 1.0, "bell", "id", "a")
    assert sent == [("/bridge/generate", "bell", "id", "a")] and states(jobs) == [("a", "sent")]
    jobs.on_message("/bridge/queued", ["a", 2, 4.0, "seed", 5])
    assert states(jobs) == [("a", WAITING)] and jobs.rows()[0].place == 2
    jobs.on_message("/bridge/progress", ["a", 0.5])
    assert states(jobs) == [("a", RUNNING)] and jobs.rows()[0].fraction == 0.5
    jobs.on_message("/bridge/done", ["a", "/clip.wav", 1.0])
    assert jobs.rows() == []


def test_a_failure_stays_until_it_is_dismissed(jobs: Jobs, sent: list[tuple[Any, ...]]) -> None:
    jobs.ask("a", "bell", 1.0, "bell")
    jobs.on_message("/bridge/failed", ["a", "queue_full", "64 jobs are waiting."])
    jobs.on_message("/bridge/queue/count", [0])
    assert states(jobs) == [("a", FAILED)] and jobs.rows()[0].why == "64 jobs are waiting."
    jobs.remove("a")
    assert jobs.rows() == [] and len(sent) == 1


def test_cross_cancels_what_has_not_ended(jobs: Jobs, sent: list[tuple[Any, ...]]) -> None:
    jobs.ask("a", "bell", 1.0, "bell")
    jobs.remove("a")
    assert sent[-1] == ("/bridge/cancel", "a") and jobs.rows()[0].cancelling
    jobs.on_message("/bridge/cancelled", ["a"])
    assert jobs.rows() == []


def test_jobs_of_others_come_from_the_queue_and_go_with_it(jobs: Jobs, sent: list[tuple[Any, ...]]) -> None:
    jobs.on_message("/bridge/progress", [7, 0.5])
    jobs.tick()
    assert sent == [("/bridge/queue",)]
    jobs.on_message("/bridge/queue/count", [2])
    jobs.on_message("/bridge/queue/job", [7, 0, "rain", 4.0, "eta_seconds", 1.5, "yours", 1])
    jobs.on_message("/bridge/queue/job", ["b", 1, "wind", 4.0, "eta_seconds", 3.0, "yours", 0])
    assert states(jobs) == [(7, RUNNING), ("b", WAITING)] and not jobs.rows()[1].yours
    jobs.on_message("/bridge/failed", ["b", "internal", "It failed."])
    jobs.on_message("/bridge/queue/count", [0])
    assert jobs.rows() == []


def test_an_ask_without_an_answer_is_sent_again_once_and_then_fails(
    jobs: Jobs, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.ask("a", "bell", 1.0, "bell", "id", "a")
    now = time.monotonic()
    for later, count in ((1.0, 1), (2.5, 2), (3.0, 2)):
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        jobs.tick()
        assert len(sent) == count
    monkeypatch.setattr(time, "monotonic", lambda: now + 7.0)
    jobs.tick()
    assert jobs.rows()[0].why == table.NO_ANSWER


def test_when_the_daemon_ends_own_jobs_fail_and_others_go(jobs: Jobs) -> None:
    jobs.ask("a", "bell", 1.0, "bell")
    jobs.on_message("/bridge/queue/count", [1])
    jobs.on_message("/bridge/queue/job", ["b", 0, "wind", 4.0])
    jobs.on_absent()
    assert states(jobs) == [("a", FAILED)] and jobs.rows()[0].why == table.ENDED


def test_failures_are_limited(jobs: Jobs) -> None:
    for number in range(1_000):
        jobs.ask(number, "bell", 1.0, "bell")
        jobs.on_message("/bridge/failed", [number, "internal", "It failed."])
    assert len(jobs.rows()) == table.MOST_FAILURES and jobs.rows()[-1].id == 999


ODD: list[list[Any]] = [
    [], [None], [b"blob"], [["a"]], ["a"], ["a", None, None], ["a", "b", "c"], [2**70, -1], ["a", float("nan")],
]  # fmt: skip


@pytest.mark.parametrize("kind", ["queued", "progress", "done", "failed", "cancelled", "queue/count", "queue/job", "x"])
@pytest.mark.parametrize("values", ODD)
def test_a_malformed_message_changes_nothing_else(jobs: Jobs, kind: str, values: list[Any]) -> None:
    jobs.ask("other", "bell", 1.0, "bell")
    jobs.ask("a", "bell", 1.0, "bell")
    jobs.on_message(f"/bridge/{kind}", values)
    assert ("other", "sent") in states(jobs)


def test_a_job_whose_end_got_lost_is_asked_about_and_given_up_at_last(
    jobs: Jobs, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("made", "gone"):
        jobs.ask(name, "bell", 1.0, "bell")
        jobs.on_message("/bridge/queued", [name, 0, 1.0])
    jobs.tick()
    assert ("/bridge/queue",) not in sent
    monkeypatch.setattr(table, "QUIET_S", 0.0)
    time.sleep(0.002)
    jobs.tick()
    assert sent[-1] == ("/bridge/queue",)
    jobs.on_message("/bridge/queue/count", [0])
    assert sent[-2:] == [("/bridge/job", "made"), ("/bridge/job", "gone")]
    jobs.on_message("/bridge/done", ["made", "/clip.wav", 1.0])
    jobs.on_message("/bridge/queue/count", [0])
    assert states(jobs) == [("gone", FAILED)] and jobs.rows()[0].why == table.LOST


def test_a_clip_that_cannot_be_made_again_fails_in_a_row(jobs: Jobs, sent: list[tuple[Any, ...]]) -> None:
    jobs.recall("/clips/kick.wav")
    address, path, _, job_id = sent[0]
    assert (address, path) == ("/bridge/recall", "/clips/kick.wav") and jobs.rows()[0].prompt == "kick.wav"
    jobs.on_message("/bridge/failed", [job_id, "no_recipe", "kick.wav has no recipe."])
    assert jobs.rows()[0].why == "kick.wav has no recipe."


def test_what_cannot_be_sent_is_no_job() -> None:
    def refuse(*_message: Any) -> None:
        raise BadArgument("It is too long.")

    jobs = Jobs(refuse)
    with pytest.raises(BadArgument):
        jobs.ask("a", "bell", 1.0, "bell")
    assert jobs.rows() == []
