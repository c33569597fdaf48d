"""kill -9 at any point of writing: a reader of the folder only ever sees complete clips, each once."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.checkpoints.audioldm2 import USUAL
from bridge.domain.ask import Shape
from bridge.domain.clip import Piece, Prompt
from bridge.domain.limits import Range
from bridge.domain.model import Model
from bridge.files.folder import FolderSink
from bridge.files.reading import recipe_from_file
from bridge.shaper.messages import Deliver, Delivered, Samples
from bridge.shaper.process import main as write_clips
from bridge.system import portable

KILLS = int(os.environ.get("CLIPBRIDGE_KILLS", "40"))
JOBS = 12  # of each process; most processes are killed before they have written all
MODEL = Model("test", "r1", replace(USUAL, sample_rate=48_000, seconds=Range(0.1, 150.0)), "cpu", "float32", "none")
FORMATS = ("wav", "flac", "aiff")


class EagerReader(threading.Thread):
    """A host that opens every file as soon as it appears."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.over, self.faults = folder, threading.Event(), list[str]()
        self.seen: set[Path] = set()

    def run(self) -> None:
        while not self.over.is_set():
            for file in set(self.folder.iterdir()) - self.seen:
                self.seen.add(file)
                try:
                    if file.is_file():
                        prompt = recipe_from_file(file).prompt
                        samples, _ = soundfile.read(file)
                        assert len(samples) == round(prompt.seconds * 48_000) and np.abs(samples).max() > 0.1
                except Exception as error:  # noqa: BLE001 - the test reports it
                    self.faults.append(f"{file.name}: {error!r}")
            time.sleep(0.001)


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL to a forked process")
def test_a_process_killed_at_any_point_leaves_no_partial_file_and_no_clip_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Forked from a process that has imported everything: spawning takes a second each time.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["bridge.shaper.process"])
    folder, rng = tmp_path / "clips", random.Random(8)
    folder.mkdir()
    wave = (0.5 * np.sin(np.arange(9_600) / 9)).astype("<f4").tobytes()
    reader = EagerReader(folder)
    reader.start()
    delivered: dict[int, str] = {}
    sent = killed = 0
    try:
        while killed < KILLS:
            ours, theirs = forks.Pipe()
            child = forks.Process(target=write_clips, args=(theirs, str(folder), str(tmp_path)), daemon=True)
            child.start()
            theirs.close()
            for _ in range(JOBS):
                sent += 1
                prompt = Prompt(f"job {sent}", f"job {sent}", 0.2, sent, shape=Shape(format=FORMATS[sent % 3]))
                ours.send(Samples(sent, Piece(1, 0, wave, 1, True)))
                ours.send(Deliver(sent, prompt, MODEL, ()))
            ours.poll(5)  # it is at work
            time.sleep(rng.uniform(0, 0.03))
            child.kill()
            child.join()
            killed += 1
            try:
                while ours.poll(0):
                    message = ours.recv()
                    if isinstance(message, Delivered):
                        delivered[message.serial] = message.takes[0].path
            except (EOFError, ConnectionResetError):
                pass
            ours.close()
        time.sleep(0.1)
    finally:
        reader.over.set()
        reader.join(5)
    files = [file for file in folder.iterdir() if file.is_file()]
    assert reader.faults == [] and reader.seen >= set(files)
    jobs = Counter(recipe_from_file(file).prompt.seed for file in files)
    assert max(jobs.values()) == 1 and all(Path(path).is_file() for path in delivered.values())
    # Some were killed in the middle of writing, not only before or after.
    assert len(delivered) < sent and len(files) > len(delivered) > killed
    FolderSink(folder).sweep()
    assert not list(portable.cache_folder().rglob("*.wav")) and not list(folder.rglob("*staging*/*.wav"))
