"""The shaper process: makes clips from the engine's samples and delivers them, so that the front is never delayed."""

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
from bridge.domain.clip import OUTPUT_RATE, Piece, Prompt, TakeFile
from bridge.errors import BadAudio, ClipbridgeError, FolderError
from bridge.files import clip_file
from bridge.files.folder import FolderSink
from bridge.files.names import clip_names
from bridge.shaper import kit_folder
from bridge.shaper.crop import crop, recropped
from bridge.shaper.make import Clip, make
from bridge.shaper.measure import measure
from bridge.shaper.messages import (
    OFF_TEMPO,
    Begin,
    Claim,
    CropFile,
    Deliver,
    Delivered,
    Drop,
    Early,
    FileDone,
    InspectSource,
    Keep,
    Leave,
    Map,
    Measure,
    Samples,
    Save,
    Saved,
    Undelivered,
    Written,
)
from bridge.shaper.pasted import paste, source_of
from bridge.shaper.source import inspect
from bridge.shaper.steady import Steady

log = logging.getLogger("clipbridge")


STREAM = "stream"  # the sink of its clips
OF_THE_WHOLE = ("seam", "lufs")  # measurements that say nothing about a part


def main(connection: Connection, folder: str, scratch: str = "") -> None:
    """Serve until the pipe ends, one job at a time. `folder`: the sample folder; `scratch`: the folder for samples that the
    player reads."""
    sink = FolderSink(Path(folder))
    sink.sweep()  # the staging area of a killed shaper of this daemon
    received: dict[int, list[Piece]] = {}
    early_clips: dict[int, EarlyClip] = {}
    saved: dict[str, str] = {}
    steady = Steady()
    try:
        while (message := _receive(connection)) is not None:
            if isinstance(message, Samples):
                received.setdefault(message.serial, []).append(message.piece)
                if message.serial in early_clips:
                    early = _early(message, early_clips[message.serial], Path(scratch), len(received[message.serial]))
                    if early is not None:
                        connection.send(early)
            elif isinstance(message, Begin):
                early_clips[message.serial] = EarlyClip(
                    message.model.abilities.sample_rate, message.prompt.seconds, message.prompt.shape
                )
            elif isinstance(message, Drop):
                received.pop(message.serial, None)
                early_clips.pop(message.serial, None)
            elif isinstance(message, Save):
                connection.send(save(message, sink, saved))
            elif isinstance(message, Measure | CropFile | InspectSource | Keep):
                connection.send(work_on_file(message, sink, saved))
            elif isinstance(message, Claim | Map | Leave):
                if (answer := kit_folder.answer(message, sink)) is not None:
                    connection.send(answer)
            else:
                if early_clips.pop(message.serial, None) is not None:
                    message = dataclasses.replace(message, heard=True)
                alive = functools.partial(connection.send, Written(message.serial))
                connection.send(deliver(message, received.pop(message.serial, []), sink, alive, Path(scratch), steady))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone; files written so far are complete
    finally:
        sink.close()


def deliver(
    ask: Deliver, pieces: list[Piece], sink: FolderSink, on_take: Callable[[], None], scratch: Path, steady: Steady
) -> Delivered | Undelivered:
    """Shape and write the takes one by one, calling `on_take` after each; the answer has the best first. `steady`: the levels of streams.

    A take without valid sound is left out; if none is left, the job fails.
    """
    started = time.perf_counter()
    takes: list[TakeFile] = []
    best: tuple[float, Any] = (-math.inf, None)
    try:
        fault = BadAudio("The engine sent no samples. Ask for this clip again.")
        source = source_of(ask.prompt)
        for number in (ask.only,) if ask.only else range(1, ask.prompt.takes + 1):
            samples = _join([piece for piece in pieces if piece.take == number])
            if samples is None:
                continue
            try:
                clip = _shaped(samples, ask.model.abilities.sample_rate, ask.prompt, source)
            except BadAudio as error:
                fault = error
                continue
            if not (clip.on_the_grid or ask.insist) and ask.prompt.loop and ask.prompt.takes == 1:
                return Undelivered(ask.serial, OFF_TEMPO, clip.remarks[-1])
            takes.append(_write(ask, number, clip, sink))
            if takes[-1].score > best[0]:
                best = takes[-1].score, clip.samples
            on_take()
        if not takes:
            raise fault
        playable = ""
        if ask.sink != "folder" and not ask.heard:
            file = scratch / f"{ask.serial}.npy"
            try:
                samples = steady.held(best[1], ask.prompt, str(file)) if ask.sink == STREAM else best[1]
                playable = _save_samples(samples, file)
            except OSError as error:
                if not takes[0].path:
                    raise
                log.warning("a clip was delivered but cannot be played: %s", error)
    except (BrokenPipeError, ConnectionResetError):
        raise  # the front is gone: files written so far stay
    except Exception as error:  # noqa: BLE001 - one bad job must not end the process; it is reported and logged
        for take in takes:  # complete, but the job is reported as failed
            with contextlib.suppress(OSError):
                if take.path:
                    Path(take.path).unlink()
        if isinstance(error, ClipbridgeError):
            return Undelivered(ask.serial, error.code, str(error))
        why = f"The clip could not be shaped ({type(error).__name__}: {error})."
        return Undelivered(ask.serial, ClipbridgeError.code, why, traceback.format_exc())
    takes.sort(key=lambda take: -take.score)
    return Delivered(ask.serial, tuple(takes), time.perf_counter() - started, playable)


def _shaped(samples: Any, sample_rate: int, prompt: Prompt, source: Any) -> Clip:
    keeps = prompt.source is not None and prompt.source.keeps
    return paste(samples, sample_rate, prompt, source) if keeps else make(samples, sample_rate, prompt, source)


def _early(message: Samples, clip: EarlyClip, scratch: Path, number: int) -> Early | None:
    """The next samples to play, in a file. Errors are only logged: Deliver reports them for the whole clip."""
    try:
        samples = clip.add(_array(message.piece), message.piece.last)
        if len(samples) or message.piece.last:
            file = _save_samples(samples, scratch / f"{message.serial}-{number}.npy")
            return Early(message.serial, file, OUTPUT_RATE, clip.frames, message.piece.last)
    except (BadAudio, OSError) as error:
        log.info("a clip cannot be played early: %s", error)
    return None


def _save_samples(samples: Any, file: Path) -> str:
    """Save samples for the player and return the path. Raises OSError, leaving no file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)  # it may have been removed by a cleaner of temporary folders
        np.save(file, samples)
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return str(file)


def save(ask: Save, sink: FolderSink, saved: dict[str, str]) -> Saved:
    """Save a clip that was only played so far. `saved`: the paths of saved clips, by the files of their samples; a clip that is saved
    again keeps its path while the file is there."""
    try:
        if Path(path := saved.get(ask.file, "")).is_file():
            return Saved(ask.number, path)
        samples = np.load(ask.file, allow_pickle=False)
        request = Deliver(0, ask.prompt, ask.model, ())
        saved[ask.file] = _write(request, 1, Clip(samples), sink).path
        return Saved(ask.number, saved[ask.file])
    except Exception as error:  # noqa: BLE001 - one take that cannot be saved must not end the process
        return Saved(ask.number, "", str(error))


def work_on_file(
    ask: Measure | CropFile | InspectSource | Keep, sink: FolderSink, saved: dict[str, str] | None = None
) -> FileDone:
    """Do what `ask` says with a file that anybody may have written. `saved`: as for `save`."""
    try:
        if isinstance(ask, InspectSource):
            return FileDone(ask.number, inspect(ask))
        if isinstance(ask, Keep):
            kept = save(Save(ask.number, ask.file, ask.prompt, ask.model), sink, {} if saved is None else saved)
            return FileDone(ask.number, {"path": kept.path}, FolderError(kept.why) if kept.why else None)
        if isinstance(ask, Measure):
            return FileDone(ask.number, measure(Path(ask.path), ask.bpm))
        return FileDone(ask.number, crop(Path(ask.path), ask.from_s, ask.to_s, sink))
    except ClipbridgeError as error:
        return FileDone(ask.number, {}, error)
    except Exception as error:
        name = ask.file if isinstance(ask, Keep) else ask.path
        log.warning("%s could not be read", name, exc_info=True)
        why = f"{Path(name).name} could not be read ({type(error).__name__}: {error})."
        return FileDone(ask.number, {}, ClipbridgeError(why))


def _write(ask: Deliver, number: int, clip: Clip, sink: FolderSink) -> TakeFile:
    prompt, seed = ask.prompt.lacking(clip.unmet), ask.prompt.seed_of(number)
    if prompt.crop is not None:
        measured = {name: value for name, value in clip.measured.items() if name not in OF_THE_WHOLE}
        samples = recropped(clip.samples, OUTPUT_RATE, prompt.crop, prompt.shape)
        clip = dataclasses.replace(clip, samples=samples, measured=measured)
    path = ""
    if ask.sink in ("folder", "both"):
        lufs = clip.measured.get("lufs")
        data = clip_file.encode(clip.samples, OUTPUT_RATE, prompt, ask.model, number, lufs)
        check = functools.partial(clip_file.check, frames=len(clip.samples))
        path = sink.deliver(data, check, prompt.shape.folder, clip_names(prompt, seed)).as_posix()
    frames, channels = clip.samples.shape
    return TakeFile(
        take=number,
        path=path,
        seconds=frames / OUTPUT_RATE,
        frames=frames,
        sample_rate=OUTPUT_RATE,
        channels=prompt.shape.channels or channels,
        seed=seed,
        score=ask.scores[number - 1] if ask.scores else 0.0,
        measured=tuple(clip.measured.items()),
        remark="; ".join(remark.rstrip(".") for remark in clip.remarks),
        unmet=prompt.unmet,
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
