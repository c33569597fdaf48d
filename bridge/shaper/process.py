"""The shaper process: samples from the engine become clips in the folder, so that neither delays the front."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import math
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bridge.audio.early import EarlyClip
from bridge.domain.clip import OUTPUT_RATE, Piece, TakeFile
from bridge.errors import BadAudio, ClipbridgeError
from bridge.files import clip_file
from bridge.files.folder import FolderSink
from bridge.files.names import clip_names
from bridge.shaper import kit_folder
from bridge.shaper.make import Made, make
from bridge.shaper.messages import (
    OFF_TEMPO,
    Begin,
    Claim,
    Deliver,
    Delivered,
    Drop,
    Early,
    Keep,
    Kept,
    Leave,
    Map,
    Samples,
    Undelivered,
    Written,
)

log = logging.getLogger("clipbridge")


def main(connection: Connection, folder: str, scratch: str = "") -> None:
    """Serve until the pipe ends. Runs in a process of its own; one thread, one job at a time. `folder`: where clips go;
    `scratch`: where samples are left for the player."""
    sink = FolderSink(Path(folder))
    sink.sweep()  # what a killed shaper of this very daemon left
    received: dict[int, list[Piece]] = {}
    heard: dict[int, EarlyClip] = {}
    try:
        while (message := _receive(connection)) is not None:
            if isinstance(message, Samples):
                received.setdefault(message.serial, []).append(message.piece)
                if message.serial in heard:
                    early = _early(message, heard[message.serial], Path(scratch), len(received[message.serial]))
                    if early is not None:
                        connection.send(early)
            elif isinstance(message, Begin):
                heard[message.serial] = EarlyClip(
                    message.model.sample_rate, message.prompt.seconds, message.prompt.shape
                )
            elif isinstance(message, Drop):
                received.pop(message.serial, None)
                heard.pop(message.serial, None)
            elif isinstance(message, Keep):
                connection.send(keep(message, sink))
            elif isinstance(message, Claim | Map | Leave):
                if (answer := kit_folder.answer(message, sink)) is not None:
                    connection.send(answer)
            else:
                if heard.pop(message.serial, None) is not None:
                    message = dataclasses.replace(message, heard=True)
                alive = functools.partial(connection.send, Written(message.serial))
                connection.send(deliver(message, received.pop(message.serial, []), sink, alive, Path(scratch)))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone; what was written is complete
    finally:
        sink.close()


def deliver(
    ask: Deliver, pieces: list[Piece], sink: FolderSink, on_take: Callable[[], None], scratch: Path
) -> Delivered | Undelivered:
    """Shape and write one take after the other; best first in the answer. `on_take` is called after each.

    A take that is no sound is left out; if none is left, the job fails.
    """
    started = time.perf_counter()
    takes: list[TakeFile] = []
    best: tuple[float, Any] = (-math.inf, None)
    try:
        fault = BadAudio("The engine sent no samples. Ask for this clip again.")
        for number in (ask.only,) if ask.only else range(1, ask.prompt.takes + 1):
            samples = _join([piece for piece in pieces if piece.take == number])
            if samples is None:
                continue
            try:
                made = make(samples, ask.model.sample_rate, ask.prompt)
            except BadAudio as error:
                fault = error
                continue
            if not (made.on_the_grid or ask.insist) and ask.prompt.loop and ask.prompt.takes == 1:
                return Undelivered(ask.serial, OFF_TEMPO, made.remarks[-1])
            takes.append(_write(ask, number, made, sink))
            if takes[-1].score > best[0]:
                best = takes[-1].score, made.samples
            on_take()
        if not takes:
            raise fault
        playable = ""
        if ask.sink != "folder" and not ask.heard:
            try:
                playable = _leave(best[1], scratch / f"{ask.serial}.npy")
            except OSError as error:
                if not takes[0].path:
                    raise
                log.warning("a clip is in the folder, and cannot be played: %s", error)
    except (BrokenPipeError, ConnectionResetError):
        raise  # the front is gone: what is written stays
    except Exception as error:  # noqa: BLE001 - one bad job must not end the process; it is told and logged
        for take in takes:  # complete, but of a job that is told to have failed
            with contextlib.suppress(OSError):
                if take.path:
                    Path(take.path).unlink()
        if isinstance(error, ClipbridgeError):
            return Undelivered(ask.serial, error.code, str(error))
        why = f"The clip could not be shaped ({type(error).__name__}: {error})."
        return Undelivered(ask.serial, ClipbridgeError.code, why, traceback.format_exc())
    takes.sort(key=lambda take: -take.score)
    return Delivered(ask.serial, tuple(takes), time.perf_counter() - started, playable)


def _early(message: Samples, clip: EarlyClip, scratch: Path, number: int) -> Early | None:
    """The next samples to be heard, in a file. What is wrong with them is told when the whole is delivered."""
    try:
        samples = clip.add(_array(message.piece), message.piece.last)
        if len(samples) or message.piece.last:
            file = _leave(samples, scratch / f"{message.serial}-{number}.npy")
            return Early(message.serial, file, OUTPUT_RATE, clip.frames, message.piece.last)
    except (BadAudio, OSError) as error:
        log.info("a clip is not heard early: %s", error)
    return None


def _leave(samples: Any, file: Path) -> str:
    """Leave samples for the player; returns the path. Raises OSError, and leaves nothing then."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)  # cleaners of temporary folders take it away
        np.save(file, samples)
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return str(file)


def keep(ask: Keep, sink: FolderSink) -> Kept:
    """Write a clip that was only heard so far."""
    try:
        clip = np.load(ask.file, allow_pickle=False)
        again = Deliver(0, ask.prompt, ask.model, ())
        return Kept(ask.number, _write(again, 1, Made(clip), sink).path)
    except Exception as error:  # noqa: BLE001 - one take that cannot be kept must not end the process
        return Kept(ask.number, "", str(error))


def _write(ask: Deliver, number: int, made: Made, sink: FolderSink) -> TakeFile:
    prompt, seed = ask.prompt, ask.prompt.seed_of(number)
    path = ""
    if ask.sink in ("folder", "both"):
        lufs = made.measured.get("lufs")
        data = clip_file.encode(made.samples, OUTPUT_RATE, prompt, ask.model, number, lufs)
        check = functools.partial(clip_file.check, frames=len(made.samples))
        path = sink.deliver(data, check, prompt.shape.folder, clip_names(prompt, seed)).as_posix()
    frames, channels = made.samples.shape
    return TakeFile(
        take=number,
        path=path,
        seconds=frames / OUTPUT_RATE,
        frames=frames,
        sample_rate=OUTPUT_RATE,
        channels=max(channels, prompt.shape.channels),
        seed=seed,
        score=ask.scores[number - 1] if ask.scores else 0.0,
        measured=tuple(made.measured.items()),
        remark="; ".join(remark.rstrip(".") for remark in made.remarks),
    )


def _join(pieces: list[Piece]) -> Any:
    if not pieces or not any(piece.last for piece in pieces):
        return None
    ordered = sorted(pieces, key=lambda piece: piece.start_frame)
    return np.concatenate([_array(piece) for piece in ordered])


def _array(piece: Piece) -> Any:
    return np.frombuffer(piece.samples, "<f4").reshape(-1, piece.channels)


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None
