"""What `clipbridge run` shows a person: a bar while it gets ready, and one line per job."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bridge import __version__
from bridge.checkpoints.find import STARTER, UNTRAINED
from bridge.core.core import Core
from bridge.domain.job import Job, JobEvent
from bridge.domain.kit import KitEvent
from bridge.domain.words import plain
from bridge.engine.messages import Stage
from bridge.system import logs

CHECKPOINT_LINES = {
    UNTRAINED: "No trained checkpoint is in use: this small one has random weights and makes noise, to try hosts and folders "
    "with. For real sounds: clipbridge pull cvssp/audioldm2, then clipbridge run --model cvssp/audioldm2",
    STARTER: "The starter is in use: a small checkpoint that knows drums, tones and effects by name. For AudioLDM 2 itself, "
    "which understands any sentence and wants a GPU: clipbridge pull cvssp/audioldm2",
}


class Terminal:
    """Lines and bars for a person; plain lines when the output is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._since: dict[int, float] = {}
        self._told_checkpoint = False

    def started(self, core: Core, port: int, folder: Path) -> None:
        self.core = core
        self._say(f"Clipbridge {__version__}: OSC on port {port}, clips go to {folder}")
        for fault in self.core.presets.faults:
            self._say(f"Preset left out: {fault}")

    def stopped(self) -> None:
        self._say("Stopped.")

    def preparing(self, stage: Stage) -> None:
        self._show(f"{stage.phase} {stage.what}", stage.done, stage.total)

    def state_changed(self, state: str, why: str) -> None:
        self._close_bar()
        if state == "ready":
            model = self.core.model
            if model is None:  # told late: it is being changed again already
                return
            ours = STARTER if model.name == STARTER and model.revision else UNTRAINED if model.untrained else ""
            if ours and not self._told_checkpoint:
                self._told_checkpoint = True
                self._say(CHECKPOINT_LINES[ours])
            licence = f" (licence of its weights: {model.licence})" if model.licence else ""
            self._say(f"Ready: {model.name}{licence} on {model.compute}. Stop with Ctrl-C.")
            if why:
                self._say(f"Note: {why}.")
        elif state == "failed":
            self._say(f"The engine cannot run: {why} Fix it, then send /bridge/restart (or stop with Ctrl-C).")
        elif state == "restarting":
            self._say(f"The engine is started again{f' ({why})' if why else ''}.")
        elif state == "stopping":
            self._say("Stopping. A clip in work is finished first; Ctrl-C again to stop at once.")
        elif not is_terminal():
            self._say(f"{state} …")

    def pad_saved(self, pad: int, path: str, why: str) -> None:
        self._say(f"Pad {pad}  -> {path or why}")

    def stream_changed(self, state: str, why: str) -> None:
        words = {"thin": "thin: clips sound again until new ones are made"}
        self._say(f"Stream {words.get(state, state)}{f' ({why})' if why else ''}")

    def kit_changed(self, event: KitEvent) -> None:
        fields = event.fields
        if event.kind == "done":
            failed = f", {fields['failed']} failed" if fields["failed"] else ""
            self._say(f"Kit {short(event.name)}  {fields['count']} sounds{failed}  -> {fields['folder']}")
        else:
            self._say(f"Kit {short(event.name)}  failed ({fields['code']}): {fields['why']}")

    def audio_changed(self, state: str, why: str) -> None:
        words = {
            "open": "Playing through",
            "lost": "Audio device lost:",
            "unusable": "No sound:",
            "failed": "No sound:",
        }
        self._say(f"{words.get(state, state)} {why}")

    def midi_changed(self, state: str, why: str) -> None:
        self._say({"open": f"Pads are played by {why}", "waiting": f"No MIDI yet: {why}"}.get(state, f"No MIDI: {why}"))

    def preset_changed(self, name: str, state: str, why: str) -> None:
        self._say(f"Preset {logs.escaped(name)} is {state}{f': {logs.escaped(why)}' if why else ''}")

    def inbox_changed(self, state: str, what: str) -> None:
        words = {
            "open": "lists of prompts (.txt, .toml) that are dropped into {} become clips",
            "closed": "nothing is taken: {}",
            "begun": "{} is begun",
            "done": "done, see {}",
            "failed": "not all of it could be made, see {}",
            "withdrawn": "{} was taken back; what is not made yet is not made",
            "stuck": "{}",
        }
        self._say(f"Inbox: {words[state].format(logs.escaped(what))}")

    def job_event(self, job: Job, event: JobEvent) -> None:
        took = time.monotonic() - self._since.setdefault(job.serial, time.monotonic())
        if event.kind == "progress":
            self._show(short(job.prompt.text), round(event.fields["fraction"] * 100), 100)
        if not event.terminal:
            return
        self._since.pop(job.serial, None)
        seed = event.fields.get("seed", job.prompt.seed)  # the best take's, if there are several
        what = f"{short(job.prompt.text)}  {job.prompt.seconds:g} s  seed {seed}"
        if event.kind == "done":
            several = (
                f"{job.prompt.takes} takes, first: " if "heard" in event.fields else f"best of {job.prompt.takes} "
            )
            best = several if job.prompt.takes > 1 else ""
            heard = event.fields.get("heard", job.prompt.text)
            other = "" if plain(heard) == plain(job.prompt.text) else f" (heard: {short(heard) or 'nothing it knows'})"
            unwritten = "played" if "voice" in event.fields else "not played"
            self._say(f"{what}{other}  in {took:.2f} s  -> {best}{event.fields['path'] or unwritten}")
        else:
            reason = f" ({event.fields['code']}): {event.fields['why']}" if event.kind == "failed" else ""
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
        self._close_bar()  # or the line would be written behind it
        emit(line)


def is_terminal() -> bool:
    """Whether a person watches: else no bars."""
    return sys.stdout is not None and sys.stdout.isatty()


def emit(line: str) -> None:
    """One line to standard output, whatever its encoding; nobody there any more is no reason to stop."""
    if sys.stdout is None:
        return
    try:
        print(line, flush=True)
    except (OSError, ValueError) as error:
        logging.getLogger("clipbridge").debug("standard output is gone: %s", error)


def short(text: str) -> str:
    """A prompt for one line, control characters and the like escaped."""
    shown = logs.escaped(text)
    return shown if len(shown) <= 40 else shown[:39] + "…"
