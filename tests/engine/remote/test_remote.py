"""The engine of another machine, against a real socket that answers in every way it should not."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.plain import plain
from bridge.domain.source import Source
from bridge.engine import wire
from bridge.engine.remote import connection, engine
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Refused, Unreachable
from bridge.errors import BadSource, ClipbridgeError, EngineLost, JobCancelled, OutOfMemory
from bridge.files.same_file import hash_of
from tests.engine.remote.stub import (
    FACTS,
    FINISHED,
    HEAD,
    READY,
    STEP,
    WAITING,
    Stub,
    chunk,
    piece,
    refused,
    says,
    stays,
    streams,
    stubs,
    whole,
)

PROMPT = READY.model.abilities.settled(Prompt("kick", "kick", 0.5, 1))
stub_of = contextlib.contextmanager(stubs)


def remote(stub: Stub, **config: Any) -> RemoteEngine:
    return RemoteEngine(EngineConfig(url=stub.url, **config))


def loaded(stub: Stub) -> RemoteEngine:
    far = remote(stub)
    far.load(lambda done, total, what: None)
    return far


def run(far: RemoteEngine, prompt: Prompt = PROMPT) -> tuple[list[Piece], list[int]]:
    steps: list[int] = []
    return list(far.generate(prompt, lambda done, units: steps.append(done))), steps


def test_a_box_tells_its_checkpoint_and_its_costs_and_makes_a_clip() -> None:
    with stub_of(streams(WAITING, STEP, piece(), FINISHED)) as stub:
        far = loaded(stub)
        assert (far.model, far.warm(lambda *_: None)) == (READY.model, [*READY.costs])
        pieces, steps = run(far)
        assert pieces == [Piece(1, 0, piece()[-400:], 1, True)] and steps == [0, 0, 0, 1]  # begun, sent, waiting
        assert far.remarks(PROMPT) == {"heard": "kick"} and far.highest_bytes() == 7 and far.cost.units == 20
        assert not far.look()  # nothing is new
        stub.facts = plain(
            wire.Facts("0", wire.PROTOCOL, replace(READY, model=replace(READY.model, compiled="faster")))
        )
        assert far.look()


def test_pieces_come_before_the_clip_is_complete() -> None:
    with stub_of(stays(HEAD, chunk(STEP), chunk(piece()))) as stub:
        far = loaded(stub)
        pieces = far.generate(PROMPT, lambda done, units: None)
        assert next(pieces).samples == piece()[-400:]
        pieces.close()  # type: ignore[attr-defined]
        assert stub.left.wait(5)


def test_a_stream_that_is_cut_before_its_end_is_a_lost_clip() -> None:
    for script in (
        streams(STEP, piece()),  # as a proxy ends it: like a whole one
        says(HEAD, chunk(STEP), b"ff\r\n{"),
        says(HEAD, chunk(STEP), chunk(piece()[:-9])),
    ):
        with stub_of(script) as stub, pytest.raises(EngineLost, match="lost: ask for it again"):
            run(loaded(stub))


def test_a_job_of_which_nothing_was_begun_is_not_lost() -> None:
    for script in (says(), says(HEAD), streams(WAITING), says(HEAD, chunk(WAITING))):
        with stub_of(script) as stub, pytest.raises(Unreachable):
            run(loaded(stub))
    with pytest.raises(Unreachable, match="does not run there"):
        remote(stub).look()


def test_a_silent_box_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENT_S", 0.2)
    for parts, kind in (([HEAD, chunk(STEP)], EngineLost), ([HEAD, chunk(WAITING)], Unreachable), ([], Unreachable)):
        with stub_of(stays(*parts)) as stub, pytest.raises(kind):
            run(loaded(stub))


def test_a_proxy_that_holds_a_short_answer_back_does_no_harm() -> None:
    def late(_stub: Stub, connection: Any) -> None:
        time.sleep(0.3)
        connection.sendall(whole(200, WAITING + STEP + piece() + FINISHED))

    with stub_of(late) as stub:
        assert len(run(loaded(stub))[0]) == 1


def test_a_box_without_a_free_place_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_PAUSE_S", 0.01)
    full = says(refused(503, "queue_full"))
    with stub_of(
        full, says(whole(503, b"Request dropped due to backpressure")), streams(STEP, piece(), FINISHED)
    ) as stub:
        pieces, steps = run(loaded(stub))
        assert len(pieces) == 1 and len(stub.requests) == 3 and steps[0] == 0
    monkeypatch.setattr(engine, "BUSY_S", 0.05)
    with stub_of(full) as stub, pytest.raises(Unreachable):
        run(loaded(stub))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refused(401, why="No token."), Refused, "No token"),
        (refused(409, why="The box now serves b, not a."), Refused, "now serves b"),
        (whole(404, b"<html>"), Refused, "is the address that of clipbridge serve"),
        (whole(302, b""), Refused, "HTTP 302"),
        (whole(502, b"<html>"), Unreachable, "does not reach it"),
        (refused(503), Unreachable, "Not now"),
        (whole(500, b"trace"), EngineLost, "HTTP 500"),
        (refused(400, "out_of_memory", "Too long."), ClipbridgeError, "Too long"),
    ],
)
def test_every_refusal_is_a_sentence(answer: bytes, kind: type[ClipbridgeError], words: str) -> None:
    with stub_of(says(answer)) as stub, pytest.raises(kind, match=words) as raised:
        run(loaded(stub))
    assert raised.value.code == (OutOfMemory.code if kind is ClipbridgeError else kind.code)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FACTS | {"protocol": 2}, r"speaks protocol 2, and this Clipbridge 1: install the same version on both"),
        (FACTS | {"ready": {}}, "is not clipbridge serve"),
        ({"hello": 1}, "is not clipbridge serve"),
        ([], "is not clipbridge serve"),
        (whole(200, b"<html>"), "is not clipbridge serve"),
        (whole(200, b"[" * 100_000), "is not clipbridge serve"),
        (b"SSH-2.0-OpenSSH\r\n", "is not clipbridge serve"),
        (FACTS | {"ready": None, "why": "It loads."}, "It loads"),
    ],
)
def test_what_is_no_ready_box_is_told_in_one_sentence(facts: Any, words: str) -> None:
    with stub_of(says(), facts=facts) as stub, pytest.raises(Unreachable, match=words) as raised:
        remote(stub).look()
    assert "\n" not in str(raised.value)


def test_facts_with_values_that_cannot_be_are_refused() -> None:
    abilities = READY.model.abilities
    for ready in (
        replace(READY, model=replace(READY.model, abilities=replace(abilities, sample_rate=0))),
        replace(READY, model=replace(READY.model, abilities=replace(abilities, channels=99))),
        replace(READY, costs=(replace(READY.costs[0], evaluations=3),)),
        replace(READY, costs=(replace(READY.costs[0], fixed_s=-1.0),)),
    ):
        facts = plain(wire.Facts("0", wire.PROTOCOL, ready))
        with stub_of(says(), facts=facts) as stub, pytest.raises(Refused, match="is not clipbridge serve"):
            remote(stub).look()


def test_another_checkpoint_than_the_wanted_one_is_refused() -> None:
    with stub_of(says()) as stub:
        with pytest.raises(
            Refused, match="serves fake, not cvssp/audioldm2: run clipbridge serve --model cvssp/audioldm2"
        ):
            remote(stub, model="cvssp/audioldm2").look()
        assert remote(stub, model="fake").look()


@pytest.mark.parametrize(
    "frame",
    [
        b"what\n",
        b"[1]\n",
        b'{"frame":1,"bytes":0}\n',
        b'{"frame":"step","bytes":-1}\n',
        b'{"frame":"step","done":"x","bytes":0}\n',
        b'{"frame":"step","bytes":99999999999}\n',
        wire.frame("dance"),
        wire.frame("piece", b"abc", take=1, start_frame=0, channels=1, last=True),
        piece(take=2),
        wire.frame("finished", cost={}, scores=[]),
        FINISHED.replace(b'"evaluations":2', b'"evaluations":7'),
        FINISHED.replace(b'"heard"', b'"path"'),
        b"{" * 600_000,
    ],
)
def test_garbage_from_a_box_is_a_lost_clip_and_nothing_else(frame: bytes) -> None:
    with stub_of(streams(STEP, frame)) as stub, pytest.raises(EngineLost):
        run(loaded(stub))


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("out_of_memory", "out_of_memory"),
        ("cancelled", "engine_lost"),
        ("rm -rf", "engine_lost"),
        ("unreachable", "engine_lost"),
    ],
)
def test_an_end_without_a_clip_has_a_code_that_hosts_know(code: str, kept: str) -> None:
    with (
        stub_of(streams(STEP, wire.frame("broken", code=code, why="Why."))) as stub,
        pytest.raises(ClipbridgeError) as raised,
    ):
        run(loaded(stub))
    assert raised.value.code == kept


@pytest.mark.parametrize("parts", [(), (HEAD, chunk(WAITING)), (HEAD, chunk(STEP)), (HEAD, chunk(piece()[:-9]))])
def test_a_cancel_closes_the_connection_at_once(parts: tuple[bytes, ...]) -> None:
    with stub_of(stays(*parts)) as stub:
        far = loaded(stub)
        took: list[float] = []

        def cancel() -> None:
            assert stub.began.wait(5)
            time.sleep(0.05)  # the answer is read by then
            took.append(time.monotonic())
            far.cancel()

        threading.Thread(target=cancel).start()
        with pytest.raises(JobCancelled):
            run(far)
        assert time.monotonic() - took[0] < 0.5 and stub.left.wait(5)


def test_a_cancel_while_the_box_has_no_free_place_ends_the_wait() -> None:
    with stub_of(says(refused(503, "queue_full"))) as stub:
        far = loaded(stub)
        threading.Timer(0.2, far.cancel).start()
        with pytest.raises(JobCancelled):
            run(far)


def test_a_source_travels_as_bytes_and_its_path_stays_here(tmp_path: Path) -> None:
    file = tmp_path / "my secret song.wav"
    file.write_bytes(b"RIFF....")
    source = Source(str(file), hash_of(file), "vary", 0.5, 0.0, 0.5)
    with stub_of(streams(STEP, piece(), FINISHED)) as stub:
        far = loaded(stub)
        run(far, replace(PROMPT, source=source))
        line, _, raw = stub.requests[0].partition(b"\n")
        assert raw == b"RIFF...." and b"secret" not in line and json.loads(line)["suffix"] == ".wav"
        file.write_bytes(b"RIFF" * 100_000)
        steps = run(far, replace(PROMPT, source=replace(source, sha256=hash_of(file))))[1]
        assert len(stub.requests[1].partition(b"\n")[2]) == 400_000
        assert steps.count(0) > 5  # signs of life while it is sent
        with pytest.raises(BadSource, match="was changed"):
            file.write_bytes(b"RIFF!!!!")
            run(far, replace(PROMPT, source=source))


def test_the_token_of_the_file_is_sent_and_a_missing_file_is_told(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with stub_of(says()) as stub:
        far = remote(stub, token_file=str(token))
        with pytest.raises(Refused, match="token cannot be read"):
            far.look()
        token.write_text("secret-of-the-box more\n")
        far.look()
        assert any(line.strip() == "authorization: Bearer secret-of-the-box" for line in stub.headers)
