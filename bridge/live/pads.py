"""Pads: playable slots with takes that are ready, so that a press sounds at once. They are refilled while the engine is idle.

Everything here runs on the event loop. The player holds the samples already; a press only names them.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.domain.ask import Ask, Request
from bridge.domain.clip import Prompt
from bridge.domain.events import PadChanged, Publish
from bridge.domain.job import Job
from bridge.domain.limits import SEED
from bridge.domain.model import Model
from bridge.errors import BadArgument, ClipbridgeError, PadEmpty
from bridge.live.pad_file import LONGEST_S, SINK, PadFile, StoredPad
from bridge.live.voices import Live
from bridge.player.messages import NOW, When, when

log = logging.getLogger("clipbridge")

TAKES_READY = 2
OWNER = "pads"
PAD_RETRY_S, MAX_PAD_FAILURES = 10.0, 9  # after a fill that failed; each time twice as long, up to 43 minutes


@dataclass(frozen=True, slots=True)
class Take:
    """Samples that the player holds under the number `slot`; `file` has them too, for saving and for a new player."""

    slot: int
    file: str
    sample_rate: int
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed, as their frontend names them: they hear of the voice."""

    reply_to: Any


@dataclass(slots=True)
class Pad:
    """What a pad makes (`ask`) and the takes that it has. `locked`: each press plays the same take."""

    ask: Ask
    locked: bool = False
    ready: list[Take] = field(default_factory=list)
    played: Take | None = None  # its voice may still sound
    last: Take | None = None  # for saving: `played`, or the first of `ready` while locked
    job: Job | None = None
    fraction: float = 0.0
    begun: int = 0  # takes, so that each has a seed of its own
    fault: str = ""
    failures: int = 0  # in a row
    not_before: float = 0.0
    voices: list[int] = field(default_factory=list)


class Pads:
    """All pads. `changed` is called when a pad may want a take, or wants none any more. `file`: where pads are kept between
    runs, if anywhere."""

    def __init__(self, live: Live, publish: Publish, changed: Callable[[], None], file: Path | None = None) -> None:
        self._live, self._file = live, PadFile(file) if file is not None else None
        self._publish, self._changed = publish, changed
        self._next: int | None = None  # the pad of the last request
        self._abandoned: list[Job] = []
        stored = self._file.read() if self._file is not None else {}
        self._pads = {number: Pad(ask, locked) for number, (ask, locked) in stored.items()}
        self._saving: Counter[str] = Counter()  # by file
        self._unwanted: set[str] = set()  # files to remove once they are saved

    def set(self, number: int, ask: Ask) -> None:
        """Give a pad another prompt and drop its takes. Raises BadArgument."""
        if ask.takes not in (None, 1):
            raise BadArgument("A pad makes its takes by itself, one after the other: leave takes out.")
        if ask.seconds is not None:
            check_length(ask.seconds)
        ask = dataclasses.replace(ask, sink=SINK, takes=None, deadline_s=None)
        before = self._pads.get(number)
        self._forget(number)
        self._pads[number] = Pad(ask, before is not None and before.locked, voices=before.voices if before else [])
        self._store()
        self._announce(number)
        self._changed()

    def play(self, number: int, velocity: float, press: Press, at: float | None = None, quantize: str = "") -> None:
        """Play the next take at `at` (seconds of time.perf_counter; None: now), or on the next beat or bar after it if
        `quantize`, or else the ask, says so. `velocity`, 0 to 1, is multiplied by the ask's gain. Raises PadEmpty, NoAudio."""
        pad = self._pad(number)
        moment = when(quantize or pad.ask.quantize, at)
        if not pad.ready:
            raise PadEmpty(
                f"Pad {number} has no take ready yet" + (f": {pad.fault}" if pad.fault else "; it is being made.")
            )
        take = pad.ready[0]
        gain = velocity * (1.0 if pad.ask.gain is None else pad.ask.gain)
        voice = self._live.sound(press, take.slot, gain, pad.ask.pan or 0.0, moment, loop=take.prompt.loop)
        self._live.announce_voice(voice, press, "began" if moment == NOW else "waiting", "")
        pad.voices = [*(other for other in pad.voices if self._live.sounds(other)), voice]
        pad.last = take
        if not pad.locked:
            self._drop(pad.played)
            pad.played = pad.ready.pop(0)
            self._announce(number)
            self._changed()

    def stop(self, number: int, at: float | None = None) -> None:
        """Fade out the pad's voices, now or at `at`. Raises PadEmpty."""
        pad = self._pad(number)
        for voice in pad.voices:
            if self._live.sounds(voice):
                self._live.stop(voice, when=When(at))
        if at is None:  # else they sound until `at`, and may be stopped earlier
            pad.voices.clear()

    def release(self, number: int, at: float | None = None) -> None:
        """The button was released: fade out a gated pad. Raises PadEmpty."""
        if number in self._pads and self._pads[number].ask.gate:
            self.stop(number, at)

    def clear(self, number: int) -> None:
        """Empty the pad. Raises PadEmpty."""
        self.stop(number)
        self._forget(number)
        self._store()
        self._announce(number)
        self._changed()

    def lock(self, number: int, locked: bool) -> None:
        """Play the same take at each press, from the next one on; or another one each time. Raises PadEmpty."""
        pad = self._pad(number)
        if pad.locked != locked:
            pad.locked = locked
            self._store()

    def take_to_save(self, number: int) -> Take:
        """The take that was played last; its file stays until `on_saved` is called with it. Raises PadEmpty."""
        pad = self._pad(number)
        if pad.last is None:
            raise PadEmpty(f"Pad {number} has not been played yet.")
        self._saving[pad.last.file] += 1
        return pad.last

    def on_saved(self, take: Take) -> None:
        """Saving a take has succeeded or failed."""
        self._saving[take.file] -= 1
        if not self._saving[take.file]:
            del self._saving[take.file]
            if take.file in self._unwanted:
                self._unwanted.discard(take.file)
                self._live.discard(take.file)

    def states(self) -> list[tuple[int, str, float, str]]:
        """(pad, state, value, why) of all pads."""
        return [(number, *_state(pad)) for number, pad in sorted(self._pads.items())]

    # ---- filling ----

    def need_takes(self) -> bool:
        """Whether a pad has fewer takes than it should, and may be refilled now."""
        now = time.monotonic()
        return any(len(self._fresh(pad)) < TAKES_READY and now >= pad.not_before for pad in self._pads.values())

    def next_request(self) -> Request | None:
        """An ask for the pad that has the fewest takes, if a pad wants one and none is being made."""
        now = time.monotonic()
        hungry = [
            (len(fresh), pad.not_before, number)
            for number, pad in self._pads.items()
            if len(fresh := self._fresh(pad)) < TAKES_READY and pad.job is None and now >= pad.not_before
        ]
        if not hungry or any(pad.job for pad in self._pads.values()):
            return None
        self._next = min(hungry)[2]
        pad = self._pads[self._next]
        seed = None if pad.ask.seed is None else (pad.ask.seed + pad.begun) % int(SEED.high + 1)
        return Request(dataclasses.replace(pad.ask, seed=seed), OWNER)

    def on_started(self, job: Job) -> None:
        """The job of the last request."""
        assert self._next is not None
        pad = self._pads[self._next]
        pad.begun += 1
        if job.state.ended:  # it failed as soon as the engine was to begin with it
            self._fail(self._next, pad, str(job.last_event.fields.get("why", "")) if job.last_event else "")
        else:
            pad.job, pad.fraction = job, 0.0

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be made now."""
        assert self._next is not None
        self._fail(self._next, self._pads[self._next], str(error))

    def pop_abandoned_jobs(self) -> list[Job]:
        """The jobs whose takes no pad wants any more; each is returned once."""
        abandoned, self._abandoned = self._abandoned, []
        return abandoned

    def on_job_event(self, job: Job, kind: str, fields: dict[str, Any]) -> None:
        """Something happened to a job that fills a pad."""
        number, pad = next(((number, pad) for number, pad in self._pads.items() if pad.job is job), (0, None))
        if pad is None:
            return
        if kind == "progress":
            pad.fraction = fields["fraction"]
            if not pad.ready:
                self._announce(number)
        elif kind in ("failed", "cancelled"):
            pad.job = None
            if kind == "failed":
                self._fail(number, pad, fields["why"])

    def on_clip(self, job: Job, file: str, sample_rate: int, model: Model) -> None:
        """The samples of a take are in `file`."""
        for number, pad in self._pads.items():
            if pad.job is job:
                take = Take(self._live.slot(), file, sample_rate, job.prompt, model)
                self._live.hold(take.slot, file, sample_rate)
                pad.job, pad.fault, pad.failures = None, "", 0
                for old in pad.ready[: max(0, len(pad.ready) + 1 - TAKES_READY)]:  # of another tempo
                    pad.ready.remove(old)
                    if old is not pad.last:
                        self._drop(old)
                pad.ready.append(take)
                self._announce(number)
                return
        self._live.discard(file)  # meanwhile the pad was cleared or got another prompt

    def _fresh(self, pad: Pad) -> list[Take]:
        """The takes that need no replacement. Those made for another tempo are still played until they are replaced."""
        if pad.ask.bars is None or pad.locked:
            return pad.ready
        try:
            wanted_s = self._live.tempo.seconds(pad.ask.bars, pad.ask.bpm)
        except BadArgument:
            return pad.ready
        return [take for take in pad.ready if abs(take.prompt.seconds - wanted_s) < 1e-6]

    def tempo_changed(self) -> None:
        """Bars have another length now: pads that failed because of the old one may be tried again."""
        for pad in self._pads.values():
            if pad.ask.bars is not None:
                pad.failures, pad.not_before = 0, 0.0
        self._changed()

    def reload(self) -> None:
        """Load all takes into a new player."""
        for pad in self._pads.values():
            for take in pad.ready:
                self._live.hold(take.slot, take.file, take.sample_rate)

    def _fail(self, number: int, pad: Pad, why: str) -> None:
        # A prompt that kills the engine must not do so all evening.
        pad.failures = min(pad.failures + 1, MAX_PAD_FAILURES)
        pad.job, pad.fault, pad.not_before = None, why, time.monotonic() + PAD_RETRY_S * 2 ** (pad.failures - 1)
        log.info("pad %d: %s", number, why)
        self._announce(number)

    def _pad(self, number: int) -> Pad:
        if number not in self._pads:
            raise PadEmpty(f"Pad {number} is empty: send /bridge/pad/{number}/set with a prompt first.")
        return self._pads[number]

    def _forget(self, number: int) -> None:
        pad = self._pads.pop(number, None)
        if pad is not None:
            if pad.job is not None:
                self._abandoned.append(pad.job)
            for take in (*pad.ready, pad.played):
                self._drop(take)

    def _drop(self, take: Take | None) -> None:
        if take is not None:
            self._live.release(take.slot)
            if self._saving[take.file]:
                self._unwanted.add(take.file)
            else:
                self._live.discard(take.file)

    def _announce(self, number: int) -> None:
        state = _state(self._pads[number]) if number in self._pads else ("empty", 0.0, "")
        self._publish(PadChanged(number, *state))

    def _store(self) -> None:
        if self._file is not None:
            self._file.keep({number: StoredPad(pad.ask, pad.locked) for number, pad in self._pads.items()})


def check_length(seconds: float) -> None:
    """Raises BadArgument for a clip that is too long for a pad."""
    if seconds > LONGEST_S:
        raise BadArgument(f"A pad's clip may be {LONGEST_S:g} seconds long, not {seconds:g}.")


def _state(pad: Pad) -> tuple[str, float, str]:
    if pad.ready:
        return "ready", float(len(pad.ready)), ""
    return "filling", pad.fraction, pad.fault
