"""The stream: a prompt that goes on for ever. Clips are made ahead and overlap, each at the exact frame, without a gap.

Everything here runs on the event loop. What cannot be made in time is not silence: a clip that sounded before sounds again,
more quietly each time, until the engine is there again.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask, Wanted
from bridge.domain.clip import Model
from bridge.domain.events import Publish, StreamChanged
from bridge.domain.job import Job
from bridge.domain.limits import SEED, Range
from bridge.errors import BadArgument, ClipbridgeError, NoStream
from bridge.live.voices import Live
from bridge.player.messages import NOW, When, when

log = logging.getLogger("clipbridge")

OWNER = SINK = "stream"
PERIODS_S = Range(2.0, 30.0)
DEFAULT_PERIOD_S = 8.0
OVERLAP_S = 1.0
BUFFER = 2  # clips that are ready before the first sounds
AHEAD = 3  # clips that are made ahead at most
SCHEDULE_S = 1.0  # before a seam: until then a newer clip may take its place
KEPT = 4  # clips that sounded and may have to again
THINNER, THINNEST = 0.7, 0.25
OVERDUE_S = 3.0  # so late a voice does not begin any more
LOADING_S = 0.25  # the player needs some of it until it holds a clip
STREAM_RETRY_S, MAX_STREAM_FAILURES = 1.0, 6  # after a clip that failed; each time twice as long, up to half a minute


@dataclass(frozen=True, slots=True)
class Part:
    """A clip that the player holds under `slot`. `period_s`: how long until the next one begins. `version` of the prompt."""

    slot: int
    file: str
    sample_rate: int
    period_s: float
    version: int
    usable_at: float  # time.monotonic


@dataclass(slots=True)
class Sounding:
    """A voice of the stream, and when it began (time.monotonic; 0: it waits)."""

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
    _period_s: float = DEFAULT_PERIOD_S  # of the clip that was asked for last
    _made: int = 0
    _job: Job | None = None
    _failures: int = 0
    _not_before: float = 0.0
    _ready: deque[Part] = field(default_factory=deque)
    _used: deque[Part] = field(default_factory=deque)
    _now: Sounding | None = None
    _next: Sounding | None = None
    _voices: set[int] = field(default_factory=set)  # also one that another one has followed and that fades out
    _repeats: int = 0
    _published: tuple[Any, ...] = ()
    _abandoned: list[Job] = field(default_factory=list)

    def start(self, ask: Ask, period_s: float) -> None:
        """Begin as soon as BUFFER clips are there, at the next beat or bar if the ask says so; a stream that is on goes over
        to this prompt. `period_s`: seconds from one clip to the next. Raises BadArgument, NoAudio."""
        self._check(ask, period_s)
        self.live.check()
        if self._ask is None:
            self._repeats, self._failures, self._not_before = 0, 0, 0.0
            self._when = when(ask.quantize)
        self._change(ask)

    def set(self, ask: Ask, period_s: float) -> None:
        """Another prompt, heard at the next seam by which a clip of it is there. Raises NoStream, BadArgument."""
        if self._ask is None:
            raise NoStream("No stream is on: send /bridge/stream/start with a prompt.")
        self._check(ask, period_s)
        self._change(ask)

    def stop(self, fade_ms: float) -> None:
        """Fade out; nothing is made any more. Does nothing if no stream is on."""
        if self._ask is None:
            return
        for voice in self._voices:
            if self.live.sounds(voice):
                self.live.stop(voice, fade_ms)
        self._voices.clear()
        if self._job is not None:
            self._abandoned.append(self._job)
        for part in (*self._ready, *self._used, *(s.part for s in (self._now, self._next) if s is not None)):
            self._let_go(part)
        self._ready.clear()
        self._used.clear()
        self._ask = self._job = self._now = self._next = None
        self._tell("off", 0.0)
        self.changed()

    @property
    def urgent(self) -> bool:
        """Whether the next clip is needed before everybody else's."""
        return self._ask is not None and self.ahead_s < max(2 * SCHEDULE_S, self._period_s)

    @property
    def ahead_s(self) -> float:
        """How many seconds it can go on with what is there."""
        parts = [*self._ready, *([self._next.part] if self._next else [])]
        return round(max(0.0, self._left_s()) + sum(part.period_s for part in parts), 3)

    def tick(self) -> None:
        """Begin what is to begin, ask for what will be needed; to be called every TICK_S seconds, and when one is there."""
        if self._ask is None:
            return
        if self._next is not None and time.monotonic() > self._next.asked_at + SCHEDULE_S + OVERDUE_S:
            self.on_voice(self._next.voice, "ended")  # nobody knows of it any more
        if self._now is None:
            self._begin()
        elif self._next is None and self._left_s() < SCHEDULE_S:
            self._follow()
        self.changed()
        state = "filling" if self._now is None else "thin" if self._repeats else "playing"
        self._tell(state, self.ahead_s)

    def made(self, job: Job, file: str, sample_rate: int, _model: Model) -> None:
        """The samples of a clip are there."""
        if job is not self._job or self._ask is None:
            self.live.discard(file)
            return
        self._job, self._failures = None, 0
        period_s, usable_at = job.prompt.seconds - OVERLAP_S, time.monotonic() + LOADING_S
        part = Part(self.live.slot(), file, sample_rate, period_s, self._version, usable_at)
        self.live.hold(part.slot, file, sample_rate, 1000 * OVERLAP_S)
        for old in [old for old in self._ready if old.version != self._version]:
            self._ready.remove(old)
            self._let_go(old)
        self._ready.append(part)
        self.changed()

    def job_event(self, job: Job, kind: str, fields: dict[str, Any]) -> None:
        """Something happened to a job of the stream."""
        if job is self._job and kind in ("failed", "cancelled"):
            self._job = None
            if kind == "failed":
                self._fail(str(fields["why"]))

    def on_voice(self, voice: int, state: str) -> None:
        """A voice of ours began or ended."""
        if state == "began" and self._now is not None and voice == self._now.voice:
            self._now.began_at = time.monotonic()  # at its beat
        elif state == "began" and self._next is not None and voice == self._next.voice:
            if self._now is not None:
                self._keep(self._now.part)
            self._now, self._next = self._next, None
            self._now.began_at = time.monotonic()
            self.tick()
        elif state == "ended":
            self._voices.discard(voice)
            if self._next is not None and voice == self._next.voice:
                self._keep(self._next.part)
                self._next = None
            elif self._now is not None and voice == self._now.voice:  # not followed: the device is gone
                self._keep(self._now.part)
                self._now = None

    def hold_again(self) -> None:
        """A new player holds nothing yet."""
        for part in (*self._ready, *self._used):
            self.live.hold(part.slot, part.file, part.sample_rate, 1000 * OVERLAP_S)

    def _begin(self) -> None:
        """The first clip: when there is a buffer, or again after the device was lost."""
        again = bool(self._used)
        if self.live.state == "open" and self._next is None and (len(self._ready) >= BUFFER or again):
            part, gain = self._choose()
            voice = self.live.sound(self, part.slot, gain, self._pan(), self._when)
            self._voices.add(voice)
            self._now = Sounding(voice, part, time.monotonic() if self._when == NOW else 0.0)
            self._when = NOW

    def _follow(self) -> None:
        assert self._now is not None
        if self.live.state != "open":
            return
        part, gain = self._choose()
        voice = self.live.sound(self, part.slot, gain, self._pan(), after=self._now.voice, overlap_ms=1000 * OVERLAP_S)
        self._voices.add(voice)
        self._next = Sounding(voice, part)

    def _choose(self) -> tuple[Part, float]:
        """What comes next, and its gain: a new clip, or else the one that has been silent for longest."""
        assert self._ask is not None
        gain = 1.0 if self._ask.gain is None else self._ask.gain
        if self._ready and (self._ready[0].usable_at < time.monotonic() or not (self._used or self._now)):
            self._repeats = 0
            return self._ready.popleft(), gain
        self._repeats += 1
        part = self._used.popleft() if self._used else self._now.part  # type: ignore[union-attr]
        return part, gain * max(THINNEST, THINNER**self._repeats)

    def _pan(self) -> float:
        return (self._ask.pan if self._ask else None) or 0.0

    def _keep(self, part: Part) -> None:
        """It sounded, and may have to again."""
        others = [sounding.part for sounding in (self._now, self._next) if sounding is not None]
        if part in self._used or others.count(part) > 1:
            return  # it sounds already once more
        # An earlier prompt does not come back once a clip of the newer one has sounded.
        newest = max(other.version for other in (part, *others))
        kept = [other for other in (*self._used, part) if other.version == newest or other in others]
        for gone in {*self._used, part} - set(kept[-KEPT:]):
            self._let_go(gone)
        self._used = deque(kept[-KEPT:])

    def wanted(self) -> Wanted | None:
        """An ask for the next clip, if one is needed and none is being made."""
        if self._ask is None:
            return None
        fresh = sum(part.version == self._version for part in self._ready)
        if self._job is not None or fresh >= AHEAD or time.monotonic() < self._not_before:
            return None
        seed = None if self._ask.seed is None else (self._ask.seed + self._made) % (int(SEED.high) + 1)
        return Wanted(dataclasses.replace(self._ask, seed=seed, sink=SINK), OWNER, first=True)

    def started(self, job: Job) -> None:
        """The job of the last `wanted`."""
        self._period_s = job.prompt.seconds - OVERLAP_S
        self._made += 1
        if job.state.ended:
            self._fail(str(job.last_event.fields.get("why", "")) if job.last_event else "")
        else:
            self._job = job

    def refused(self, error: ClipbridgeError) -> None:
        """The last `wanted` is not made."""
        self._fail(str(error))

    def take_abandoned(self) -> list[Job]:
        """The jobs that the stream wants no longer; each is returned once."""
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    def _fail(self, why: str) -> None:
        self._failures = min(self._failures + 1, MAX_STREAM_FAILURES)
        self._not_before = time.monotonic() + STREAM_RETRY_S * 2 ** (self._failures - 1)
        log.info("stream: %s", why)
        self._tell(self.state, self.ahead_s, why)

    def _check(self, ask: Ask, period_s: float) -> None:
        if ask.takes not in (None, 1) or ask.deadline_s is not None or ask.gate is not None:
            raise BadArgument("A stream makes its clips by itself: leave takes, deadline_s and gate out.")
        if period_s not in PERIODS_S:
            raise BadArgument(f"A stream's clips are {PERIODS_S} seconds long, not {period_s:.4g}.")
        self._period_s = period_s

    def _change(self, ask: Ask) -> None:
        self._ask, self._version, self._made = ask, self._version + 1, 0
        if self._job is not None:
            self._abandoned.append(self._job)
            self._job = None
        self.tick()

    def _left_s(self) -> float:
        """Until the next seam."""
        if self._now is None:
            return 0.0
        began_at = self._now.began_at or time.monotonic()
        return began_at + self._now.part.period_s - time.monotonic()

    def _let_go(self, part: Part) -> None:
        self.live.release(part.slot)
        self.live.discard(part.file)

    def _tell(self, state: str, ahead_s: float, why: str = "") -> None:
        """Once for each change that can be seen: at each seam, each clip that is there."""
        self.state = state
        fresh = (state, len(self._ready), self._now.voice if self._now else 0, why)
        if fresh != self._published:
            self._published = fresh
            self.publish(StreamChanged(state, ahead_s, why))
