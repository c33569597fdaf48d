"""The output of `clipbridge run` for people: a bar while it gets ready, and one line per job."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bridge.checkpoints.find import STARTER, UNTRAINED
from bridge.commands import qr
from bridge.domain import events
from bridge.domain.words import plain
from bridge.system import logs

CHECKPOINT_LINES = {
    UNTRAINED: "No trained checkpoint is in use: this small one has random weights and makes noise, to try hosts and folders "
    "with. For real sounds: clipbridge pull cvssp/audioldm2, then clipbridge run --model cvssp/audioldm2",
    STARTER: "The starter is in use: a small checkpoint that makes single sounds, no rhythms or phrases (clipbridge sounds lists "
    "them). For AudioLDM 2 itself, which understands any sentence and wants a GPU: clipbridge pull cvssp/audioldm2",
}
AUDIO_WORDS = {
    "open": "Playing through",
    "lost": "Audio device lost:",
    "unusable": "No sound:",
    "failed": "No sound:",
}
MIDI_WORDS = {"open": "MIDI: {} plays the pads", "waiting": "No MIDI yet: {}"}
INBOX_WORDS = {
    "open": "lists of prompts (.txt, .toml) dropped into {} become clips",
    "closed": "closed: {}",
    "begun": "started {}",
    "done": "done, see {}",
    "failed": "some of it failed, see {}",
    "withdrawn": "{} was removed, so the rest of it is not made",
    "stuck": "{}",
}


STREAM_QUIET_S = 60.0  # between two lines about a stream that goes on


class Terminal:
    """Lines and bars; only lines if the output is not a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._since: dict[int, float] = {}
        self._announced = False
        self._folder = Path()
        self._pads: dict[int, str] = {}  # what was said about each last
        self._stream_said = ("off", "")
        self._stream_quiet_until = 0.0

    def on_event(self, event: events.Event) -> None:
        match event:
            case events.Started():
                self._folder = event.folder.absolute()
                self._say(f"Clipbridge {event.version}: OSC on port {event.osc_port}, clips go to {event.folder}")
                for fault in event.faults:
                    self._say(f"Skipped a preset: {fault}")
            case events.Stopped():
                self._say("Stopped.")
            case events.Preparing():
                self._show(f"{event.phase} {event.what}", event.done, event.total)
                if event.done >= event.total:
                    self._close_bar()
            case events.StateChanged():
                self._state(event)
            case events.JobEvent():
                self._job(event)
            case events.KitEvent():
                self._kit(event)
            case events.LearnEvent():
                self._learn(event)
            case events.Cropped(path=path, new_path=new_path):
                self._say(f"A part of {logs.escaped(self._short_path(path))}  -> {self._short_path(new_path)}")
            case events.PadSaved():
                self._say(f"Pad {event.pad}  -> {self._short_path(event.path) or event.why}")
            case events.PadChanged():
                self._pad(event)
            case events.StreamChanged(state=state, why=why):
                self._stream(state, why)
            case events.AudioChanged(state=state, why=why):
                self._say(f"{AUDIO_WORDS.get(state, state)} {why}")
            case events.CueChanged(state=state, why=why):
                self._say(f"Cue: {AUDIO_WORDS.get(state, state)} {why}")
            case events.MidiChanged(state=state, why=why):
                self._say(MIDI_WORDS.get(state, "No MIDI: {}").format(why))
            case events.WebOpened():
                self._web(event)
            case events.PresetChanged(name=name, state=state, why=why):
                self._say(f"Preset {logs.escaped(name)} is {state}{f': {logs.escaped(why)}' if why else ''}")
            case events.InboxChanged(state=state, what=what):
                self._say(f"Inbox: {INBOX_WORDS[state].format(logs.escaped(what))}")

    def _web(self, event: events.WebOpened) -> None:
        if event.oscquery:
            self._say(f"OSCQuery: {event.oscquery}")
        if event.touch:
            self._say(f"Pads for a tablet: {event.touch}")
            if event.elsewhere:
                self._say(qr.code(event.touch, coloured=is_terminal()))
            else:
                self._say(
                    "This link works on this machine only. For a tablet add: --osc-host 0.0.0.0 --set osc.allow=ITS_ADDRESS"
                )

    def _state(self, event: events.StateChanged) -> None:
        self._close_bar()
        state, why, model = event.state, event.why, event.model
        if state == "ready" and model is not None:
            ours = STARTER if model.name == STARTER and model.revision else UNTRAINED if model.untrained else ""
            if ours and not self._announced:
                self._announced = True
                self._say(CHECKPOINT_LINES[ours])
            licence = f" (licence of its weights: {model.licence})" if model.licence else ""
            self._say(f"Ready: {model.name}{licence} on {model.compute}. Stop with Ctrl-C.")
            if why:
                self._say(f"Note: {why}.")
        elif state == "failed":
            self._say(f"The engine cannot run: {why} Fix this, then send /bridge/restart (or stop with Ctrl-C).")
        elif state == "restarting":
            self._say(f"The engine restarts{f' ({why})' if why else ''}.")
        elif state == "waiting":
            self._say(f"{why[:1].upper()}{why[1:]}")
        elif state == "stopping":
            self._say("Stopping after the current clip. Press Ctrl-C again to stop at once.")
        elif not is_terminal():
            self._say(f"{state} …")

    def _kit(self, event: events.KitEvent) -> None:
        fields = event.fields
        if event.kind == "done":
            failed = f", {fields['failed']} failed" if fields["failed"] else ""
            named = "".join(f" ({name}: {short(fields[name])})" for name in ("guessed", "untuned") if name in fields)
            sounds = "sound" if fields["count"] == 1 else "sounds"
            self._say(
                f"Kit {short(event.name)}  {fields['count']} {sounds}{failed}{named}  -> {self._short_path(fields['folder'])}"
            )
        else:
            self._say(f"Kit {short(event.name)}  failed ({fields['code']}): {fields['why']}")

    def _learn(self, event: events.LearnEvent) -> None:
        name, fields = short(event.name), event.fields
        match event.kind:
            case "progress":
                self._show(f"learning {name}", round(fields["fraction"] * 100), 100)
            case "read":
                self._say(f"Learning {name} from {fields['files']} sounds, {fields['left_out']} left out")
            case "clip":
                self._say(f"Learning {name}  {short(fields['prompt'])}  -> {self._short_path(fields['path'])}")
            case "done":
                self._say(
                    f"Learned {name}  loss {fields['held_out']:.2f}, was {fields['base']:.2f}  -> {fields['folder']}"
                )
            case "failed":
                self._say(f"Learning {name}  failed ({fields['code']}): {fields['why']}")

    def _pad(self, event: events.PadChanged) -> None:
        """Say when a pad becomes ready, is emptied, or why it cannot be filled or played; what hosts show at every press is not said."""
        pad = f"Pad {event.pad}"
        if event.why:
            said = f"{pad}: {event.why}"
        elif event.state == "filling":
            self._show(f"{pad} is being filled", round(event.value * 100), 100)
            if event.value == 0:
                self._pads.pop(event.pad, None)
            return
        else:
            self._close_bar()
            said = f"{pad} is {event.state}"
        if self._pads.get(event.pad) != said:
            self._pads[event.pad] = said
            self._say(said)

    def _stream(self, state: str, why: str) -> None:
        """Say how the stream begins, ends and fails; in between it may change between thin and playing with every clip."""
        now, (before, _) = time.monotonic(), self._stream_said
        middle = {"thin", "playing"}
        if (state, why) == self._stream_said or (
            not why and {state, before} <= middle and now < self._stream_quiet_until
        ):
            return
        self._stream_said, self._stream_quiet_until = (state, why), now + STREAM_QUIET_S
        words = {"thin": "thin: clips repeat until new ones are made"}
        self._say(f"Stream {words.get(state, state)}{f' ({why})' if why else ''}")

    def _short_path(self, path: str) -> str:
        """The path from the sample folder on, which was named at the start."""
        inside = path and Path(path).is_relative_to(self._folder)
        return Path(path).relative_to(self._folder).as_posix() if inside else path

    def _job(self, event: events.JobEvent) -> None:
        took = time.monotonic() - self._since.setdefault(event.serial, time.monotonic())
        prompt, fields = event.prompt, event.fields
        if event.kind == "progress":
            self._show(short(prompt.text), round(fields["fraction"] * 100), 100)
        if not event.terminal:
            return
        self._since.pop(event.serial, None)
        seed = fields.get("seed", prompt.seed)  # of the best take, if there are several
        what = f"{short(prompt.text)}  {prompt.seconds:g} s  seed {seed}"
        if event.kind == "done":
            several = f"{prompt.takes} takes, first: " if "heard" in fields else f"best of {prompt.takes} "
            best = several if prompt.takes > 1 else ""
            heard = fields.get("heard", prompt.text)
            other = "" if plain(heard) == plain(prompt.text) else f" (heard: {short(heard) or 'no known word'})"
            unwritten = "played" if "voice" in fields else "not played"
            self._say(f"{what}{other}  in {took:.2f} s  -> {best}{self._short_path(fields['path']) or unwritten}")
        else:
            reason = f" ({fields['code']}): {fields['why']}" if event.kind == "failed" else ""
            self._say(f"{what}  {event.kind}{reason}")

    def _show(self, what: str, done: int, total: int) -> None:
        if not is_terminal():
            return
        if self._bar is None:
            self._bar = tqdm(
                total=total, leave=False, file=sys.stdout, bar_format="{desc:<44.44} {bar} {percentage:3.0f}%"
            )
        self._bar.total = total
        self._bar.set_description_str(what, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _say(self, line: str) -> None:
        self._close_bar()  # so that the line does not continue the bar
        emit(line)


def is_terminal() -> bool:
    """Whether somebody watches; otherwise there are no bars."""
    return sys.stdout is not None and sys.stdout.isatty()


def emit(line: str) -> None:
    """Print a line to standard output. If its reader is gone, go on without it."""
    if sys.stdout is None:
        return
    try:
        print(f"{line}\n", end="", flush=True)  # one write: unbuffered, print would write the end of the line apart
    except (OSError, ValueError) as error:
        logging.getLogger("clipbridge").debug("standard output is gone: %s", error)


def short(text: str) -> str:
    """A prompt cut to 40 characters, with unprintable ones escaped."""
    shown = logs.escaped(text)
    return shown if len(shown) <= 40 else shown[:39] + "…"
