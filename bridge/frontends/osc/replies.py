"""REPLIES: the OSC messages that we send, as data. Answers, events and the tables of host_scripts/OSC.md are built from it.

A new event gets a row here: its address, its positional values, a sentence and its label.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.domain.events import Event

NUMBER = re.compile(r"(?<=/)([a-z]+)/<n>")
FLOAT = re.compile(r"`(\w+)` f\b")  # a pair that the table calls a float


@dataclass(frozen=True, slots=True)
class Reply:
    """An address that we send. `positional`: type and name of the values that come first, in their order, separated by
    commas; `pairs` describes the `key value` pairs after them. `event`: the label of the event that it is sent for. `is_private`: it
    names files, and is sent to programs on this machine only."""

    address: str
    positional: str
    what: str
    pairs: str = ""
    event: str = ""
    is_private: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the positional values."""
        return [value.split()[-1] for value in self.positional.split(", ") if value]

    @property
    def arguments(self) -> str:
        """The arguments, for the table."""
        return ", ".join(filter(None, (self.positional, self.pairs)))

    def message(self, facts: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Address and arguments that say these facts. A number in the address is the fact named before it; an empty `why` or
        `remark` is left out unless it has a position. A whole number where the table says f is sent as a float: strict OSC
        libraries match types."""
        floats = _floats(self)
        address, rest = self.address, {**facts, **{name: float(facts[name]) for name in floats & facts.keys()}}
        if (numbered := NUMBER.search(address)) is not None:
            address = NUMBER.sub(f"{numbered[1]}/{rest.pop(numbered[1])}", address)
        values = [rest.pop(name) for name in self.names]
        pairs = [(name, value) for name, value in rest.items() if value != "" or name not in ("why", "remark")]
        return address, [*values, *(part for pair in pairs for part in pair)]


@functools.cache
def _floats(reply: Reply) -> frozenset[str]:
    """The names of the values that are floats."""
    return frozenset(FLOAT.findall(reply.pairs)) | frozenset(
        value.split()[-1] for value in reply.positional.split(", ") if value.startswith("f ")
    )


CODES = (
    "`bad_argument` `unsupported` `queue_full` `too_late` `no_audio` `out_of_memory` `engine_lost` `shaper_lost` `disk` `no_model` "
    "`bad_audio` `bad_source` `unknown_clip` `unknown_voice` `library` `no_recipe` `stopping` `internal`"
)

REPLIES = {
    reply.address: reply
    for reply in (
        Reply("/bridge/queued", "id, i position, f eta_seconds",
              "Accepted. `position` jobs come first; the clip is ready in `eta_seconds`, 0 until something has been measured.",
              "then `seed` i, with a deadline `takes` i, `steps` i", event="queued"),
        Reply("/bridge/progress", "id, f fraction",
              "0 to 1, before the first and after each denoising step; below 1: decoding and writing follow.", event="progress"),
        Reply("/bridge/take", "id, i take, s path, f score", "Each take if there are several, best first.", "then `seed` i",
              event="take"),
        Reply("/bridge/done", "id, s path, f seconds",
              "The file is complete. If there are several takes, this is the best. `heard`: the words that a small checkpoint "
              "understood. `bars` and `bpm` are absent if the clip has a steady beat at another tempo.",
              "then `seed` i, `sample_rate` i, `channels` i, "
              "`frames` i, `model` s, with bars `bars` f, `bpm` f, `measured_bpm` f, `ratio` f, `confidence` f, "
              "with a key `root` s, `cents` f, `root_confidence` f, with a note `off_cents` f, of a loop `seam` f, "
              "with `lufs` the measured `lufs` f, of a source `method` s, `engine_seconds` f, `delivery_seconds` f, "
              "with a deadline `takes` i, `steps` i, "
              "`late_seconds` f (0 or more), where it sounds `voice` i, [`heard` s], [`remark` s]", event="done"),
        Reply("/bridge/failed", "id, s code, s why", f"There is no clip, and why. Codes: {CODES}.", event="failed"),
        Reply("/bridge/cancelled", "id", "The job was cancelled; there is no clip.", event="cancelled"),
        Reply("/bridge/queue/count", "i count", "The number of `/bridge/queue/job` that follow."),
        Reply("/bridge/queue/job", "id, i position, s prompt, f seconds",
              "An unfinished job; `position` 0 is being made or written. `yours` 1: `/bridge/cancel` with this id cancels it.",
              "then `eta_seconds` f, `yours` i"),
        Reply("/bridge/error", "s address, s code, s why",
              "About a message that made no job. More codes: `malformed` `unknown_address` `unknown_job` `cancelled` "
              "`unknown_voice` `pad_empty` `no_stream` `library` `unknown_clip`."),
        Reply("/bridge/state", "s state, s why",
              "To subscribers: `loading` `warming` `ready` `restarting` `waiting` (for an engine on another machine) `failed` "
              "`stopping`.", event="state"),
        Reply("/bridge/voice", "i voice, s state, s why",
              "To the asker and to subscribers: a voice `began` or `ended`, or is `waiting` for its moment.",
              "of a file that was played by its path [`path` s]", event="voice"),
        Reply("/bridge/pad/<n>/state", "s state, f value",
              "To the asker and to subscribers: `empty`, `filling` (0 to 1) or `ready` (the number of fresh takes). While no take is "
              "`fresh`, those that are `repeated` sound again in turn.",
              "then `fresh` i, `repeated` i, [`why` s], after set [`remark` s]", event="pad"),
        Reply("/bridge/pad/<n>/prompt", "s prompt",
              "To subscribers after set, clear and lock, and in answer to `/bridge/pads`: what the pad was set to. For labels; empty if "
              "the pad is empty, or if a key such as `vary` names a source and no words were sent.",
              "then `locked` i, the keys that it was set with, if it plays a file `file` s, "
              "in a choke group `choke` i", event="pad set"),
        Reply("/bridge/pad/<n>/voice", "i voice, s state",
              "To subscribers, and in answer to `/bridge/pads` for what sounds: a voice of the pad `began` or `ended`, or is `waiting` for "
              "its moment, whoever played it. For lights.", event="pad voice"),
        Reply("/bridge/pad/<n>/saved", "s path, s why", "The take is in the folder; if the path is empty, `why` says why not.",
              event="pad saved"),
        Reply("/bridge/kit/queued", "s name, i count", "Accepted: the kit has `count` sounds.",
              "then `seed` i, [`remark` s]", event="kit queued"),
        Reply("/bridge/kit/sound", "s name, i key, s path, s why",
              "A sound of the kit is made, for the MIDI note `key`; if the path is empty, `why` says why not.",
              "then `prompt` s, `note` s (empty: a drum), [`seconds` f], [`remark` s]", event="kit sound"),
        Reply("/bridge/kit/progress", "s name, i done, i total", "`done` of `total` sounds have been made or have failed.",
              event="kit progress"),
        Reply("/bridge/kit/done", "s name, s folder, i count, i failed",
              "The folder and its mappings are complete. `guessed`: the prompts in which a small checkpoint heard no sound "
              "that it knows. `untuned`: the tones that could not be tuned; in a kit of tones, their neighbours play their keys. "
              "`why`: of the first sound that failed.",
              "then `sfz` s, `decentsampler` s, `hydrogen` s, `seed` i, [`guessed` s], [`untuned` s], [`why` s]", event="kit done"),
        Reply("/bridge/kit/failed", "s name, s code, s why", "There is no kit, and why; also with the code `cancelled`.",
              event="kit failed"),
        Reply("/bridge/kit/preset", "s name, i sounds, s description", "The preset of a kit, with the number of its sounds."),
        Reply("/bridge/learn/begun", "s name, f minutes", "Accepted: the folder is learned for at most these minutes.",
              event="learn begun", is_private=True),
        Reply("/bridge/learn/reading", "s name, i done, i total", "`done` of `total` sounds of the folder were read.",
              event="learn reading", is_private=True),
        Reply("/bridge/learn/skipped", "s name, s file, s why", "A file of the folder is not learned from; the first twenty are named.",
              event="learn skipped", is_private=True),
        Reply("/bridge/learn/read", "s name, i files, f seconds",
              "It learns from these files of sound. `left_out` cannot be used, and `others` are not sound. `words`: the number of "
              "different words in their names. `learned_s`: the seconds for which it was learned before it was stopped.",
              "then `left_out` i, `others` i, `words` i, `learned_s` f", event="learn read", is_private=True),
        Reply("/bridge/learn/progress", "s name, f fraction",
              "Several times a second. `loss`: of the training; `held_out`: of the sounds that are only listened to, and `base` before it "
              "learned: lower is better. `remark`: what goes wrong meanwhile.",
              "then `step` i, `loss` f, `held_out` f, `base` f, `seconds_left` f, [`remark` s]", event="learn progress", is_private=True),
        Reply("/bridge/learn/clip", "s name, s path", "What it has learned so far, once a minute: a clip in the sub-folder `name`.",
              "then `prompt` s, `seconds` f, `seed` i, `step` i", event="learn clip", is_private=True),
        Reply("/bridge/learn/done", "s name, s folder",
              "The model is complete. `held_out` and `base` as in progress; `seconds`: of learning; `word`: what its sounds "
              "are called in prompts, if they have a word of their own.",
              "then `files` i, `steps` i, `seconds` f, `held_out` f, `base` f, [`word` s], [`remark` s]",
              event="learn done", is_private=True),
        Reply("/bridge/learn/failed", "s name, s code, s why",
              "There is no model, and why; more codes: `cancelled` `name_taken` `learner_lost`. What was learned is kept, unless `why` "
              "says otherwise: the same message goes on.", event="learn failed", is_private=True),
        Reply("/bridge/stream/state", "s state, f ahead_s",
              "To subscribers, and once to the asker: `filling`, `playing`, `thin` (clips repeat until new ones are ready) or `off`, "
              "and the seconds buffered.", "[`why` s], after start and set [`remark` s]", event="stream"),
        Reply("/bridge/audio", "s state, s why",
              "To subscribers, about the audio device: `open`, `lost`, `unusable`, `failed`.", event="audio"),
        Reply("/bridge/cue", "s state, s why",
              "To subscribers, about the cue, if `audio.cue` names a pair or a device: `open`, `lost`, `unusable`, `failed`.",
              event="cue"),
        Reply("/bridge/midi", "s state, s why", "To subscribers, about the MIDI input: `open`, `waiting`, `unusable`.", event="midi"),
        Reply("/bridge/preset", "s name, s state, s why",
              "To subscribers, about an edited preset: `ready`, `broken` (`why` names file and line), `gone`.", event="preset"),
        Reply("/bridge/inbox", "s state, s what",
              "To subscribers, about the inbox: `open` or `closed`; about a file in it: `begun`, `done` or `failed` with the path "
              "of the report, `withdrawn`, `stuck`.", event="inbox"),
        Reply("/bridge/model", "s name", "Details of a checkpoint on this disk. `licence` is empty if it states none. `can`: its "
              "abilities, such as `steps guidance negative notes loops early ranked speech`.",
              "then `size_mb` f, `licence` s, `sample_rate` i, `revision` s, `channels` i, `max_seconds` f, `can` s"),
        Reply("/bridge/found", "i count", "The number of `/bridge/clip` that follow, and of all clips that match. `id`: as in find.",
              "then `total` i, [`id`]"),
        Reply("/bridge/clip", "s path", "A clip of the library. `bpm` 0, `note` empty, `rating` 0, `bars` 0, `key` empty: "
              "unknown. `added_at`: `2026-11-26T20:15:03Z`. `take`: of its job, from 1. `clip`: its number, as in "
              "`vary clip:12`. Only to programs on the machine of Clipbridge, of a clip that was made from another sound: `how` (`vary`, "
              "`continue` or `fill`), `source` (its path), the seconds `from` and `to` (as the keys of generate), and `strength` of vary. "
              "`id`: as in find.",
              "then `prompt` s, `seconds` f, `bpm` f, `note` s, `seed` i, `rating` i, `favourite` i, `added_at` s, `take` i, `bars` f, "
              "`key` s, `loop` i, `preset` s, `model` s, `clip` i, [`how` s, `source` s, `from` f, `to` f], [`strength` f], [`id`]"),
        Reply("/bridge/measured", "s path",
              "The facts of an audio file. `bpm`: of its first 30 seconds, 0 if they have no steady beat; of tempi that fit equally well "
              "(half, double) the one nearest to `/bridge/tempo`. `confidence`: of the tempo, 0 to 1. `prompt`, and `recipe` "
              "as JSON: of a clip.",
              "then `seconds` f, `sample_rate` i, `channels` i, `frames` i, `bpm` f, `confidence` f, [`prompt` s], [`recipe` s]"),
        Reply("/bridge/cropped", "s path, s new_path",
              "To the asker and to subscribers: a part of the file at `path` is in a new file.",
              "then `seconds` f, `frames` i, `sample_rate` i, `channels` i", event="cropped"),
        Reply("/bridge/interrupted/count", "i count", "The number of `/bridge/interrupted/job` that follow."),
        Reply("/bridge/interrupted/job", "id, s prompt, f seconds", "An interrupted job.", "then `seed` i"),
        Reply("/bridge/resumed", "i count, i left",
              "`count` jobs are in the queue again; `left` found no room there: resume again when there is some."),
        Reply("/bridge/pong", "", "Clipbridge is running.", "the arguments of ping"),
    )
}  # fmt: skip

BY_EVENT = {reply.event: reply for reply in REPLIES.values() if reply.event}


def reply_of(event: Event) -> Reply | None:
    """The reply that an event is sent as; None if OSC clients are not told."""
    return BY_EVENT.get(event.label())
