"""Pads: a pad that has ever had a take always sounds; their file may have been edited by any program; failures and new tempos do
not block other pads."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.domain.events import PadChanged, PadSet, PadVoice
from bridge.domain.job import JobState
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument, NoAudio, PadEmpty
from bridge.live.pad import Press
from bridge.live.pads import Pads
from bridge.live.takes import TAKES_HELD, TAKES_READY, Take, Takes
from bridge.player.messages import When

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
        return [round(take.prompt.seconds, 3) for take in pads._pads[1].takes.fresh]

    pads.set(1, Ask("loop", bars=2))
    assert filled() == [4.0, 4.0]
    live.player.tempo = Tempo(120.0, 3)  # the bars are shorter now
    assert [take.prompt.seconds for take in pads._pads[1].takes.fresh] == [4.0, 4.0]
    assert filled() == [3.0, 3.0] and len(removed) == 2
    pads.lock(1, True)
    pads.play(1, 1.0, SimpleNamespace())  # type: ignore[arg-type]
    live.player.tempo = Tempo(90.0, 4)
    before = pads._pads[1].takes.fresh[0].file
    assert filled() == [3.0, 3.0] and pads._pads[1].takes.fresh[0].file == before and before not in removed
    pads.lock(1, False)
    assert filled() == [pytest.approx(5.333), pytest.approx(5.333)] and before not in removed  # it may still be saved


def test_a_pad_beyond_the_last_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    file.write_text(json.dumps({"128": entry(), "-1": entry(), "127": entry()}), "utf-8")
    assert [number for number, *_ in opened(file).states()] == [127]


class FakeLive:
    """The player: which slots it holds, which voices it was sent, and which files were removed."""

    def __init__(self) -> None:
        self.player = SimpleNamespace(tempo=Tempo(120.0), state="open")
        self.held: dict[int, str] = {}
        self.sounded: list[tuple[int, When]] = []
        self.stopped: list[tuple[int, When]] = []
        self.sounding = False
        self.removed: list[str] = []
        self._slots = 0

    def slot(self) -> int:
        self._slots += 1
        return self._slots

    def hold(self, slot: int, file: str, _sample_rate: int) -> None:
        self.held[slot] = file

    def hold_file(self, slot: int, file: str, _loop: bool, _longest_s: float) -> None:
        self.held[slot] = file

    def release(self, slot: int) -> None:
        del self.held[slot]

    def discard(self, file: str) -> None:
        assert file not in self.removed
        self.removed.append(file)

    def sound(
        self, _owner: object, slot: int, _gain: float, _pan: float, when: When, loop: bool = False, output: str = ""
    ) -> int:
        assert output == "pads"
        if self.player.state != "open":
            raise NoAudio("The device is lost.")
        assert slot in self.held
        self.sounded.append((slot, when))
        return len(self.sounded)

    def sounds(self, _voice: int) -> bool:
        return self.sounding

    def stop(self, voice: int, when: When) -> None:
        self.stopped.append((voice, when))

    def announce_voice(self, *_report: object) -> None: ...


class Rig:
    """Pads with a fake player, and an engine that makes a take when a test says so."""

    def __init__(self) -> None:
        self.live, self.events = FakeLive(), list[Any]()
        self.pads = Pads(self.live, self.events.append, lambda: None)  # type: ignore[arg-type]

    def make(self, count: int = 1) -> None:
        for _ in range(count):
            request = self.pads.next_request()
            assert request is not None
            job: Any = SimpleNamespace(prompt=resolve(request.ask, None, self.live.player.tempo), model="m")
            self.pads.on_started(job)
            self.pads.on_clip(job, f"{request.ask.text} {self.live._slots + 1}", 48_000)

    def press(self, count: int = 1, **how: Any) -> list[str]:
        """The files that these presses of pad 7 play."""
        files = []
        for _ in range(count):
            self.pads.play(7, 1.0, Press(None), **how)
            files.append(self.live.held[self.live.sounded[-1][0]])
        return files

    @property
    def state(self) -> tuple[str, int, int]:
        """State, fresh, repeated."""
        _, state, _, fresh, repeated, _ = self.pads.states()[0]
        return state, fresh, repeated

    @property
    def published(self) -> tuple[str, int, int, str]:
        event = next(event for event in reversed(self.events) if isinstance(event, PadChanged))
        return event.state, event.fresh, event.repeated, event.why


def test_eight_presses_with_one_take_sound_eight_times_and_then_the_fresh_take_does() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    with pytest.raises(PadEmpty):
        rig.press()
    rig.make()
    assert rig.state == ("ready", 1, 0)
    assert rig.press(8) == ["snare 1"] * 8
    assert rig.state == ("filling", 0, 1) and rig.published == ("filling", 0, 1, "")
    rig.make()
    assert rig.state == ("ready", 1, 1) and rig.press() == ["snare 2"] and rig.state == ("filling", 0, 2)


def test_without_a_fresh_take_the_newest_ones_sound_in_turn() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    for number in range(1, 7):
        rig.make()
        assert rig.press() == [f"snare {number}"]
    assert rig.press(6) == ["snare 4", "snare 5", "snare 6"] * 2
    rig.make(2)
    assert rig.press(2) == ["snare 7", "snare 8"]
    assert set(rig.press(6)) == {"snare 6", "snare 7", "snare 8"}


@pytest.mark.parametrize(
    "how", [{"quantize": "bar"}, {"quantize": "beat"}, {"at": 1.5}, {"at": 1.5, "quantize": "bar"}, {}]
)
def test_a_repeated_take_sounds_at_its_moment(how: dict[str, Any]) -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make()
    assert rig.press(3, **how) == ["snare 1"] * 3
    assert {when for _, when in rig.live.sounded} == {When(how.get("at"), how.get("quantize", ""))}


def test_a_pad_locked_without_a_fresh_take_keeps_the_one_that_sounded_last_until_it_is_unlocked() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.press(2)
    rig.pads.lock(7, True)
    assert rig.press(3) == ["snare 2"] * 3
    rig.make(2)
    assert rig.press(3) == ["snare 2"] * 3
    rig.pads.lock(7, False)
    assert rig.press(2) == ["snare 3", "snare 4"]


def test_an_empty_pad_that_is_locked_is_locked_once_it_is_set() -> None:
    rig = Rig()
    for number, locked in ((7, True), (8, True), (8, False)):
        rig.pads.lock(number, locked)
    assert rig.pads.states() == [] and rig.events == []
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    assert rig.press(3) == ["snare 1"] * 3
    rig.pads.clear(7)
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    assert rig.press(2) == ["snare 3", "snare 4"]
    rig.pads.set(8, Ask("clap", 1.0))
    assert not rig.pads._pads[8].locked


def test_subscribers_hear_what_a_pad_was_set_to_and_whether_it_is_locked() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0, loop=1, gain=2, seed=5))
    rig.pads.lock(7, True)
    rig.pads.clear(7)
    settings = [event.facts() for event in rig.events if isinstance(event, PadSet)]
    keys = {"seconds": 1.0, "seed": 5, "gain": 2.0, "loop": 1}
    assert settings == [
        {"pad": 7, "prompt": "snare", "locked": 0, **keys},
        {"pad": 7, "prompt": "snare", "locked": 1, **keys},
        {"pad": 7, "prompt": "", "locked": 0},
    ]


def test_the_voices_of_a_pad_are_known_until_they_end() -> None:
    rig = Rig()
    rig.live.sounding = True
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make()
    rig.press(2, quantize="bar")
    rig.pads.voices.on_voice(1, "began")
    rig.pads.voices.on_voice(99, "began")  # of a clip
    assert rig.pads.settings()[1:] == [PadVoice(7, 2, "waiting"), PadVoice(7, 1, "began")]
    rig.pads.voices.on_voice(2, "ended")
    rig.pads.voices.on_voice(1, "ended")
    assert len(rig.pads.settings()) == 1
    voices = [(event.voice, event.state) for event in rig.events if isinstance(event, PadVoice)]
    assert voices == [(1, "began"), (2, "ended"), (1, "ended")]


def test_a_press_silences_the_other_pads_of_its_choke_group_when_it_begins() -> None:
    rig = Rig()
    rig.live.sounding = True
    for number, group in ((7, 2), (8, 2), (9, 3)):
        rig.pads.set(number, Ask(f"pad {number}", 1.0))
        rig.pads.choke(number, group)
    rig.make(6)
    for number in (8, 9):
        rig.pads.play(number, 1.0, Press(None))
    rig.press(quantize="bar")
    assert rig.live.stopped == [(1, When(None, "bar"))]
    rig.press()
    assert rig.live.stopped[1:] == [(1, When())], "its own voices sound on"
    rig.pads.set(8, Ask("another", 1.0))
    setting = [event for event in rig.events if isinstance(event, PadSet)][-1]
    assert setting.facts() == {"pad": 8, "prompt": "another", "locked": 0, "seconds": 1.0, "choke": 2}
    with pytest.raises(PadEmpty):
        rig.pads.choke(10, 1)


def test_choke_groups_are_kept_and_those_that_do_not_exist_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "pads.json"
    pads = opened(file)
    pads.set(7, Ask("rain", 1.0))
    pads.choke(7, 16)
    for thread in threading.enumerate():
        if thread.name == "keep pads":
            thread.join(5)
    assert opened(file)._pads[7].choke == 16
    bad: list[dict[str, object]] = [{"choke": 17}, {"choke": -1}, {"choke": "2"}, {"choke": None}]
    file.write_text(json.dumps({str(number): {**entry(), **value} for number, value in enumerate(bad)}), "utf-8")
    assert opened(file).states() == []


def test_a_pad_that_was_pressed_in_vain_is_filled_before_the_others() -> None:
    rig = Rig()
    for number in (3, 5, 7):
        rig.pads.set(number, Ask(f"pad {number}", 1.0))
    rig.make()
    with pytest.raises(PadEmpty):
        rig.press()
    request = rig.pads.next_request()
    assert request is not None and request.ask.text == "pad 7"


def test_a_press_ends_the_loop_that_sounds_when_the_next_one_begins_and_lets_a_hit_ring() -> None:
    rig = Rig()
    rig.live.sounding = True
    rig.pads.set(7, Ask("rain", 1.0, loop=1))
    rig.make()
    rig.press(2, quantize="bar")
    assert rig.live.stopped == [(1, When(quantize="bar"))]
    rig.pads.set(7, Ask("kick", 1.0))
    rig.make()
    rig.live.stopped.clear()
    rig.press()
    assert {voice for voice, _ in rig.live.stopped} == {1, 2}
    rig.live.stopped.clear()
    rig.press()
    assert 3 not in dict(rig.live.stopped)


def test_after_set_the_old_takes_sound_until_the_first_new_one_and_never_again_once_it_has_sounded() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.press()
    rig.pads.set(7, Ask("clap", 1.0))
    assert rig.state == ("filling", 0, 2) and rig.published == ("filling", 0, 2, "")
    assert set(rig.press(4)) == {"snare 1", "snare 2"}
    rig.pads.set(7, Ask("cowbell", 1.0))
    assert set(rig.press(4)) == {"snare 1", "snare 2"}
    rig.make()
    assert rig.press(5) == ["cowbell 3"] * 5
    rig.make(2)
    assert rig.press(2) == ["cowbell 4", "cowbell 5"]
    assert "snare 1" in rig.live.removed and "snare 2" in rig.live.removed


def test_a_locked_pad_changes_to_the_new_prompt_as_soon_as_a_take_of_it_is_ready() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.pads.lock(7, True)
    assert rig.press(2) == ["snare 1"] * 2
    rig.pads.set(7, Ask("clap", 1.0))
    assert rig.press(2) == ["snare 1"] * 2
    rig.make(2)
    assert rig.press(3) == ["clap 3"] * 3


def test_a_take_of_the_old_prompt_can_be_saved_until_another_one_sounds() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make()
    rig.press()
    rig.pads.set(7, Ask("clap", 1.0))
    rig.make(2)
    assert rig.pads.save(7, Press(None)).file == "snare 1" and "snare 1" not in rig.live.removed
    rig.press()
    assert rig.pads.save(7, Press(None)).file == "clap 2"


def test_a_new_tempo_repeats_takes_of_the_old_length_only_until_a_new_one_has_sounded() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("loop", bars=1))
    rig.make(2)
    rig.press(2)
    rig.live.player.tempo = Tempo(90.0)
    rig.pads.on_tempo()
    assert rig.press(2) == ["loop 1", "loop 2"]
    rig.make()
    assert rig.press(4) == ["loop 3"] * 4


def test_only_clear_empties_a_pad_and_nothing_of_it_stays() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.press(5)
    rig.pads.clear(7)
    assert rig.published == ("empty", 0, 0, "") and rig.live.held == {}
    assert sorted(rig.live.removed) == ["snare 1", "snare 2"]
    with pytest.raises(PadEmpty):
        rig.press()


def test_a_press_without_a_device_uses_no_take_and_a_new_player_gets_all_of_them() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.press(1)
    rig.live.player.state = "lost"
    with pytest.raises(NoAudio):
        rig.press()
    assert rig.state == ("ready", 1, 1)
    rig.live.player.state, rig.live.held = "open", {}
    rig.pads.reload()
    assert rig.press(3) == ["snare 2", "snare 1", "snare 2"]


def test_a_pad_whose_takes_fail_goes_on_with_those_it_has() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make()
    rig.press()
    assert rig.pads.next_request() is not None
    job: Any = SimpleNamespace()
    rig.pads.on_started(job)
    failure: Any = SimpleNamespace(kind="failed", fields={"why": "out of memory"})
    rig.pads.on_job_event(job, failure)
    assert rig.published == ("filling", 0, 1, "out of memory") and rig.press(2) == ["snare 1"] * 2
    rig.pads.on_refused(BadArgument("no such preset"))
    assert rig.press() == ["snare 1"]


def test_a_refused_press_over_midi_is_explained_for_pads_that_are_set() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.pads.announce_refusal(7, PadEmpty("It is being made."))
    assert rig.published == ("filling", 0, 0, "It is being made.")
    count = len(rig.events)
    rig.pads.announce_refusal(8, PadEmpty("It is empty."))
    assert len(rig.events) == count


@pytest.mark.parametrize("seed", range(20))
def test_takes_are_bounded_never_run_out_and_are_dropped_once(seed: int) -> None:
    chance, takes, alive, made, locked = random.Random(seed), Takes(), set[int](), 0, False
    for _ in range(400):
        dropped: list[Take] = []
        match chance.choice(("make", "press", "press", "lock", "set")):
            case "make" if len(takes.fresh) < TAKES_READY or not locked:
                made += 1
                prompt: Any = SimpleNamespace(seconds=chance.choice((1.0, 2.0)))
                alive.add(made)
                dropped = takes.add(Take(made, f"{made}", 48_000, prompt, "m", takes.version))  # type: ignore[arg-type]
            case "press":
                take = takes.next(locked)
                assert (take is None) == (made == 0)
                if take is not None:
                    assert take.slot in alive
                    dropped = takes.sounded(take, locked)
            case "lock":
                locked = not locked
                takes.unlock()
            case "set":
                takes.supersede()
        for take in dropped:
            alive.remove(take.slot)
        assert {take.slot for take in takes.all} == alive and len(alive) <= TAKES_HELD
        assert len(takes.fresh) <= TAKES_READY and (takes.last is None or takes.last.slot in alive)
