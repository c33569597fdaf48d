"""The guess of how a spectrogram goes on."""

from __future__ import annotations

import pytest
import torch

from bridge.engine.audioldm2.sources.guess import Scale, ahead, between, follow, has_decayed

SCALE = Scale(db=10.0, floor=-8.0, frame_s=0.01)
BANDS = torch.linspace(1.0, -3.0, 24)


def steady(frames: int = 150) -> torch.Tensor:
    flutter = 0.1 * torch.sin(torch.arange(frames) * 0.7)[:, None]
    return (BANDS + flutter).clamp(min=SCALE.floor)


def falling(frames: int = 150, db_per_s: float = 20.0) -> torch.Tensor:
    slope = db_per_s / SCALE.db * SCALE.frame_s
    return (BANDS - slope * torch.arange(frames)[:, None]).clamp(min=SCALE.floor)


def levels(mel: torch.Tensor) -> list[float]:
    return [float(level) for level in SCALE.levels(mel)]


@pytest.mark.parametrize("known", [True, None])
def test_a_steady_sound_goes_on_at_its_level_and_flutters(known: bool | None) -> None:
    after = ahead(steady(), 300, SCALE, known)
    assert after.shape == (300, 24)
    assert (after.mean(0) - BANDS).abs().max() < 0.05
    assert 0.05 < float(after[:, 0].std()) < 0.1 and (after[1:] - after[:-1]).abs().max() < 0.1


@pytest.mark.parametrize("known", [False, None])
def test_a_decay_goes_on_in_each_band(known: bool | None) -> None:
    after = ahead(falling(), 100, SCALE, known)
    expected = falling(250)[150:]
    assert (after - expected).abs().max() < 0.2


def test_the_attack_before_a_decay_does_not_count() -> None:
    before = torch.cat([torch.full((60, 24), SCALE.floor), falling(60)])
    after = ahead(before, 50, SCALE, False)
    assert (after - falling(110)[60:]).abs().max() < 0.3


def test_a_steady_sound_that_has_faded_comes_back() -> None:
    fade = steady(40) - torch.linspace(0, 5, 40)[:, None]
    after = ahead(torch.cat([steady(), fade.clamp(min=SCALE.floor)]), 100, SCALE, True)
    assert levels(after)[0] < levels(steady())[-1] - 30
    assert abs(levels(after)[60] - levels(steady())[-1]) < 2


def test_between_two_sounds_lies_a_gradual_change() -> None:
    before, after = steady(), steady() - 1.5
    inside = between(before, after, 80, SCALE, None)
    assert abs(levels(inside)[0] - levels(before)[-1]) < 2 and abs(levels(inside)[-1] - levels(after)[0]) < 2
    assert levels(inside)[10] > levels(inside)[40] > levels(inside)[70]
    nothing = steady(0)
    assert between(before, nothing, 80, SCALE, None).shape == between(nothing, after, 80, SCALE, None).shape == (80, 24)


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_few_known_frames_are_enough(frames: int) -> None:
    for known in (True, False, None):
        after = ahead(steady(frames), 20, SCALE, known)
        assert after.isfinite().all() and (after - BANDS).abs().max() < 0.3


def test_what_the_network_made_follows_the_guess_near_a_join_and_is_let_go() -> None:
    guess, made = steady(1_000), steady(1_000) + torch.linspace(1.0, -1.0, 24)
    out = follow(made, guess, slice(100, 1_000), SCALE, (True, False), tonal=False, only_lower=False)
    assert torch.equal(out[:100], guess[:100])
    assert (out[100:140] - guess[100:140]).abs().max() < 0.05
    assert (out[-50:] - made[-50:]).abs().max() < 0.05
    held = follow(made, guess, slice(100, 1_000), SCALE, (True, False), tonal=True, only_lower=False)
    assert (held - guess)[-50:].abs().mean() < 0.4 * (made - guess)[-50:].abs().mean()
    both = follow(made, guess, slice(100, 900), SCALE, (True, True), tonal=False, only_lower=False)
    assert (both[860:900] - guess[860:900]).abs().max() < 0.05 and torch.equal(both[900:], guess[900:])


def test_nothing_new_begins_after_a_sound_that_is_over() -> None:
    over = falling(300, 40.0)
    assert has_decayed(over, SCALE, 40.0) and not has_decayed(steady(), SCALE, 40.0)
    guess = torch.cat([over, ahead(over, 200, SCALE, False)])
    made = torch.cat([over, steady(200)])  # a new hit
    out = follow(made, guess, slice(300, 500), SCALE, (True, False), tonal=False, only_lower=True)
    assert float(SCALE.levels(out[300:]).max()) <= float(SCALE.levels(guess[300:]).max()) + 2
