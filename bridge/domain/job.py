"""A job: one accepted ask, its id and its state."""

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
    """The state of a job; the last three are final."""

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
    """One accepted ask. The only mutable object that core, engine link and frontends share.

    `serial` is ours and unique; `id` is the asker's and may be used again. `reply_to` belongs to the frontend that took the
    ask; core only returns it.
    """

    serial: int
    id: JobId
    owner: str
    ask: Ask
    prompt: Prompt
    reply_to: Any = None
    preferences: Preferences = NO_PREFERENCES  # of its preset
    least_steps: int | None = None  # the limit to which a deadline lowers them; None until the checkpoint is known
    asked_at: float = field(default_factory=lambda: time.monotonic())
    state: JobState = JobState.QUEUED
    engine_seconds: float = 0.0  # expected
    engine_took: float = 0.0  # seconds, measured
    started_at: float = 0.0
    ended_at: float = 0.0
    pieces: int = 0  # of samples, sent to the shaper
    model: Model | None = None  # that made the clip
    remarks: dict[str, str] = field(default_factory=dict)  # the engine's, keys as in /bridge/done
    last_event: JobEvent | None = None
    voice: int = 0  # plays the clip while it is still being decoded
    silenced: bool = False  # by a panic: the clip is made but not played
    seed_drawn: bool = False  # not stated by the asker, so that another one may replace it
    retry_reason: str = ""  # the reason for a second attempt
    recipe: Recipe | None = None  # of a recalled clip
    _unsettled: Prompt | None = None

    def settle(self, abilities: Abilities) -> None:
        """Set what the prompt leaves to the checkpoint. Call it again when the checkpoint changes."""
        if self._unsettled is None:
            self._unsettled = self.prompt
        settled = abilities.settled(self._unsettled, self.preferences)
        self.prompt = dataclasses.replace(settled, takes=self.prompt.takes, seed=self.prompt.seed)
        self.least_steps = abilities.fewest_steps(self.prompt, self.preferences)

    @property
    def is_begun(self) -> bool:
        """Whether an engine has made a first step."""
        return self.last_event is not None and self.last_event.fields.get("fraction", 0.0) > 0.0

    def late_seconds(self) -> float | None:
        """Seconds since the deadline, negative before it; None without one."""
        return None if self.ask.deadline_s is None else time.monotonic() - self.asked_at - self.ask.deadline_s


def id_key(job_id: JobId) -> str:
    """The text that identifies an id: 7, 7.0 and "7" are one id, since hosts change number types at will."""
    if isinstance(job_id, float) and job_id.is_integer():
        return str(int(job_id))
    if isinstance(job_id, str) and WHOLE.fullmatch(job_id):
        return str(int(job_id.partition(".")[0]))
    return str(job_id)
