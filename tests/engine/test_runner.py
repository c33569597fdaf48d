"""What all families share, with a family of two channels and without steps: warming, costs, and running out of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.limits import Range
from bridge.domain.model import Abilities, Model
from bridge.engine import needs
from bridge.engine.messages import Cost, Finished, Generate, OnStage, OnStep, Ready, Samples, Step
from bridge.engine.needs import Needs
from bridge.engine.process import Server
from bridge.engine.runner import WARM_SECONDS, Runner
from bridge.errors import OutOfMemory

BARE = Abilities(sample_rate=100, channels=2, seconds=Range(0.1, 47.0))
PROMPT = Prompt("rain", "rain", 1.0, seed=5)


class Tiny(Runner):
    """`failures`: the errors of the next runs, each after `before` pieces; `spare`: whether there is memory to free."""

    def __init__(self, abilities: Abilities = BARE) -> None:
        super().__init__(Checkpoint("tiny", None), "cpu", EngineConfig(), Path())
        self.abilities = abilities
        self.failures: list[Exception] = []
        self.before, self.spare, self.prompts = 0, False, list[Prompt]()

    def load(self, on_stage: OnStage) -> Model:
        self.model = Model("tiny", "", self.abilities, "cpu", "float32", "none")
        return self.model

    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        self.prompts.append(prompt)
        frames = round(prompt.seconds * self.abilities.sample_rate)
        samples = np.ones((frames, self.abilities.channels), "<f4").tobytes()
        for take in range(1, prompt.takes + 1):
            if self.failures and take > self.before:
                raise self.failures.pop()
            yield Piece(take, 0, samples, self.abilities.channels, True)
        on_step(1, 1)
        self.cost = Cost.of(prompt, 2.0, 0.5, self.abilities.whole_s)

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        return {}

    def measure(self) -> Needs:
        return Needs(denoise=1e6, decode=1e6, budget=10_000_000)

    def forget(self) -> bool:
        had, self.spare = self.spare, False
        return had


def nothing(*_at: object) -> None:
    """Listen to no progress."""


def never() -> bool:
    """No job waits."""
    return False


def fully_warmed(engine: Runner) -> list[Cost]:
    """The costs of all runs that warm an engine."""
    return engine.warm(nothing) + [cost for costs in engine.improve(nothing, never) for cost in costs or []]


def test_warming_runs_short_and_long_without_steps_and_counts_each_clip_as_a_unit() -> None:
    engine = Tiny()
    costs = fully_warmed(engine)
    assert [(cost.sound_s, cost.units, cost.evaluations, cost.seconds) for cost in costs] == [
        (seconds, 1, 1, 2.5) for seconds in WARM_SECONDS
    ]
    assert {(prompt.steps, prompt.guidance, prompt.negative) for prompt in engine.prompts} == {(None, None, None)}


def test_a_family_of_fixed_cost_costs_and_needs_as_much_as_its_longest_clip() -> None:
    engine = Tiny(replace(BARE, fixed_cost=True))
    assert {cost.sound_s for cost in fully_warmed(engine)} == {47.0}
    assert engine.needs.bytes(1.0, 1, 1) == engine.needs.bytes(47.0, 1, 1) > 47e6
    with pytest.raises(OutOfMemory, match="use a smaller checkpoint"):  # a shorter clip would not help
        needs.check(PROMPT, engine.needs, "cpu")


def test_a_prompt_gets_the_usual_settings_of_the_checkpoint_before_it_runs() -> None:
    engine = Tiny(replace(BARE, steps=Range(1, 8), usual_steps=4, usual_negative="hiss"))
    list(engine.generate(PROMPT, nothing))
    assert (engine.prompts[0].steps, engine.prompts[0].negative, engine.prompts[0].guidance) == (4, "hiss", None)
    assert engine.cost.units == 4


@pytest.mark.parametrize(("spare", "before", "runs"), [(True, 0, 2), (False, 0, 1), (True, 1, 1)])
def test_out_of_memory_is_tried_again_only_if_memory_was_freed_and_nothing_was_sent(
    spare: bool, before: int, runs: int
) -> None:
    engine = Tiny()
    engine.spare, engine.before = spare, before
    engine.failures = [torch.OutOfMemoryError("CUDA out of memory")] * 2
    with pytest.raises(OutOfMemory, match=r"3 × 1 s on cpu: ask for fewer takes"):
        list(engine.generate(replace(PROMPT, takes=3), nothing))
    assert len(engine.prompts) == runs
    engine.failures = []
    assert len(list(engine.generate(PROMPT, nothing))) == 1


def test_another_error_is_not_taken_for_out_of_memory() -> None:
    engine = Tiny()
    engine.failures = [RuntimeError("a shape is wrong")]
    with pytest.raises(RuntimeError, match="a shape is wrong"):
        list(engine.generate(PROMPT, nothing))


def test_the_engine_process_sends_both_channels_and_a_unit_of_progress() -> None:
    sent: list[Any] = []
    pipe = cast(Connection, SimpleNamespace(send=sent.append))
    Server(pipe, EngineConfig())._serve(Tiny(), Generate(7, PROMPT))
    begin, samples, step, finished = sent
    assert (begin, step) == (Step(7, 0, 1), Step(7, 1, 1))
    assert isinstance(samples, Samples) and samples.piece.channels == 2 and len(samples.piece.samples) == 100 * 2 * 4
    assert isinstance(finished, Finished) and finished.scores == () and finished.cost.units == 1


def served(engine: Runner, *jobs: Generate) -> tuple[Server, list[Any]]:
    """A server whose engine is ready and has these jobs, and what it sent."""
    sent: list[Any] = []
    server = Server(cast(Connection, SimpleNamespace(send=sent.append)), EngineConfig())
    engine.load(nothing)
    for job in jobs:
        server._jobs.put(job)
    server._improving = engine.improve(nothing, lambda: not server._jobs.empty())
    return server, sent


def test_a_job_comes_before_all_that_makes_the_engine_better() -> None:
    engine, job = Tiny(), Generate(7, PROMPT)
    server, sent = served(engine, job)
    assert server._next_job(engine) is job and sent == [] and engine.prompts == []


def test_the_front_gets_another_ready_once_the_engine_is_better() -> None:
    engine = Tiny()
    server, sent = served(engine)
    assert server._improving is not None
    while server._improving is not None:
        server._improve(engine, server._improving)
    (ready,) = sent
    assert isinstance(ready, Ready) and [cost.sound_s for cost in ready.costs] == list(WARM_SECONDS[1:])


def test_a_run_for_warming_ends_for_a_job_and_is_made_later() -> None:
    engine, waiting = Tiny(), [False, True]
    steps = engine.improve(nothing, lambda: waiting.pop() if waiting else False)
    assert next(steps) is None
    costs = next(steps)
    assert costs is not None and [cost.sound_s for cost in costs] == list(WARM_SECONDS[1:])
    assert next(steps, "the end") == "the end"


def test_an_engine_that_fails_to_improve_goes_on_as_it_is() -> None:
    engine = Tiny()
    engine.failures = [RuntimeError("no more")]
    server, sent = served(engine)
    assert server._improving is not None
    server._improve(engine, server._improving)
    server._jobs.put(Generate(7, PROMPT))
    assert server._next_job(engine).serial == 7 and sent == []
