"""The starter makes the clips while the box is away: an engine process whose pipe is a list, with a real box and a stand-in starter."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.engine.messages import Finished, Generate, Ready, Returned, Samples, Waiting
from bridge.engine.needs import Needs
from bridge.engine.remote import fallback, process
from bridge.engine.remote.process import RemoteServer
from bridge.errors import NoModel
from tests.engine.remote.stub import FACTS, FINISHED, READY, STEP, piece, refused, streams, stubs

stub_of = contextlib.contextmanager(stubs)
PROMPT = READY.model.abilities.settled(Prompt("kick", "kick", 0.5, 1))


class Starter:
    """An engine without torch."""

    def __init__(self) -> None:
        self.model = replace(READY.model, name="starter")
        self.needs, self.cost, self.scores, self.shortcoming = Needs(), READY.costs[0], (), ""

    def load(self, _on_stage: Any) -> Any:
        return self.model

    def warm(self, _on_stage: Any) -> Any:
        return [self.cost]

    def generate(self, _prompt: Prompt, on_step: Callable[[int, int], None]) -> Iterator[Piece]:
        on_step(1, 1)
        yield Piece(1, 0, b"\0" * 4, 1, True)

    def highest_bytes(self) -> int:
        return 1

    def remarks(self, _prompt: Prompt) -> dict[str, str]:
        return {"heard": "kick", "remark": "its own"}

    def unmet(self, _prompt: Prompt) -> tuple[str, ...]:
        return ()

    def in_tempo(self, _prompt: Prompt) -> bool:
        return False


def server(monkeypatch: pytest.MonkeyPatch, url: str) -> tuple[RemoteServer, list[Any]]:
    sent: list[Any] = []
    monkeypatch.setattr(fallback, "set_up", lambda: None)
    monkeypatch.setattr(process, "LOOK_S", 0.05)
    return RemoteServer(
        cast(Connection, SimpleNamespace(send=sent.append)), EngineConfig(url=url, fallback="local")
    ), sent


def of(kind: type, sent: list[Any]) -> list[Any]:
    return [message for message in sent if isinstance(message, kind)]


def test_the_starter_makes_the_clips_until_the_box_is_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[EngineConfig] = []

    def open_engine(config: EngineConfig) -> Starter:
        opened.append(config)
        return Starter()

    monkeypatch.setattr(fallback, "open_engine", open_engine)
    with stub_of(streams(STEP, piece(), FINISHED), facts=refused(503, why="The checkpoint is being loaded.")) as stub:
        far, sent = server(monkeypatch, stub.url)
        engine = far._prepare()
        (ready,) = of(Ready, sent)
        assert (
            ready.model.name == "starter" and "127.0.0.1 cannot be reached" in ready.shortcoming and opened[0].url == ""
        )
        far._jobs.put(Generate(7, PROMPT))
        far._serve(engine, far._next_job(engine))
        assert of(Finished, sent)[0].remarks == {
            "heard": "kick",
            "remark": "made by starter on this machine: 127.0.0.1 could not be reached; its own",
        }
        stub.facts = FACTS
        end = time.monotonic() + 10
        while len(of(Ready, sent)) < 2 and time.monotonic() < end:
            far._jobs.put(Generate(8, PROMPT))
            far._serve(engine, far._next_job(engine))
        far._jobs.put(Generate(9, PROMPT))
        far._serve(engine, far._next_job(engine))
        assert of(Ready, sent)[-1].model == READY.model and of(Finished, sent)[-1].remarks == {"heard": "kick"}
        # It is kept for the next loss.
        stub.facts = refused(503)
        stub.close()
        far._jobs.put(Generate(10, PROMPT))
        far._serve(engine, far._next_job(engine))
        assert of(Returned, sent) == [Returned(10)] and of(Ready, sent)[-1].model.name == "starter" and len(opened) == 1
        assert len(of(Samples, sent)[-1].piece.samples) == 400


def test_a_front_that_cannot_load_the_starter_says_so_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_config: EngineConfig) -> Any:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(fallback, "open_engine", missing)
    monkeypatch.setattr(process, "PAUSES_S", (0.01,))
    with stub_of(facts=refused(503)) as stub:
        far, sent = server(monkeypatch, stub.url)

        def back(_seconds: float) -> None:
            stub.facts = FACTS

        monkeypatch.setattr(process.time, "sleep", back)
        far._prepare()
        assert (
            "needs torch, which is not installed here" in of(Waiting, sent)[-1].why
            and of(Ready, sent)[-1].model == READY.model
        )


def test_a_wrong_set_up_is_not_hidden_by_the_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    with stub_of(facts=refused(401, why="No token.")) as stub:
        far, _sent = server(monkeypatch, stub.url)
        with pytest.raises(NoModel, match="No token"):
            far._prepare()
