"""The shaper process: samples from the engine become clips in the folder, so that neither delays the front."""

from __future__ import annotations

import functools
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bridge.audio.shape import OUTPUT_RATE, shape
from bridge.clip import Piece, TakeFile
from bridge.delivery import Deliver, Delivered, Drop, Samples, Undelivered
from bridge.errors import BadAudio, ClipbridgeError, FolderError
from bridge.sinks import wav
from bridge.sinks.folder import FolderSink
from bridge.sinks.names import clip_names


def main(connection: Connection, folder: str) -> None:
    """Serve until the pipe ends. Runs in a process of its own; one thread, one job at a time."""
    sink = FolderSink(Path(folder))
    received: dict[int, list[Piece]] = {}
    try:
        while (message := _receive(connection)) is not None:
            if isinstance(message, Samples):
                received.setdefault(message.serial, []).append(message.piece)
            elif isinstance(message, Drop):
                received.pop(message.serial, None)
            else:
                connection.send(deliver(message, received.pop(message.serial, []), sink))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone; what was written is complete
    finally:
        sink.close()


def deliver(ask: Deliver, pieces: list[Piece], sink: FolderSink) -> Delivered | Undelivered:
    """Shape and write all takes, best first. A take that is no sound is left out; if none is left, the job fails."""
    started = time.perf_counter()
    try:
        clips, fault = {}, BadAudio("The engine sent no samples. Ask for this clip again.")
        for number in range(1, ask.prompt.takes + 1):
            samples = _join([piece for piece in pieces if piece.take == number])
            if samples is None:
                continue
            try:
                clips[number] = shape(samples, ask.model.sample_rate, ask.prompt.seconds, ask.prompt.shape)
            except BadAudio as error:
                fault = error
        if not clips:
            raise fault
        takes = _write_all(ask, clips, sink)
    except ClipbridgeError as error:
        return Undelivered(ask.serial, error.code, str(error))
    except Exception as error:  # noqa: BLE001 - one bad job must not end the process; it is told and logged
        traceback.print_exc()
        return Undelivered(ask.serial, "internal", f"The clip could not be shaped ({type(error).__name__}: {error}).")
    takes.sort(key=lambda take: -take.score)
    return Delivered(ask.serial, tuple(takes), time.perf_counter() - started)


def _write_all(ask: Deliver, clips: dict[int, Any], sink: FolderSink) -> list[TakeFile]:
    takes: list[TakeFile] = []
    try:
        for number, clip in clips.items():
            takes.append(_write(ask, number, clip, sink))
    except FolderError:
        for take in takes:  # complete, but of a job that is told to have failed
            Path(take.path).unlink(missing_ok=True)
        raise
    return takes


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
