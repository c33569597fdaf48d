"""The shaper process: samples from the engine become clips in the folder, so that neither delays the front."""

from __future__ import annotations

import contextlib
import functools
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bridge.audio.shape import OUTPUT_RATE, shape
from bridge.clip import Piece, TakeFile
from bridge.delivery import Deliver, Delivered, Drop, Samples, Undelivered, Written
from bridge.errors import BadAudio, ClipbridgeError
from bridge.sinks import wav
from bridge.sinks.folder import FolderSink
from bridge.sinks.names import clip_names


def main(connection: Connection, folder: str) -> None:
    """Serve until the pipe ends. Runs in a process of its own; one thread, one job at a time."""
    sink = FolderSink(Path(folder))
    sink.sweep()  # what a killed shaper of this very daemon left
    received: dict[int, list[Piece]] = {}
    try:
        while (message := _receive(connection)) is not None:
            if isinstance(message, Samples):
                received.setdefault(message.serial, []).append(message.piece)
            elif isinstance(message, Drop):
                received.pop(message.serial, None)
            else:
                alive = functools.partial(connection.send, Written(message.serial))
                connection.send(deliver(message, received.pop(message.serial, []), sink, alive))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone; what was written is complete
    finally:
        sink.close()


def deliver(
    ask: Deliver, pieces: list[Piece], sink: FolderSink, on_take: Callable[[], None]
) -> Delivered | Undelivered:
    """Shape and write one take after the other; best first in the answer. `on_take` is called after each.

    A take that is no sound is left out; if none is left, the job fails.
    """
    started = time.perf_counter()
    takes: list[TakeFile] = []
    try:
        fault = BadAudio("The engine sent no samples. Ask for this clip again.")
        for number in range(1, ask.prompt.takes + 1):
            samples = _join([piece for piece in pieces if piece.take == number])
            if samples is None:
                continue
            try:
                clip = shape(samples, ask.model.sample_rate, ask.prompt.seconds, ask.prompt.shape)
            except BadAudio as error:
                fault = error
                continue
            takes.append(_write(ask, number, clip, sink))
            on_take()
        if not takes:
            raise fault
    except (BrokenPipeError, ConnectionResetError):
        raise  # the front is gone: what is written stays
    except Exception as error:  # noqa: BLE001 - one bad job must not end the process; it is told and logged
        for take in takes:  # complete, but of a job that is told to have failed
            with contextlib.suppress(OSError):
                Path(take.path).unlink()
        if isinstance(error, ClipbridgeError):
            return Undelivered(ask.serial, error.code, str(error))
        why = f"The clip could not be shaped ({type(error).__name__}: {error})."
        return Undelivered(ask.serial, ClipbridgeError.code, why, traceback.format_exc())
    takes.sort(key=lambda take: -take.score)
    return Delivered(ask.serial, tuple(takes), time.perf_counter() - started)


def _write(ask: Deliver, number: int, clip: Any, sink: FolderSink) -> TakeFile:
    prompt, seed = ask.prompt, ask.prompt.seed_of(number)
    data = wav.encode(clip, OUTPUT_RATE, prompt, ask.model, number)
    check = functools.partial(wav.check, frames=len(clip))
    path = sink.deliver(data, check, prompt.shape.folder, clip_names(prompt.text, prompt.preset, seed))
    frames, channels = clip.shape
    score = ask.scores[number - 1] if ask.scores else 0.0
    return TakeFile(number, path.as_posix(), frames / OUTPUT_RATE, frames, OUTPUT_RATE, channels, seed, score)


def _join(pieces: list[Piece]) -> Any:
    if not pieces or not any(piece.last for piece in pieces):
        return None
    ordered = sorted(pieces, key=lambda piece: piece.start_frame)
    return np.concatenate([np.frombuffer(piece.samples, "<f4").reshape(-1, piece.channels) for piece in ordered])


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None
