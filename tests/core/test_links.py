"""The parts of the core, each without the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.core.ahead import Ahead
from bridge.core.engine_link import EngineLink
from bridge.core.intake import Intake
from bridge.core.resolving import resolve_ask, stream_period_s
from bridge.core.shaper_link import ShaperLink
from bridge.domain.ask import Ask, Request
from bridge.domain.clip import Piece, Prompt
from bridge.domain.job import JobState
from bridge.domain.tempo import Tempo
from bridge.engine import messages as engine
from bridge.errors import BadArgument, QueueFull
from bridge.live.parts import OVERLAP_S
from bridge.live.stage import Stage
from bridge.presets.files import Presets, shipped_folder
from bridge.shaper import messages as shaper
from tests.fake_engine import MODEL


class RecordingListener:
    """Keeps the name and the arguments of every report."""

    def __init__(self) -> None:
        self.reports: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.reports.append((name, *arguments))


class IdleChild:
    """A child process that answers when a test says so."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.on_message: Any = None
        self.on_death: Any = None
        self.budget_s: float | None = None

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def watch(self, budget_s: float | None, doing: str = "") -> None:
        self.budget_s = budget_s

    def settled(self) -> None: ...


def engine_link() -> tuple[EngineLink, IdleChild, RecordingListener]:
    child, listener = IdleChild(), RecordingListener()
    return EngineLink(child, listener), child, listener  # type: ignore[arg-type]


JOB: Any = SimpleNamespace(serial=7, prompt="the prompt")


def test_an_engine_link_reports_progress_of_its_job_once_a_step() -> None:
    link, child, listener = engine_link()
    link.generate(JOB, 1.0)
    for step in (0, 0, 1):
        child.on_message(engine.Step(7, step, 4))
    assert listener.reports == [("on_step", 7, 0.0), ("on_step", 7, 0.2)]


def test_an_engine_on_another_machine_has_limits_of_its_own_before_its_process_is_taken_for_hung() -> None:
    for is_remote, budget_s in ((False, 10.0), (True, 60.0)):
        child = IdleChild()
        EngineLink(child, RecordingListener(), is_remote).generate(JOB, 1.0)  # type: ignore[arg-type]
        assert child.budget_s == budget_s


def test_an_engine_link_ignores_messages_of_a_job_that_was_released() -> None:
    link, child, listener = engine_link()
    link.generate(JOB, 1.0)
    link.release()
    child.on_message(engine.Step(7, 1, 4))
    child.on_message(engine.Samples(7, Piece(1, 0, b"", 1, True)))
    assert listener.reports == []


def test_an_engine_link_is_free_before_it_reports_that_a_job_ended() -> None:
    link, child, listener = engine_link()
    link.generate(JOB, 1.0)
    broken = engine.Broken(7, "cancelled", "")
    child.on_message(broken)
    assert link.serial is None and listener.reports == [("on_broken", broken)]


def test_an_engine_that_improved_just_before_a_job_is_watched_during_the_job() -> None:
    link, child, listener = engine_link()
    link.generate(JOB, 1.0)
    child.on_message(ready := engine.Ready(MODEL, ()))
    assert child.budget_s and listener.reports == [("on_ready", ready)]


def test_the_death_of_an_engine_names_its_job() -> None:
    link, child, listener = engine_link()
    link.generate(JOB, 1.0)
    child.on_death("a signal", False)
    assert listener.reports == [("on_engine_death", 7, "a signal", False)] and link.serial is None


def test_a_shaper_link_passes_on_every_answer_except_signs_of_life() -> None:
    child, listener = IdleChild(), RecordingListener()
    ShaperLink(child, listener)  # type: ignore[arg-type]
    for message in (
        shaper.Written(1),
        shaper.Saved(2, "p"),
        shaper.Undelivered(3, "disk", "full"),
        shaper.Mapped(4, {}),
    ):
        child.on_message(message)
    assert [name for name, _ in listener.reports] == ["on_saved", "on_undelivered", "on_kit"]


PRESETS = Presets(shipped_folder())


def resolve(ask: Ask, stage: object, checked: list[str] | None = None) -> Prompt:
    """The prompt, resolved as by an intake. `checked` gets the texts that the checkpoint is to check."""
    texts = [] if checked is None else checked
    dispatcher = SimpleNamespace(check_fits=lambda prompt, *_more: texts.append(prompt.text))
    intake: Any = Intake
    prompt: Prompt = intake(PRESETS, None, None, stage, dispatcher, None, None).resolve(ask)[0]
    return prompt


def test_a_clip_of_the_stream_is_longer_than_its_period_by_the_overlap() -> None:
    ask = Ask("rain", bars=2, sink="stream")
    prompt, _ = resolve_ask(ask, PRESETS, Tempo(120.0))
    assert stream_period_s(ask, PRESETS, Tempo(120.0)) == 4.0
    assert prompt.seconds == 4.0 + OVERLAP_S and not prompt.bars


def test_the_call_that_resolves_refuses_long_clips_for_pads_and_gates_for_other_sinks() -> None:
    live: Any = SimpleNamespace(player=SimpleNamespace(tempo=Tempo()))
    stage = Stage(live, lambda event: None, lambda: None)
    with pytest.raises(BadArgument, match="A pad's clip"):
        resolve(Ask("rain", 31.0, sink="pad"), stage)
    with pytest.raises(BadArgument, match="gate is for pads"):
        resolve(Ask("rain", 1.0, gate=1), stage)


def test_a_kits_clip_goes_to_its_sub_folder_without_silence() -> None:
    prompt, _ = resolve_ask(Ask("kick", 0.5), PRESETS, Tempo(), into="kits/drums")
    assert (prompt.shape.folder, prompt.shape.trim) == ("kits/drums", "free")
    with pytest.raises(BadArgument):
        resolve_ask(Ask("kick", 0.5), PRESETS, Tempo(), into="../elsewhere")


def test_one_call_resolves_an_ask_and_checks_the_audio_device_and_the_checkpoint() -> None:
    checked: list[str] = []
    stage = SimpleNamespace(tempo=Tempo(), check=lambda ask, seconds: checked.append(ask.sink))
    prompt = resolve(Ask("rain", 2.0, sink="both"), stage, checked)
    assert prompt.seconds == 2.0 and checked == ["both", "rain"]


class FakeSource:
    """A source that requests these clips."""

    urgent = False

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def next_request(self) -> Request | None:
        return Request(Ask(self.texts[0]), "a source") if self.texts else None

    def on_started(self, _job: object) -> None:
        self.texts.pop(0)

    def on_refused(self, error: Exception) -> None:
        if not isinstance(error, QueueFull):
            self.texts.pop(0)

    def begin(self, refusal: object) -> None: ...
    def map_when_complete(self) -> None: ...


def pulled(
    kits: FakeSource, stream: FakeSource, pads: FakeSource, idle: bool, error: Exception | None = None
) -> list[str]:
    texts: list[str] = []
    dispatcher = SimpleNamespace(idle=idle)

    def generate(request: Request) -> object:
        texts.append(request.ask.text)
        if error is not None:
            raise error
        dispatcher.idle = False
        return SimpleNamespace(state=JobState.RUNNING)

    stage = SimpleNamespace(stream=stream, pads=pads, pop_abandoned_jobs=list)
    state = SimpleNamespace(serving=True, refusal=lambda: None)
    ahead: Any = Ahead
    ahead(stage, kits, dispatcher, state, generate, lambda job: None).pull()
    return texts


def test_kits_come_first_and_a_busy_engine_gets_nothing_for_pads_and_the_stream() -> None:
    assert pulled(FakeSource("kick", "snare"), FakeSource("rain"), FakeSource("bell"), idle=True) == ["kick", "snare"]
    assert pulled(FakeSource(), FakeSource("rain"), FakeSource("bell"), idle=True) == ["rain"]
    assert pulled(FakeSource(), FakeSource(), FakeSource("bell"), idle=True) == ["bell"]
    assert pulled(FakeSource(), FakeSource("rain"), FakeSource("bell"), idle=False) == []


def test_a_stream_that_runs_dry_gets_clips_while_the_engine_is_busy() -> None:
    stream = FakeSource("rain")
    stream.urgent = True
    assert pulled(FakeSource(), stream, FakeSource("bell"), idle=False) == ["rain"]


def test_a_full_queue_ends_a_pull_and_loses_no_request() -> None:
    kits = FakeSource("kick", "snare")
    assert pulled(kits, FakeSource(), FakeSource(), idle=True, error=QueueFull("full")) == ["kick"]
    assert kits.texts == ["kick", "snare"]
