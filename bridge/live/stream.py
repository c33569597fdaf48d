"""The stream: a prompt that goes on for ever. Clips are made ahead; each overlaps the one before, to the exact frame.

Everything here runs on the event loop. If the next clip is late, an earlier one is repeated, more quietly each time.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask, Request
from bridge.domain.events import Publish, StreamChanged
from bridge.domain.job import Job
from bridge.domain.limits import SEED, Range
from bridge.domain.model import Model
from bridge.errors import BadArgument, ClipbridgeError, NoStream
from bridge.live.voices import Live
from bridge.player.messages import NOW, When, when

log = logging.getLogger("clipbridge")

OWNER = SINK = "stream"
PERIODS_S = Range(2.0, 30.0)
DEFAULT_PERIOD_S = 8.0
OVERLAP_S = 1.0
BUFFER = 2  # clips that must be ready before the first one is played
AHEAD = 3  # clips that are made ahead, at most
SCHEDULE_S = 1.0  # how long before a seam the next clip is chosen
PLAYED_PARTS = 4  # played clips that stay loaded, to be repeated if the engine falls behind
REPEAT_GAIN, MIN_REPEAT_GAIN = 0.7, 0.25
OVERDUE_S = 3.0  # a voice that has not begun this long after its time never will
LOADING_S = 0.25  # the player needs at most this long to load a clip
STREAM_RETRY_S, MAX_STREAM_FAILURES = 1.0, 6  # after a clip that failed; each time twice as long, up to half a minute


@dataclass(frozen=True, slots=True)
class Part:
    """A clip that the player holds under `slot`. The next one begins after `period_s` seconds. `version`: of the prompt."""

    slot: int
    file: str
    sample_rate: int
    period_s: float
    version: int
    usable_at: float  # time.monotonic


@dataclass(slots=True)
class Voice:
    """A voice of the stream, and when it began (time.monotonic; 0: it is waiting)."""

    voice: int
    part: Part
    began_at: float = 0.0
    asked_at: float = field(default_factory=lambda: time.monotonic())


@dataclass(slots=True)
class Stream:
    """The one stream of a daemon. `changed` is called when it may want a clip, or wants none any more."""

    live: Live
    publish: Publish
    changed: Callable[[], None]
    state: str = "off"
    _ask: Ask | None = None
    _when: When = NOW
    _version: int = 0
    _period_s: float = DEFAULT_PERIOD_S  # of the last ask
    _begun: int = 0  # clips of this version
    _job: Job | None = None
    _failures: int = 0
    _not_before: float = 0.0
    _ready: deque[Part] = field(default_factory=deque)
    _played: deque[Part] = field(default_factory=deque)
    _now: Voice | None = None
    _next: Voice | None = None
    _voices: set[int] = field(default_factory=set)  # also the one before, which fades out
    _repeats: int = 0
    _published: tuple[Any, ...] = ()
    _abandoned: list[Job] = field(default_factory=list)

    def start(self, ask: Ask, period_s: float) -> None:
        """Begin once BUFFER clips are ready, at the next beat or bar if the ask says so. A stream that is on changes to this
        prompt. `period_s`: seconds from one clip to the next. Raises BadArgument, NoAudio."""
        self._check(ask, period_s)
        self.live.check()
        if self._ask is None:
            self._repeats, self._failures, self._not_before = 0, 0, 0.0
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
            if self.live.sounds(voice):
                self.live.stop(voice, fade_ms)
        self._voices.clear()
        if self._job is not None:
            self._abandoned.append(self._job)
        for part in (*self._ready, *self._played, *(s.part for s in (self._now, self._next) if s is not None)):
            self._drop(part)
        self._ready.clear()
        self._played.clear()
        self._ask = self._job = self._now = self._next = None
        self._announce("off", 0.0)
        self.changed()

    @property
    def urgent(self) -> bool:
        """Whether the next clip must go before all other jobs."""
        return self._ask is not None and self.ahead_s < max(2 * SCHEDULE_S, self._period_s)

    @property
    def ahead_s(self) -> float:
        """Seconds of audio already buffered."""
        parts = [*self._ready, *([self._next.part] if self._next else [])]
        return round(max(0.0, self._left_s()) + sum(part.period_s for part in parts), 3)

    def tick(self) -> None:
        """Schedule the next voice; to be called every TICK_S seconds, and when a voice begins."""
        if self._ask is None:
            return
        if self._next is not None and time.monotonic() > self._next.asked_at + SCHEDULE_S + OVERDUE_S:
            self.on_voice(self._next.voice, "ended")  # the player has forgotten it
        if self._now is None:
            self._begin()
        elif self._next is None and self._left_s() < SCHEDULE_S:
            self._follow()
        self.changed()
        state = "filling" if self._now is None else "thin" if self._repeats else "playing"
        self._announce(state, self.ahead_s)

    def on_clip(self, job: Job, file: str, sample_rate: int, _model: Model) -> None:
        """The samples of a clip are in `file`."""
        if job is not self._job or self._ask is None:
            self.live.discard(file)
            return
        self._job, self._failures = None, 0
        period_s, usable_at = job.prompt.seconds - OVERLAP_S, time.monotonic() + LOADING_S
        part = Part(self.live.slot(), file, sample_rate, period_s, self._version, usable_at)
        self.live.hold(part.slot, file, sample_rate, 1000 * OVERLAP_S)
        for old in [old for old in self._ready if old.version != self._version]:
            self._ready.remove(old)
            self._drop(old)
        self._ready.append(part)
        self.changed()

    def on_job_event(self, job: Job, kind: str, fields: dict[str, Any]) -> None:
        """Something happened to a job of the stream."""
        if job is self._job and kind in ("failed", "cancelled"):
            self._job = None
            if kind == "failed":
                self._fail(str(fields["why"]))

    def on_voice(self, voice: int, state: str) -> None:
        """A voice of the stream began or ended."""
        if state == "began" and self._now is not None and voice == self._now.voice:
            self._now.began_at = time.monotonic()  # at its beat
        elif state == "began" and self._next is not None and voice == self._next.voice:
            if self._now is not None:
                self._keep_played(self._now.part)
            self._now, self._next = self._next, None
            self._now.began_at = time.monotonic()
            self.tick()
        elif state == "ended":
            self._voices.discard(voice)
            if self._next is not None and voice == self._next.voice:
                self._keep_played(self._next.part)
                self._next = None
            elif self._now is not None and voice == self._now.voice:  # nothing follows it: the device is gone
                self._keep_played(self._now.part)
                self._now = None

    def reload(self) -> None:
        """Load all clips into a new player."""
        for part in (*self._ready, *self._played):
            self.live.hold(part.slot, part.file, part.sample_rate, 1000 * OVERLAP_S)

    def _begin(self) -> None:
        """Play the first clip once there is a buffer, or another one after the device was lost."""
        again = bool(self._played)
        if self.live.state == "open" and self._next is None and (len(self._ready) >= BUFFER or again):
            part, gain = self._choose()
            voice = self.live.sound(self, part.slot, gain, self._pan(), self._when)
            self._voices.add(voice)
            self._now = Voice(voice, part, time.monotonic() if self._when == NOW else 0.0)
            self._when = NOW

    def _follow(self) -> None:
        """Schedule the clip after the one that sounds."""
        assert self._now is not None
        if self.live.state != "open":
            return
        part, gain = self._choose()
        voice = self.live.sound(self, part.slot, gain, self._pan(), after=self._now.voice, overlap_ms=1000 * OVERLAP_S)
        self._voices.add(voice)
        self._next = Voice(voice, part)

    def _choose(self) -> tuple[Part, float]:
        """The next clip and its gain: a new one, or else the one that was played longest ago."""
        assert self._ask is not None
        gain = 1.0 if self._ask.gain is None else self._ask.gain
        if self._ready and (self._ready[0].usable_at < time.monotonic() or not (self._played or self._now)):
            self._repeats = 0
            return self._ready.popleft(), gain
        self._repeats += 1
        part = self._played.popleft() if self._played else self._now.part  # type: ignore[union-attr]
        return part, gain * max(MIN_REPEAT_GAIN, REPEAT_GAIN**self._repeats)

    def _pan(self) -> float:
        return (self._ask.pan if self._ask else None) or 0.0

    def _keep_played(self, part: Part) -> None:
        """Keep a played clip, to repeat it if the engine falls behind."""
        others = [voice.part for voice in (self._now, self._next) if voice is not None]
        if part in self._played or others.count(part) > 1:
            return  # it is being repeated already
        # An earlier prompt does not come back once a clip of the newer one has sounded.
        newest = max(other.version for other in (part, *others))
        repeatable = [other for other in (*self._played, part) if other.version == newest or other in others]
        repeatable = repeatable[-PLAYED_PARTS:]
        for other in {*self._played, part} - set(repeatable):
            self._drop(other)
        self._played = deque(repeatable)

    def next_request(self) -> Request | None:
        """An ask for the next clip, if one is needed and none is being made."""
        if self._ask is None:
            return None
        fresh = sum(part.version == self._version for part in self._ready)
        if self._job is not None or fresh >= AHEAD or time.monotonic() < self._not_before:
            return None
        seed = None if self._ask.seed is None else (self._ask.seed + self._begun) % (int(SEED.high) + 1)
        return Request(dataclasses.replace(self._ask, seed=seed, sink=SINK), OWNER, first=True)

    def on_started(self, job: Job) -> None:
        """The job of the last request."""
        self._period_s = job.prompt.seconds - OVERLAP_S
        self._begun += 1
        if job.state.ended:
            self._fail(str(job.last_event.fields.get("why", "")) if job.last_event else "")
        else:
            self._job = job

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be made now."""
        self._fail(str(error))

    def pop_abandoned_jobs(self) -> list[Job]:
        """The jobs whose clips the stream does not want any more; each is returned once."""
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    def _fail(self, why: str) -> None:
        self._failures = min(self._failures + 1, MAX_STREAM_FAILURES)
        self._not_before = time.monotonic() + STREAM_RETRY_S * 2 ** (self._failures - 1)
        log.info("stream: %s", why)
        self._announce(self.state, self.ahead_s, why)

    def _check(self, ask: Ask, period_s: float) -> None:
        if ask.takes not in (None, 1) or ask.deadline_s is not None or ask.gate is not None:
            raise BadArgument("A stream makes its clips by itself: leave takes, deadline_s and gate out.")
        if period_s not in PERIODS_S:
            raise BadArgument(f"A stream's clips are {PERIODS_S} seconds long, not {period_s:.4g}.")
        self._period_s = period_s

    def _change(self, ask: Ask) -> None:
        self._ask, self._version, self._begun = ask, self._version + 1, 0
        if self._job is not None:
            self._abandoned.append(self._job)
            self._job = None
        self.tick()

    def _left_s(self) -> float:
        """Seconds until the next seam."""
        if self._now is None:
            return 0.0
        began_at = self._now.began_at or time.monotonic()
        return began_at + self._now.part.period_s - time.monotonic()

    def _drop(self, part: Part) -> None:
        self.live.release(part.slot)
        self.live.discard(part.file)

    def _announce(self, state: str, ahead_s: float, why: str = "") -> None:
        """Publish each visible change once: each seam, and each clip that is ready."""
        self.state = state
        fresh = (state, len(self._ready), self._now.voice if self._now else 0, why)
        if fresh != self._published:
            self._published = fresh
            self.publish(StreamChanged(state, ahead_s, why))
