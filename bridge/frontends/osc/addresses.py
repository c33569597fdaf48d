"""METHODS: the OSC addresses that we answer, each with its handler. The dispatcher and host_scripts/OSC.md read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from bridge.domain.learning import DEFAULT_MINUTES
from bridge.domain.limits import BPM, CHOKES, MINUTES, ORDERS, PADS, SECONDS, Range
from bridge.frontends.osc import (
    audio_files,
    audition,
    daemon,
    find,
    interrupted,
    jobs,
    kits,
    learning,
    library,
    live,
    models,
    pads,
)
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.arguments import KEYS
from bridge.frontends.osc.audition import PLAY_KEYS
from bridge.frontends.osc.find import FIND_KEYS
from bridge.frontends.osc.live import VOICES
from bridge.frontends.osc.replies import REPLIES

NUMBERS: dict[str, Range] = {"pad": PADS, "voice": VOICES}  # the range of <n> behind each of these


@dataclass(frozen=True, slots=True)
class Method:
    """An address that we answer. `<n>` in it is a pad or voice, `<key>` any key. `handler` may raise any ClipbridgeError.
    `takes_last_reply_port`: a last `reply_port N` is removed from the arguments and says where the answer goes. `in_words`:
    the address also exists with /words, for hosts that cannot quote. `button`: no argument is needed, the release of a button
    does nothing, and what it sends besides is ignored. `answers_itself`: the answer comes from the same address, so a button may
    send only what says that it was pressed."""

    address: str
    handler: Callable[[Osc, Request], None]
    arguments: str
    answer: str
    what: str
    takes_last_reply_port: bool = True
    in_words: bool = False
    button: bool = False
    answers_itself: bool = False


ROWS = (
    Method("/bridge/generate", jobs.generate, "s prompt, [f seconds], [key value …]",
           "`/bridge/queued`, `/bridge/progress` …, then exactly one of `/bridge/done`, `/bridge/failed`, `/bridge/cancelled`",
           f"Make a clip of {SECONDS} seconds. The first argument is always the prompt, even `808`; a "
           "length inside it (`\"snare 0.3\"` as one text) is not read, and `remark` says so.",
           takes_last_reply_port=False, in_words=True),
    Method("/bridge/recall", jobs.recall, "s path, [`id` i or s]", "as generate",
           "Make a clip again from the recipe in its file: identical byte for byte with the same checkpoint, versions, "
           "compute and number of threads; otherwise `remark` says what differs."),
    Method("/bridge/set/<key>", jobs.set_key, "a value; without one the key is forgotten", "nothing, or `/bridge/error`",
           "Remember `prompt`, `seconds` or any key below for the next triggers of your machine (faders, automation, tablets)."),
    Method("/bridge/trigger", jobs.trigger, "–", "as generate", "Make a clip from the remembered values.", button=True),
    Method("/bridge/job", jobs.job, "id", "the job's last event again", "Ask again for a reply that got lost."),
    Method("/bridge/queue", jobs.queue, "–", "`/bridge/queue/count`, then `/bridge/queue/job` for each",
           "All unfinished jobs, those of kits, pads, the stream and other machines too, in the order in which they are made.",
           button=True),
    Method("/bridge/cancel", jobs.cancel, "[id]", "`/bridge/cancelled` for each job; if there are none, once without an id",
           "Cancel a job within one step; without an id, all unfinished jobs and kits of your machine."),
    Method("/bridge/play", audition.play, "s path, [" + " ".join(f"`{name}`" for name in PLAY_KEYS) + "]",
           "`/bridge/voice` n `waiting`, then `began`",
           "Play an audio file of this machine, of any kind, or `clip:` and the number of a clip; from another machine, a clip of the "
           "library or a file below the sample folder: from the second `from` to the second `to`, at most ten minutes. `gain`, `pan`, "
           "`loop` and `quantize` as in generate; a loop goes round from `from` to `to`. With `output cue` it sounds on the cue "
           "(`audio.cue`), which the audience does not hear, or is refused."),
    Method("/bridge/stop", live.stop, "[anything]", "–",
           "Silence now: every voice fades out within 5 ms, and nothing you asked for earlier will sound. Jobs go on. Only the release "
           "of a button does nothing.", takes_last_reply_port=False, button=True),
    Method("/bridge/voice/<n>/stop", live.voice_stop, "[f fade_ms]", "`/bridge/voice` n `ended`", "Fade out a voice."),
    Method("/bridge/voice/<n>/gain", live.voice_gain, "f gain, [f glide_ms]", "–", "Change the gain of a voice while it sounds."),
    Method("/bridge/voice/<n>/pan", live.voice_pan, "f pan, [f glide_ms]", "–", "Move a voice, −1 (left) to 1 (right)."),
    Method("/bridge/voice/<n>/loop", live.voice_loop, "[i 0 or 1]", "–", "Whether a voice starts again at its end."),
    Method("/bridge/pad/<n>/set", pads.set_prompt, "as generate", "`/bridge/pad/<n>/state`",
           f"Give pad n (0 to {PADS.high:.0f}) a prompt; the engine makes takes for it whenever it is idle.", in_words=True),
    Method("/bridge/pad/<n>/load", pads.load, "s path, [`gain` `pan` `loop` `quantize` `gate`]", "`/bridge/pad/<n>/state`",
           "Let pad n play this clip of the library, or audio file below the sample folder, at each press: at most 30 seconds. If the file "
           "is gone later, `why` says so, and a press looks for it again."),
    Method("/bridge/pad/<n>/play", pads.play, "[f velocity], [`quantize` s]", "`/bridge/voice` n `began` (or first `waiting`)",
           "Play its next take, or one that has sounded if none is fresh, at once or as `quantize` says. Velocity 0 to 1, or up to 127; 0 "
           "releases a gated pad."),
    Method("/bridge/pad/<n>/stop", pads.stop, "–", "–", "Fade out its voices.", button=True),
    Method("/bridge/pad/<n>/clear", pads.clear, "–", "`/bridge/pad/<n>/state`", "Empty it.", button=True),
    Method("/bridge/pad/<n>/lock", pads.lock, "[i 0 or 1]", "–",
           "1: play the same take at every press. An empty pad will be locked when it is set."),
    Method("/bridge/pad/<n>/choke", pads.choke, "i group", "–",
           f"Put it into a choke group, {CHOKES} (0: none): a press fades out the other pads of its group when it begins to sound."),
    Method("/bridge/pad/<n>/save", pads.save, "–", "`/bridge/pad/<n>/saved`", "Put the take that sounded last into the folder.",
           button=True),
    Method("/bridge/pads", pads.pads, "–",
           "`/bridge/pad/<n>/state` for each, then `/bridge/pad/<n>/prompt` for each and `/bridge/pad/<n>/voice` for what sounds",
           "The state of all pads that are not empty; no answer if all are.", button=True),
    Method("/bridge/kit", kits.kit, "s name, s prompt …, [@key value …]",
           "`/bridge/kit/queued`, `/bridge/kit/progress` …, then exactly one of `/bridge/kit/done`, `/bridge/kit/failed`",
           "Make a folder of one-shots with mappings for samplers. `36:low kick` is mapped to MIDI note 36, `c4:glassy bell` is a "
           "tone at its own pitch, others go where General MIDI has such a drum. Keys: `preset` (for all sounds; without prompts, "
           "the preset of a kit), `notes` (`c4..g4`: the prompt without a key of its own at each of these pitches), `seconds`, "
           "`seed`, `negative`, `steps`, `guidance`."),
    Method("/bridge/kit/cancel", kits.cancel, "[s name]", "`/bridge/kit/failed` with the code `cancelled`",
           "Cancel a kit; without a name, all kits of your machine. Finished sounds stay."),
    Method("/bridge/kit/replace", kits.replace, "s name, i key, [s prompt]", "as kit",
           "Make the sound for this MIDI note of a finished kit again, with another seed or prompt, and write the mappings again. The "
           "file of the old sound stays. For kits that were made since Clipbridge was started."),
    Method("/bridge/kit/presets", kits.presets, "–", "`/bridge/kit/preset` for each", "The presets of kits.", button=True),
    Method("/bridge/kits", kits.kits, "–", "the last event of each kit again",
           "Ask again for a reply that got lost; no answer if no kit was made since Clipbridge was started.", button=True),
    Method("/bridge/learn", learning.learn, "s folder, s name, [`minutes` f], [`how` s]",
           "`/bridge/learn/begun`, `/bridge/learn/read`, `/bridge/learn/progress` …, then exactly one of `/bridge/learn/done`, "
           "`/bridge/learn/failed`",
           f"Learn the sounds of a folder of this machine as a model of your own, called `name`, for at most {DEFAULT_MINUTES:g} minutes "
           f"or `minutes` ({MINUTES}), at low priority. Words come from the names of files and folders, a `words.csv`, or a text beside a "
           "file. `how`: `tokens`, a model of its own, or `lora`, a change of the starter with the name as its word; by default `tokens` "
           "if there is a base for it. One folder at a time. The same message goes on after a crash or a cancel."),
    Method("/bridge/learn/cancel", learning.cancel, "[s name]", "`/bridge/learn/failed` with the code `cancelled`",
           "Stop learning, and keep what was learned."),
    Method("/bridge/learning", learning.learning, "–", "the last event of what is learned again",
           "Ask again for a reply that got lost; no answer if nothing was learned since Clipbridge was started.", button=True),
    Method("/bridge/stream/start", live.stream_start, "as generate", "`/bridge/stream/state`",
           "Start a prompt that never ends: clips of these seconds or bars (8 s by default), cross-faded over a second.",
           in_words=True),
    Method("/bridge/stream/set", live.stream_set, "as generate", "`/bridge/stream/state`",
           "Change the prompt; it is heard at the first seam by which a clip of it is ready.", in_words=True),
    Method("/bridge/stream/stop", live.stream_stop, "[f fade_ms]", "–", "Fade out, over two seconds by default."),
    Method("/bridge/stream", live.stream, "–", "`/bridge/stream/state`", "The state of the stream.", button=True),
    Method("/bridge/tempo", live.tempo, "[f bpm, [i beats_per_bar]]",
           "without arguments `/bridge/tempo` f bpm, i beats_per_bar, f beat",
           f"Set the tempo, {BPM} BPM; the beat count goes on."),
    Method("/bridge/beat", live.beat, "f n", "–",
           "Beat n of the song is now (0 is the first of a bar). Small differences only move the grid a little."),
    Method("/bridge/status", daemon.status, "–",
           "`/bridge/status` s state, then `queue` i, `running` id, `model` s, `warm` s, `compute` s, `max_seconds` f, "
           "`peak_mb` f, `audio` s, `underflows` i, `why` s, `cue` s (`main`: there is no cue), "
           "`can` s, the abilities of the checkpoint as in `/bridge/model`, `slots` s (`3/4`: three of four engines take jobs), "
           "`waiting` i, jobs that were sent to another machine and wait there, `rate` i, the clips of the last minute",
           "What the daemon is doing.", button=True, answers_itself=True),
    Method("/bridge/version", daemon.version, "–", "`/bridge/version` s version", "The version of Clipbridge.", button=True,
           answers_itself=True),
    Method("/bridge/presets", daemon.presets, "–", "`/bridge/presets` s name …", "The names of the presets.", button=True,
           answers_itself=True),
    Method("/bridge/models", models.models, "[s name]", "`/bridge/models` s running, s name …; with a name `/bridge/model`",
           "The running checkpoint, then all on this disk; with a name, details of that one."),
    Method("/bridge/restart", models.restart, "[s name]", "`/bridge/restart` s state",
           "Restart the engine; with a name, with that checkpoint. The running job fails with `engine_lost`, waiting jobs are kept."),
    Method("/bridge/find", find.find, "s words, [" + " ".join(f"`{name}`" for name in FIND_KEYS) + "]",
           "`/bridge/found`, then `/bridge/clip` for each",
           "Search for clips by the beginnings of words (any part of those in scripts such as Chinese or Arabic) "
           "in the prompt, file name, preset or sub-folder; `\"\"`: any clip. At most "
           "50 (20 by default) after the first `offset`. `id` comes back with every answer. `order`: "
           + ", ".join(f"`{name}`" for name in ORDERS)
           + "; by default the best match first, then the newest."),
    Method("/bridge/favourite", library.favourite, "s path, [i 0 or 1]", "`/bridge/clip`", "Mark a favourite clip; 0 removes the mark."),
    Method("/bridge/rate", library.rate, "s path, i 0 to 5", "`/bridge/clip`", "Rate a clip."),
    Method("/bridge/measure", audio_files.measure, "s path", "`/bridge/measured`",
           "The length and the tempo of any audio file of this machine; from another machine, of a clip of the library or a file below "
           "the sample folder."),
    Method("/bridge/crop", audio_files.crop, "s path, f from, f to", "`/bridge/cropped`",
           "Write the seconds `from` to `to` of a clip of the library, or of an audio file below the sample folder, into a new one beside "
           "it, exact to the frame. An edge within the sound is faded over 2 ms. The part of a clip is a clip, with a recipe from which "
           "`recall` makes that part again."),
    Method("/bridge/interrupted", interrupted.interrupted, "–",
           "`/bridge/interrupted/count`, then `/bridge/interrupted/job` for each",
           "The jobs that were accepted and never ended, because Clipbridge or the machine crashed.", button=True),
    Method("/bridge/resume", interrupted.resume, "–", "`/bridge/queued` for each, then `/bridge/resumed`",
           "Ask for the interrupted jobs again, with the same prompts, seeds and keys (but no deadline); you get their events.",
           button=True),
    Method("/bridge/ping", daemon.ping, "[anything]", "`/bridge/pong` with the same", "Is Clipbridge running?",
           takes_last_reply_port=False),
    Method("/bridge/subscribe", daemon.subscribe, "[i port]", "`/bridge/state`, then all events of all jobs",
           "Get all events for 60 s; send it again to renew.",
           takes_last_reply_port=False),
    Method("/bridge/unsubscribe", daemon.unsubscribe, "[i port]", "–", "Get no more events.",
           takes_last_reply_port=False),
)  # fmt: skip


def _with_words(row: Method) -> list[Method]:
    """The row, and its twin for hosts that cannot quote if it has one."""
    if not row.in_words:
        return [row]
    arguments, what = "as generate/words", f"As `{row.address}`, for hosts that cannot quote."
    if row.address == "/bridge/generate":
        arguments = "words … [f seconds] [@key value …]"
        what = (
            "The same for hosts that cannot quote (Pd, Max): the atoms before the first `@key` are the prompt; "
            "a number at their end is the seconds."
        )
    return [row, dataclasses.replace(row, address=f"{row.address}/words", arguments=arguments, what=what)]


METHODS = {method.address: method for row in ROWS for method in _with_words(row)}


def tables() -> str:
    """The tables of host_scripts/OSC.md as Markdown. `python -m tests.pages` writes them there; a test compares the two."""
    lines = ["| you send | arguments | you get | what for |", "|---|---|---|---|"]
    lines += [f"| `{m.address}` | {m.arguments} | {m.answer} | {m.what} |" for m in METHODS.values()]
    lines += ["", "| key of generate | value | what for |", "|---|---|---|"]
    lines += [f"| `{key.name}` | {key.values} | {key.what} |" for key in KEYS.values()]
    lines += ["", "| you get | arguments | meaning |", "|---|---|---|"]
    lines += [f"| `{r.address}` | {r.arguments} | {r.what} |" for r in REPLIES.values()]
    return "\n".join(lines) + "\n"
