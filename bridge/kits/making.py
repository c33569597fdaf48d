"""Kits: many prompts asked for at once, made one after the other into a folder of their own, with mappings for samplers.

Everything here runs on the event loop and never blocks: the shaper process makes the folder and writes the mappings.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from bridge import __version__
from bridge.domain.ask import Request
from bridge.domain.events import JobEvent, KitEvent, Publish
from bridge.domain.job import Job
from bridge.domain.kit import Kit, KitAsk, Sound, Zone
from bridge.domain.limits import DRAWN_SEEDS, RESERVED, SEED
from bridge.domain.model import Model
from bridge.errors import BadArgument, ClipbridgeError, FolderError, QueueFull, Stopping, UnknownJob
from bridge.files.names import slug
from bridge.kits.keymap import is_hat, reach
from bridge.shaper.messages import Claim, Claimed, Leave, Map, Mapped

log = logging.getLogger("clipbridge")

KIT_JOBS = 2  # unfinished jobs, so that whoever plays live never waits behind a whole kit
MAX_KITS = 16  # of all askers; one is made, the others wait
REMEMBERED_KITS = 64
TITLE_CHARACTERS = 80
SLUG_CHARACTERS = 36  # leaves room for -9999 in what a sub-folder's name may have


@dataclass(slots=True, eq=False)
class Making:
    """An unfinished kit. `number` is the daemon's, `reply_to` the frontend's."""

    number: int
    ask: KitAsk
    owner: str
    reply_to: Any
    seed: int
    waiting: deque[Sound]
    state: str = "waiting"  # for its turn; then: claiming, making, mapping, ended
    folder: str = ""  # below the sample folder
    path: str = ""
    jobs: dict[int, tuple[Sound, Job]] = field(default_factory=dict)  # by serial
    made: list[tuple[Sound, str, float]] = field(default_factory=list)  # with the file's name and its seconds
    faults: list[tuple[Sound, str, str]] = field(default_factory=list)  # with code and why
    model: Model | None = None  # that made its sounds
    last: KitEvent | None = None


class Kits:
    """All kits that are being made, and how the last ones ended. `send` passes a message to the shaper process; `changed` is
    called when a kit may want something made."""

    def __init__(
        self, publish: Publish, send: Callable[[Claim | Map | Leave], None], changed: Callable[[], None]
    ) -> None:
        self._publish, self._send, self._changed = publish, send, changed
        self._kits: list[Making] = []  # the first is being made
        self._ended: OrderedDict[tuple[str, str], KitEvent] = OrderedDict()
        self._number = 0

    @property
    def idle(self) -> bool:
        """Whether no kit is unfinished."""
        return not self._kits

    def repeat_of(self, ask: KitAsk, owner: str, reply_to: Any) -> KitEvent | None:
        """The last event of this very kit, if it is being made for `owner` already. Raises BadArgument if another kit of that
        name is."""
        for kit in self._kits:
            if (kit.owner, kit.ask.name) == (owner, ask.name):
                if kit.ask == ask:
                    kit.reply_to = reply_to
                    return kit.last
                raise BadArgument(f"The kit {ask.name!r} is not finished, and was asked for with other sounds.")
        return None

    def add(self, ask: KitAsk, owner: str, reply_to: Any) -> None:
        """Accept a kit. Raises QueueFull."""
        if len(self._kits) >= MAX_KITS:
            raise QueueFull(f"{MAX_KITS} kits are waiting already; ask again when one of them is done.")
        self._number += 1
        seed = secrets.randbelow(DRAWN_SEEDS) if ask.ask.seed is None else ask.ask.seed
        kit = Making(self._number, ask, owner, reply_to, seed, deque(ask.sounds))
        self._ended.pop((owner, ask.name), None)
        self._kits.append(kit)
        self._announce(kit, "queued", count=len(ask.sounds), seed=seed)

    def events(self, owner: str) -> list[KitEvent]:
        """The last event of each kit of `owner`: the ended ones first."""
        ended = [event for (asker, _), event in self._ended.items() if asker == owner]
        return ended + [kit.last for kit in self._kits if kit.owner == owner and kit.last is not None]

    def cancel(self, owner: str, name: str | None = None) -> list[Job]:
        """End one kit, or all of `owner`; returns their jobs, to be cancelled. Raises UnknownJob if there is no kit of that
        name."""
        kits = [kit for kit in self._kits if kit.owner == owner and name in (None, kit.ask.name)]
        if name is not None and not kits:
            raise UnknownJob(f"No kit of the name {name!r} is on its way.")
        jobs: list[Job] = []
        for kit in kits:
            jobs += [job for _, job in kit.jobs.values()]
            left = f" {len(kit.made)} of its sounds are in {kit.path}, without a mapping." if kit.made else ""
            self._fail(kit, "cancelled", f"The kit was cancelled.{left}")
        return jobs

    # ---- jobs ----

    def begin(self, refusal: ClipbridgeError | None) -> None:
        """Begin the first kit, if it waits for its turn; with a `refusal` it fails instead."""
        kit = self._kits[0] if self._kits else None
        if kit is None or kit.state != "waiting":
            return
        if refusal is not None:
            self._fail(kit, refusal.code, str(refusal))
        else:
            kit.state = "claiming"
            self._send(Claim(kit.number, _slug(kit.ask.name)))

    def next_request(self) -> Request | None:
        """An ask for the next sound, while fewer than KIT_JOBS are on their way."""
        kit = self._kits[0] if self._kits else None
        if kit is None or kit.state != "making" or not kit.waiting or len(kit.jobs) >= KIT_JOBS:
            return None
        sound = kit.waiting[0]
        seed = (kit.seed + sound.variant) % (int(SEED.high) + 1)
        ask = dataclasses.replace(kit.ask.ask, text=sound.text, note=sound.note or None, seed=seed)
        return Request(ask, kit.owner, into=kit.folder)

    def on_started(self, job: Job) -> None:
        """The job of the last request."""
        kit = self._kits[0]
        kit.jobs[job.serial] = (kit.waiting.popleft(), job)
        if job.state.ended and job.last_event is not None:  # it failed as soon as the engine was to begin with it
            self.on_job_event(job, job.last_event)

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be made; after a full queue it is wanted again later."""
        if not isinstance(error, QueueFull):
            kit = self._kits[0]
            self._add_fault(kit, kit.waiting.popleft(), error.code, str(error))

    def map_when_complete(self) -> None:
        """Have the mappings of the first kit written, once all its jobs have ended."""
        kit = self._kits[0] if self._kits else None
        if kit is not None and kit.state == "making" and not kit.waiting and not kit.jobs:
            self._map(kit)

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job, perhaps to one of a kit."""
        kit = next((kit for kit in self._kits if job.serial in kit.jobs), None)
        if kit is None or not event.terminal:
            return
        sound, _ = kit.jobs.pop(job.serial)
        if event.kind == "done":
            kit.model = job.model
            kit.made.append((sound, PurePosixPath(event.fields["path"]).name, event.fields["seconds"]))
            self._progress(kit)
        else:
            self._add_fault(
                kit, sound, event.fields.get("code", event.kind), event.fields.get("why", "It was cancelled.")
            )
        self._wake_later()

    def _wake_later(self) -> None:
        # Not at once: an engine may be ending, and the next job would go to a dead process.
        asyncio.get_running_loop().call_soon(self._changed)

    def _add_fault(self, kit: Making, sound: Sound, code: str, why: str) -> None:
        kit.faults.append((sound, code, why))
        self._progress(kit)

    def _progress(self, kit: Making) -> None:
        self._announce(kit, "progress", done=len(kit.made) + len(kit.faults), total=len(kit.ask.sounds))

    # ---- the folder and the mappings ----

    def on_shaped(self, message: Claimed | Mapped) -> None:
        """The shaper has claimed the folder or written the mappings, or cannot."""
        kit = next((kit for kit in self._kits if kit.number == message.number), None)
        if kit is None:  # cancelled meanwhile
            if isinstance(message, Claimed) and message.folder:
                self._send(Leave(message.folder))
        elif message.why:
            self._fail(kit, FolderError.code, message.why)
        elif isinstance(message, Claimed):
            kit.folder, kit.path, kit.state = message.folder, message.path, "making"
            self._changed()
        else:
            failed = {"why": f"{kit.faults[0][0].text[:80]}: {kit.faults[0][2]}"} if kit.faults else {}
            self._end(
                kit,
                "done",
                folder=kit.path,
                count=len(kit.made),
                failed=len(kit.faults),
                **message.files,
                seed=kit.seed,
                **failed,
            )

    def lose(self, reason: str) -> None:
        """The process that writes clips stopped: fail the kits that wait for it."""
        for kit in [kit for kit in self._kits if kit.state in ("claiming", "mapping")]:
            self._fail(
                kit, FolderError.code, f"The process that writes clips stopped ({reason}). Ask for this kit again."
            )

    def _map(self, kit: Making) -> None:
        if not kit.made:
            _, code, why = kit.faults[0]
            self._fail(kit, code, why)
            return
        kit.state = "mapping"
        model = kit.model
        licence = f" (licence of its weights: {model.licence})" if model and model.licence else ""
        info = f"Made by Clipbridge {__version__} with {model.name}{licence}" if model else "Made by Clipbridge"
        self._send(Map(kit.number, kit.folder, Kit(kit.ask.name, _slug(kit.ask.name), info, zones(kit.made))))

    # ---- ends ----

    def stop(self) -> None:
        """Clipbridge stops: begin nothing more, and map the sounds that are made."""
        reason = Stopping("Clipbridge was stopped before this sound was made.")
        for kit in list(self._kits):
            kit.faults += [(sound, reason.code, str(reason)) for sound in kit.waiting]
            kit.waiting.clear()
            if kit.state in ("waiting", "claiming"):
                self._fail(kit, reason.code, "Clipbridge was stopped before this kit was begun.")
        self.map_when_complete()

    def end(self) -> None:
        """Fail every unfinished kit: the shutdown budget is spent."""
        for kit in list(self._kits):
            self._fail(kit, Stopping.code, "Clipbridge was stopped before this kit was finished.")

    def _fail(self, kit: Making, code: str, why: str) -> None:
        if kit.folder:
            self._send(Leave(kit.folder))
        self._end(kit, "failed", code=code, why=why)

    def _end(self, kit: Making, kind: str, **fields: Any) -> None:
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

    def _announce(self, kit: Making, kind: str, **fields: Any) -> None:
        kit.last = KitEvent(kind, kit.ask.name, fields, reply_to=kit.reply_to)
        if kind != "progress":
            log.info("kit %r %s %s", kit.ask.name, kind, fields)
        self._publish(kit.last)


def zones(made: list[tuple[Sound, str, float]]) -> tuple[Zone, ...]:
    """The zones of the sounds, by key. In a kit of tones alone, each also covers the keys around its own; open and closed hats
    choke each other."""
    reached = reach(sound.key for sound, _, _ in made) if all(sound.note for sound, _, _ in made) else {}
    placed = []
    for sound, file, seconds in sorted(made, key=lambda one: one[0].key):
        title = f"{sound.text[:TITLE_CHARACTERS]} {sound.note.upper()}".strip()
        low, high = reached.get(sound.key, (sound.key, sound.key))
        choke = 1 if is_hat(sound.text) and not sound.note else 0
        placed.append(Zone(file, title, sound.key, low, high, seconds, choke, tone=bool(sound.note)))
    return tuple(placed)


def _slug(name: str) -> str:
    short = slug(name)[:SLUG_CHARACTERS].strip("-") or "kit"
    return f"{short}-kit" if RESERVED.fullmatch(short) else short
