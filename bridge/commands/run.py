"""`clipbridge run`: the daemon. Its output has a thread of its own, so that a slow terminal delays nothing."""

from __future__ import annotations

import argparse
import asyncio
import logging
import queue
import threading

from bridge import config
from bridge.commands.json_lines import JsonLines
from bridge.commands.settings import settings_of
from bridge.commands.terminal import Terminal
from bridge.daemon import serve
from bridge.domain import events
from bridge.domain.events import Event, Listener
from bridge.system import logs, owner, portable

LAG_PROGRESS, LAG_ALL = 200, 10_000  # lines that may wait to be printed; further ones are dropped


def main(options: argparse.Namespace) -> int:
    """Run until stopped. Raises ClipbridgeError if the daemon cannot start."""
    chosen = config.load(settings=settings_of(options))
    aside = Aside(JsonLines() if options.json else Terminal())
    if options.until_stdin_ends:
        owner.end_with_stdin()
    stop_log = logs.start(portable.log_folder(), config.log_file_name(chosen.osc.port))
    try:
        with asyncio.Runner(loop_factory=portable.selector_loop) as runner:
            runner.run(serve(chosen, aside))
    finally:
        stop_log()
    aside.on_event(events.Stopped())
    aside.close()
    return 0


class Aside:
    """Hands events to a listener on a thread of its own: a paused terminal (Ctrl-S, a click into a Windows console) or a
    pipe that nobody reads must not stop the daemon. If the listener lags far behind, progress is dropped."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stream = ("off", "")
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="terminal", daemon=True)
        self._thread.start()

    def on_event(self, event: Event) -> None:
        dispensable = False
        match event:
            case events.VoiceChanged():
                return  # only hosts and controllers need it
            case events.KitEvent(kind="queued" | "sound" | "progress"):
                return  # its sounds have lines of their own
            case events.LearnEvent(kind="begun" | "reading" | "skipped"):
                return
            case events.StreamChanged(state=state, why=why):
                if (state, why) == self._stream:
                    return  # only ahead_s has changed
                self._stream = (state, why)
            case (
                events.PadChanged()
                | events.Preparing()
                | events.JobEvent(kind="progress")
                | events.LearnEvent(kind="progress")
            ):
                dispensable = True
        if self._events.qsize() < (LAG_PROGRESS if dispensable else LAG_ALL):
            self._events.put(event)

    def close(self) -> None:
        """Wait a moment for the last line."""
        self._events.put(None)
        self._thread.join(1.0)

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._listener.on_event(event)
            except Exception:  # one line that fails must not end the thread
                logging.getLogger("clipbridge").exception("a line could not be printed")
