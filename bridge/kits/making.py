"""Kits: prompts that become a folder of one-shots with mappings for samplers, made one kit after the other.

Runs on the event loop and never blocks: the shaper process creates the folder and writes the mappings.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from bridge.domain.ask import Request
from bridge.domain.events import JobEvent, KitEvent, Publish
from bridge.domain.job import Job
from bridge.domain.kit import KitAsk, Sound
from bridge.domain.limits import DRAWN_SEEDS, seed_after
from bridge.domain.words import UNHEARD
from bridge.errors import BadArgument, ClipbridgeError, FolderError, QueueFull, Stopping, UnknownJob
from bridge.kits.unfinished import Failure, Sample, UnfinishedKit
from bridge.shaper.messages import Claim, Claimed, Leave, Map, Mapped

log = logging.getLogger("clipbridge")

KIT_JOBS = 2  # unfinished jobs, with one engine, so that live players never wait behind a whole kit
MAX_KITS = 16  # of all owners; one is made, the others wait
REMEMBERED_KITS = 64
MAX_NAMED = 1_000  # characters of their names in the reply


class Kits:
    """All unfinished kits, and how the last ones ended. `send` passes a message to the shaper process; `changed` is called when a
    kit may have a request."""

    def __init__(
        self, publish: Publish, send: Callable[[Claim | Map | Leave], None], changed: Callable[[], None]
    ) -> None:
        self._publish, self._send, self._changed = publish, send, changed
        self.jobs_at_a_time = KIT_JOBS
        self._kits: list[UnfinishedKit] = []  # the first is being made
        self._ended: OrderedDict[tuple[str, str], KitEvent] = OrderedDict()
        self._finished: OrderedDict[tuple[str, str], UnfinishedKit] = OrderedDict()  # whose sounds can be replaced
        self._number = 0

    @property
    def idle(self) -> bool:
        """Whether no kit is unfinished."""
        return not self._kits

    def repeat_of(self, ask: KitAsk, owner: str, reply_to: Any) -> KitEvent | None:
        """The last event of an equal unfinished kit of `owner`, if there is one. Raises BadArgument if an unfinished kit of that
        name has other sounds."""
        for kit in self._kits:
            if (kit.owner, kit.ask.name) == (owner, ask.name):
                if kit.ask == ask:
                    kit.reply_to = reply_to
                    return kit.last
                raise BadArgument(f"The kit {ask.name!r} is unfinished and has other sounds: choose another name.")
        return None

    def _check_room(self) -> None:
        if len(self._kits) >= MAX_KITS:
            raise QueueFull(f"{MAX_KITS} kits are waiting: ask again when one of them is done.")

    def add(self, ask: KitAsk, owner: str, reply_to: Any) -> None:
        """Accept a kit. Raises QueueFull."""
        self._check_room()
        self._number += 1
        seed = secrets.randbelow(DRAWN_SEEDS) if ask.ask.seed is None else ask.ask.seed
        kit = UnfinishedKit(self._number, ask, owner, reply_to, seed, deque(ask.sounds))
        self._ended.pop((owner, ask.name), None)
        self._kits.append(kit)
        remark = {"remark": lengths} if (lengths := ask.unread_lengths) else {}
        self._announce(kit, "queued", count=len(ask.sounds), seed=seed, **remark)

    def replace(self, owner: str, name: str, key: int, text: str, reply_to: Any) -> None:
        """Make the sound for `key` of a finished kit again, as `text` or, if that is empty, as before; then map the kit again. Raises
        UnknownJob, BadArgument, QueueFull."""
        self._check_room()
        if any((kit.owner, kit.ask.name) == (owner, name) for kit in self._kits):
            raise BadArgument(f"The kit {name!r} is unfinished: replace its sounds when it is done.")
        if (finished := self._finished.get((owner, name))) is None:
            raise UnknownJob(f"There is no kit {name!r} that was made since Clipbridge was started: make it again.")
        sounds = [sample.sound for sample in finished.samples] + [failure.sound for failure in finished.failures]
        before = next((sound for sound in sounds if sound.key == key), None)
        if before is None:
            keys = ", ".join(str(sound.key) for sound in sorted(sounds, key=lambda sound: sound.key))
            raise BadArgument(f"The kit {name!r} has no sound for MIDI note {key}, but for {keys}.")
        self._number += 1
        sound = Sound(key, text or before.text, before.note, secrets.randbelow(DRAWN_SEEDS))
        kit = finished.replacing(self._number, sound, reply_to)
        self._kits.append(kit)
        self._announce(kit, "queued", count=1, seed=kit.seed)

    def events(self, owner: str) -> list[KitEvent]:
        """The last event of each kit of `owner`: the ended ones first."""
        ended = [event for (asker, _), event in self._ended.items() if asker == owner]
        return ended + [kit.last for kit in self._kits if kit.owner == owner and kit.last is not None]

    def cancel(self, owner: str, name: str | None = None) -> list[Job]:
        """End one kit of `owner`, or all. Returns their jobs, to be cancelled. Raises UnknownJob if no unfinished kit has that
        name."""
        kits = [kit for kit in self._kits if kit.owner == owner and name in (None, kit.ask.name)]
        if name is not None and not kits:
            raise UnknownJob(f"There is no unfinished kit {name!r}.")
        jobs: list[Job] = []
        for kit in kits:
            jobs += [job for _, job in kit.jobs.values()]
            count = len(kit.samples)
            samples = (
                f" {count} of its sounds {'is' if count == 1 else 'are'} in {kit.path}, without a mapping."
                if count
                else ""
            )
            whole = (
                "No sound was replaced: the kit is as it was." if kit.mappings else f"The kit was cancelled.{samples}"
            )
            self._fail(kit, "cancelled", whole)
        return jobs

    # ---- jobs ----

    def begin(self, refusal: ClipbridgeError | None) -> None:
        """Begin the first kit, if it waits for its turn; with a `refusal` it fails instead."""
        kit = self._first("waiting")
        if kit is None:
            return
        if refusal is not None:
            self._fail(kit, refusal.code, str(refusal))
        elif kit.folder:  # one of its sounds is made again
            kit.state = "making"
        else:
            kit.state = "claiming"
            self._send(Claim(kit.number, kit.slug))

    def next_request(self) -> Request | None:
        """The request for the next sound, while fewer than `jobs_at_a_time` of them are jobs."""
        kit = self._first("making")
        if kit is None or not kit.waiting or len(kit.jobs) >= self.jobs_at_a_time:
            return None
        sound = kit.waiting[0]
        seed = seed_after(kit.seed, sound.variant)
        ask = dataclasses.replace(kit.ask.ask, text=sound.text, note=sound.note or None, seed=seed)
        return Request(ask, kit.owner, into=kit.folder)

    def on_started(self, job: Job) -> None:
        """The last request is queued as this job."""
        self._kits[0].jobs[job.serial] = (self._kits[0].waiting.popleft(), job)

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be queued; if only the queue is full, it is repeated later."""
        if not isinstance(error, QueueFull):
            kit = self._kits[0]
            self._add_failure(kit, Failure(kit.waiting.popleft(), error.code, str(error)))

    def map_when_complete(self) -> None:
        """Have the mappings of the first kit written, if all its jobs have ended."""
        kit = self._first("making")
        if kit is None or kit.waiting or kit.jobs:
            return
        if not kit.samples:
            self._fail(kit, kit.failures[0].code, kit.failures[0].why)
        else:
            kit.state = "mapping"
            self._send(Map(kit.number, kit.folder, kit.contents(), kit.mappings))

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job, perhaps to one of a kit."""
        kit = next((kit for kit in self._kits if job.serial in kit.jobs), None)
        if kit is None or not event.terminal:
            return
        sound, _ = kit.jobs.pop(job.serial)
        if event.kind == "done":
            kit.model = job.model
            tuned = not sound.note or "note" not in event.prompt.unmet  # without one it may have had that of the preset
            file = PurePosixPath(event.fields["path"]).name
            kit.samples.append(Sample(sound, file, event.fields["seconds"], tuned))
            kit.replaced = None
            if not tuned:
                kit.untuned.append(f"{sound.text} {sound.note}")
            if UNHEARD in event.fields.get("remark", "") and sound.text not in kit.guessed:
                kit.guessed.append(sound.text)
            made = {name: event.fields[name] for name in ("seconds", "remark") if name in event.fields}
            self._announce_sound(kit, sound, event.fields["path"], "", **made)
            self._progress(kit)
        else:
            code, why = event.fields.get("code", event.kind), event.fields.get("why", "It was cancelled.")
            self._add_failure(kit, Failure(sound, code, why))
        self._wake_later()

    def _first(self, state: str) -> UnfinishedKit | None:
        """The first kit, if it is in this state."""
        return self._kits[0] if self._kits and self._kits[0].state == state else None

    def _wake_later(self) -> None:
        # Not at once: the engine may be about to end, and the next job would go to a dead process.
        asyncio.get_running_loop().call_soon(self._changed)

    def _add_failure(self, kit: UnfinishedKit, failure: Failure) -> None:
        kit.fail(failure)
        self._announce_sound(kit, failure.sound, "", failure.why)
        self._progress(kit)

    def _progress(self, kit: UnfinishedKit) -> None:
        total = len(kit.ask.sounds)
        done = total - len(kit.waiting) - len(kit.jobs)
        self._announce(kit, "progress", done=done, total=total)

    def _announce_sound(self, kit: UnfinishedKit, sound: Sound, path: str, why: str, **made: Any) -> None:
        facts = {"key": sound.key, "path": path, "why": why, "prompt": sound.text, "note": sound.note, **made}
        self._publish(KitEvent("sound", kit.ask.name, facts, reply_to=kit.reply_to))

    # ---- the folder and the mappings ----

    def on_shaped(self, message: Claimed | Mapped) -> None:
        """The shaper has created the folder or written the mappings, or cannot."""
        kit = next((kit for kit in self._kits if kit.number == message.number), None)
        if kit is None:  # cancelled in the meantime
            if isinstance(message, Claimed) and message.folder:
                self._send(Leave(message.folder))
        elif message.why:
            self._fail(kit, FolderError.code, message.why)
        elif isinstance(message, Claimed):
            kit.folder, kit.path, kit.state = message.folder, message.path, "making"
            self._changed()
        else:
            done, failed = len(kit.samples), len(kit.failures)
            why = {"why": f"{kit.failures[0].sound.text[:80]}: {kit.failures[0].why}"} if failed else {}
            named = {"guessed": kit.guessed, "untuned": kit.untuned}
            lists = {name: ", ".join(sounds)[:MAX_NAMED] for name, sounds in named.items() if sounds}
            facts = {**message.files, "seed": kit.seed, **lists, **why}
            kit.mappings = message.files
            self._finished[(kit.owner, kit.ask.name)] = kit
            while len(self._finished) > REMEMBERED_KITS:
                self._finished.popitem(last=False)
            self._end(kit, "done", folder=kit.path, count=done, failed=failed, **facts)

    def lose(self, reason: str) -> None:
        """Fail the kits that wait for the process that writes clips: it stopped."""
        why = f"The process that writes clips stopped ({reason}). Ask for this kit again."
        for kit in [kit for kit in self._kits if kit.state in ("claiming", "mapping")]:
            self._fail(kit, FolderError.code, why)

    # ---- ends ----

    def stop(self) -> None:
        """Begin nothing more, and map the finished sounds: Clipbridge stops."""
        reason = Stopping("Clipbridge was stopped before this sound was made.")
        for kit in list(self._kits):
            while kit.waiting:
                kit.fail(Failure(kit.waiting.popleft(), reason.code, str(reason)))
            if kit.state in ("waiting", "claiming"):
                self._fail(kit, reason.code, "Clipbridge was stopped before this kit was begun.")
        self.map_when_complete()

    def end(self) -> None:
        """Fail every unfinished kit: the shutdown budget is spent."""
        for kit in list(self._kits):
            self._fail(kit, Stopping.code, "Clipbridge was stopped before this kit was finished.")

    def _fail(self, kit: UnfinishedKit, code: str, why: str) -> None:
        if kit.folder:
            self._send(Leave(kit.folder))
        self._end(kit, "failed", code=code, why=why)

    def _end(self, kit: UnfinishedKit, kind: str, **fields: Any) -> None:
        self._kits.remove(kit)
        kit.state = "ended"
        kit.jobs.clear()
        kit.waiting.clear()
        self._announce(kit, kind, **fields)
        assert kit.last is not None
        self._ended[(kit.owner, kit.ask.name)] = kit.last
        while len(self._ended) > REMEMBERED_KITS:
            self._ended.popitem(last=False)
        self._wake_later()

    def _announce(self, kit: UnfinishedKit, kind: str, **fields: Any) -> None:
        kit.last = KitEvent(kind, kit.ask.name, fields, reply_to=kit.reply_to)
        if kind != "progress":
            log.info("kit %r %s %s", kit.ask.name, kind, fields)
        self._publish(kit.last)
