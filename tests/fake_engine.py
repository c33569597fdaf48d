"""A stand-in engine process without torch, which behaves as its argument says. A real Child spawns it."""

from __future__ import annotations

import math
import os
import struct
import time
from dataclasses import replace
from multiprocessing.connection import Connection

from bridge.checkpoints.audioldm2 import USUAL
from bridge.config import EngineConfig
from bridge.domain.clip import Piece
from bridge.domain.limits import Range
from bridge.domain.model import Abilities, Model
from bridge.domain.source import How
from bridge.engine.messages import Broken, Cancel, Cost, Finished, Generate, Ready, Samples, Stage, Step, Unloadable

USES = frozenset[How]({"vary", "continue", "fill"})
ABILITIES = replace(USUAL, sample_rate=16_000, seconds=Range(0.1, 10.0), audio=USES)
MODEL = Model("fake", "", ABILITIES, "cpu", "float32", "none", threads="1")
STEREO = replace(MODEL, abilities=replace(ABILITIES, sample_rate=44_100, channels=2))
BARE = replace(MODEL, abilities=Abilities(sample_rate=44_100, channels=2, seconds=Range(0.1, 10.0)))


def main(connection: Connection, behaviour: str, folder: str) -> None:
    """`behaviour`: well, slow to load, poisoned once, dies at load, unloadable, dies at job, hangs at job, nan, slow, dies once at load,
    nan at seed N, silence at seed N, computes (silently, for 0.4 s of processor time), leaves the note out,
    improves (in a faster way, just before its first job), bare (two channels, and no steps, guidance,
    negative prompt, loops or notes), stereo (two channels)."""
    model = {"bare": BARE, "stereo": STEREO}.get(behaviour, MODEL)
    marker = os.path.join(folder, "died")
    connection.send(Stage("loading", 0, 1, "nothing"))
    if behaviour == "dies at load" or (behaviour == "dies once at load" and not os.path.exists(marker)):
        open(marker, "w").close()
        os._exit(9)
    if behaviour == "slow to load":
        time.sleep(1.0)
    if behaviour == "unloadable":
        connection.send(Unloadable("The checkpoint is broken."))
    else:
        connection.send(Ready(model, ()))
    cancelled: set[int] = set()
    improved = behaviour != "improves"
    while (message := connection.recv()) is not None:
        if isinstance(message, Cancel):
            cancelled.add(message.serial)
        elif isinstance(message, Generate):
            if not improved:
                improved = True
                connection.send(Stage("improving", 1, 2, "the network"))
                connection.send(Ready(replace(model, compiled="faster"), (Cost(0.1, 0.1, 10, 0.2, 2),)))
            if behaviour == "poisoned once" and not os.path.exists(marker):
                open(marker, "w").close()
                connection.send(Broken(message.serial, "engine_lost", "CUDA error: an illegal memory access."))
                time.sleep(0.2)
                os._exit(70)
            _generate(connection, message, behaviour, cancelled, model.abilities)


def serve(connection: Connection, _config: EngineConfig, model: str | None = None) -> None:
    """The engine process of a daemon, with the arguments of the real one. STAND_IN_ENGINE: the behaviour."""
    main(connection, os.environ.get("STAND_IN_ENGINE", "well"), "")


def _generate(connection: Connection, ask: Generate, behaviour: str, cancelled: set[int], abilities: Abilities) -> None:
    prompt, computed = ask.prompt, time.process_time() + 0.4
    for step in range(prompt.units):
        connection.send(Step(ask.serial, step, prompt.units))
        if behaviour == "dies at job":
            os._exit(9)
        while behaviour == "hangs at job":
            time.sleep(1)
        while behaviour == "computes" and time.process_time() < computed:
            pass
        if behaviour == "slow":
            time.sleep(0.05)
        if connection.poll():
            message = connection.recv()
            if message is None:
                os._exit(0)
            cancelled.add(message.serial)
        if ask.serial in cancelled:
            connection.send(Broken(ask.serial, "cancelled", ""))
            return
    bad = behaviour == "nan" or (behaviour.endswith(f" at seed {prompt.seed}"))
    level = float("nan") if behaviour.startswith("nan") else 0.0 if behaviour.startswith("silence") else 0.5
    frames = range(round(prompt.seconds * abilities.sample_rate))
    channels = range(1, abilities.channels + 1)  # each an octave above the one before
    wave = [(level if bad else 0.5) * math.sin(frame * channel / 8) for frame in frames for channel in channels]
    samples = struct.pack(f"<{len(wave)}f", *wave)
    unmet = ("note",) if prompt.note and behaviour == "leaves the note out" else ()
    for take in range(1, prompt.takes + 1):
        if behaviour == "pauses between takes":
            time.sleep(0.5)
        connection.send(Samples(ask.serial, Piece(take, 0, samples, abilities.channels, True)))
    connection.send(Finished(ask.serial, Cost.of(prompt, 0.1, 0.1), (), unmet=unmet))
