"""Pads: their file may have been edited by any program; failures and new tempos do not block other pads."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.domain.job import JobState
from bridge.domain.tempo import Tempo
from bridge.live.pads import Pads

LIVE: Any = SimpleNamespace(player=SimpleNamespace(tempo=Tempo()))


def opened(file: Path) -> Pads:
    return Pads(LIVE, lambda event: None, lambda: None, file)


def entry(**changed: object) -> dict[str, object]:
    return {"ask": {"text": "rain", "sink": "pad", **changed}, "locked": True}


def test_pads_are_restored_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "config" / "pads.json"
    pads = opened(file)
    pads.set(7, Ask("rain on tin", 2.0, steps=12, note="c4", gain=0.5, loop=1, lufs=-20.0, bits=16))
    pads.set(8, Ask("wind"))
    pads.clear(8)
    for thread in threading.enumerate():
        if thread.name == "keep pads":
            thread.join(5)
    again = opened(file)
    assert [number for number, *_ in again.states()] == [7]
    assert again._pads[7].ask == Ask(
        "rain on tin", 2.0, steps=12, note="c4", gain=0.5, loop=1, lufs=-20.0, bits=16, sink="pad"
    )


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "3", "null", json.dumps({"x": entry()}), json.dumps({"1": {"ask": {}}}), json.dumps({"1": entry(text=3)}),
        json.dumps({"1": entry(steps=10**9)}), json.dumps({"1": entry(steps="many")}), json.dumps({"1": entry(seconds=1e9)}),
        json.dumps({"1": entry(gain=float("nan"))}), json.dumps({"1": entry(note="h99")}), json.dumps({"1": entry(evil=1)}),
        json.dumps({"1": entry(text="x" * 5_000)}), "[" * 100_000, json.dumps({"1": entry(text="")}),
        json.dumps({"1": entry(bits="x")}), json.dumps({"1": entry(fade_in_ms="long")}), json.dumps({"1": entry(lufs=[1])}),
        json.dumps({"1": entry(key="h sharp")}), json.dumps({"1": entry(loop="yes")}), json.dumps({"1": entry(trim={})}),
        json.dumps({"1": entry(channels=10**30)}), json.dumps({"1": entry(takes=3)}), json.dumps({"1": 3}),
    ],
)  # fmt: skip
def test_a_damaged_file_is_ignored_and_pads_can_be_set(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pads.json"
    file.write_text(content, "utf-8")
    pads = opened(file)
    assert pads.states() == []
    pads.set(1, Ask("rain"))
    assert [(number, state) for number, state, *_ in pads.states()] == [(1, "filling")]


def test_one_invalid_pad_is_skipped_and_the_file_is_copied_aside(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    file.write_text(json.dumps({"1": entry(), "2": entry(steps=2.5), "3": entry()}), "utf-8")
    assert [number for number, *_ in opened(file).states()] == [1, 3]
    assert json.loads(file.with_suffix(".bad").read_text("utf-8")).keys() == {"1", "2", "3"}


def test_a_failing_pad_is_retried_after_ever_longer_pauses_and_does_not_block_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    requests: list[tuple[float, str]] = []

    def pull() -> None:
        if (request := pads.next_request()) is not None:
            requests.append((now[0], request.ask.text))
            job: Any = SimpleNamespace()
            pads.on_started(job)
            failure: Any = SimpleNamespace(kind="failed", fields={"why": "no"})
            pads.on_job_event(job, failure)

    pads = Pads(LIVE, lambda event: None, pull, tmp_path / "pads.json")
    pads.set(1, Ask("one"))
    pads.set(2, Ask("two"))
    for _ in range(400):
        now[0] += 0.25
        pull()
    times = [at for at, text in requests if text == "one"]
    assert len(times) == 4 and times[0] == 0.0 and times[3] - times[2] > times[2] - times[1] > times[1] > 9
    assert len([text for _, text in requests if text == "two"]) == 4


def test_takes_of_another_tempo_are_played_until_they_are_replaced_except_on_a_locked_pad(
    tmp_path: Path,
) -> None:
    requests: list[str] = []
    removed: list[str] = []
    live = SimpleNamespace(
        player=SimpleNamespace(tempo=Tempo(120.0)), slot=lambda: len(requests), hold=lambda *take: None,
        release=lambda slot: None, discard=removed.append, sound=lambda *how, **more: 1, sounds=lambda voice: False,
        announce_voice=lambda *report: None,
    )  # fmt: skip

    def pull() -> None:
        if (request := pads.next_request()) is not None:
            requests.append(request.ask.text)
            prompt = resolve(request.ask, None, live.player.tempo)
            pads.on_started(SimpleNamespace(state=JobState.RUNNING, prompt=prompt, model="m"))  # type: ignore[arg-type]

    pads = Pads(live, lambda event: None, pull)  # type: ignore[arg-type]

    def filled() -> list[float]:
        for _ in range(5):
            pull()
            if (job := pads._pads[1].job) is not None:
                pads.on_clip(job, f"file {len(requests)}", 48_000)
        return [round(take.prompt.seconds, 3) for take in pads._pads[1].ready]

    pads.set(1, Ask("loop", bars=2))
    assert filled() == [4.0, 4.0]
    live.player.tempo = Tempo(120.0, 3)  # the bars are shorter now
    assert [take.prompt.seconds for take in pads._pads[1].ready] == [4.0, 4.0]
    assert filled() == [3.0, 3.0] and len(removed) == 2
    pads.lock(1, True)
    pads.play(1, 1.0, SimpleNamespace())  # type: ignore[arg-type]
    live.player.tempo = Tempo(90.0, 4)
    before = pads._pads[1].ready[0].file
    assert filled() == [3.0, 3.0] and pads._pads[1].ready[0].file == before and before not in removed
    pads.lock(1, False)
    assert filled() == [pytest.approx(5.333), pytest.approx(5.333)] and before not in removed  # it may still be saved


def test_a_pad_beyond_the_last_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    file.write_text(json.dumps({"128": entry(), "-1": entry(), "127": entry()}), "utf-8")
    assert [number for number, *_ in opened(file).states()] == [127]
