from __future__ import annotations

import pytest

from bridge.clip import Prompt
from bridge.eta import Curve, Eta


def prompt(seconds: float = 4.0, steps: int = 20, guidance: float = 3.5, takes: int = 1) -> Prompt:
    return Prompt("x", "x", seconds, seed=1, steps=steps, guidance=guidance, takes=takes)


def test_nothing_is_promised_before_anything_was_measured() -> None:
    assert Eta().seconds(prompt()) == 0.0


def test_a_machine_whose_cost_is_a_line_is_predicted_between_and_beyond_the_measured_points() -> None:
    eta = Eta()
    for seconds in (0.5, 1.5, 4.0):
        eta.learn(prompt(seconds, steps=4), denoise_s=4 * (0.01 + 0.02 * seconds), rest_s=0.1 * seconds)
    for seconds in (0.5, 1.0, 3.0, 4.0, 10.0, 30.0):
        for steps in (5, 20, 100):
            truth = steps * (0.01 + 0.02 * seconds) + 0.1 * seconds
            assert eta.seconds(prompt(seconds, steps)) == pytest.approx(truth, rel=0.1)


def test_without_guidance_a_step_is_taken_to_cost_half_until_it_was_measured() -> None:
    eta = Eta()
    eta.learn(prompt(), denoise_s=2.0, rest_s=0.5)
    assert eta.seconds(prompt(guidance=1.0)) == pytest.approx(1.5)
    eta.learn(prompt(guidance=1.0), denoise_s=1.4, rest_s=0.5)
    eta.learn(prompt(), denoise_s=200.0, rest_s=50.0)  # one run beside something heavy
    assert eta.seconds(prompt(guidance=1.0)) == pytest.approx(1.9)


def test_takes_cost_like_a_longer_clip_and_delivery_is_added() -> None:
    eta = Eta()
    eta.learn(prompt(4.0), denoise_s=2.0, rest_s=0.4)
    assert eta.seconds(prompt(2.0, takes=4)) == pytest.approx(4.8, rel=0.01)
    eta.learn_delivery(prompt(), 0.6)
    assert eta.seconds(prompt()) == pytest.approx(3.0)


def test_a_machine_that_becomes_slower_is_followed_within_a_few_jobs() -> None:
    eta = Eta()
    eta.learn(prompt(), denoise_s=1.0, rest_s=0.0)
    for _ in range(4):
        eta.learn(prompt(), denoise_s=3.0, rest_s=0.0)
    assert eta.seconds(prompt()) == pytest.approx(3.0, rel=0.1)


def test_a_curve_keeps_a_bounded_number_of_points() -> None:
    curve = Curve()
    for place in range(1_000):
        curve.learn(place / 10, 1.0)
    assert len(curve._points) == 64
