"""`clipbridge render`: make the clips of a long list in a folder of their own, with a bar and one report at the end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bridge import config
from bridge.commands.settings import settings_of
from bridge.daemon import render
from bridge.domain.events import Event, StateChanged
from bridge.frontends.inbox.batch import Batch, opened
from bridge.frontends.inbox.dropped import Result
from bridge.system import logs, portable
from bridge.system.logs import escaped

MOST_SHOWN = 20  # sentences about entries without a clip; the report has all
LINE_EVERY_S = 30.0  # where there is no terminal


def main(options: argparse.Namespace) -> int:
    """Render until all is made or Ctrl-C. Returns 0, 1 if some were not made, 130 if it was stopped. Raises ClipbridgeError."""
    chosen = config.load(settings=settings_of(options))
    with opened(Path(options.list), chosen.folder) as batch:
        count, before = len(batch.dropped.entries), batch.made
        progress = Progress(batch)
        if batch.dropped.unfinished:
            stop_log = logs.start(portable.log_folder(), "clipbridge-render.log")
            try:
                with asyncio.Runner(loop_factory=portable.selector_loop) as runner:
                    done = runner.run(render(dataclasses.replace(chosen, folder=batch.folder), batch, progress))
            finally:
                progress.close()
                stop_log()
            if not done:
                print(
                    f"clipbridge: stopped. {batch.made:,} of {count:,} are made; the same command goes on.",
                    file=sys.stderr,
                )
                return 130
        report = batch.report()
    failed = count - batch.made
    again = f" {before:,} of them were there already." if before else ""
    print(f"{batch.made:,} of {count:,} made in {batch.folder}.{again}")
    print(f"The report: {report}")
    if failed:
        print(f"clipbridge: {failed:,} not made; the same command asks for these again.", file=sys.stderr)
    return 1 if failed else 0


class Progress:
    """A bar with the rate and the time left, or a line now and then where there is no terminal. Sentences go above it."""

    def __init__(self, batch: Batch) -> None:
        self._entries = batch.dropped.entries
        self._done, self._begun = len(self._entries) - len(batch.dropped.unfinished), time.monotonic()
        self._since, self._line_at, self._shown = self._done, self._begun + LINE_EVERY_S, 0
        self._is_shown = sys.stderr is not None and sys.stderr.isatty()
        self._bar: tqdm[Any] = tqdm(
            total=len(self._entries),
            initial=self._done,
            unit=" clips",
            smoothing=0.05,
            dynamic_ncols=True,
            file=sys.stderr,
            disable=not self._is_shown,
        )
        for sentence in batch.faults:
            self._fault(sentence)

    def on_result(self, place: int, result: Result) -> None:
        """An entry has ended."""
        self._done += 1
        self._bar.update()
        if not result.success:
            entry = self._entries[place]
            self._fault(f"{entry.where}: {result.detail}")
        now = time.monotonic()
        if not self._is_shown and now > self._line_at:
            self._line_at = now + LINE_EVERY_S
            self._say(self._pace(now))

    def on_event(self, event: Event) -> None:
        """Say what the engine is about; the bar says the rest."""
        match event:
            case StateChanged(state="ready", model=model) if model is not None:
                self._say(f"Ready: {model.name} on {model.compute}.")
            case StateChanged(state="waiting" | "restarting", why=why) if why:
                self._say(f"{why[:1].upper()}{why[1:]}")
            case StateChanged(state="loading"):
                self._say("Loading the checkpoint …")
            case StateChanged(state="stopping") if self._done < len(self._entries):
                self._say("Stopping after the clips that are being made. Press Ctrl-C again to stop at once.")

    def close(self) -> None:
        """Leave the last state of the bar."""
        self._bar.close()

    def _pace(self, now: float) -> str:
        rate = (self._done - self._since) / (now - self._begun)
        left = (len(self._entries) - self._done) / rate if rate else 0.0
        return f"{self._done:,} of {len(self._entries):,}, {rate:.3g} a second, about {tqdm.format_interval(left)} left"

    def _fault(self, sentence: str) -> None:
        self._shown += 1
        if self._shown <= MOST_SHOWN:
            self._say(f"Not made: {escaped(sentence)}")
        elif self._shown == MOST_SHOWN + 1:
            self._say("Not made: more, which the report has at the end.")

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads it
            tqdm.write(line, file=sys.stderr)
