"""What `clipbridge learn` prints of the events that it follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.commands import learn
from tests.harness import called, free_port

FACTS = ["step", 7, "loss", 1.5, "held_out", 1.92, "base", 2.3, "seconds_left", 61.0]
READ = ("read", ["d", 8, 3.2, "left_out", 2, "others", 1, "words", 5, "learned_s", 0.0])
DONE = ("done", ["d", "/models/d", "files", 8, "steps", 90, "seconds", 60.0, "held_out", 1.8, "base", 2.3])
EVENTS: list[tuple[str, list[Any]]] = [
    ("begun", ["d", 5.0]),
    ("reading", ["d", 4, 8]),
    ("skipped", ["d", "a\x1b[2J.wav", "it is silent"]),
    READ,
    READ,
    ("progress", ["d", 0.1, *FACTS]),
    ("progress", ["d", 0.2, *FACTS, "remark", "The state cannot be saved: make room."]),
    ("progress", ["d", 0.3, *FACTS, "remark", "The state cannot be saved: make room."]),
    ("clip", ["d", "/clips/d/kick.wav", "prompt", "kick", "seconds", 1.0, "seed", 0, "step", 7]),
]


def test_what_happens_is_told_once_and_the_model_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert learn._show(iter([*EVENTS, DONE]), as_json=False) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "skipped: a\\x1b[2J.wav: it is silent",
        "8 sounds, 3 s in all, 5 words; 2 left out",
        "clipbridge: The state cannot be saved: make room.",
        "listen: /clips/d/kick.wav",
    ]
    assert said.out.splitlines() == ["/models/d  loss 1.80, was 2.30", "Use it with: clipbridge models --use d"]


def test_json_lines_have_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    assert learn._show(iter([*EVENTS, DONE]), as_json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == [kind for kind, _ in [*EVENTS[:4], *EVENTS[5:], DONE]]


@pytest.mark.parametrize(
    ("code", "exit_code"), [("bad_argument", 2), ("name_taken", 2), ("disk", 1), ("learner_lost", 1)]
)
def test_a_failure_is_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], code: str, exit_code: int
) -> None:
    assert learn._show(iter([("failed", ["d", code, "Why."])]), as_json=False) == exit_code
    assert capsys.readouterr().err == "clipbridge: Why.\n"


def test_wrong_usage_and_a_missing_daemon_get_a_sentence(tmp_path: Path) -> None:
    port = str(free_port())
    for arguments, code, said in (
        ((str(tmp_path), "--name", "d", "--osc-port", port), 3, "clipbridge run"),
        ((str(tmp_path / "no"), "--name", "d", "--osc-port", port), 2, "There is no folder"),
        ((str(tmp_path), "--name", "  ", "--osc-port", port), 2, "name is missing"),
        ((str(tmp_path),), 2, "--name"),
        ((str(tmp_path), "--name", "d", "--minutes", "long"), 2, "must be a number"),
    ):
        told = called(tmp_path, "learn", *arguments)
        assert told.returncode == code and said in told.stderr, told
