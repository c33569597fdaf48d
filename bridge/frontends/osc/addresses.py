"""METHODS: the OSC address table as data. It feeds the dispatcher, the argument check and the tables of host_scripts/OSC.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.domain.ask import FIELDS, fields_of
from bridge.domain.events import (
    AudioChanged,
    Event,
    InboxChanged,
    JobEvent,
    KitEvent,
    MidiChanged,
    PadChanged,
    PadSaved,
    PresetChanged,
    StateChanged,
    StreamChanged,
    VoiceChanged,
)
from bridge.domain.fields import Door, Field
from bridge.domain.limits import BPM, PADS, RATING, SECONDS, Range

NUMBER = re.compile(r"(?<=/)([a-z]+)/<n>")


@dataclass(frozen=True, slots=True)
class Method:
    """An address that we answer. `handler` is the name of the method of the OSC frontend that serves it."""

    address: str
    handler: str
    arguments: str
    answer: str
    what: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An address that we send. `positional` fields come first, in this order; the others follow as `key value`. `event`: the
    class of the events that are sent to it, if any; of JobEvent and KitEvent those whose kind the address ends with."""

    address: str
    positional: tuple[str, ...]
    arguments: str
    what: str
    event: type[Event] | None = None

    def message(self, facts: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Address and arguments that say these facts. A number in the address is the fact that is named before it; an empty
        `why` is left out unless it has a position."""
        address, rest = self.address, dict(facts)
        if (numbered := NUMBER.search(address)) is not None:
            address = NUMBER.sub(f"{numbered[1]}/{rest.pop(numbered[1])}", address)
        values = [rest.pop(name) for name in self.positional]
        pairs = [(name, value) for name, value in rest.items() if value != "" or name != "why"]
        return address, [*values, *(part for pair in pairs for part in pair)]


KEYS = fields_of(Door.OSC)


def _between(name: str, allowed: Range) -> tuple[Field, Field]:
    """The keys for a range of `name`."""
    low, high = (Field(f"{name}_{end}", "number", "job", "", allowed) for end in ("from", "to"))
    return low, high


FIND_KEYS = {
    key.name: key
    for key in (
        *_between("bpm", BPM),
        *_between("seconds", SECONDS),
        FIELDS["note"],
        FIELDS["key"],
        Field("favourite", "flag", "job", ""),
        Field("rating_from", "whole", "job", "", RATING),
        Field("limit", "whole", "job", "", Range(1, 50)),
    )
}

METHODS = {
    method.address: method
    for method in (
        Method("/bridge/generate", "generate", "s prompt, [f seconds], [key value …]",
               "`/bridge/queued`, `/bridge/progress` …, then exactly one of `/bridge/done`, `/bridge/failed`, `/bridge/cancelled`",
               f"Make a clip of {SECONDS} seconds. The first argument is always the prompt, even `808`."),
        Method("/bridge/generate/words", "generate_words", "words … [f seconds] [@key value …]", "as generate",
               "The same for hosts that cannot quote (Pd, Max): all atoms before the first `@key` are the prompt, "
               "a last number among them is the seconds."),
        Method("/bridge/recall", "recall", "s path, [`id` i or s]", "as generate",
               "Make a clip again from the recipe in its file: byte for byte the same with the same checkpoint, versions and compute; "
               "`remark` says what is not the same."),
        Method("/bridge/set/<key>", "set", "value; none forgets it", "nothing, or `/bridge/error`",
               "Remember `prompt`, `seconds` or any key below for your machine's next triggers (faders, automation, tablets)."),
        Method("/bridge/trigger", "trigger", "[f]; 0 does nothing", "as generate", "Make a clip with what was set."),
        Method("/bridge/job", "job", "id", "the job's last event again", "Ask again for an answer that got lost."),
        Method("/bridge/cancel", "cancel", "[id]", "`/bridge/cancelled` for each; none: `/bridge/cancelled` without an id",
               "Cancel a job within one step; without an id all unfinished jobs and kits of your machine."),
        Method("/bridge/stop", "stop", "[f]; 0 does nothing", "–",
               "Silence now: every voice fades within 5 ms, and what is asked for already will not sound. Jobs go on."),
        Method("/bridge/voice/<n>/stop", "voice", "[f fade_ms]", "`/bridge/voice` n `ended`", "Fade one voice out."),
        Method("/bridge/voice/<n>/gain", "voice", "f gain, [f glide_ms]", "–", "How loud a voice is, while it sounds."),
        Method("/bridge/voice/<n>/pan", "voice", "f pan, [f glide_ms]", "–", "Where a voice is, −1 to 1."),
        Method("/bridge/voice/<n>/loop", "voice", "i 0 or 1", "–", "Whether a voice begins again at its end."),
        Method("/bridge/pad/<n>/set", "pad", "as generate", "`/bridge/pad/<n>/state`",
               f"Give pad n (0 to {PADS.high:.0f}) a prompt; the engine makes takes for it whenever it has nothing else to do."),
        Method("/bridge/pad/<n>/set/words", "pad", "as generate/words", "`/bridge/pad/<n>/state`", "The same for hosts that cannot quote."),
        Method("/bridge/pad/<n>/play", "pad", "[f velocity], [`quantize` s]", "`/bridge/voice` n `began` (or first `waiting`)",
               "Sound its next take: at once, or as `quantize` says. Velocity 0 to 1 or to 127; 0 ends a gated pad."),
        Method("/bridge/pad/<n>/stop", "pad", "–", "–", "Fade out what it sounds."),
        Method("/bridge/pad/<n>/clear", "pad", "–", "`/bridge/pad/<n>/state`", "Empty it."),
        Method("/bridge/pad/<n>/lock", "pad", "i 0 or 1", "–", "1: the same take at every press."),
        Method("/bridge/pad/<n>/save", "pad", "–", "`/bridge/pad/<n>/saved`", "Put the take that sounded last into the folder."),
        Method("/bridge/pads", "pads", "–", "`/bridge/pad/<n>/state` for each", "What all pads have."),
        Method("/bridge/kit", "kit", "s name, s prompt …, [@key value …]",
               "`/bridge/kit/queued`, `/bridge/kit/progress` …, then exactly one of `/bridge/kit/done`, `/bridge/kit/failed`",
               "Make a folder of one-shots with mappings for samplers. `36:low kick` lies on MIDI note 36, `c4:glassy bell` is a tone "
               "and lies there, others lie where General MIDI has such a drum. Keys: `preset` (of all sounds; without prompts that of "
               "a kit), `notes` (`c4..g4`: each prompt as these tones), `seconds`, `seed`, `negative`, `steps`, `guidance`."),
        Method("/bridge/kit/cancel", "kit_cancel", "[s name]", "`/bridge/kit/failed` with the code `cancelled`",
               "End a kit, without a name all kits of your machine. What is made stays."),
        Method("/bridge/kits", "kits", "–", "the last event of each kit again", "Ask again for an answer that got lost."),
        Method("/bridge/stream/start", "stream", "as generate", "`/bridge/stream/state`",
               "A prompt that goes on for ever: clips of so many seconds or bars (8 s), cross-faded over a second."),
        Method("/bridge/stream/set", "stream", "as generate", "`/bridge/stream/state`",
               "Another prompt, heard at the next seam by which a clip of it is there."),
        Method("/bridge/stream/start/words", "stream", "as generate/words", "`/bridge/stream/state`",
               "The same for hosts that cannot quote."),
        Method("/bridge/stream/set/words", "stream", "as generate/words", "`/bridge/stream/state`", "Likewise."),
        Method("/bridge/stream/stop", "stream", "[f fade_ms]", "–", "Fade out, over two seconds if nothing is said."),
        Method("/bridge/stream", "stream", "–", "`/bridge/stream/state`", "How the stream is."),
        Method("/bridge/tempo", "tempo", "[f bpm, [i beats_per_bar]]", "none given: `/bridge/tempo` f bpm, i beats_per_bar, f beat",
               f"The tempo from now on, {BPM} BPM; the beats go on from where they are."),
        Method("/bridge/beat", "beat", "f n", "–",
               "Beat n of the song is now (0 is the first of a bar). Small differences only move the grid a little."),
        Method("/bridge/status", "status", "–",
               "`/bridge/status` s state, then `queue` i, `running` id, `model` s, `warm` s, `compute` s, `max_seconds` f, "
               "`peak_mb` f, `audio` s, `underflows` i, `why` s",
               "What the daemon is doing."),
        Method("/bridge/version", "version", "–", "`/bridge/version` s version", "Which Clipbridge this is."),
        Method("/bridge/presets", "list_presets", "–", "`/bridge/presets` s name …", "The presets by name."),
        Method("/bridge/models", "list_models", "[s name]", "`/bridge/models` s running, s name …; with a name `/bridge/model`",
               "The checkpoint that runs, then all that are on this disk; with a name the facts of that one."),
        Method("/bridge/restart", "restart", "[s name]", "`/bridge/restart` s state",
               "Start the engine afresh, with a name: with that checkpoint. The running job fails with `engine_lost`, those "
               "that wait are kept."),
        Method("/bridge/find", "find", "s words, [" + " ".join(f"`{name}`" for name in FIND_KEYS) + "]",
               "`/bridge/found`, then `/bridge/clip` for each",
               "Look for clips by the beginnings of words in the prompt, file name, preset or sub-folder; `\"\"`: any clip. At most 50 "
               "(20 if nothing is said), the best match first, then the newest."),
        Method("/bridge/favourite", "favourite", "s path, [i 0 or 1]", "`/bridge/clip`", "Mark a clip as a favourite; 0: no longer."),
        Method("/bridge/rate", "rate", "s path, i 0 to 5", "`/bridge/clip`", "Rate a clip."),
        Method("/bridge/interrupted", "interrupted", "–", "`/bridge/interrupted/count`, then `/bridge/interrupted/job` for each",
               "The jobs that were accepted and did not end, because Clipbridge or the machine crashed."),
        Method("/bridge/resume", "resume", "–", "`/bridge/queued` for each, then `/bridge/resumed`",
               "Ask for them again, with the same prompts, seeds and keys (but no deadline); you get their events."),
        Method("/bridge/ping", "ping", "[anything]", "`/bridge/pong` with the same", "Is anybody there?"),
        Method("/bridge/subscribe", "subscribe", "[i port]", "`/bridge/state`, then all events of all jobs",
               "For 60 s; ask again to renew."),
        Method("/bridge/unsubscribe", "unsubscribe", "[i port]", "–", "No more events."),
    )
}  # fmt: skip

CODES = (
    "`bad_argument` `unsupported` `queue_full` `too_late` `no_audio` `out_of_memory` `engine_lost` `shaper_lost` `disk` `no_model` "
    "`bad_audio` `no_recipe` `stopping` `internal`"
)

REPLIES = {
    reply.address: reply
    for reply in (
        Reply("/bridge/queued", ("id", "position", "eta_seconds"),
              "id, i position, f eta_seconds, then `seed` i, with a deadline `takes` i, `steps` i",
              "Accepted. `position` jobs are before it; `eta_seconds` until the clip is there, 0 while nothing is measured yet.",
              event=JobEvent),
        Reply("/bridge/progress", ("id", "fraction"), "id, f 0..1",
              "Before the first and after each denoising step; below 1: decoding and writing follow.", event=JobEvent),
        Reply("/bridge/take", ("id", "take", "path", "score"), "id, i take, s path, f score, then `seed` i",
              "Each take when there are several, best first.", event=JobEvent),
        Reply("/bridge/done", ("id", "path", "seconds"),
              "id, s absolute path with `/`, f seconds, then `seed` i, `sample_rate` i, `channels` i, "
              "`frames` i, `model` s, with bars `bars` f, `bpm` f, `measured_bpm` f, `ratio` f, `confidence` f, "
              "with a key `root` s, `cents` f, `root_confidence` f, of a loop `seam` f, "
              "with `lufs` the measured `lufs` f, `engine_seconds` f, `delivery_seconds` f, "
              "with a deadline `takes` i, `steps` i, "
              "`late_seconds` f (0 or more), where it sounds `voice` i, [`heard` s], [`remark` s]",
              "The file is there, complete. With several takes this is the best. `heard`: the words that a small checkpoint understood.",
              event=JobEvent),
        Reply("/bridge/failed", ("id", "code", "why"), "id, s code, s why", f"No clip, and why. Codes: {CODES}.", event=JobEvent),
        Reply("/bridge/cancelled", ("id",), "id", "No clip, as asked.", event=JobEvent),
        Reply("/bridge/error", ("address", "code", "why"), "s address, s code, s why",
              "About a message that made no job. More codes: `malformed` `unknown_address` `unknown_job` "
              "`unknown_voice` `pad_empty` `no_stream` `library` `unknown_clip`."),
        Reply("/bridge/state", ("state", "why"), "s state, s why",
              "To subscribers: `loading` `warming` `ready` `restarting` `failed` `stopping`.", event=StateChanged),
        Reply("/bridge/voice", ("voice", "state", "why"), "i n, s state, s why",
              "To the asker and to subscribers: a voice `began` or `ended`, or is `waiting` for its moment.", event=VoiceChanged),
        Reply("/bridge/pad/<n>/state", ("state", "value"), "s state, f value, [`why` s]",
              "To the asker and to subscribers: `empty`, `filling` 0..1, `ready` with so many takes.", event=PadChanged),
        Reply("/bridge/pad/<n>/saved", ("path", "why"), "s path, s why", "The take is in the folder; or why not.", event=PadSaved),
        Reply("/bridge/kit/queued", ("name", "count"), "s name, i count, then `seed` i", "So many sounds are to be made.", event=KitEvent),
        Reply("/bridge/kit/progress", ("name", "done", "total"), "s name, i done, i total",
              "So many are made, or have failed.", event=KitEvent),
        Reply("/bridge/kit/done", ("name", "folder", "count", "failed"),
              "s name, s folder, i count, i failed, then `sfz` s, `decentsampler` s, `hydrogen` s, `seed` i, [`why` s]",
              "The folder and its mappings are complete. `why`: of the first sound that could not be made.", event=KitEvent),
        Reply("/bridge/kit/failed", ("name", "code", "why"), "s name, s code, s why",
              "No kit, and why; also with the code `cancelled`.", event=KitEvent),
        Reply("/bridge/stream/state", ("state", "ahead_s"), "s state, f ahead_s, [`why` s]",
              "To subscribers, and once to the asker: `filling`, `playing`, `thin` (clips sound again until new ones are made) or `off`, "
              "and how many seconds are there already.", event=StreamChanged),
        Reply("/bridge/audio", ("state", "why"), "s state, s why",
              "To subscribers, about the audio device: `open`, `lost`, `unusable`, `failed`.", event=AudioChanged),
        Reply("/bridge/midi", ("state", "why"), "s state, s why",
              "To subscribers, about the MIDI input: `open`, `waiting`, `unusable`.", event=MidiChanged),
        Reply("/bridge/preset", ("name", "state", "why"), "s name, s state, s why",
              "To subscribers, about a preset that is edited: `ready`, `broken` (`why` names file and line), `gone`.", event=PresetChanged),
        Reply("/bridge/inbox", ("state", "what"), "s state, s what",
              "To subscribers, about the inbox: `open` or `closed`, and about a file in it: `begun`, `done` or `failed` with the path "
              "of the report, `withdrawn`, `stuck`.", event=InboxChanged),
        Reply("/bridge/model", ("name",), "s name, then `size_mb` f, `licence` s, `sample_rate` i, `revision` s",
              "The facts of a checkpoint on this disk. An empty licence: it states none."),
        Reply("/bridge/found", ("count",), "i count", "So many `/bridge/clip` follow."),
        Reply("/bridge/clip", ("path",),
              "s absolute path with `/`, then `prompt` s, `seconds` f, `bpm` f, `note` s, `seed` i, `rating` i, `favourite` i",
              "A clip of the library. `bpm` 0, `note` and `rating` empty or 0: none."),
        Reply("/bridge/interrupted/count", ("count",), "i count", "So many `/bridge/interrupted/job` follow."),
        Reply("/bridge/interrupted/job", ("id", "prompt", "seconds"), "id, s prompt, f seconds, then `seed` i",
              "A job that was interrupted."),
        Reply("/bridge/resumed", ("count", "left"), "i count, i left",
              "So many are asked for again; `left` found no place in the queue: resume once more when there is some."),
        Reply("/bridge/pong", (), "what ping carried", "Yes."),
    )
}  # fmt: skip


KINDS = (JobEvent, KitEvent)
OF_EVENTS = {
    (reply.event, reply.address.rpartition("/")[2] if reply.event in KINDS else ""): reply
    for reply in REPLIES.values()
    if reply.event is not None
}


def reply_of(event: Event) -> Reply | None:
    """The reply that an event is sent as; None if OSC clients are not told of it."""
    return OF_EVENTS.get((type(event), event.kind if isinstance(event, KINDS) else ""))


def tables() -> str:
    """The tables of host_scripts/OSC.md as Markdown. `python -m tests.pages` writes them there; a test compares the two."""
    lines = ["| you send | arguments | you get | what for |", "|---|---|---|---|"]
    lines += [f"| `{m.address}` | {m.arguments} | {m.answer} | {m.what} |" for m in METHODS.values()]
    lines += ["", "| key of generate | value | what for |", "|---|---|---|"]
    lines += [f"| `{key.name}` | {key.values} | {key.what} |" for key in KEYS.values()]
    lines += ["", "| you get | arguments | meaning |", "|---|---|---|"]
    lines += [f"| `{r.address}` | {r.arguments} | {r.what} |" for r in REPLIES.values()]
    return "\n".join(lines) + "\n"
