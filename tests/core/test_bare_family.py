"""A family with two channels and without steps, guidance, negative prompt, loops and notes, from ask to file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import wavinfo

from bridge.core.core import Core
from bridge.domain.job import Job
from bridge.errors import Unsupported
from bridge.files.reading import recipe_from_file
from bridge.presets.files import Presets, shipped_folder
from tests.core.running import Recorder, ask, play, until


def made(tmp_path: Path, **keys: Any) -> tuple[Job, Recorder]:
    """A job and what was reported of it."""
    jobs: list[Job] = []

    async def story(core: Core, recorder: Recorder) -> None:
        jobs.append(ask(core, seconds=0.5, **keys))
        await until(lambda: jobs[0].state.ended)

    recorder = play(tmp_path, "bare", story, presets=Presets(shipped_folder()))
    return jobs[0], recorder


def done(recorder: Recorder) -> dict[str, Any]:
    return next(fields for _, kind, fields in recorder.events if kind == "done")


def test_its_clip_has_two_different_channels_and_its_file_says_stereo(tmp_path: Path) -> None:
    fields = done(made(tmp_path)[1])
    samples, rate = soundfile.read(fields["path"])
    assert (fields["channels"], samples.shape, rate) == (2, (24_000, 2), 48_000)
    assert abs(np.corrcoef(samples.T)[0, 1]) < 0.1
    assert ",M=stereo," in wavinfo.WavInfoReader(fields["path"]).bext.coding_history


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_1_mixes_its_clip_down_and_channels_2_leaves_it(tmp_path: Path, channels: int) -> None:
    fields = done(made(tmp_path, channels=channels)[1])
    samples, _ = soundfile.read(fields["path"], always_2d=True)
    assert fields["channels"] == samples.shape[1] == channels
    # An octave apart: both are in the mix.
    levels = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    loud = np.flatnonzero(levels > 0.5 * levels.max()) * 48_000 / len(samples)
    assert loud.min() == pytest.approx(877, abs=10)
    assert loud.max() == pytest.approx(877 * (2 if channels == 1 else 1), abs=10)


def test_what_a_preset_prefers_is_dropped_and_the_recipe_has_none_of_it(tmp_path: Path) -> None:
    _, recorder = made(tmp_path, preset="loop")
    prompt = recipe_from_file(Path(done(recorder)["path"])).prompt
    assert (prompt.preset, prompt.steps, prompt.guidance, prompt.negative) == ("loop", None, None, None)
    assert not prompt.loop


@pytest.mark.parametrize(
    "keys", [{"steps": 8}, {"guidance": 4.0}, {"negative": "hiss"}, {"loop": 1}, {"note": "c4"}, {"transcript": "hi"}, {"lyrics": "la"}]
)  # fmt: skip
def test_what_is_requested_and_cannot_be_is_refused(tmp_path: Path, keys: dict[str, Any]) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        with pytest.raises(Unsupported, match=f"leave {next(iter(keys))} out"):
            ask(core, **keys)

    play(tmp_path, "bare", story)


def test_an_ask_that_came_before_the_checkpoint_was_known_is_refused_when_it_is(tmp_path: Path) -> None:
    _, recorder = made(tmp_path, steps=8)
    assert recorder.ends() == {1: ["unsupported"]}


def test_its_progress_and_estimate_count_the_clip_as_one_unit(tmp_path: Path) -> None:
    _, recorder = made(tmp_path, deadline_s=60.0)
    assert [fields["fraction"] for _, kind, fields in recorder.events if kind == "progress"] == [0.0]
    assert "steps" not in done(recorder) and done(recorder)["takes"] == 1


def test_its_clip_is_recalled_byte_for_byte(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        first = ask(core)
        await until(lambda: first.state.ended)
        file = Path(done(recorder)["path"])
        again, _ = core.recall(recipe_from_file(file), "127.0.0.1")
        await until(lambda: again.state.ended)
        assert Path(recorder.events[-1][2]["path"]).read_bytes() == file.read_bytes()

    play(tmp_path, "bare", story)
