"""Run a core with a stand-in engine for the length of a story, and record its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.core.core import Core
from bridge.core.shaper_link import ShaperLink
from bridge.domain.ask import Ask
from bridge.domain.events import Event, JobEvent, LearnEvent, StateChanged
from bridge.domain.job import Job
from bridge.domain.learning import HOWS
from bridge.learn import messages as learning
from bridge.library.library import Library
from bridge.live.voices import Live
from bridge.presets.files import Presets
from bridge.shaper import messages as delivery
from bridge.system.portable import selector_loop
from bridge.system.supervise import Child


class Recorder:
    """A listener that records every job event and state."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.states: list[str] = []
        self.learning: list[LearnEvent] = []

    def on_event(self, event: Event) -> None:
        if isinstance(event, JobEvent):
            self.events.append((event.serial, event.kind, event.fields))
        elif isinstance(event, StateChanged):
            self.states.append(event.state)
        elif isinstance(event, LearnEvent):
            self.learning.append(event)

    def ends(self) -> dict[int, list[str]]:
        ends: dict[int, list[str]] = {}
        for serial, kind, fields in self.events:
            if kind in ("done", "failed", "cancelled"):
                ends.setdefault(serial, []).append(fields.get("code", kind))
        return ends


Story = Callable[[Core, Recorder], Awaitable[None]]


def play(
    tmp_path: Path,
    behaviour: str,
    story: Story,
    shaper: str = delivery.TARGET,
    library: Library | None = None,
    presets: Presets | None = None,
    engine: Child | None = None,
    more_engines: Sequence[Child] = (),
    limit_s: float = 60.0,
    course: str = "tests.learn.stand_in_course:open_course",
) -> Recorder:
    """Run `story` with a core whose engine has this `behaviour` (see tests.fake_engine), or with `engine`, and with `more_engines`; then
    stop it."""
    recorder = Recorder()

    async def whole() -> None:
        live = Live(Child("player", "tests.fake_children:player", ""), tmp_path / "playing")
        core = Core(
            presets or Presets(),
            engine or Child("engine", "tests.fake_engine:main", behaviour, str(tmp_path)),
            Child("shaper", shaper, str(tmp_path / "clips"), str(tmp_path)),
            live,
            library=library,
            engine_at="a box" if engine else "",
            more_engines=more_engines,
            learn_child=Child(
                "learn",
                learning.TARGET,
                dict.fromkeys(HOWS, course),
                str(tmp_path / "playing"),
                str(tmp_path / "clips"),
            ),
        )
        core.listeners.append(recorder)
        (tmp_path / "clips").mkdir(exist_ok=True)
        core.start()
        ticking = asyncio.create_task(tick(core))
        try:
            await asyncio.wait_for(story(core, recorder), limit_s)
        finally:
            ticking.cancel()
            now = asyncio.Event()
            now.set()
            await core.stop(now)

    with asyncio.Runner(loop_factory=selector_loop) as runner:
        runner.run(whole())
    assert all(len(ends) == 1 for ends in recorder.ends().values()), "exactly one terminal event each"
    return recorder


async def tick(core: Core) -> None:
    while True:
        core.tick()
        await asyncio.sleep(0.05)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


def ask(core: Core, text: str = "x", seconds: float = 0.2, **more: Any) -> Job:
    return core.generate(Ask(text, seconds=seconds, **more), "127.0.0.1")[0]


def child_of(link: ShaperLink) -> Child:
    """The process behind a link."""
    assert isinstance(link._child, Child)
    return link._child
