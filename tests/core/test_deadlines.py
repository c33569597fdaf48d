"""Deadlines: takes, then steps are lowered no further than needed; a hopeless ask is refused at once; replies state both."""

from __future__ import annotations

import time

import pytest

from bridge.checkpoints.audioldm2 import USUAL
from bridge.core import deadlines
from bridge.core.jobs import Jobs
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.job import Job
from bridge.engine.messages import Cost
from bridge.errors import TooLate
from tests.harness import Client, pairs


def prompt(steps: int = 20, takes: int = 4) -> Prompt:
    return Prompt("rain", "rain", 2.0, seed=1, steps=steps, takes=takes, guidance=3.5)


def seconds_of(prompt: Prompt) -> float:
    return prompt.takes * (0.1 + 0.05 * prompt.units)


@pytest.mark.parametrize(
    ("left_s", "takes", "steps"),
    [(9.0, 4, 20), (4.0, 3, 20), (3.9, 3, 20), (2.6, 2, 20), (1.3, 1, 20), (1.2, 1, 18), (0.75, 1, 11), (0.7, 1, 10)],
)
def test_takes_are_lowered_first_then_steps_no_further_than_needed(left_s: float, takes: int, steps: int) -> None:
    fitted = deadlines.fit(prompt(), left_s, 10, seconds_of)
    assert fitted is not None and (fitted.takes, fitted.steps) == (takes, steps)
    assert deadlines.ROOM * seconds_of(fitted) <= left_s


def test_steps_are_not_lowered_below_the_least_and_never_raised() -> None:
    assert deadlines.fit(prompt(), 0.6, 10, seconds_of) is None
    fewer = deadlines.fit(prompt(steps=4), 0.5, 4, seconds_of)
    assert fewer is not None and (fewer.takes, fewer.steps) == (1, 4)
    assert deadlines.fit(prompt(steps=4), 0.1, 4, seconds_of) is None


def test_without_a_measurement_nothing_is_lowered_or_refused() -> None:
    assert deadlines.fit(prompt(), 0.1, 10, lambda _prompt: 0.0) == prompt()


def test_a_deadline_counts_waiting_jobs_and_is_checked_again_when_the_job_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    jobs = Jobs()
    jobs.set_abilities(USUAL)
    jobs.eta.learn(Cost.of(prompt(takes=1), 1.0, 0.1))  # 0.05 s a step
    ask = Ask("rain", deadline_s=3.0)

    def add(ask: Ask) -> Job:
        job = Job(jobs.next_serial, jobs.next_serial, "me", ask, prompt(takes=1))
        jobs.add(job)
        return job

    first, second, third = add(ask), add(ask), add(ask)
    assert [job.prompt.steps for job in (first, second)] == [20, 20] and 10 <= third.prompt.units < 20
    with pytest.raises(TooLate, match="even with one take of 10 steps"):
        add(ask)
    assert len(jobs.queue) == 3
    patient = add(Ask("rain", deadline_s=60.0))
    assert patient.serial == third.serial + 1 and patient.prompt.steps == 20
    now[0] += 2.0  # the first took its time
    jobs.meet_deadline(second)
    assert 10 <= second.prompt.units < 20
    now[0] += 0.9
    with pytest.raises(TooLate):
        jobs.meet_deadline(second)
    assert second.late_seconds() == pytest.approx(-0.1) and patient.late_seconds() == pytest.approx(-57.1)


def test_replies_state_the_lowered_takes_and_steps_and_a_hopeless_deadline_is_refused_at_once(client: Client) -> None:
    client.send("/bridge/generate", "kick", 0.5, "steps", 5)  # so that something is measured
    client.until("/bridge/done")
    client.send("/bridge/generate", "kick", 1.0, "takes", 3, "deadline_s", 3_000.0, "id", "calm")
    _, queued = client.until("/bridge/queued", job="calm")
    assert (pairs(queued, 3)["takes"], pairs(queued, 3)["steps"]) == (3, 20)
    done = pairs(client.end_of("calm")[1], 3)
    assert (done["takes"], done["steps"], done["late_seconds"]) == (3, 20, 0.0)
    client.send("/bridge/generate", "endless rain", 120.0, "steps", 250, "takes", 16, "deadline_s", 0.1, "id", "hurry")
    address, (_, code, why) = client.until("/bridge/queued", "/bridge/failed", job="hurry", timeout_s=2)
    assert (address, code) == ("/bridge/failed", "too_late") and "10 steps" in why
    address, values = client.ask("/bridge/generate", "kick", 1.0, "deadline_s", float("nan"), "id", "odd")
    assert (address, values[1]) == ("/bridge/failed", "bad_argument")


def test_a_tight_deadline_lowers_takes_and_steps_and_the_clip_comes(client: Client) -> None:
    def estimate(takes: int, steps: int) -> float:
        """The estimate of the daemon after runs with one take and with six."""
        job = f"{takes} of {steps}"
        client.send("/bridge/generate", "kick", 1.0, "takes", takes, "steps", steps, "id", job)
        eta = float(client.until("/bridge/queued", job=job)[1][2])
        client.send("/bridge/cancel", job)
        client.end_of(job)
        return eta

    for takes in (1, 6):
        for attempt in range(3):  # the middle one counts: another program may have had the machine during one
            client.send("/bridge/generate", "kick", 1.0, "takes", takes, "id", f"{takes} free {attempt}")
            client.end_of(f"{takes} free {attempt}")
    soon = (estimate(1, 10) + estimate(6, 20)) / 2
    client.send("/bridge/generate", "kick", 1.0, "takes", 6, "deadline_s", soon, "id", "tight")
    address, values = client.end_of("tight")
    assert address == "/bridge/done", values
    tight = pairs(values, 3)
    assert tight["takes"] < 6 and 10 <= tight["steps"] <= 20
