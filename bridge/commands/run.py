"""`clipbridge run`: the daemon, and what it tells on a thread of its own, so that a slow terminal delays nobody."""

from __future__ import annotations

import argparse
import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge import config
from bridge.commands.json_lines import JsonLines
from bridge.commands.terminal import Terminal
from bridge.core.core import Core
from bridge.daemon import serve
from bridge.domain.job import Job, JobEvent
from bridge.domain.kit import KitEvent
from bridge.engine.messages import Stage
from bridge.live.pads import Press
from bridge.system import logs, portable

LAG_PROGRESS, LAG_ALL = 200, 10_000  # lines that may wait to be printed before the next are left out


def main(options: argparse.Namespace) -> int:
    """Run until stopped. Raises ClipbridgeError for what keeps it from starting."""
    settings = dict(config.parse_setting(text) for text in options.set)
    given = {
        "folder": options.folder,
        "inbox.folder": options.inbox,
        "engine.model": options.model,
        "engine.compute": options.compute,
        "audio.device": options.audio_device,
        "midi.port": options.midi,
        "tempo.link": options.link,
        "osc.port": options.osc_port,
        "osc.host": options.osc_host,
    }
    settings |= {key: value for key, value in given.items() if value is not None}
    chosen = config.load(settings=settings)
    aside = Aside(JsonLines() if options.json else Terminal())
    stop_log = logs.start(portable.log_folder(), config.log_file_name(chosen.osc.port))
    try:
        with asyncio.Runner(loop_factory=portable.selector_loop) as runner:
            runner.run(serve(chosen, aside))
    finally:
        stop_log()
    aside.stopped()
    return 0


class Aside:
    """Hands everything to a listener on a thread of its own: a terminal that is paused (Ctrl-S, a click into a Windows
    console) or a pipe that nobody reads must not stop the daemon. If it lags far behind, progress is left out."""

    def __init__(self, listener: Terminal | JsonLines) -> None:
        self._listener = listener
        self._stream = ("off", "")
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="terminal", daemon=True)
        self._thread.start()

    def started(self, core: Core, port: int, folder: Path) -> None:
        self._later(self._listener.started, core, port, folder)

    def preparing(self, stage: Stage) -> None:
        self._later(self._listener.preparing, stage, dispensable=True)

    def state_changed(self, state: str, why: str) -> None:
        self._later(self._listener.state_changed, state, why)

    def voice_changed(self, voice: int, owner: Job | Press | None, state: str, why: str) -> None:
        pass  # a host hears of it, and a person hears it

    def pad_changed(self, pad: int, state: str, value: float, why: str) -> None:
        pass  # lights on a controller; not for a terminal

    def pad_saved(self, pad: int, press: Press, path: str, why: str) -> None:
        self._later(self._listener.pad_saved, pad, path, why)

    def stream_changed(self, state: str, ahead_s: float, why: str) -> None:
        if (state, why) != self._stream:  # not each clip
            self._stream = (state, why)
            self._later(self._listener.stream_changed, state, why)

    def audio_changed(self, state: str, why: str) -> None:
        self._later(self._listener.audio_changed, state, why)

    def midi_changed(self, state: str, why: str) -> None:
        self._later(self._listener.midi_changed, state, why)

    def kit_changed(self, reply_to: Any, event: KitEvent) -> None:
        if event.kind in ("done", "failed"):  # its sounds have lines of their own
            self._later(self._listener.kit_changed, event)

    def preset_changed(self, name: str, state: str, why: str) -> None:
        self._later(self._listener.preset_changed, name, state, why)

    def inbox_changed(self, state: str, what: str) -> None:
        self._later(self._listener.inbox_changed, state, what)

    def job_event(self, job: Job, event: JobEvent) -> None:
        self._later(self._listener.job_event, job, event, dispensable=event.kind == "progress")

    def stopped(self) -> None:
        """The last line; waits for it a moment."""
        self._later(self._listener.stopped)
        self._calls.put(None)
        self._thread.join(1.0)

    def _later(self, call: Callable[..., None], *arguments: Any, dispensable: bool = False) -> None:
        if self._calls.qsize() < (LAG_PROGRESS if dispensable else LAG_ALL):
            self._calls.put(lambda: call(*arguments))

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # one line that cannot be shown must not end all others
                logging.getLogger("clipbridge").exception("a line could not be shown")
