"""Pads: slots with takes that are ready, so that a press sounds at once. They are refilled while the engine is idle. If no fresh
take is ready, those that have sounded sound again in turn.

Runs on the event loop. The player already holds the samples; a press only names them.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from bridge.domain.ask import Ask, Request
from bridge.domain.events import JobEvent, PadChanged, PadSet, PadVoice, Publish
from bridge.domain.job import Job
from bridge.domain.limits import seed_after
from bridge.domain.outputs import PADS
from bridge.errors import BadArgument, ClipbridgeError, PadEmpty
from bridge.live.pad import Pad, PadClip, Press
from bridge.live.pad_clips import PadClips
from bridge.live.pad_file import SINK, PadFile, StoredPad, check_length, shown_keys
from bridge.live.pad_voices import PadVoices
from bridge.live.saves import Saves
from bridge.live.takes import Take
from bridge.live.voices import Live
from bridge.player.messages import NOW, When, when
from bridge.shaper import messages

log = logging.getLogger("clipbridge")

OWNER = "pads"


class Pads:
    """All pads. `changed` is called when a pad may need a take, or no longer needs one. `file`: where pads are saved between
    runs, if anywhere."""

    def __init__(self, live: Live, publish: Publish, changed: Callable[[], None], file: Path | None = None) -> None:
        self._live, self._publish, self._changed = live, publish, changed
        self._file = PadFile(file) if file is not None else None
        self.saves = Saves(live, publish)
        self._clips, self.voices = PadClips(live), PadVoices(live, publish)
        self._next = 0  # the pad of the last request
        self._abandoned_jobs: list[Job] = []
        self._locked_empty: set[int] = set()
        stored = self._file.read() if self._file is not None else {}
        self._pads = {
            number: Pad(pad.ask, pad.locked, PadClip(pad.file) if pad.file else None, pad.choke)
            for number, pad in stored.items()
        }

    def set(self, number: int, ask: Ask) -> None:
        """Give a pad another prompt. Its takes sound again until one of the new prompt is ready. Raises BadArgument."""
        if ask.takes not in (None, 1):
            raise BadArgument("A pad makes its takes one after the other: leave takes out.")
        if ask.seconds is not None:
            check_length(ask.seconds)
        ask = dataclasses.replace(ask, sink=SINK, takes=None, deadline_s=None)
        if (before := self._pads.get(number)) is None:
            self._pads[number] = Pad(ask, number in self._locked_empty)
            self._locked_empty -= {number}
        else:
            self._abandon_job(before)
            self._clips.release(before)
            before.takes.supersede()
            self._pads[number] = Pad(ask, before.locked, None, before.choke, takes=before.takes, voices=before.voices)
        self._on_set(number)

    def load(self, number: int, ask: Ask, file: str) -> None:
        """Let a pad play an audio file at each press. The text of `ask` names it; of its keys, those of playback and `loop` count."""
        before = self._pads.get(number)
        locked = number in self._locked_empty if before is None else before.locked
        self._forget(number)
        self._locked_empty -= {number}
        pad = self._pads[number] = Pad(dataclasses.replace(ask, sink=SINK), locked, PadClip(file))
        if before is not None:
            pad.voices, pad.choke = before.voices, before.choke
        self._clips.load(pad)
        self._on_set(number)

    def _on_set(self, number: int) -> None:
        self._store()
        self._announce(number)
        self._announce_setting(number)
        self._changed()

    def play(self, number: int, velocity: float, press: Press, at: float | None = None, quantize: str = "") -> None:
        """Play the next take at `at` (seconds of time.perf_counter; None: now), or on the next beat or bar after that if
        `quantize`, or else the ask, says so. If no take is fresh, one that has sounded sounds again. `velocity`, 0 to 1, is
        multiplied by the ask's gain. Raises PadEmpty if the pad has never had a take, NoAudio."""
        pad = self._pad(number)
        moment = when(quantize or pad.ask.quantize, at)
        take = None if pad.clip is not None else pad.takes.next(pad.locked)
        slot, looped = (
            (take.slot, take.prompt.loop) if take is not None else (self._clips.slot(number, pad), pad.ask.loop == 1)
        )
        gain = velocity * (1.0 if pad.ask.gain is None else pad.ask.gain)
        voice = self._live.sound(press, slot, gain, pad.ask.pan or 0.0, moment, loop=looped, output=PADS)
        begun = "began" if moment == NOW else "waiting"
        self.voices.add(number, voice, begun)
        self._live.announce_voice(voice, press, begun, "")
        self.voices.end_others(pad, self._pads.values(), moment)
        pad.voices[voice] = looped
        if take is None:
            return
        before = pad.state
        self._drop(pad.takes.sounded(take, pad.locked))
        if pad.state != before:
            self._announce(number)
            self._changed()

    def announce_refusal(self, number: int, error: ClipbridgeError) -> None:
        """Tell subscribers why a press did not sound whose frontend cannot answer. An empty pad is passed over: a keyboard has many
        keys."""
        if number in self._pads:
            self._publish(PadChanged(number, *self._pads[number].state[:-1], why=str(error)))

    def stop(self, number: int, at: float | None = None) -> None:
        """Fade out the pad's voices, now or at `at`. Raises PadEmpty."""
        pad = self._pad(number)
        for voice in pad.voices:
            if self._live.sounds(voice):
                self._live.stop(voice, when=When(at))
        if at is None:  # else they sound until `at`, and may be stopped earlier
            pad.voices.clear()

    def release(self, number: int, at: float | None = None) -> None:
        """Fade out a gated pad: its button was released. Raises PadEmpty."""
        if number in self._pads and self._pads[number].ask.gate:
            self.stop(number, at)

    def clear(self, number: int) -> None:
        """Empty the pad. Raises PadEmpty."""
        self.stop(number)
        self._forget(number)
        self._on_set(number)

    def lock(self, number: int, locked: bool) -> None:
        """Play the same take at each press from the next one on, or another one each time. An empty pad will be locked when it is
        set."""
        if (pad := self._pads.get(number)) is None:
            self._locked_empty = self._locked_empty | {number} if locked else self._locked_empty - {number}
        elif pad.locked != locked:
            pad.locked = locked
            pad.takes.unlock()
            self._store()
            self._announce_setting(number)

    def choke(self, number: int, group: int) -> None:
        """Put a pad into a group, of which one pad sounds at a time; 0: into none. Raises PadEmpty."""
        self._pad(number).choke = group
        self._store()
        self._announce_setting(number)

    def save(self, number: int, press: Press) -> messages.Save:
        """The request to save the take that was played last. Raises PadEmpty."""
        pad = self._pad(number)
        if pad.clip is not None:
            raise BadArgument(f"Pad {number} plays a file, which is there already: {pad.clip.file}")
        if pad.takes.last is None:
            raise PadEmpty(f"Pad {number} has not been played yet: play it, and what you hear can be saved.")
        return self.saves.begin(number, pad.takes.last, press)

    def take(self, slot: int) -> Take | None:
        """The take that the player holds as `slot`."""
        takes = [take for pad in self._pads.values() for take in (*pad.takes.all, pad.takes.last)]
        return next((take for take in takes if take is not None and take.slot == slot), None)

    def clip_file(self, slot: int) -> str:
        """The audio file that the player holds as `slot` for a pad; "" if there is none."""
        clips = [pad.clip for pad in self._pads.values() if pad.clip is not None]
        return next((clip.file for clip in clips if clip.slot == slot), "")

    def states(self) -> list[tuple[int, str, float, int, int, str]]:
        """(pad, state, value, fresh, repeated, why) of all pads, as in PadChanged."""
        return [(number, *pad.state) for number, pad in sorted(self._pads.items())]

    def settings(self) -> list[PadSet | PadVoice]:
        """What each pad was set to, and the voices that sound or wait."""
        return [*(self._setting(number) for number in sorted(self._pads)), *self.voices.events()]

    # ---- filling ----

    def need_takes(self) -> bool:
        """Whether a pad has fewer takes than it should, and may be refilled now."""
        return any(pad.needs_take(self._live.player.tempo) for pad in self._pads.values())

    def next_request(self) -> Request | None:
        """The request for the pad with the fewest takes, first for one that was pressed in vain, if a pad needs one and none is
        being made."""
        for pad in self._pads.values():
            if pad.clip is not None and not pad.clip.slot:
                self._clips.load(pad)  # after a start
        if any(pad.job for pad in self._pads.values()):
            return None
        tempo = self._live.player.tempo
        hungry = [
            (len(pad.up_to_date(tempo)), not pad.missed, pad.retry.not_before, number)
            for number, pad in self._pads.items()
            if pad.needs_take(tempo)
        ]
        if not hungry:
            return None
        self._next = min(hungry)[-1]
        pad = self._pads[self._next]
        seed = None if pad.ask.seed is None else seed_after(pad.ask.seed, pad.take_count)
        return Request(dataclasses.replace(pad.ask, seed=seed), OWNER)

    def on_started(self, job: Job) -> None:
        """The last request is queued as this job."""
        pad = self._pads[self._next]
        pad.job, pad.fraction = job, 0.0
        pad.take_count += 1

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be queued."""
        self._fail(self._next, self._pads[self._next], str(error))

    def pop_abandoned_jobs(self) -> list[Job]:
        """The jobs for takes that no pad needs any more; each is returned once."""
        jobs, self._abandoned_jobs = self._abandoned_jobs, []
        return jobs

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job, perhaps to one that fills a pad."""
        number, pad = self._pad_of(job)
        if pad is None:
            return
        if event.kind == "progress":
            pad.fraction = event.fields["fraction"]
            if not pad.takes.fresh:
                self._announce(number)
        elif event.kind == "failed":
            self._fail(number, pad, event.fields["why"])
        elif event.kind == "cancelled":
            pad.job = None

    def on_clip(self, job: Job, file: str, sample_rate: int) -> None:
        """A take is finished; its samples are in `file`."""
        number, pad = self._pad_of(job)
        if pad is None:  # it was cleared or got another prompt in the meantime
            self._live.discard(file)
            return
        assert job.model is not None
        take = Take(self._live.slot(), file, sample_rate, job.prompt, job.model, pad.takes.version)
        self._live.hold(take.slot, file, sample_rate)
        pad.job, pad.fault, pad.missed = None, "", False
        pad.retry.succeed()
        self._drop(pad.takes.add(take))
        self._announce(number)

    def on_tempo(self) -> None:
        """Bars have another length now: retry pads that may have failed because of the old one."""
        for pad in self._pads.values():
            if pad.ask.bars is not None:
                pad.retry.reset()
        self._changed()

    def reload(self) -> None:
        """Load all takes into a new player."""
        for pad in self._pads.values():
            for take in pad.takes.all:
                self._live.hold(take.slot, take.file, take.sample_rate)
            self._clips.load(pad)

    # ---- files ----

    def on_held(self, slot: int, why: str) -> None:
        """The player has loaded the file of a pad, or cannot."""
        for number, pad in self._pads.items():
            if pad.clip is not None and pad.clip.slot == slot and pad.fault != why:
                pad.fault = why
                self._announce(number)

    def _fail(self, number: int, pad: Pad, why: str) -> None:
        pad.retry.fail()  # a prompt that kills the engine must not do so all evening
        pad.job, pad.fault = None, why
        log.info("pad %d: %s", number, why)
        self._announce(number)

    def _pad(self, number: int) -> Pad:
        if number not in self._pads:
            raise PadEmpty(f"Pad {number} is empty: send /bridge/pad/{number}/set with a prompt first.")
        return self._pads[number]

    def _pad_of(self, job: Job) -> tuple[int, Pad | None]:
        return next(((number, pad) for number, pad in self._pads.items() if pad.job is job), (0, None))

    def _forget(self, number: int) -> None:
        pad = self._pads.pop(number, None)
        if pad is not None:
            self._abandon_job(pad)
            self._clips.release(pad)
            self._drop(pad.takes.all)

    def _abandon_job(self, pad: Pad) -> None:
        if pad.job is not None:
            self._abandoned_jobs.append(pad.job)

    def _drop(self, takes: list[Take]) -> None:
        for take in takes:
            self._live.release(take.slot)
            self.saves.discard(take.file)

    def _announce(self, number: int) -> None:
        self._publish(PadChanged(number, *self._pads[number].state) if number in self._pads else PadChanged(number))

    def _announce_setting(self, number: int) -> None:
        self._publish(self._setting(number))

    def _setting(self, number: int) -> PadSet:
        if (pad := self._pads.get(number)) is None:
            return PadSet(number)
        return PadSet(number, pad.ask.text, int(pad.locked), shown_keys(pad.ask, pad.file, pad.choke))

    def _store(self) -> None:
        if self._file is not None:
            self._file.save(
                {number: StoredPad(pad.ask, pad.locked, pad.file, pad.choke) for number, pad in self._pads.items()}
            )
