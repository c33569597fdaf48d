"""Core with a stand-in engine process, for what a real engine does rarely: dying at load, hanging, NaN."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile

from bridge.core import engine_link, outcome
from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.events import Event
from bridge.domain.job import Job
from bridge.domain.recipe import read
from bridge.domain.source import Source
from bridge.engine.messages import Cost
from bridge.errors import NotReady, Stopping
from bridge.files.reading import recipe_from_file
from bridge.files.same_file import hash_of
from bridge.library.library import Library
from bridge.library.search import Query
from bridge.presets.files import Presets, shipped_folder
from tests.core.running import Recorder, ask, child_of, play, until


def test_a_job_ends_once_and_its_file_exists(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core)
        await until(lambda: job.state.ended)

    recorder = play(tmp_path, "well", story)
    assert recorder.ends() == {1: ["done"]} and recorder.states[-2:] == ["ready", "stopping"]
    assert soundfile.info(next((tmp_path / "clips").glob("*.wav"))).frames == 9_600


@pytest.mark.parametrize(
    ("text", "more", "hinted"),
    [
        ("snare 0.3", {}, True),
        ("rain 4 s", {"preset": "drum"}, True),
        ("snare 0.3", {"seconds": 0.2}, False),
        ("snare 0.3", {"bars": 0.25, "bpm": 120.0}, False),
        ("kick 909", {}, False),
    ],
)
def test_a_length_inside_a_text_is_hinted_at_where_none_was_sent(
    tmp_path: Path, text: str, more: dict[str, Any], hinted: bool
) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job, _ = core.generate(Ask(text, **more), "127.0.0.1")
        await until(lambda: job.state.ended)

    (end,) = [
        fields
        for _, kind, fields in play(tmp_path, "well", story, presets=Presets(shipped_folder())).events
        if kind == "done"
    ]
    assert ("a length inside the text is not read" in end.get("remark", "")) == hinted


def test_a_dying_engine_fails_only_the_running_job_and_never_repeats_it(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        jobs = [ask(core) for _ in range(3)]
        await until(lambda: all(job.state.ended for job in jobs))

    recorder = play(tmp_path, "dies at job", story)
    assert recorder.ends() == {1: ["engine_lost"], 2: ["engine_lost"], 3: ["engine_lost"]}
    assert "restarting" in recorder.states and recorder.states.count("ready") >= 3


def test_an_engine_that_dies_five_times_in_a_minute_is_given_up_until_a_restart(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core)
        await until(lambda: core.state == "failed")
        assert "five times" in core.why and job.state.ended
        with pytest.raises(NotReady, match="/bridge/restart"):
            ask(core)
        core.restart()
        assert core.state == "restarting"
        await until(lambda: core.state == "failed")

    assert play(tmp_path, "dies at load", story).ends() == {1: ["no_model"]}


def test_an_engine_that_dies_once_while_loading_is_started_again_and_waiting_jobs_are_served(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core)
        await until(lambda: job.state.ended)

    assert play(tmp_path, "dies once at load", story).ends() == {1: ["done"]}


def test_a_starved_engine_is_not_taken_for_hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_link, "GENERATING_BUDGET_S", 1.0)

    def starve(process: psutil.Process, job: Job) -> None:
        while not job.state.ended:
            process.suspend()
            time.sleep(0.36)
            process.resume()
            time.sleep(0.04)

    async def story(core: Core, recorder: Recorder) -> None:
        learned = ask(core)
        await until(lambda: learned.state.ended)
        process = psutil.Process(core.dispatcher.links[""]._child.process.pid)  # type: ignore[attr-defined]
        starved, began = ask(core), time.monotonic()
        await asyncio.to_thread(starve, process, starved)
        assert time.monotonic() - began > 2.0  # twice the budget

    assert play(tmp_path, "computes", story).ends() == {1: ["done"], 2: ["done"]}


def test_a_checkpoint_that_cannot_be_loaded_fails_waiting_jobs_and_is_not_retried(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        ask(core)
        await until(lambda: core.state == "failed")
        assert core.why == "The checkpoint is broken."
        await asyncio.sleep(0.5)
        assert core.state == "failed"

    assert play(tmp_path, "unloadable", story).ends() == {1: ["no_model"]}


def test_a_hanging_engine_is_noticed_by_its_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        monkeypatch.setattr(engine_link, "PREPARING_BUDGET_S", 1.0)  # the budget of a job without an estimate
        job = ask(core)
        monkeypatch.undo()
        await until(lambda: job.state.ended)

    recorder = play(tmp_path, "hangs at job", story)
    assert recorder.ends() == {1: ["engine_lost"]}
    assert "no progress" in next(fields["why"] for _, kind, fields in recorder.events if kind == "failed")


def test_invalid_samples_become_no_file(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core, takes=2)
        await until(lambda: job.state.ended)

    assert play(tmp_path, "nan", story).ends() == {1: ["bad_audio"]}


@pytest.mark.parametrize("behaviour", ["nan at seed 7", "silence at seed 7"])
def test_invalid_or_silent_samples_are_made_a_second_time_with_the_next_seed(tmp_path: Path, behaviour: str) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        jobs = [ask(core, seed=7), ask(core, seed=1), ask(core, seed=8)]
        await until(lambda: all(job.state.ended for job in jobs))

    events = play(tmp_path, behaviour, story).events
    ((_, _, done),) = [event for event in events if event[:2] == (1, "done")]
    assert done["seed"] == 8 and "made a second time, with the seed 8 (" in done["remark"]
    assert sorted(event[0] for event in events if event[1] == "done") == [1, 2, 3]
    (again,) = [fields for serial, kind, fields in events if (serial, kind) == (3, "done")]
    assert again["seed"] == 8 and Path(again["path"]).read_bytes() == Path(done["path"]).read_bytes()
    with soundfile.SoundFile(done["path"]) as file:
        assert read(file.comment).prompt.seed == 8


def test_the_reason_for_a_second_attempt_is_its_first_sentence() -> None:
    for reason, first in (
        (
            "The clip plays at 118.5 BPM, so it keeps its own tempo.",
            "The clip plays at 118.5 BPM, so it keeps its own tempo",
        ),
        ("The engine sent silence. Ask again.", "The engine sent silence"),
    ):
        job = Job(1, 1, "", Ask("x", seconds=1.0), Prompt("x", "x", 1.0, 8), retry_reason=reason)
        assert outcome._remarks(job, "") == {"remark": f"made a second time, with the seed 8 ({first})"}


def test_the_seed_in_the_name_gives_the_sound_again_whether_it_was_stated_or_drawn(tmp_path: Path) -> None:
    """The fake engine's tone has no beat."""

    async def story(core: Core, recorder: Recorder) -> None:
        async def made(**keys: Any) -> dict[str, Any]:
            job, _ = core.generate(Ask("x", bars=0.25, loop=1, **keys), "127.0.0.1")
            await until(lambda: job.state.ended)
            return recorder.events[-1][2]

        drawn = await made()
        queued = next(fields for serial, kind, fields in recorder.events if (serial, kind) == (1, "queued"))
        assert drawn["seed"] == queued["seed"] + 1
        assert f"made a second time, with the seed {drawn['seed']} (No steady beat" in drawn["remark"]
        stated = await made(seed=drawn["seed"])
        assert stated["seed"] == drawn["seed"] and "No steady beat" in stated["remark"]
        assert "second time" not in stated["remark"]
        assert Path(stated["path"]).read_bytes() == Path(drawn["path"]).read_bytes()
        resumed = core.generate(Ask("x", bars=0.25, loop=1, seed=7), "127.0.0.1", seed_drawn=True)[0]
        await until(lambda: resumed.state.ended)
        assert recorder.events[-1][2]["seed"] == 8

    play(tmp_path, "well", story)


def test_a_clip_is_recalled_from_its_file_byte_for_byte(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        first = ask(core, takes=3, format="flac", lufs=-20.0)
        await until(lambda: first.state.ended)
        third = next(fields for _, kind, fields in recorder.events if kind == "take" and fields["take"] == 3)
        recipe = recipe_from_file(Path(third["path"]))
        recalled, new = core.recall(recipe, "127.0.0.1", "again")
        assert recipe.conditions["threads"] == "1"
        assert new and core.recall(recipe, "127.0.0.1", "again") == (recalled, False)
        await until(lambda: recalled.state.ended)
        done = recorder.events[-1][2]
        assert done["path"] != third["path"] and Path(done["path"]).read_bytes() == Path(third["path"]).read_bytes()
        assert "remark" not in done
        for changed, remark in (
            ({"model": "x"}, "it may not be the same, byte for byte: the checkpoint is fake, was x"),
            ({"threads": "2x3 1x4"}, "the number of processor threads is 1, was 2x3 1x4"),
            ({"threads": None}, ""),  # by an earlier version
            ({"threads": ""}, ""),  # on a GPU
        ):
            changed_recipe = dataclasses.replace(recipe, conditions={**recipe.conditions, **changed})
            other, _ = core.recall(changed_recipe, "127.0.0.1")
            await until(lambda job=other: job.state.ended)  # type: ignore[misc]
            assert recorder.events[-1][2].get("remark", "").endswith(remark)
            assert bool(remark) == ("remark" in recorder.events[-1][2])

    play(tmp_path, "well", story)
    assert not list((tmp_path / "clips").glob("*.wav"))


def test_a_note_that_was_left_out_leaves_no_trace_and_its_clip_is_recalled_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    library = Library(tmp_path / "library.db", tmp_path / "clips")

    async def story(core: Core, recorder: Recorder) -> None:
        library.start()
        first = ask(core, "bass", note="c2", takes=2)
        await until(lambda: first.state.ended)
        paths = [Path(fields["path"]) for _, kind, fields in recorder.events if kind == "take"]
        assert len(paths) == 2 and all(path.name.startswith("bass_s") for path in paths)
        assert b"smpl" not in paths[0].read_bytes()
        found, _ = await asyncio.to_thread(library.find, Query("bass"))
        assert len(found) == 2 and {clip.note for clip in found} == {""}
        assert await asyncio.to_thread(library.find, Query(note="c2")) == ([], 0)
        assert await asyncio.to_thread(library.find, Query("c2")) == ([], 0)
        recalled, _ = core.recall(recipe_from_file(paths[1]), "127.0.0.1", "again")
        await until(lambda: recalled.state.ended)
        done = recorder.events[-1][2]
        assert Path(done["path"]).read_bytes() == paths[1].read_bytes() and "remark" not in done
        library.close()

    play(tmp_path, "leaves the note out", story, library=library)


def test_a_length_that_only_the_loaded_checkpoint_can_refuse_is_refused_then(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        early = ask(core, seconds=11.0)  # the fake engine makes at most 10 seconds, which is not known yet
        await until(lambda: early.state.ended)

    assert play(tmp_path, "well", story).ends() == {1: ["bad_argument"]}


def test_a_shaper_that_is_killed_fails_its_job_and_the_next_is_written(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        first = ask(core)
        await until(lambda: first.state.ended)
        shaper = psutil.Process(child_of(core.shaper).process.pid)
        shaper.suspend()
        lost = ask(core)
        await until(lambda: bool(core.jobs.shaping))
        shaper.kill()
        await until(lambda: lost.state.ended)
        last = ask(core)
        await until(lambda: last.state.ended)

    assert play(tmp_path, "well", story).ends() == {1: ["done"], 2: ["shaper_lost"], 3: ["done"]}


def test_a_job_whose_first_samples_died_with_the_shaper_fails(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        job = ask(core, takes=3)
        await until(lambda: job.pieces > 0)
        child_of(core.shaper).kill("for a test")
        await until(lambda: job.state.ended)

    assert play(tmp_path, "pauses between takes", story).ends() == {1: ["shaper_lost"]}


def test_a_shaper_that_cannot_start_fails_everything_and_a_ready_engine_does_not_hide_it(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core)
        await until(lambda: core.state == "failed" and job.state.ended)
        await asyncio.sleep(1.0)
        assert core.state == "failed" and "writes clips" in core.why
        with pytest.raises(NotReady):
            ask(core)

    ends = play(tmp_path, "slow to load", story, "tests.fake_children:dead_at_once").ends()
    assert ends in (
        {1: ["no_model"]},
        {1: ["shaper_lost"]},
    )  # the engine was ready before the last try, on a busy machine


def test_a_restart_after_giving_up_fails_the_clip_that_was_being_written(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        job = ask(core)
        await until(lambda: bool(core.jobs.shaping))
        core.dispatcher.give_up("Tried.")
        core.restart()
        assert job.state.ended
        await until(lambda: core.state == "ready")

    assert play(tmp_path, "well", story, "tests.fake_children:stubborn").ends() == {1: ["shaper_lost"]}


def test_a_poisoned_engine_costs_only_its_own_job(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        jobs = [ask(core) for _ in range(2)]
        await until(lambda: jobs[0].state.ended)
        jobs.append(ask(core))  # while the poisoned process is still ending
        await until(lambda: all(job.state.ended for job in jobs))

    assert play(tmp_path, "poisoned once", story).ends() == {1: ["engine_lost"], 2: ["done"], 3: ["done"]}


def test_a_failing_listener_does_not_stop_the_others(tmp_path: Path) -> None:
    class Deaf(Recorder):
        def on_event(self, event: Event) -> None:
            raise ValueError("cannot hear")

    async def story(core: Core, recorder: Recorder) -> None:
        core.listeners.insert(0, Deaf())
        jobs = [ask(core) for _ in range(2)]
        await until(lambda: all(job.state.ended for job in jobs))

    assert play(tmp_path, "well", story).ends() == {1: ["done"], 2: ["done"]}


def test_early_asks_are_estimated_after_the_first_measurement(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        jobs = [ask(core) for _ in range(4)]
        core.jobs.eta.learn(Cost.of(jobs[0].prompt, 2.0, 0.0))
        core.jobs.estimate()
        last = ask(core)
        assert core.jobs.eta_seconds(last) >= 8.0

    play(tmp_path, "slow to load", story)


def test_a_clip_that_starts_from_a_source_teaches_nothing_about_the_time_of_others(tmp_path: Path) -> None:
    """Fewer of its steps are guided, and its source is encoded too."""
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, [0.5] * 9_600, 48_000)
    source = Source(str(sound), hash_of(sound), "vary", 0.2, 0.0, 0.2)

    async def story(core: Core, recorder: Recorder) -> None:
        plain = ask(core)
        await until(lambda: plain.state.ended)
        taught = core.jobs.eta.points()
        assert taught["guided"]
        varied = ask(core, vary=str(sound), source=source)
        await until(lambda: varied.state.ended)
        after = core.jobs.eta.points()
        assert (after["guided"], after["rest"]) == (taught["guided"], taught["rest"])

    assert play(tmp_path, "well", story).ends() == {1: ["done"], 2: ["done"]}


def test_stopping_fails_waiting_jobs_finishes_the_running_one_and_accepts_no_more(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        for _ in range(3):
            ask(core)
        await until(lambda: core.jobs.current is not None)
        await core.stop(asyncio.Event())
        with pytest.raises(Stopping):
            ask(core)

    assert play(tmp_path, "slow", story).ends() == {1: ["done"], 2: ["stopping"], 3: ["stopping"]}


def test_stopping_now_ends_the_running_job_too(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        ask(core, seconds=1.0)
        await until(lambda: core.jobs.current is not None)

    assert play(tmp_path, "slow", story).ends() == {1: ["stopping"]}


def test_a_restart_fails_the_running_job_and_keeps_waiting_ones(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        jobs = [ask(core) for _ in range(2)]
        await until(lambda: core.jobs.current is not None)
        core.restart()
        await until(lambda: jobs[1].state.ended)

    assert play(tmp_path, "slow", story).ends() == {1: ["engine_lost"], 2: ["done"]}


def test_ended_jobs_are_forgotten_beyond_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.core.jobs.REMEMBERED_JOBS", 5)

    async def story(core: Core, recorder: Recorder) -> None:
        for _ in range(12):
            job = ask(core)
            await until(lambda job=job: job.state.ended)  # type: ignore[misc]
        assert len(core.jobs._by_id) <= 6

    play(tmp_path, "well", story)


def test_a_first_job_does_not_go_before_jobs_with_a_deadline(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        running, plain = ask(core, steps=3), ask(core, steps=3)
        timed, other = ask(core, steps=3, deadline_s=60.0), ask(core, steps=3)
        first = core.generate(Ask("stream", seconds=0.2, steps=3), "stream", first=True)[0]
        assert list(core.jobs.queue) == [plain, timed, first, other]
        await until(lambda: all(job.state.ended for job in (running, plain, timed, first, other)))

    play(tmp_path, "slow", story)


def test_an_engine_that_improves_stays_ready_and_its_clips_say_how_they_were_made(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        core.jobs.eta.learn(Cost(0.0, 99.0, 10, 0.2, 2))
        job = ask(core)
        await until(lambda: job.state.ended)
        assert job.model is not None and job.model.compiled == "faster"
        assert core.jobs.eta.engine_seconds(job.prompt) < 10  # nothing of how it was before

    recorder = play(tmp_path, "improves", story)
    assert recorder.ends() == {1: ["done"]} and "improving" not in recorder.states
