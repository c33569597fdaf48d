"""The file in which pads are kept is written by us and read as anybody's."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.domain.job import JobState
from bridge.domain.tempo import Tempo
from bridge.live.pads import Pads


def opened(file: Path) -> Pads:
    return Pads(SimpleNamespace(), lambda event: None, lambda: None, file)  # type: ignore[arg-type]


def entry(**changed: object) -> dict[str, object]:
    return {"ask": {"text": "rain", "sink": "pad", **changed}, "locked": True}


def test_what_is_set_is_there_again(tmp_path: Path) -> None:
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
def test_a_damaged_file_is_left_out_and_pads_can_be_set(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pads.json"
    file.write_text(content, "utf-8")
    pads = opened(file)
    assert pads.states() == []
    pads.set(1, Ask("rain"))
    assert [(number, state) for number, state, *_ in pads.states()] == [(1, "filling")]


def test_one_bad_pad_costs_no_other_and_the_file_is_kept_aside(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    file.write_text(json.dumps({"1": entry(), "2": entry(steps=2.5), "3": entry()}), "utf-8")
    assert [number for number, *_ in opened(file).states()] == [1, 3]
    assert json.loads(file.with_suffix(".bad").read_text("utf-8")).keys() == {"1", "2", "3"}


def test_a_pad_that_fails_is_tried_ever_more_rarely_and_one_that_was_refused_at_once_does_not_block_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    tried: list[tuple[float, str]] = []

    def pull() -> None:
        if (request := pads.next_request()) is not None:
            tried.append((now[0], request.ask.text))
            refused = SimpleNamespace(state=JobState.FAILED, last_event=SimpleNamespace(fields={"why": "no"}))
            pads.on_started(refused)  # type: ignore[arg-type]

    pads = Pads(SimpleNamespace(), lambda event: None, pull, tmp_path / "pads.json")  # type: ignore[arg-type]
    pads.set(1, Ask("one"))
    pads.set(2, Ask("two"))
    for _ in range(400):
        now[0] += 0.25
        pull()
    times = [at for at, text in tried if text == "one"]
    assert len(times) == 4 and times[0] == 0.0 and times[3] - times[2] > times[2] - times[1] > times[1] > 9
    assert len([text for _, text in tried if text == "two"]) == 4


def test_takes_of_another_tempo_are_made_again_and_played_until_then_but_never_those_of_a_locked_pad(
    tmp_path: Path,
) -> None:
    asked: list[str] = []
    gone: list[str] = []
    live = SimpleNamespace(
        tempo=Tempo(120.0), slot=lambda: len(asked), hold=lambda *held: None, release=lambda slot: None, discard=gone.append,
        sound=lambda *how, **more: 1, sounds=lambda voice: False, announce_voice=lambda *told: None,
    )  # fmt: skip

    def pull() -> None:
        if (request := pads.next_request()) is not None:
            asked.append(request.ask.text)
            prompt = resolve(request.ask, None, live.tempo)
            pads.on_started(SimpleNamespace(state=JobState.RUNNING, prompt=prompt))  # type: ignore[arg-type]

    pads = Pads(live, lambda event: None, pull)  # type: ignore[arg-type]

    def filled() -> list[float]:
        for _ in range(5):
            pull()
            if (job := pads._pads[1].job) is not None:
                pads.on_clip(job, f"file {len(asked)}", 48_000, None)  # type: ignore[arg-type]
        return [round(take.prompt.seconds, 3) for take in pads._pads[1].ready]

    pads.set(1, Ask("loop", bars=2))
    assert filled() == [4.0, 4.0]
    live.tempo = Tempo(120.0, 3)  # the bars are shorter now
    assert [take.prompt.seconds for take in pads._pads[1].ready] == [4.0, 4.0]
    assert filled() == [3.0, 3.0] and len(gone) == 2
    pads.lock(1, True)
    pads.play(1, 1.0, SimpleNamespace())  # type: ignore[arg-type]
    live.tempo = Tempo(90.0, 4)
    before = pads._pads[1].ready[0].file
    assert filled() == [3.0, 3.0] and pads._pads[1].ready[0].file == before and before not in gone
    pads.lock(1, False)
    assert filled() == [pytest.approx(5.333), pytest.approx(5.333)] and before not in gone  # it may still be saved


def test_a_pad_beyond_the_last_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    file.write_text(json.dumps({"128": entry(), "-1": entry(), "127": entry()}), "utf-8")
    assert [number for number, *_ in opened(file).states()] == [127]
