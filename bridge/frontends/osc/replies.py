"""REPLIES: the OSC messages that we send, as data. Answers and events are built from it, and the tables of host_scripts/OSC.md.

A new event gets a row here: its address, which of its fields have a position, and its class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

NUMBER = re.compile(r"(?<=/)([a-z]+)/<n>")


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
