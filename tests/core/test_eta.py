from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.eta import Curve, Eta, EtaFile
from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.messages import Cost


def prompt(seconds: float = 4.0, steps: int = 20, guidance: float = 3.5, takes: int = 1) -> Prompt:
    return Prompt("x", "x", seconds, seed=1, steps=steps, guidance=guidance, takes=takes)


def test_nothing_is_estimated_before_the_first_measurement() -> None:
    assert Eta().seconds(prompt()) == 0.0


def test_a_linear_cost_is_predicted_between_and_beyond_the_measured_points() -> None:
    eta = Eta()
    for seconds in (0.5, 1.5, 4.0):
        eta.learn(Cost.of(prompt(seconds, steps=4), 4 * (0.01 + 0.02 * seconds), 0.1 * seconds))
    for seconds in (0.5, 1.0, 3.0, 4.0, 10.0, 30.0):
        for steps in (5, 20, 100):
            truth = steps * (0.01 + 0.02 * seconds) + 0.1 * seconds
            assert eta.seconds(prompt(seconds, steps)) == pytest.approx(truth, rel=0.1)


def test_a_step_without_guidance_counts_half_until_it_is_measured() -> None:
    eta = Eta()
    eta.learn(Cost.of(prompt(), 2.0, 0.5))
    assert eta.seconds(prompt(guidance=1.0)) == pytest.approx(1.5)
    eta.learn(Cost.of(prompt(guidance=1.0), 1.4, 0.5))
    eta.learn(Cost.of(prompt(), 200.0, 50.0))  # one run beside something heavy
    assert eta.seconds(prompt(guidance=1.0)) == pytest.approx(1.9)


def test_takes_cost_as_much_as_a_longer_clip_and_delivery_is_added() -> None:
    eta = Eta()
    eta.learn(Cost.of(prompt(4.0), 2.0, 0.4))
    assert eta.seconds(prompt(2.0, takes=4)) == pytest.approx(4.8, rel=0.01)
    eta.learn_delivery(prompt(), 0.6)
    assert eta.seconds(prompt()) == pytest.approx(3.0)


def test_estimates_follow_a_machine_that_becomes_slower_within_a_few_jobs() -> None:
    eta = Eta()
    eta.learn(Cost.of(prompt(), 1.0, 0.0))
    for _ in range(4):
        eta.learn(Cost.of(prompt(), 3.0, 0.0))
    assert eta.seconds(prompt()) == pytest.approx(3.0, rel=0.1)


def test_a_curve_keeps_a_bounded_number_of_points() -> None:
    curve = Curve()
    for place in range(1_000):
        curve.learn(place / 10, 1.0)
    assert len(curve._points) == 64


def test_learned_times_are_saved_for_each_checkpoint_and_newer_runs_count(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "eta.json"
    eta, other = Eta(), Eta()
    for seconds in (0.5, 4.0, 30.0):
        eta.learn(Cost.of(prompt(seconds), seconds, 0.1 * seconds))
    eta.learn(Cost.of(prompt(4.0, guidance=1.0), 2.0, 0.4))
    eta.learn_delivery(prompt(), 0.05)
    other.learn(Cost.of(prompt(4.0), 1.0, 0.1))
    saved = EtaFile(file)
    saved.save(eta, "starter cpu")
    saved.save(other, "large cuda")
    saved.wait(5)
    again = Eta()
    EtaFile(file).recall(again, "starter cpu")
    for ask in (prompt(0.5), prompt(12.0), prompt(30.0), prompt(4.0, guidance=1.0)):
        assert again.seconds(ask) == pytest.approx(eta.seconds(ask)) and again.seconds(ask) > 0
    for _ in range(2):  # the machine is twice as fast now
        again.learn(Cost.of(prompt(4.0), 2.0, 0.2))
    assert again.engine_seconds(prompt(4.0)) == pytest.approx(2.2)
    nothing = Eta()
    EtaFile(file).recall(nothing, "starter cuda")
    assert nothing.seconds(prompt()) == 0.0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"3", b'{"k": 3}', b'{"k": {"guided": [[1, ["a"]]]}}', b'{"k": {"guided": [[-1, [1]]]}}',
     b'{"k": {"guided": [[1, [1e9]]]}}', b"[" * 100_000, b'{"k": {"guided": [[1, [NaN]]]}}',
     b'{"k": {"deliver": [[0.001, [1]]]}}'],
)  # fmt: skip
def test_a_damaged_file_is_ignored_and_overwritten(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "eta.json"
    file.write_bytes(content)
    eta, saved = Eta(), EtaFile(file)
    saved.recall(eta, "k")
    assert eta.seconds(prompt()) == 0.0
    eta.learn(Cost.of(prompt(), 2.0, 0.5))
    saved.save(eta, "k")
    saved.wait(5)
    again = Eta()
    EtaFile(file).recall(again, "k")
    assert again.seconds(prompt()) == pytest.approx(2.5)


def test_an_unwritable_file_only_costs_the_learned_times(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    eta = Eta()
    eta.learn(Cost.of(prompt(), 2.0, 0.5))
    saved = EtaFile(tmp_path / "file" / "eta.json")
    saved.save(eta, "k")
    saved.wait(5)


def test_a_family_without_steps_is_estimated_as_a_whole_and_one_of_fixed_cost_by_its_full_length() -> None:
    eta = Eta()
    whole = Prompt("x", "x", 4.0, seed=1)
    eta.learn(Cost.of(whole, 2.0, 0.5))
    assert eta.seconds(whole) == pytest.approx(2.5)
    fixed = Eta()
    fixed.whole_s = 47.0
    fixed.learn(Cost.of(whole, 6.0, 1.0, whole_s=47.0))
    assert fixed.seconds(Prompt("x", "x", 0.5, seed=1)) == pytest.approx(7.0)


def varied(strength: float, **more: Any) -> Prompt:
    return replace(prompt(**more), source=Source("/a.wav", "0" * 64, "vary", 4.0, 0.0, 4.0, strength))


def test_half_the_strength_is_estimated_at_about_half_the_time() -> None:
    eta = Eta()
    eta.learn(Cost.of(prompt(), 4.0, 0.2))
    half, whole = eta.engine_seconds(varied(0.5)), eta.engine_seconds(varied(1.0))
    assert 0.4 < half / whole < 0.75 and 0.9 < whole / eta.engine_seconds(prompt()) < 1.3


def test_what_clips_with_a_source_take_is_learned_by_way_and_changes_no_other_estimate() -> None:
    eta = Eta()
    eta.learn(Cost.of(prompt(), 4.0, 0.2))
    plain = eta.engine_seconds(prompt())
    rhythm = replace(varied(0.5), source=replace(varied(0.5).source, bpm=120.0))  # type: ignore[type-var]
    assert eta.engine_seconds(rhythm) > 1.5 * eta.engine_seconds(varied(0.5))
    before = eta.engine_seconds(varied(0.5))
    for _ in range(3):
        eta.learn_source(rhythm, 9.0)
    assert eta.engine_seconds(rhythm) == pytest.approx(9.0)
    assert (eta.engine_seconds(varied(0.5)), eta.engine_seconds(prompt())) == (before, plain)
