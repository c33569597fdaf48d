"""Learning: the link to the process that learns a folder, one at a time. It is started when it is needed, and ended afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.core.file_work import FileWork
from bridge.domain.ask import DEFAULT_SHAPE
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.events import LearnEvent, Publish
from bridge.domain.learning import LearnAsk
from bridge.domain.model import Abilities, Model
from bridge.errors import BadArgument, ClipbridgeError, LearnerLost, NotReady, Stopping, UnknownJob
from bridge.learn import messages
from bridge.shaper.messages import Keep
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")

READING_BUDGET_S = 300.0  # for a file on a slow disk
BEGINNING_BUDGET_S = 15 * 60.0  # importing torch and encoding all sounds, at the lowest priority
STEP_BUDGET_S = 300.0
CLOSE_TIMEOUT_S = 10.0  # a step, and writing the state


@dataclass(slots=True)
class _Course:
    """What is being learned. `is_learning`: there is something to save. `is_cancelled`: it ends at its next step."""

    ask: LearnAsk
    owner: str
    reply_to: Any
    is_learning: bool = False
    is_cancelled: bool = False


class Learning:
    """`child`: the process, if any. `files`: the work of the shaper, which puts clips into the folder."""

    def __init__(self, child: Worker | None, files: FileWork, publish: Publish) -> None:
        self._child, self._files, self._publish = child, files, publish
        self._course: _Course | None = None
        self._last: LearnEvent | None = None
        self._ending: asyncio.Task[None] | None = None
        if child is not None:
            child.on_message, child.on_death = self._on_message, self._on_death

    @property
    def last_event(self) -> LearnEvent | None:
        """The last event of what is learned, or was learned last; None if nothing was."""
        return self._last

    def begin(self, ask: LearnAsk, owner: str, reply_to: Any) -> LearnEvent | None:
        """Learn a folder. If it is being learned already, return its last event. Raises BadArgument, NotReady."""
        if self._child is None:
            raise NotReady("This Clipbridge cannot learn.")
        if (course := self._course) is not None:
            if course.ask == ask and not course.is_cancelled:
                course.reply_to = reply_to
                return self._last
            raise BadArgument(
                f"{course.ask.name!r} is being learned, and only one folder is learned at a time: wait until it is done, or stop it with "
                f"/bridge/learn/cancel."
            )
        self._course = _Course(ask, owner, reply_to)
        self._say("begun", minutes=float(ask.minutes))
        if self._ending is None:
            self._start()
        return None

    def cancel(self, owner: str, name: str | None = None) -> None:
        """Stop learning, and keep what was learned: then there is a failed event. Raises UnknownJob if nothing is learned, or only by
        another machine, or by another name."""
        course = self._course
        if course is None or course.owner != owner or name not in (None, course.ask.name):
            what = "Nothing is" if name is None else f"{name!r} is not"
            raise UnknownJob(f"{what} being learned by this machine.")
        assert self._child is not None
        course.is_cancelled = True
        if course.is_learning:
            self._child.send(messages.Stop())
        else:
            self._cancelled("")

    def tick(self) -> None:
        """Supervise the process, if there is one."""
        if self._course is not None and self._child is not None and self._ending is None:
            self._child.tick()

    async def close(self) -> None:
        """End the process; it saves what was learned."""
        if self._ending is not None:
            await self._ending
        if self._child is not None and self._course is not None:
            await self._child.close(CLOSE_TIMEOUT_S)
            self._fail(Stopping("Clipbridge was stopped. What was learned is kept: the same request goes on."))

    def _start(self) -> None:
        assert self._child is not None and self._course is not None
        self._child.restart()  # with a clean record, however the last one ended
        self._send()

    def _send(self) -> None:
        assert self._child is not None and self._course is not None
        self._course.is_learning = False
        self._child.watch(READING_BUDGET_S, "starting to learn")
        self._child.send(messages.Begin(self._course.ask))

    def _on_message(self, message: Any) -> None:
        assert self._child is not None
        match message:
            case messages.Reading(done, total):
                self._child.watch(READING_BUDGET_S, "reading the folder")
                self._say("reading", done=done, total=total)
            case messages.Left(file, why):
                self._say("skipped", file=file, why=why)
            case messages.Read():
                self._child.watch(BEGINNING_BUDGET_S, "preparing the sounds")
                self._say("read", **_rounded(message))
            case messages.Progress():
                self._on_progress(message)
            case messages.Heard():
                self._keep(message)
            case messages.Learned():
                facts = _rounded(message)
                facts["held_out"] = facts.pop("loss")
                order = ("folder", "files", "steps", "seconds", "held_out", "base", "word", "remark")
                self._end("done", **{name: facts[name] for name in order})
            case messages.Stopped(why):
                self._cancelled(why)
            case messages.Refused():
                log.info("%s", message.details or message.why)
                self._end("failed", code=message.code, why=message.why)

    def _on_progress(self, message: messages.Progress) -> None:
        assert self._child is not None
        if self._course is None:
            return
        self._child.watch(STEP_BUDGET_S, "learning")
        self._child.settled()
        if not self._course.is_learning:
            self._course.is_learning = True
            if self._course.is_cancelled:
                self._child.send(messages.Stop())
        self._say("progress", **_rounded(message))

    def _keep(self, heard: messages.Heard) -> None:
        """Put a clip into the sample folder, in the sub-folder of the model."""
        if (course := self._course) is None:
            _remove(heard.file)
            return
        text, seconds = " ".join(heard.words) or course.ask.name, heard.frames / OUTPUT_RATE
        shape = dataclasses.replace(DEFAULT_SHAPE, folder=course.ask.name)
        prompt = Prompt(text, text, seconds, heard.seed, shape=shape)
        model = Model(
            course.ask.name, f"step {heard.step}", Abilities(OUTPUT_RATE), "cpu", "float32", "", licence="yours"
        )

        def kept(facts: dict[str, Any]) -> None:
            _remove(heard.file)
            if self._course is course:
                facts = {"path": facts["path"], "prompt": text, "seconds": round(seconds, 4), "seed": heard.seed}
                self._say("clip", **facts, step=heard.step)

        def refused(error: ClipbridgeError) -> None:
            _remove(heard.file)
            log.warning("a clip of what is learned could not be written: %s", error)

        try:
            self._files.ask(Keep(0, heard.file, prompt, model), kept, refused)
        except ClipbridgeError as error:
            refused(error)

    def _cancelled(self, why: str) -> None:
        kept = why or "What was learned is kept: the same request goes on."
        self._end("failed", code="cancelled", why=f"Learning was cancelled. {kept}")

    def _fail(self, error: ClipbridgeError) -> None:
        self._say("failed", code=error.code, why=str(error))
        self._course = None

    def _end(self, kind: str, **fields: Any) -> None:
        """Say how it ended, and end the process, so that its memory is free."""
        if self._course is None or self._child is None:
            return
        self._say(kind, **fields)
        self._course = None
        self._child.watch(None)
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end_process())

    async def _end_process(self) -> None:
        assert self._child is not None
        await self._child.close(CLOSE_TIMEOUT_S)
        self._ending = None
        if self._course is not None:  # asked for meanwhile
            self._start()

    def _on_death(self, reason: str, given_up: bool) -> None:
        """The process died, and is started again unless it is given up: it goes on from the last saved state."""
        assert self._child is not None
        log.warning("the process that learns stopped: %s", reason)
        if self._course is None:
            return
        if given_up or self._course.is_cancelled:
            why = f"The process that learns stopped ({reason}). What was learned is kept: the same request goes on."
            error = LearnerLost(why)
            self._end("failed", code=error.code, why=str(error))
        else:
            asyncio.get_running_loop().call_soon(self._again)

    def _again(self) -> None:
        """Go on in the process that was just started again."""
        if self._course is not None and self._ending is None:
            self._send()

    def _say(self, kind: str, **fields: Any) -> None:
        assert self._course is not None
        fields = {name: value for name, value in fields.items() if name not in ("remark", "word") or value}
        self._last = LearnEvent(kind, self._course.ask.name, fields, reply_to=self._course.reply_to)
        self._publish(self._last)


def _rounded(message: Any) -> dict[str, Any]:
    """The attributes of a message, with floats as people read them."""
    return {
        field.name: round(value, 4) if isinstance(value := getattr(message, field.name), float) else value
        for field in dataclasses.fields(message)
    }


def _remove(file: str) -> None:
    with contextlib.suppress(OSError):
        Path(file).unlink(missing_ok=True)
