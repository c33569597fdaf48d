"""Session: learn a folder from its first file to its model, and go on where an earlier session was stopped or killed."""

from __future__ import annotations

import dataclasses
import logging
import math
import secrets
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridge.checkpoints import adapted, learned
from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.learned import Card
from bridge.domain.learning import LearnAsk
from bridge.errors import BadArgument, BadAudio, ClipbridgeError, Unsupported
from bridge.learn import record as records
from bridge.learn.clip import what_to_hear, write_clip
from bridge.learn.course import Course
from bridge.learn.folder import Sounds, read_folder
from bridge.learn.messages import Heard, Learned, Left, Progress, Read, Reading, Stopped
from bridge.learn.pace import Pace
from bridge.learn.record import FILE, STATE, Record
from bridge.system.spelling import on_disk
from bridge.system.writing import UNFINISHED

log = logging.getLogger("clipbridge")

LOCK = "lock"
MOST_NAMED = 20  # files that are left out
SAY_EVERY_S = 0.25
LONGEST_STEP_S = 60.0  # longer: the machine was asleep
DIVERGED = "The training came to no more numbers and was stopped; the best state before that is kept."
AGAIN = "What was learned before does not fit the sounds or the base any more: it begins again."
NO_GAIN = "It is no better than before it learned: the folder may be too small, or too unlike what is known."


class Ended(Exception):
    """Raised where the front wants the session to end and there is nothing to save yet."""


class Session:
    """Drives `course`. `send` passes a message to the front; `ends` says whether it should stop; `settles(True)` is called when there is
    something that must be saved before an end. `scratch`: the folder for clips on their way to the front; `clips`: the sample folder, in
    which they have a sub-folder that is not learned from."""

    def __init__(
        self,
        course: Course,
        ask: LearnAsk,
        scratch: Path,
        clips: Path,
        send: Callable[[Any], None],
        ends: Callable[[], bool],
        settles: Callable[[bool], None],
    ) -> None:
        self._course, self._ask, self._scratch, self._clips = course, ask, scratch, clips
        self._send, self._ends, self._settles = send, ends, settles
        self._place = learned.states_folder() / ask.name
        self._record = Record(ask.folder, ask.how)
        self._loss, self._held_out, self._remark = 0.0, 0.0, ""
        self._said_at = 0.0

    def run(self) -> Learned | Stopped:
        """Learn to the end, or until it should stop. Raises ClipbridgeError, Ended."""
        with learned.writing(self._place):
            learned.states_folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(learned.states_folder() / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BadArgument("Another Clipbridge on this machine is learning: wait until it is done.") from error
        with lock:
            return self._run()

    def _run(self) -> Learned | Stopped:
        learned.sweep()
        checkpoints.check_free(self._ask.name)
        self._go_on()
        sounds = self._read()
        hear, files = what_to_hear(sounds.samples), sounds.files
        self._begin(sounds)
        del sounds  # its samples are hundreds of megabytes, and the course has what it needs of them
        if self._ends():
            raise Ended
        self._settles(True)
        return self._finish(files) if self._learn(hear) else self._stopped()

    def _go_on(self) -> None:
        """Take up an earlier session of the same name, if it was of the same folder."""
        known = records.load(self._place)
        if known is not None and known.folder != self._ask.folder:
            name = self._ask.name
            raise BadArgument(
                f"{name!r} is being learned from {known.folder}: choose another name, or forget that one: clipbridge models remove {name}"
            )
        if known is not None and known.how != self._ask.how:
            raise BadArgument(
                f"{self._ask.name!r} is being learned as {known.how}: go on with --how {known.how}, or choose another name."
            )
        with learned.writing(self._place):
            self._place.mkdir(parents=True, exist_ok=True)
            if known is not None and (self._place / STATE).is_file():
                self._record = known
            else:
                (self._place / STATE).unlink(missing_ok=True)

    def _read(self) -> Sounds:
        def on_file(done: int, total: int) -> None:
            if self._ends():
                raise Ended
            if done == total or self._may_say():
                self._send(Reading(done, total))

        sounds = read_folder(Path(self._ask.folder), on_disk(self._clips) / self._ask.name, on_file)
        for one in (*sounds.faults, *sounds.left_out)[:MOST_NAMED]:
            self._send(Left(one.file, one.why))
        words = {word for sample in sounds.samples for word in sample.words}
        self._send(
            Read(sounds.files, sounds.seconds, len(sounds.left_out), sounds.others, len(words), self._record.seconds)
        )
        return sounds

    def _begin(self, sounds: Sounds) -> None:
        """Give the course its samples. A state that it cannot use, of a base that was updated or of sounds that have other names by now, is
        given up."""
        state = self._place / STATE
        try:
            self._course.begin(sounds.samples, state, self._ask.name)
        except Unsupported as error:
            if not state.exists():
                raise
            log.info("what was learned before cannot be used: %s", error)
            state.unlink()
            self._record, self._remark = Record(self._ask.folder, self._ask.how), AGAIN
            self._course.begin(sounds.samples, state, self._ask.name)

    def _learn(self, hear: list[tuple[str, ...]]) -> bool:
        """Learn until the time is spent or no more is gained. Returns whether it did; False if it should stop before. `hear`: the words of
        the clips."""
        pace = Pace(60 * self._ask.minutes, self._record)
        now = time.monotonic()
        goes_on = self._record.base is not None or self._listen()
        if self._record.base is None:
            raise ClipbridgeError("This base cannot be learned from: it returns no numbers. Pull or install it again.")
        self._held_out = self._held_out or (self._record.best or 0.0)
        self._say(pace, always=True)
        while goes_on and not pace.is_over(self._record):
            if self._ends():
                return False
            loss = self._course.step()
            goes_on = math.isfinite(loss)
            self._loss = loss if goes_on else self._loss
            before, now = now, time.monotonic()
            self._record = dataclasses.replace(
                self._record,
                steps=self._record.steps + 1,
                seconds=self._record.seconds + min(now - before, LONGEST_STEP_S),
            )
            if goes_on and (pace.wants_listening(self._record) or pace.is_over(self._record)):
                goes_on = self._listen()
            self._say(pace)
            if goes_on and pace.wants_saving(self._record):
                self._save()
            if goes_on and pace.wants_clip(self._record):
                self._hear(hear[self._record.clips % len(hear)])
        self._remark = self._remark if goes_on else DIVERGED
        return True

    def _listen(self) -> bool:
        """Measure the loss of the held-out sounds. Returns whether it is a number."""
        loss = self._course.held_out_loss()
        if math.isfinite(loss):
            self._held_out, self._record = loss, self._record.measured(loss)
        return math.isfinite(loss)

    def _hear(self, words: tuple[str, ...]) -> None:
        """Make a clip. One that cannot be used is left out: the next one may be better."""
        seed = self._record.clips
        file = self._scratch / f"learned-{secrets.token_hex(8)}.npy"  # a name that no other clip had
        try:
            frames = write_clip(self._course.hear(words, seed), file)
        except (BadAudio, OSError) as error:
            log.info("a clip of what is learned was left out: %s", error)
        else:
            self._send(Heard(str(file), frames, words, seed, self._record.steps))
        self._record = dataclasses.replace(self._record, clips=seed + 1)

    def _save(self) -> None:
        """Save the state. If that fails, learning goes on, and the next progress says so."""
        try:
            self._course.save_state(self._place / STATE)
            records.save(self._place, self._record)
            self._remark = ""
        except OSError as error:
            for name in (STATE, FILE):  # what was written of it fills the disk
                (self._place / (name + UNFINISHED)).unlink(missing_ok=True)
            self._remark = f"The state cannot be saved ({error.strerror or error}): make room before it ends."

    def _stopped(self) -> Stopped:
        self._save()
        return Stopped(self._remark)

    def _finish(self, files: int) -> Learned:
        """Write the model, and forget the state. Raises FolderError."""
        ask, record = self._ask, self._record
        base, best = record.base or 0.0, record.best or 0.0
        with learned.new_model(ask.name) as folder:
            self._course.save_model(folder)
            word = adapted.word_in(folder)
            card = Card(ask.name, date.today().isoformat(), files, best, base, record.seconds, word=word)
            (folder / learned.CARD).write_text(card.text(), "utf-8")
        learned.forget(ask.name)
        remark = self._remark or ("" if best < base else NO_GAIN)
        where = learned.models_folder() / ask.name
        return Learned(where.as_posix(), files, record.steps, record.seconds, best, base, word, remark)

    def _say(self, pace: Pace, always: bool = False) -> None:
        if not always and not self._may_say():
            return
        record = self._record
        self._send(
            Progress(
                pace.fraction(record),
                record.steps,
                self._loss,
                self._held_out,
                record.base or 0.0,
                pace.seconds_left(record),
                self._remark,
            )
        )

    def _may_say(self) -> bool:
        now = time.monotonic()
        if now - self._said_at < SAY_EVERY_S:
            return False
        self._said_at = now
        return True
