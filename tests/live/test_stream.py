"""The stream, with a player and an engine that do what a test says: an earlier prompt does not come back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.domain.ask import Ask
from bridge.live.parts import OVERLAP_S
from bridge.live.stream import Stream

PERIOD_S = 4.0
TICK_S = 0.25


class Rig:
    """A stream whose voices begin and end as in a real player, in its own time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.player = SimpleNamespace(state="open", check=lambda: None)
        self.texts: dict[int, str] = {}  # by slot
        self.begins: dict[int, float] = {}  # by voice
        self.slots: dict[int, int] = {}
        self.sounding: set[int] = set()
        self.heard: list[str] = []
        self.gains: list[float] = []
        self.stream = Stream(self, lambda event: None, lambda: None)  # type: ignore[arg-type]

    # ---- the player (Live) ----

    def slot(self) -> int:
        return len(self.texts) + 1

    def hold(self, slot: int, file: str, *_more: object) -> None:
        self.texts[slot] = file

    def release(self, slot: int) -> None: ...
    def discard(self, file: str) -> None: ...
    def stop(self, voice: int, fade_ms: float) -> None: ...

    def sounds(self, voice: int) -> bool:
        return voice in self.sounding

    def sound(self, _owner: object, slot: int, gain: float, _pan: float, _when: Any = None, **more: Any) -> int:
        voice = len(self.begins) + 1
        self.begins[voice] = self.begins[more["after"]] + PERIOD_S if "after" in more else self.now
        self.slots[voice] = slot
        self.gains.append(gain)
        if "after" not in more:
            self._begin(voice)
        return voice

    def lose_device(self) -> None:
        voices = sorted(self.begins)[-2:]
        self.player.state = "lost"
        for voice in voices:
            self.stream.on_voice(voice, "ended")
        self.player.state, self.begins = "open", {voice: self.begins[voice] - 1e6 for voice in self.begins}
        self.stream.reload()

    def _begin(self, voice: int) -> None:
        self.sounding.add(voice)
        self.heard.append(self.texts[self.slots[voice]])

    # ---- the engine ----

    def make(self, count: int = 1) -> None:
        """Make the next clips."""
        for _ in range(count):
            request = self.stream.next_request()
            assert request is not None
            job: Any = SimpleNamespace(prompt=SimpleNamespace(seconds=PERIOD_S + OVERLAP_S), model="starter")
            self.stream.on_started(job)
            self.stream.on_clip(job, request.ask.text, 48_000)

    def run(self, seconds: float) -> list[str]:
        """Let time pass; returns what began."""
        before = len(self.heard)
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            for voice, at in sorted(self.begins.items()):
                if at <= self.now and voice not in self.sounding and at > 0:
                    self._begin(voice)
                    self.stream.on_voice(voice, "began")
                if 0 < at <= self.now - PERIOD_S - OVERLAP_S:
                    self.stream.on_voice(voice, "ended")
            self.stream.tick()
        return self.heard[before:]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    yield Rig(monkeypatch)


def start(rig: Rig, text: str, clips: int = 2) -> None:
    rig.stream.start(Ask(text), PERIOD_S)
    rig.make(clips)


def test_an_old_prompt_does_not_come_back_once_the_new_one_has_sounded(rig: Rig) -> None:
    start(rig, "rain", 3)
    assert set(rig.run(10 * PERIOD_S)) == {"rain"}
    rig.stream.set(Ask("wind"), PERIOD_S)
    assert set(rig.run(3 * PERIOD_S)) == {"rain"}  # until a clip of the new prompt is ready
    rig.make()
    began = rig.run(10 * PERIOD_S)
    assert began[began.index("wind") :] == ["wind"] * (len(began) - began.index("wind")) and began.count("rain") <= 1
    assert len(began) in (9, 10, 11) and rig.gains[-1] == 0.25  # ever more quietly, but never silent


def test_the_old_prompt_stays_away_after_the_device_was_lost(rig: Rig) -> None:
    start(rig, "rain")
    rig.run(4 * PERIOD_S)
    rig.stream.set(Ask("wind"), PERIOD_S)
    rig.make()
    while rig.run(TICK_S) != ["wind"]:
        pass
    for _ in range(3):
        rig.lose_device()
        assert set(rig.run(3 * PERIOD_S)) == {"wind"}


def test_of_several_prompts_set_in_a_row_only_the_newest_that_has_sounded_is_repeated(rig: Rig) -> None:
    start(rig, "rain")
    rig.run(2 * PERIOD_S)
    for text in ("wind", "storm", "sea"):
        rig.stream.set(Ask(text), PERIOD_S)
        if text != "storm":  # it never gets a clip
            rig.make()
        rig.run(3 * PERIOD_S)
        assert set(rig.run(4 * PERIOD_S)) == {"wind" if text == "storm" else text}
    rig.stream.start(Ask("rain again"), PERIOD_S)
    rig.make(2)
    rig.run(3 * PERIOD_S)
    assert set(rig.run(5 * PERIOD_S)) == {"rain again"}


def test_clips_of_one_prompt_are_still_repeated_in_turn(rig: Rig) -> None:
    start(rig, "rain", 3)
    rig.run(5 * PERIOD_S)
    slots = [rig.slots[voice] for voice in sorted(rig.slots)][-6:]
    assert len(set(slots)) >= 2 and all(one != other for one, other in itertools.pairwise(slots))
