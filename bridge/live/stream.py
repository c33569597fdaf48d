"""The stream: a prompt that never ends. Clips are made ahead; each overlaps the one before, to the exact frame.

Runs on the event loop. If the next clip is late, an earlier one is repeated, more quietly each time.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask, Request
from bridge.domain.events import JobEvent, Publish, StreamChanged
from bridge.domain.job import Job
from bridge.domain.limits import Range, seed_after
from bridge.domain.source import Source
from bridge.errors import BadArgument, ClipbridgeError, NoStream
from bridge.live.backoff import Backoff
from bridge.live.parts import OVERLAP_S, Part, Parts
from bridge.live.voices import Live
from bridge.player.messages import NOW, when

log = logging.getLogger("clipbridge")

OWNER = SINK = "stream"
PERIODS_S = Range(2.0, 30.0)
DEFAULT_PERIOD_S = 8.0
BUFFER = 2  # clips that must be ready before the first one is played
AHEAD = 3  # clips that are made ahead, at most
SCHEDULE_S = 1.0  # how long before a seam the next clip is chosen
OVERDUE_S = 3.0  # a voice that has not begun this long after its time never will
STREAM_RETRY_S, MAX_STREAM_FAILURES = 1.0, 6  # the longest pause is half a minute


@dataclass(slots=True)
class Voice:
    """A voice of the stream. `began_at` (time.monotonic) is 0 while it waits."""

    voice: int
    part: Part
    began_at: float = 0.0
    scheduled_at: float = field(default_factory=lambda: time.monotonic())


class Stream:
    """The one stream of a daemon. `changed` is called when it may need a clip, or needs none any more."""

    def __init__(self, live: Live, publish: Publish, changed: Callable[[], None]) -> None:
        self.state = "off"
        self._live, self._publish, self._changed = live, publish, changed
        self._parts = Parts(live)
        self._retry = Backoff(STREAM_RETRY_S, MAX_STREAM_FAILURES)
        self._ask: Ask | None = None
        self._when = NOW
        self._version = 0  # of the prompt
        self._clip_count = 0  # of this version, so that each clip has its own seed
        self._period_s = DEFAULT_PERIOD_S  # of the last ask
        self._job: Job | None = None
        self._abandoned_jobs: list[Job] = []
        self._now: Voice | None = None
        self._next: Voice | None = None
        self._voices: set[int] = set()  # also the previous one, which fades out
        self._last_report: tuple[Any, ...] = ()
        self._lost_thread = False

    def start(self, ask: Ask, period_s: float) -> None:
        """Start once BUFFER clips are ready, at the next beat or bar if the ask says so. A stream that is on changes to this
        prompt. `period_s`: seconds from one clip to the next. Raises BadArgument, NoAudio."""
        self._check(ask, period_s)
        self._live.player.check()
        if self._ask is None:
            self._parts.repeats = 0
            self._retry.reset()
            self._when = when(ask.quantize)
        self._change(ask)

    def set(self, ask: Ask, period_s: float) -> None:
        """Change the prompt, from the first seam at which a clip of it is ready. Raises NoStream, BadArgument."""
        if self._ask is None:
            raise NoStream("No stream is on: send /bridge/stream/start with a prompt.")
        self._check(ask, period_s)
        self._change(ask)

    def stop(self, fade_ms: float) -> None:
        """Fade out and make no more clips. Does nothing if no stream is on."""
        if self._ask is None:
            return
        for voice in self._voices:
            if self._live.sounds(voice):
                self._live.stop(voice, fade_ms)
        self._voices.clear()
        if self._job is not None:
            self._abandoned_jobs.append(self._job)
        self._parts.clear(self._sounding())
        self._ask = self._job = self._now = self._next = None
        self._announce("off", 0.0)
        self._changed()

    @property
    def urgent(self) -> bool:
        """Whether the next clip must go before all other jobs."""
        return self._ask is not None and self.ahead_s < max(2 * SCHEDULE_S, self._period_s)

    @property
    def ahead_s(self) -> float:
        """Seconds of audio already buffered."""
        parts = [*self._parts.ready, *([self._next.part] if self._next else [])]
        return round(max(0.0, self._left_s()) + sum(part.period_s for part in parts), 3)

    # ---- playing ----

    def tick(self) -> None:
        """Schedule the next voice; to be called every TICK_S seconds, and when a voice begins."""
        if self._ask is None:
            return
        if self._next is not None and time.monotonic() > self._next.scheduled_at + SCHEDULE_S + OVERDUE_S:
            self.on_voice(self._next.voice, "ended")  # the player has forgotten it
        if self._now is None:
            self._begin(self._ask)
        elif self._next is None and self._left_s() < SCHEDULE_S:
            self._follow(self._ask, self._now)
        self._changed()
        state = "filling" if self._now is None else "thin" if self._parts.repeats else "playing"
        self._announce(state, self.ahead_s)

    def on_voice(self, voice: int, state: str) -> None:
        """A voice of the stream began or ended."""
        if state == "began" and self._now is not None and voice == self._now.voice:
            self._now.began_at = time.monotonic()  # at its beat
        elif state == "began" and self._next is not None and voice == self._next.voice:
            if self._now is not None:
                self._parts.keep_played(self._now.part, self._sounding())
            self._now, self._next = self._next, None
            self._now.began_at = time.monotonic()
            self.tick()
        elif state == "ended":
            self._voices.discard(voice)
            if self._next is not None and voice == self._next.voice:
                self._parts.keep_played(self._next.part, self._sounding())
                self._next = None
            elif self._now is not None and voice == self._now.voice:  # nothing follows it: the device is gone
                self._parts.keep_played(self._now.part, self._sounding())
                self._now = None

    def part(self, slot: int) -> Part | None:
        """The clip that the player holds as `slot`, if it sounds now or next."""
        return next((part for part in self._sounding() if part.slot == slot), None)

    def reload(self) -> None:
        """Load all clips into a new player."""
        self._parts.reload()

    def _begin(self, ask: Ask) -> None:
        """Play the first clip once there is a buffer, or any clip after the device was lost."""
        is_buffered = len(self._parts.ready) >= BUFFER or self._parts.any_played
        if self._live.player.state == "open" and self._next is None and is_buffered:
            part, factor = self._parts.choose(None)
            voice = self._live.sound(self, part.slot, factor * _gain(ask), ask.pan or 0.0, self._when)
            self._voices.add(voice)
            self._now = Voice(voice, part, time.monotonic() if self._when == NOW else 0.0)
            self._when = NOW

    def _follow(self, ask: Ask, now: Voice) -> None:
        """Schedule the clip after the one that sounds."""
        if self._live.player.state == "open":
            part, factor = self._parts.choose(now.part)
            gain, pan, overlap_ms = factor * _gain(ask), ask.pan or 0.0, 1000 * OVERLAP_S
            voice = self._live.sound(self, part.slot, gain, pan, after=now.voice, overlap_ms=overlap_ms)
            self._voices.add(voice)
            self._next = Voice(voice, part)

    def _sounding(self) -> list[Part]:
        return [voice.part for voice in (self._now, self._next) if voice is not None]

    def _left_s(self) -> float:
        """Seconds until the next seam."""
        if self._now is None:
            return 0.0
        began_at = self._now.began_at or time.monotonic()
        return began_at + self._now.part.period_s - time.monotonic()

    # ---- filling ----

    def next_request(self) -> Request | None:
        """The request for the next clip, if one is needed and none is being made."""
        if self._ask is None:
            return None
        fresh = sum(part.version == self._version for part in self._parts.ready)
        if self._job is not None or fresh >= AHEAD or not self._retry.over:
            return None
        seed = None if self._ask.seed is None else seed_after(self._ask.seed, self._clip_count)
        ask = dataclasses.replace(self._ask, seed=seed, sink=SINK, source=self._source(self._ask))
        return Request(ask, OWNER, first=True)

    def _source(self, ask: Ask) -> Source | None:
        """What the next clip starts from: with `continue 1` the second in which it overlaps the last one, if there is one."""
        if not continues_itself(ask):
            return ask.source
        part = next((part for part in reversed(self._made()) if part.version == self._version), None)
        if part is None or self._lost_thread:
            return None
        return Source(part.file, "", "continue", OVERLAP_S, part.period_s, part.period_s + OVERLAP_S, words=ask.text)

    def _made(self) -> list[Part]:
        """The clips that will sound, the last one last."""
        return [*self._sounding(), *self._parts.ready]

    def on_started(self, job: Job) -> None:
        """The last request is queued as this job."""
        self._period_s = job.prompt.seconds - OVERLAP_S
        self._clip_count += 1
        self._job = job

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be queued."""
        self._fail(str(error))

    def pop_abandoned_jobs(self) -> list[Job]:
        """The jobs for clips that the stream no longer needs; each is returned once."""
        jobs, self._abandoned_jobs = self._abandoned_jobs, []
        return jobs

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job, perhaps to one of the stream."""
        if job is self._job and event.kind in ("failed", "cancelled"):
            self._job = None
            if event.kind == "failed":
                self._fail(event.fields["why"])

    def on_clip(self, job: Job, file: str, sample_rate: int) -> None:
        """A clip is finished; its samples are in `file`."""
        if job is not self._job or self._ask is None:
            self._live.discard(file)
            return
        self._job = None
        self._retry.succeed()
        self._lost_thread = False
        assert job.model is not None
        same = continues_itself(self._ask)
        self._parts.add(file, sample_rate, job.prompt, job.model, self._version, same)
        self._changed()

    def _fail(self, why: str) -> None:
        self._retry.fail()
        self._lost_thread = True  # the next clip begins afresh: what it should go on after may be gone
        log.info("stream: %s", why)
        self._announce(self.state, self.ahead_s, why)

    def _check(self, ask: Ask, period_s: float) -> None:
        if ask.takes not in (None, 1) or ask.deadline_s is not None or ask.gate is not None:
            raise BadArgument("A stream plays clip after clip: leave takes, deadline_s and gate out.")
        if period_s not in PERIODS_S:
            raise BadArgument(f"A stream's clips are {PERIODS_S} seconds long, not {period_s:.4g}.")
        self._period_s = period_s

    def _change(self, ask: Ask) -> None:
        self._ask, self._version, self._clip_count = ask, self._version + 1, 0
        if self._job is not None:
            self._abandoned_jobs.append(self._job)
            self._job = None
        self.tick()

    def _announce(self, state: str, ahead_s: float, why: str = "") -> None:
        """Publish each visible change once: each seam, and each clip that is ready."""
        self.state = state
        report = (state, len(self._parts.ready), self._now.voice if self._now else 0, why)
        if report != self._last_report:
            self._last_report = report
            self._publish(StreamChanged(state, ahead_s, why))


def check_way(ask: Ask) -> None:
    """Raises BadArgument for a way to use a source that a stream does not have."""
    if ask.how in ("continue", "fill") and not continues_itself(ask):
        raise BadArgument(
            "A stream goes on after itself: send continue 1, or vary with a sound that it should be like."
        )


def continues_itself(ask: Ask) -> bool:
    """Whether each clip of a stream goes on after the one before, instead of being cross-faded with it."""
    return ask.continue_ == "1"


def _gain(ask: Ask) -> float:
    return 1.0 if ask.gain is None else ask.gain
