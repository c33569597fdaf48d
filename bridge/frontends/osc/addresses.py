"""METHODS: the OSC addresses that we answer, each with the function that does so. The dispatcher and host_scripts/OSC.md read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.domain.limits import BPM, PADS, SECONDS, Range
from bridge.frontends.osc import daemon, jobs, kits, library, live, models, pads
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.arguments import KEYS
from bridge.frontends.osc.library import FIND_KEYS
from bridge.frontends.osc.live import VOICES
from bridge.frontends.osc.replies import REPLIES

NUMBERS: dict[str, Range] = {"pad": PADS, "voice": VOICES}  # what <n> may be behind each of these


@dataclass(frozen=True, slots=True)
class Method:
    """An address that we answer. `<n>` in it is a pad or voice, `<key>` any key. `handler` answers it; it may raise any
    ClipbridgeError. `takes_last_reply_port`: a last `reply_port N` is not among the handler's arguments, but says where the
    answer goes."""

    address: str
    handler: Callable[[Osc, Request], None]
    arguments: str
    answer: str
    what: str
    takes_last_reply_port: bool = True


METHODS = {
    method.address: method
    for method in (
        Method("/bridge/generate", jobs.generate, "s prompt, [f seconds], [key value …]",
               "`/bridge/queued`, `/bridge/progress` …, then exactly one of `/bridge/done`, `/bridge/failed`, `/bridge/cancelled`",
               f"Make a clip of {SECONDS} seconds. The first argument is always the prompt, even `808`.",
               takes_last_reply_port=False),
        Method("/bridge/generate/words", jobs.generate_words, "words … [f seconds] [@key value …]", "as generate",
               "The same for hosts that cannot quote (Pd, Max): all atoms before the first `@key` are the prompt, "
               "a last number among them is the seconds.",
               takes_last_reply_port=False),
        Method("/bridge/recall", jobs.recall, "s path, [`id` i or s]", "as generate",
               "Make a clip again from the recipe in its file: byte for byte the same with the same checkpoint, versions and compute; "
               "`remark` says what is not the same."),
        Method("/bridge/set/<key>", jobs.set_key, "value; none forgets it", "nothing, or `/bridge/error`",
               "Remember `prompt`, `seconds` or any key below for your machine's next triggers (faders, automation, tablets)."),
        Method("/bridge/trigger", jobs.trigger, "[f]; 0 does nothing", "as generate", "Make a clip with what was set."),
        Method("/bridge/job", jobs.job, "id", "the job's last event again", "Ask again for an answer that got lost."),
        Method("/bridge/cancel", jobs.cancel, "[id]", "`/bridge/cancelled` for each; none: `/bridge/cancelled` without an id",
               "Cancel a job within one step; without an id all unfinished jobs and kits of your machine."),
        Method("/bridge/stop", live.stop, "[f]; 0 does nothing", "–",
               "Silence now: every voice fades within 5 ms, and what is asked for already will not sound. Jobs go on."),
        Method("/bridge/voice/<n>/stop", live.voice_stop, "[f fade_ms]", "`/bridge/voice` n `ended`", "Fade one voice out."),
        Method("/bridge/voice/<n>/gain", live.voice_gain, "f gain, [f glide_ms]", "–", "How loud a voice is, while it sounds."),
        Method("/bridge/voice/<n>/pan", live.voice_pan, "f pan, [f glide_ms]", "–", "Where a voice is, −1 to 1."),
        Method("/bridge/voice/<n>/loop", live.voice_loop, "i 0 or 1", "–", "Whether a voice begins again at its end."),
        Method("/bridge/pad/<n>/set", pads.set_prompt, "as generate", "`/bridge/pad/<n>/state`",
               f"Give pad n (0 to {PADS.high:.0f}) a prompt; the engine makes takes for it whenever it has nothing else to do."),
        Method("/bridge/pad/<n>/set/words", pads.set_words, "as generate/words", "`/bridge/pad/<n>/state`",
               "The same for hosts that cannot quote."),
        Method("/bridge/pad/<n>/play", pads.play, "[f velocity], [`quantize` s]", "`/bridge/voice` n `began` (or first `waiting`)",
               "Sound its next take: at once, or as `quantize` says. Velocity 0 to 1 or to 127; 0 ends a gated pad."),
        Method("/bridge/pad/<n>/stop", pads.stop, "–", "–", "Fade out what it sounds."),
        Method("/bridge/pad/<n>/clear", pads.clear, "–", "`/bridge/pad/<n>/state`", "Empty it."),
        Method("/bridge/pad/<n>/lock", pads.lock, "i 0 or 1", "–", "1: the same take at every press."),
        Method("/bridge/pad/<n>/save", pads.save, "–", "`/bridge/pad/<n>/saved`", "Put the take that sounded last into the folder."),
        Method("/bridge/pads", pads.pads, "–", "`/bridge/pad/<n>/state` for each", "What all pads have."),
        Method("/bridge/kit", kits.kit, "s name, s prompt …, [@key value …]",
               "`/bridge/kit/queued`, `/bridge/kit/progress` …, then exactly one of `/bridge/kit/done`, `/bridge/kit/failed`",
               "Make a folder of one-shots with mappings for samplers. `36:low kick` lies on MIDI note 36, `c4:glassy bell` is a tone "
               "and lies there, others lie where General MIDI has such a drum. Keys: `preset` (of all sounds; without prompts that of "
               "a kit), `notes` (`c4..g4`: each prompt as these tones), `seconds`, `seed`, `negative`, `steps`, `guidance`."),
        Method("/bridge/kit/cancel", kits.cancel, "[s name]", "`/bridge/kit/failed` with the code `cancelled`",
               "End a kit, without a name all kits of your machine. What is made stays."),
        Method("/bridge/kits", kits.kits, "–", "the last event of each kit again", "Ask again for an answer that got lost."),
        Method("/bridge/stream/start", live.stream_start, "as generate", "`/bridge/stream/state`",
               "A prompt that goes on for ever: clips of so many seconds or bars (8 s), cross-faded over a second."),
        Method("/bridge/stream/set", live.stream_set, "as generate", "`/bridge/stream/state`",
               "Another prompt, heard at the next seam by which a clip of it is there."),
        Method("/bridge/stream/start/words", live.stream_start_words, "as generate/words", "`/bridge/stream/state`",
               "The same for hosts that cannot quote."),
        Method("/bridge/stream/set/words", live.stream_set_words, "as generate/words", "`/bridge/stream/state`", "Likewise."),
        Method("/bridge/stream/stop", live.stream_stop, "[f fade_ms]", "–", "Fade out, over two seconds if nothing is said."),
        Method("/bridge/stream", live.stream, "–", "`/bridge/stream/state`", "How the stream is."),
        Method("/bridge/tempo", live.tempo, "[f bpm, [i beats_per_bar]]", "none given: `/bridge/tempo` f bpm, i beats_per_bar, f beat",
               f"The tempo from now on, {BPM} BPM; the beats go on from where they are."),
        Method("/bridge/beat", live.beat, "f n", "–",
               "Beat n of the song is now (0 is the first of a bar). Small differences only move the grid a little."),
        Method("/bridge/status", daemon.status, "–",
               "`/bridge/status` s state, then `queue` i, `running` id, `model` s, `warm` s, `compute` s, `max_seconds` f, "
               "`peak_mb` f, `audio` s, `underflows` i, `why` s",
               "What the daemon is doing."),
        Method("/bridge/version", daemon.version, "–", "`/bridge/version` s version", "Which Clipbridge this is."),
        Method("/bridge/presets", daemon.presets, "–", "`/bridge/presets` s name …", "The presets by name."),
        Method("/bridge/models", models.models, "[s name]", "`/bridge/models` s running, s name …; with a name `/bridge/model`",
               "The checkpoint that runs, then all that are on this disk; with a name the facts of that one."),
        Method("/bridge/restart", models.restart, "[s name]", "`/bridge/restart` s state",
               "Start the engine afresh, with a name: with that checkpoint. The running job fails with `engine_lost`, those "
               "that wait are kept."),
        Method("/bridge/find", library.find, "s words, [" + " ".join(f"`{name}`" for name in FIND_KEYS) + "]",
               "`/bridge/found`, then `/bridge/clip` for each",
               "Look for clips by the beginnings of words in the prompt, file name, preset or sub-folder; `\"\"`: any clip. At most 50 "
               "(20 if nothing is said), the best match first, then the newest."),
        Method("/bridge/favourite", library.favourite, "s path, [i 0 or 1]", "`/bridge/clip`", "Mark a clip as a favourite; 0: no longer."),
        Method("/bridge/rate", library.rate, "s path, i 0 to 5", "`/bridge/clip`", "Rate a clip."),
        Method("/bridge/interrupted", library.interrupted, "–", "`/bridge/interrupted/count`, then `/bridge/interrupted/job` for each",
               "The jobs that were accepted and did not end, because Clipbridge or the machine crashed."),
        Method("/bridge/resume", library.resume, "–", "`/bridge/queued` for each, then `/bridge/resumed`",
               "Ask for them again, with the same prompts, seeds and keys (but no deadline); you get their events."),
        Method("/bridge/ping", daemon.ping, "[anything]", "`/bridge/pong` with the same", "Is anybody there?",
               takes_last_reply_port=False),
        Method("/bridge/subscribe", daemon.subscribe, "[i port]", "`/bridge/state`, then all events of all jobs",
               "For 60 s; ask again to renew.",
               takes_last_reply_port=False),
        Method("/bridge/unsubscribe", daemon.unsubscribe, "[i port]", "–", "No more events.",
               takes_last_reply_port=False),
    )
}  # fmt: skip


def tables() -> str:
    """The tables of host_scripts/OSC.md as Markdown. `python -m tests.pages` writes them there; a test compares the two."""
    lines = ["| you send | arguments | you get | what for |", "|---|---|---|---|"]
    lines += [f"| `{m.address}` | {m.arguments} | {m.answer} | {m.what} |" for m in METHODS.values()]
    lines += ["", "| key of generate | value | what for |", "|---|---|---|"]
    lines += [f"| `{key.name}` | {key.values} | {key.what} |" for key in KEYS.values()]
    lines += ["", "| you get | arguments | meaning |", "|---|---|---|"]
    lines += [f"| `{r.address}` | {r.arguments} | {r.what} |" for r in REPLIES.values()]
    return "\n".join(lines) + "\n"
