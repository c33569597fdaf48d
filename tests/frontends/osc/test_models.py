"""The list of checkpoints, and the change to another one while the daemon runs."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.checkpoints import find as checkpoints
from bridge.config import OscConfig
from bridge.engine.audioldm2 import untrained
from bridge.frontends.osc.answers import MAX_READS
from bridge.frontends.osc.server import serve_osc
from bridge.system.portable import selector_loop
from tests.harness import Client, Daemon, called, pairs

Start = Callable[..., Daemon]


def models(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return called(home, "models", *options)


def test_models_lists_checkpoints_with_size_licence_and_rate_and_the_running_one(home: Path, daemon: Daemon) -> None:
    listed = models(home, "--osc-port", str(daemon.port), "--json")
    said = json.loads(listed.stdout)
    assert listed.returncode == 0 and said["running"] == "starter" and said["faults"] == []
    starter = said["models"][0]
    assert starter["name"] == "starter" and starter["licence"] == "mit" and starter["sample_rate"] == 44_100
    assert 10e6 < starter["size_bytes"] < 25e6
    lines = models(home, "--osc-port", str(daemon.port)).stdout.splitlines()
    assert lines[0].split()[:5] == ["starter", "17", "MB", "44.1", "kHz"] and lines[0].endswith("mit")
    assert "Running: starter" in lines
    alone = models(home, "--osc-port", "1")
    assert alone.returncode == 0 and "Running: no daemon answers" in alone.stdout
    assert models(home, "--osc-port", "0").returncode == 0


def test_osc_describes_a_checkpoint_and_refuses_unknown_names(client: Client) -> None:
    address, values = client.ask("/bridge/models", "starter")
    facts = pairs(values, 1)
    assert (address, values[0], facts["licence"], facts["sample_rate"]) == ("/bridge/model", "starter", "mit", 44_100)
    assert facts["size_mb"] == pytest.approx(17, abs=3)
    for name in ("nobody/nothing", "/", "", "~nosuchuser", "\\\\server\\share", "//server/share"):
        address, values = client.ask("/bridge/models", name)
        assert address == "/bridge/error" and values[1] == "no_model", name


def test_the_daemon_changes_to_another_checkpoint_and_a_wrong_name_changes_nothing(
    start_daemon: Start, home: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(untrained.build(tmp_path / "built"), tmp_path / "my-own")
    daemon = start_daemon("--model", "untrained")
    client = daemon.client()
    client.send("/bridge/subscribe")
    client.until("/bridge/state")
    address, values = client.ask("/bridge/restart", "nobody/nothing")
    assert (address, values[0], values[1]) == ("/bridge/error", "/bridge/restart", "no_model")
    wrong = models(home, "--osc-port", str(daemon.port), "--use", "nobody/nothing")
    assert wrong.returncode == 7 and "clipbridge pull" in wrong.stderr and "untrained" in wrong.stderr
    for name in ("\\\\server\\share", "//server/share", "relative/folder", str(tmp_path)):
        assert client.ask("/bridge/restart", name)[1][1] == "no_model", name
    assert client.ask("/bridge/status")[1][0] == "ready"
    client.send("/bridge/generate", "kept", 0.2, "steps", 2, "id", 0)
    assert pairs(client.end_of(0)[1], 3)["model"] == "untrained"
    changed = models(home, "--osc-port", str(daemon.port), "--use", str(folder))
    assert changed.returncode == 0, changed.stderr
    _, (state, why) = client.until("/bridge/state")
    assert state == "restarting" and str(folder) in why
    while client.until("/bridge/state", timeout_s=60)[1][0] != "ready":
        pass
    client.send("/bridge/generate", "rain", 0.2, "steps", 2, "id", 1)
    _, values = client.end_of(1)
    assert pairs(values, 3)["model"] == "my-own"


def test_without_a_daemon_use_says_how_to_start_one(home: Path) -> None:
    said = models(home, "--osc-port", "1", "--use", "starter")
    assert said.returncode == 3 and "clipbridge run --model starter" in said.stderr


def test_a_slow_disk_delays_no_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    awake = threading.Event()

    def slow() -> list[str]:
        awake.wait(30)
        return ["starter"]

    monkeypatch.setattr(checkpoints, "available", slow)

    async def story() -> None:
        stand_in = SimpleNamespace(model=None, listeners=[])
        async with serve_osc(stand_in, OscConfig(port=0)) as frontend:  # type: ignore[arg-type]
            client = Client(frontend.port)
            for _ in range(MAX_READS + 1):
                client.send("/bridge/models")
            client.send("/bridge/ping", 1)
            answers = await asyncio.to_thread(lambda: [client.receive(5), client.receive(5)])
            assert answers[0][1][:2] == ["/bridge/models", "bad_argument"] and answers[1] == ("/bridge/pong", [1])
            awake.set()
            late = await asyncio.to_thread(lambda: [client.receive(5) for _ in range(MAX_READS)])
            assert late == [("/bridge/models", ["", "starter"])] * MAX_READS
            assert await asyncio.to_thread(client.ask, "/bridge/models") == late[0]
            client.close()

    with asyncio.Runner(loop_factory=selector_loop) as runner:
        runner.run(story())
