"""A job: one ask on its way, its id and its state."""

from __future__ import annotations

import dataclasses
import enum
import re
import time
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.events import JobEvent, JobId
from bridge.domain.model import NO_PREFERENCES, Abilities, Model, Preferences
from bridge.domain.recipe import Recipe

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.0*)?")


class JobState(enum.StrEnum):
    """Where a job is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(slots=True, eq=False)
class Job:
    """One ask on its way. The only mutable thing that core, engine link and frontends share.

    `serial` is ours and unique; `id` is the asker's and may come again later. `reply_to` belongs to the frontend
    that took the ask: core only hands it back.
    """

    serial: int
    id: JobId
    owner: str
    ask: Ask
    prompt: Prompt
    reply_to: Any = None
    preferences: Preferences = NO_PREFERENCES  # of its preset
    least_steps: int | None = None  # a deadline lowers them no further; None while the checkpoint is not known
    asked_at: float = field(default_factory=lambda: time.monotonic())
    state: JobState = JobState.QUEUED
    engine_seconds: float = 0.0  # expected
    engine_took: float = 0.0  # seconds, measured
    started_at: float = 0.0
    ended_at: float = 0.0
    pieces: int = 0  # of samples that went to the shaper
    model: Model | None = None  # that made the clip
    remarks: dict[str, str] = field(default_factory=dict)  # the engine's, keys as in /bridge/done
    last_event: JobEvent | None = None
    voice: int = 0  # that sounds it already, while it is being decoded
    silenced: bool = False  # by a panic: it is made, and not played
    again: str = ""  # why it was made a second time
    recipe: Recipe | None = None  # that it follows
    _unsettled: Prompt | None = None

    def settle(self, abilities: Abilities) -> None:
        """Set what the prompt leaves to the checkpoint, for one with these abilities; again if it is another one now."""
        if self._unsettled is None:
            self._unsettled = self.prompt
        settled = abilities.settled(self._unsettled, self.preferences)
        self.prompt = dataclasses.replace(settled, takes=self.prompt.takes, seed=self.prompt.seed)
        self.least_steps = abilities.fewest_steps(self.prompt, self.preferences)

    def late_seconds(self) -> float | None:
        """Seconds since the deadline, negative before it; None without one."""
        return None if self.ask.deadline_s is None else time.monotonic() - self.asked_at - self.ask.deadline_s


def id_key(job_id: JobId) -> str:
    """The text under which an id is looked up: 7, 7.0 and "7" are one id, since hosts change number types at will."""
    if isinstance(job_id, float) and job_id.is_integer():
        return str(int(job_id))
    if isinstance(job_id, str) and WHOLE.fullmatch(job_id):
        return str(int(job_id.partition(".")[0]))
    return str(job_id)
