"""Requests about files: one at a time, none without an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.core.core import Core
from bridge.core.file_work import MAX_WAITING, FileWork
from bridge.errors import BadArgument, BadAudio, ClipbridgeError, ShaperLost
from bridge.shaper.messages import FileDone
from tests.core.running import Recorder, child_of, play, until


def measured(work: FileWork, told: list[Any], file: str = "a.wav") -> None:
    work.measure(Path(file), 120.0, told.append, told.append)


def test_a_request_waits_for_the_answer_to_the_one_before() -> None:
    sent: list[Any] = []
    told: list[Any] = []
    work = FileWork(sent.append)
    for name in ("a.wav", "b.wav", "c.wav"):
        measured(work, told, name)
    assert [message.path for message in sent] == ["a.wav"]
    work.on_done(FileDone(sent[0].number, {"seconds": 1.0}))
    work.on_done(FileDone(sent[0].number, {"seconds": 1.0}))  # not the answer to the next one
    assert [message.path for message in sent] == ["a.wav", "b.wav"] and told == [{"seconds": 1.0}]
    fault = BadAudio("b.wav cannot be read: it has no samples.")
    work.on_done(FileDone(sent[1].number, {}, fault))
    work.on_done(FileDone(sent[2].number, {}))
    assert told == [{"seconds": 1.0}, fault, {}] and not work.busy


def test_too_many_requests_are_refused() -> None:
    told: list[Any] = []
    work = FileWork(lambda message: None)
    for _ in range(MAX_WAITING):
        measured(work, told)
    with pytest.raises(BadArgument, match="ask again later"):
        measured(work, told)


def test_every_request_is_refused_when_the_process_is_lost_and_later_ones_when_it_was_given_up() -> None:
    told: list[Any] = []
    work = FileWork(lambda message: None)
    measured(work, told)
    measured(work, told)
    work.lose("signal 9")
    assert [type(one) for one in told] == [ShaperLost, ShaperLost]
    measured(work, told)
    work.lose("signal 9", given_up=True)
    assert len(told) == 3
    with pytest.raises(ShaperLost, match="/bridge/restart"):
        measured(work, told)
    work.lose("it was restarted on request")
    measured(work, told)


def test_the_asker_hears_of_a_shaper_that_died_and_the_next_one_measures(tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    soundfile.write(file, np.zeros((48_000 * 60, 1)) + 0.1, 48_000)
    told: list[Any] = []

    async def story(core: Core, _recorder: Recorder) -> None:
        process = child_of(core.shaper).process
        core.files.measure(file, 120.0, told.append, told.append)
        process.kill()
        await until(lambda: len(told) == 1)
        core.files.measure(file, 120.0, told.append, told.append)
        await until(lambda: len(told) == 2)

    play(tmp_path, "well", story)
    lost, facts = told
    assert isinstance(lost, ClipbridgeError) and lost.code == "shaper_lost" and facts["seconds"] == 60.0
