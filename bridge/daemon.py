"""serve(): builds every part of the daemon in order, and takes it down in reverse. render(): what a list needs of it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from bridge import __version__
from bridge.checkpoints.find import find
from bridge.config import AudioConfig, Config, EngineConfig
from bridge.core.core import Core
from bridge.core.eta import EtaFile
from bridge.domain.events import Listener, PresetChanged, Started
from bridge.domain.outputs import ONE_PAIR, pair_name, pairs_of
from bridge.engine.messages import TARGET as ENGINE
from bridge.files.folder import FolderSink
from bridge.frontends.http.server import serve_http
from bridge.frontends.inbox.batch import Batch
from bridge.frontends.inbox.inbox import serve_inbox
from bridge.frontends.inbox.rendering import Rendering, Watcher
from bridge.frontends.link import serve_link
from bridge.frontends.midi import serve_midi
from bridge.frontends.osc.server import serve_osc
from bridge.learn.messages import TARGET as LEARN
from bridge.library import database
from bridge.library.library import Library
from bridge.live.voices import Live
from bridge.player.messages import TARGET as PLAYER
from bridge.presets.files import Presets, shipped_folder
from bridge.presets.watching import serve_presets
from bridge.shaper.messages import TARGET as SHAPER
from bridge.system import accelerators, portable
from bridge.system.absent import Absent
from bridge.system.supervise import TICK_S, Child

# What learns from samples, by LearnAsk.how, in the rooms of the families: the process that drives it knows it by this name alone.
COURSES = {"tokens": "bridge.engine.audiolm.course:TokenCourse", "lora": "bridge.engine.audioldm2.course:LoraCourse"}


async def serve(config: Config, terminal: Listener) -> None:
    """Run the daemon until it is told to stop: gracefully at the first Ctrl-C or SIGTERM, at once at the second.

    Raises ConfigError, NoModel, FolderError, PortTaken, AlreadyRunning before it starts anything.
    """
    check_engine(config.engine)
    async with contextlib.AsyncExitStack() as stack:
        live = live_of(config.audio)
        library = Library(database.place(), config.folder)
        learn = Child("learn", LEARN, COURSES, str(live.scratch), str(config.folder))
        core = core_of(config, live, portable.config_folder() / "pads.json", library, learn)
        await stack.enter_async_context(
            serve_presets(core.presets, lambda *changed: core.publish(PresetChanged(*changed)))
        )
        frontend = await stack.enter_async_context(serve_osc(core, config.osc))
        # The port comes first: a daemon that holds it may be writing into this very folder.
        sink = FolderSink(config.folder)
        sink.open()
        sink.close()
        library.start()
        stack.callback(library.close)
        core.listeners.append(terminal)
        await stack.enter_async_context(serve_midi(core, config.midi))
        await stack.enter_async_context(serve_link(core, config.tempo.link))
        web = await stack.enter_async_context(serve_http(core, frontend, config.osc, config.network))
        stopping, now = stop_signals()
        faults = tuple(core.presets.faults)
        core.publish(Started(__version__, frontend.port, sink.folder, core.state, faults))
        if web is not None:
            core.publish(web)
        await stack.enter_async_context(serve_inbox(core, config.inbox, config.folder))
        core.start()
        stack.push_async_callback(core.stop, now)
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TICK_S)
            core.tick()


async def render(config: Config, batch: Batch, watch: Watcher) -> bool:
    """Make every clip of a list that has none yet. Ctrl-C stops after the clips that are being made, a second one at once. Returns whether
    it came to the end. Raises ConfigError, NoModel, FolderError."""
    check_engine(config.engine)
    core = core_of(config, Live(Absent(), portable.cache_folder() / "playing"))
    rendering = Rendering(core, batch, watch.on_result)
    core.listeners += [rendering, watch]
    stopping, now = stop_signals()
    core.start()
    rendering.begin()
    try:
        while not stopping.is_set() and not rendering.ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TICK_S)
            core.tick()
        if rendering.error is not None:
            raise rendering.error
    finally:
        await core.stop(now)
        await asyncio.to_thread(rendering.close)
    return not stopping.is_set() or rendering.ended


def check_engine(config: EngineConfig) -> None:
    """Report a wrong compute or checkpoint now, not after seconds of loading torch. Raises ConfigError, NoModel."""
    if not config.url:
        accelerators.check(config.compute)
        if config.model:
            find(config.model)


def stop_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """An event for the first Ctrl-C or SIGTERM, which asks for a graceful end, and one for the second: at once."""
    stopping, now = asyncio.Event(), asyncio.Event()
    portable.on_stop_signals(asyncio.get_running_loop(), lambda: (now if stopping.is_set() else stopping).set())
    return stopping, now


def core_of(
    config: Config,
    live: Live,
    pads_file: Path | None = None,
    library: Library | None = None,
    learn_child: Child | None = None,
) -> Core:
    """The core with its engines and its shaper. The rest may be left out; see Core."""
    names = ["engine", *(f"engine-{number}" for number in range(2, config.engine.slots + 1))]
    engines = [Child(name, ENGINE, config.engine) for name in names]
    return Core(
        Presets(shipped_folder(), config.presets),
        engines[0],
        Child("shaper", SHAPER, str(config.folder), str(live.scratch)),
        live,
        pads_file,
        EtaFile(portable.cache_folder() / "eta.json"),
        library,
        learn_child,
        config.engine.url,
        engines[1:],
    )


def live_of(audio: AudioConfig) -> Live:
    """The player of the main device, and another one if the cue has a device of its own."""
    pairs = pairs_of(audio.cue, audio.pads)
    has_device = bool(audio.cue) and pairs.cue is None
    return Live(
        Child("player", PLAYER, audio.device, pairs),
        portable.cache_folder() / "playing",
        opens_at_start=bool(audio.device),
        cue_child=Child("cue", PLAYER, audio.cue, ONE_PAIR, audio.device) if has_device else None,
        cue_pair="" if pairs.cue is None else pair_name(pairs.cue),
    )
