"""`clipbridge serve` as a real process with a real uvicorn, asked by the real remote engine and by raw sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.config import EngineConfig
from bridge.doctor import box as doctor
from bridge.domain import recipe
from bridge.domain.clip import Piece, Prompt
from bridge.domain.source import Source
from bridge.engine import wire
from bridge.engine.messages import Engine
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Refused, Unreachable
from bridge.errors import EngineLost, JobCancelled
from bridge.files.same_file import hash_of
from tests.cluster.boxes import SERVE, SMALL, Box
from tests.cluster.certificates import Authority
from tests.fake_engine import MODEL
from tests.harness import clipbridge

PROMPT = MODEL.abilities.settled(Prompt("kick", "kick", 0.5, 1, steps=20))
LONG = replace(PROMPT, steps=250)
Start = Callable[..., Box]


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start boxes with a stand-in engine; all are stopped afterwards."""
    started: list[Box] = []

    def start(*options: str, **more: Any) -> Box:
        started.append(Box(home, *options, **more))
        return started[-1].wait_ready()

    yield start
    for box in started:
        box.stop()


def far(box: Box, **config: Any) -> RemoteEngine:
    engine = RemoteEngine(EngineConfig(url=box.url, **config))
    engine.load(lambda done, total, what: None)
    return engine


def run(
    engine: RemoteEngine, prompt: Prompt, on_step: Callable[[int, int], None] = lambda done, units: None
) -> list[Piece]:
    return list(engine.generate(prompt, on_step))


def raw(box: Box, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
    try:
        connection.request(method, "/", body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def asked(prompt: Prompt, model: Any = MODEL, **values: Any) -> bytes:
    """The request for a prompt."""
    return wire.frame("generate", **{"protocol": wire.PROTOCOL, "recipe": recipe.write(prompt, model, 1), **values})


# ---- the real small engine ----


@pytest.fixture(scope="module")
def small(home: Path) -> Iterator[Box]:
    box = Box(home, *SMALL, run=SERVE)
    yield box.wait_ready()
    assert box.stop() == 0


@pytest.fixture(scope="module")
def local(small: Box, home: Path) -> Engine:
    """The same engine here, with the same random weights."""
    from bridge.engine.families import open_engine  # torch

    engine = open_engine(
        EngineConfig(model="untrained", compute="cpu", compile="off", threads=1), home / "cache" / "clipbridge"
    )
    engine.load(lambda done, total, what: None)
    return engine


def test_the_same_seed_makes_the_same_bytes_here_and_on_a_box(small: Box, local: Engine) -> None:
    there = far(small)
    assert there.model == local.model
    for prompt in (
        Prompt("kick", "kick", 0.5, 7, steps=3, takes=2),
        Prompt("bell", "bell", 1.3, 8, steps=2, guidance=1.0, note="a4"),
    ):
        prompt = there.model.abilities.settled(prompt)
        steps: list[int] = []
        remote = run(there, prompt, lambda done, _units, steps=steps: steps.append(done))  # type: ignore[misc]
        assert remote == list(local.generate(prompt, lambda done, units: None))
        assert there.scores == local.scores and there.remarks(prompt) == local.remarks(prompt)
        assert there.cost.units == local.cost.units and steps[-1] == prompt.units


def test_a_source_makes_the_same_bytes_here_and_on_a_box(small: Box, local: Engine, tmp_path: Path) -> None:
    file = tmp_path / "a sound.wav"
    soundfile.write(file, np.sin(np.arange(24_000) / 20) / 2, 48_000, "PCM_24")
    there = far(small)
    source = Source(str(file), hash_of(file), "vary", 0.5, 0.0, 0.5, 0.4)
    prompt = there.model.abilities.settled(Prompt("bell", "bell", 0.5, 3, steps=4, source=source))
    assert run(there, prompt) == list(local.generate(prompt, lambda done, units: None))


def test_a_cancel_stops_the_real_engine_within_a_step(small: Box) -> None:
    there = far(small)
    long = there.model.abilities.settled(Prompt("rain", "rain", 10.0, 5, steps=250))
    times: list[float] = []

    def cancel(done: int, _units: int) -> None:
        times.append(time.monotonic())
        if done == 6:
            threading.Thread(target=there.cancel).start()

    with pytest.raises(JobCancelled):
        run(there, long, cancel)
    left = time.monotonic()
    step_s = (times[-1] - times[2]) / (len(times) - 3)
    first: list[float] = []
    short = there.model.abilities.settled(Prompt("kick", "kick", 0.2, 5, steps=1))
    run(far(small), short, lambda done, units: first.append(time.monotonic()) if done else None)
    # The next job waits for the rest of one step, and then takes its own first one.
    assert first[0] - left < 3 * step_s + 1.0


# ---- a stand-in engine ----


def test_jobs_wait_for_their_turn_and_a_front_that_leaves_the_queue_is_forgotten(start: Start) -> None:
    box = start(behaviour="slow")
    running = threading.Thread(target=run, args=(far(box), PROMPT))  # a second
    running.start()
    time.sleep(0.2)
    leaver, waiter = far(box), far(box)
    left: list[str] = []

    def wait_and_leave() -> None:
        try:
            run(leaver, LONG)  # 12 s, if it was made
        except JobCancelled:
            left.append("left")

    leaving = threading.Thread(target=wait_and_leave)
    leaving.start()
    time.sleep(0.2)
    begun = time.monotonic()
    waiting = threading.Thread(target=run, args=(waiter, PROMPT))
    waiting.start()
    time.sleep(0.2)
    leaver.cancel()
    for thread in (leaving, running, waiting):
        thread.join(20)
    assert left == ["left"] and time.monotonic() - begun < 6


def test_a_killed_engine_loses_its_job_and_the_box_makes_the_next(start: Start) -> None:
    box = start(behaviour="slow")
    there = far(box)

    def kill(done: int, _units: int) -> None:
        if done == 3:
            box.engine().kill()

    with pytest.raises(EngineLost, match="lost: ask for it again"):
        run(there, LONG, kill)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            there.look()
            break
        except Unreachable:
            time.sleep(0.05)
    assert len(run(there, replace(PROMPT, steps=1))) == 1


def test_a_box_that_is_killed_or_stopped_ends_every_stream(start: Start) -> None:
    for end in (Box.kill, Box.stop):
        box = start(behaviour="slow")
        threads: list[threading.Thread] = []

        def on_step(done: int, _units: int, box: Box = box, end: Any = end, threads: Any = threads) -> None:
            if done == 2 and not threads:
                threads.append(threading.Thread(target=end, args=(box,)))
                threads[0].start()

        with pytest.raises(EngineLost):
            run(far(box), LONG, on_step)
        threads[0].join(30)


def test_a_slow_reader_holds_up_nobody_else(start: Start) -> None:
    box = start()
    slow = socket.create_connection(("127.0.0.1", box.port))
    body = asked(replace(PROMPT, seconds=10.0, takes=16, steps=1))
    slow.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    time.sleep(0.5)  # it reads nothing
    assert len(run(far(box), replace(PROMPT, steps=1))) == 1
    slow.close()


def test_only_a_token_of_the_file_opens_a_box_that_demands_one(start: Start, tmp_path: Path) -> None:
    tokens, mine = tmp_path / "tokens", tmp_path / "mine"
    box = start("--token-file", str(tokens))
    assert len(tokens.read_text()) > 40 and (os.name == "nt" or tokens.stat().st_mode & 0o077 == 0)
    for text in ("", "another-token-of-some-length"):
        mine.write_text(text or "x")
        with pytest.raises(Refused, match=r"wants a token, and got none or another one: set engine\.token_file"):
            far(box, **({"token_file": str(mine)} if text else {}))
    mine.write_text(tokens.read_text())
    assert len(run(far(box, token_file=str(mine)), PROMPT)) == 1
    assert raw(box, "POST", asked(PROMPT))[0] == 401


def test_a_box_beyond_this_machine_demands_a_token_before_it_listens(home: Path) -> None:
    answer = clipbridge(home, "serve", "--host", "0.0.0.0", "--port", "0")
    assert answer.returncode == 8 and "must demand a token: add --token-file FILE" in answer.stderr
    assert clipbridge(home, "serve", "--certificate", "x").returncode == 2


def test_tls_is_checked_by_the_authority_the_front_names(start: Start, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("good")
    box = start("--certificate", str(certificate), "--key", str(key))
    with pytest.raises(
        Refused, match=r"The certificate of localhost is not valid \(.*: renew it there, or set engine\.ca_file"
    ):
        far(box)
    there = far(box, ca_file=str(authority.file))
    assert len(run(there, PROMPT)) == 1
    with pytest.raises(JobCancelled):
        run(there, LONG, lambda done, units: there.cancel())
    with pytest.raises(Unreachable):
        RemoteEngine(EngineConfig(url=box.url.replace("https", "http"))).look()


def test_an_expired_certificate_is_told_as_one(start: Start, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("old", end="20210101000000Z")
    box = start("--certificate", str(certificate), "--key", str(key))
    with pytest.raises(Refused, match="expired"):
        far(box, ca_file=str(authority.file))


@pytest.fixture(scope="module")
def box(home: Path) -> Iterator[Box]:
    """A box that every test leaves as it was."""
    box = Box(home)
    yield box.wait_ready()
    box.stop()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "not a frame"),
        (b"hello", 400, "not a frame"),
        (b"[" * 100_000, 400, "not a frame"),
        (b"{}\n", 400, "not a frame"),
        (wire.frame("generate"), 409, "protocol 1, and the front None"),
        (asked(PROMPT, protocol=2), 409, "install the same version of Clipbridge on both"),
        (asked(PROMPT, recipe=7), 400, "has no recipe"),
        (asked(PROMPT, recipe="{}"), 400, "cannot be read"),
        (
            asked(PROMPT, recipe=recipe.write(PROMPT, MODEL, 1).replace('"seconds":0.5', '"seconds":1e99')),
            400,
            "seconds",
        ),
        (asked(PROMPT, replace(MODEL, name="another")), 503, "now serves fake, not another"),
        (asked(replace(PROMPT, seconds=99.0)), 400, "at most 10 seconds"),
        (asked(PROMPT) + b"more", 400, "not a whole frame"),
        (asked(replace(PROMPT, source=Source("/etc/passwd", "0" * 64, "vary", 1.0, 0.0, 1.0))), 400, "no usual suffix"),
        (
            asked(replace(PROMPT, source=Source("/etc/passwd", "0" * 64, "vary", 1.0, 0.0, 1.0)), suffix=".wav"),
            400,
            "arrived damaged",
        ),
    ],
)
def test_a_request_that_is_wrong_gets_a_sentence(box: Box, body: bytes, status: int, words: str) -> None:
    answered, values = raw(box, "POST", body)
    assert answered == status and words in values["why"]


def test_long_requests_are_refused_before_they_are_read(box: Box) -> None:
    for headers in ({"content-length": str(1 << 40)}, {"transfer-encoding": "chunked"}):
        with socket.create_connection(("127.0.0.1", box.port), 10) as connection:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(f"POST / HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_program_that_watches_the_box_learns_that_it_is_healthy_without_a_token(box: Box) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
    connection.request("GET", "/-/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    assert raw(box, "DELETE")[0] == 405


def test_more_jobs_than_one_front_may_have_are_refused_and_asked_again_later(start: Start) -> None:
    box = start(behaviour="slow")
    body = asked(LONG)
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    fronts = []
    for _ in range(32):
        fronts.append(socket.create_connection(("127.0.0.1", box.port)))
        fronts[-1].sendall(request)
        assert fronts[-1].recv(12) == b"HTTP/1.1 200"
    status, values = raw(box, "POST", body)
    assert (status, values["code"]) == (503, "queue_full")
    for front in fronts:
        front.close()
    assert len(run(far(box), replace(PROMPT, steps=1))) == 1


def test_the_doctor_asks_the_box_instead_of_looking_for_torch(box: Box) -> None:
    found = doctor.check(EngineConfig(url=box.url))
    assert found.state == "ok" and f"{box.url}: fake on cpu, answers after " in found.what
    missing = doctor.check(EngineConfig(url="http://127.0.0.1:9"))
    assert missing.state == "fault" and "clipbridge serve does not run there" in missing.what and missing.fix
