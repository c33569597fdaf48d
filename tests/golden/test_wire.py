"""Plays each scenario and compares the answers with the transcript. `python -m tests.golden.record` records them again."""

from __future__ import annotations

import difflib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.golden.player import Line, Player, read_transcript, same, write_transcript
from tests.golden.requests import SCENARIOS
from tests.harness import Daemon

TRANSCRIPT = Path(__file__).with_name("transcript.json")
RECORDING = os.environ.get("GOLDEN_RECORD") == "1"
FIXTURES = {"small": "small_daemon", "starter": "shared_daemon", "stage": "stage"}


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, list[Line]]]:
    """The transcript; while recording, it is written at the end."""
    transcript = read_transcript(TRANSCRIPT) if TRANSCRIPT.is_file() else {}
    yield transcript
    if RECORDING:
        write_transcript(TRANSCRIPT, {name: lines for name, lines in transcript.items() if name in SCENARIOS})


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Daemon]]:
    """A daemon that a scenario kills, and its successor; both are stopped at the end."""
    daemons: list[Daemon] = []
    yield daemons
    for daemon in daemons:
        daemon.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A home and a sample folder for both, with the cache of checkpoints that other daemons have built."""
    place = tmp_path_factory.mktemp("cold")
    (place / "home").mkdir()
    (home / "cache").mkdir(exist_ok=True)
    (place / "home" / "cache").symlink_to(home / "cache")
    return place


def daemon_of(name: str, request: pytest.FixtureRequest, life: list[Daemon], place: Path) -> Daemon:
    if name in FIXTURES:
        daemon = request.getfixturevalue(FIXTURES[name])
        assert isinstance(daemon, Daemon)
        return daemon
    if name == "again":
        first = life[0] if life else daemon_of("cold", request, life, place)
        for process in (*psutil.Process(first.process.pid).children(recursive=True), first.process):
            process.kill()
        first.stop()
    shutil.rmtree(place / "inbox", ignore_errors=True)
    life.append(Daemon(place / "clips", place / "home", "--model", "untrained", wait=False))
    return life[-1]


def scenario(name: str) -> object:
    """The parameter of a scenario, marked by its daemon."""
    daemon = SCENARIOS[name].daemon
    return pytest.param(name, marks=pytest.mark.shares(FIXTURES[daemon]) if daemon in FIXTURES else pytest.mark.daemon)


@pytest.mark.parametrize("name", [scenario(name) for name in SCENARIOS])
def test_the_answers_over_the_wire_equal_the_transcript(
    name: str, recorded: dict[str, list[Line]], request: pytest.FixtureRequest, life: list[Daemon], place: Path
) -> None:
    played = SCENARIOS[name]
    actual = Player(daemon_of(played.daemon, request, life, place), played).play()
    actual = json.loads(json.dumps(actual))
    if RECORDING:
        recorded[name] = actual
        return
    assert name in recorded, f"{name!r} is not recorded; run python -m tests.golden.record"
    if not same(recorded[name], actual):
        before, now = ([json.dumps(line, ensure_ascii=False) for line in lines] for lines in (recorded[name], actual))
        pytest.fail("\n".join(difflib.unified_diff(before, now, "recorded", "now", lineterm="", n=2)), pytrace=False)


def test_the_transcript_has_these_scenarios_and_no_others(recorded: dict[str, list[Line]]) -> None:
    assert RECORDING or set(recorded) == set(SCENARIOS)
