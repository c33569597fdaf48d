"""serve(): builds every part of the daemon in order, and takes it down in reverse."""

from __future__ import annotations

import asyncio
import contextlib

from bridge import __version__
from bridge.checkpoints.find import find
from bridge.config import AudioConfig, Config
from bridge.core.core import Core
from bridge.core.eta import EtaFile
from bridge.domain.events import Listener, PresetChanged, Started
from bridge.domain.outputs import ONE_PAIR, pair_name, pairs_of
from bridge.engine.messages import TARGET as ENGINE
from bridge.files.folder import FolderSink
from bridge.frontends.http.server import serve_http
from bridge.frontends.inbox.inbox import serve_inbox
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
from bridge.system.supervise import TICK_S, Child

# What learns from samples, in the room of its family: the process that drives it knows it by this name alone.
COURSE = "bridge.engine.audiolm.course:TokenCourse"


async def serve(config: Config, terminal: Listener) -> None:
    """Run the daemon until it is told to stop: gracefully at the first Ctrl-C or SIGTERM, at once at the second.

    Raises ConfigError, NoModel, FolderError, PortTaken, AlreadyRunning before it starts anything.
    """
    if not config.engine.url:
        accelerators.check(config.engine.compute)
    if config.engine.model and not config.engine.url:
        find(config.engine.model)  # report a wrong name now, not after seconds of loading torch
    stopping, now = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (now if stopping.is_set() else stopping).set()

    async with contextlib.AsyncExitStack() as stack:
        live = live_of(config.audio)
        names = ["engine", *(f"engine-{number}" for number in range(2, config.engine.slots + 1))]
        engines = [Child(name, ENGINE, config.engine) for name in names]
        library = Library(database.place(), config.folder)
        core = Core(
            Presets(shipped_folder(), config.presets),
            engines[0],
            Child("shaper", SHAPER, str(config.folder), str(live.scratch)),
            live,
            portable.config_folder() / "pads.json",
            EtaFile(portable.cache_folder() / "eta.json"),
            library,
            Child("learn", LEARN, COURSE, str(live.scratch), str(config.folder)),
            config.engine.url,
            engines[1:],
        )
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
        portable.on_stop_signals(asyncio.get_running_loop(), stop)
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
