"""What the shaper could not do is unmet, so that no file claims it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bridge.audio import key as keys
from bridge.audio.beats import Samples
from bridge.domain.ask import Shape
from bridge.domain.clip import Prompt
from bridge.shaper.make import make
from tests.rhythms import RATE, clicks, tone


def hiss() -> Samples:
    return np.random.default_rng(1).normal(0, 0.1, (2 * RATE, 1)).astype(np.float32)


def swell() -> Samples:
    """A sound without a beat."""
    wave = np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE) * np.hanning(2 * RATE)
    return (0.5 * wave).astype(np.float32)[:, None]


@pytest.mark.parametrize(
    ("sound", "requested", "unmet"),
    [
        (lambda: tone(262.0, 2.0), {"key": "d"}, ()),
        (hiss, {"key": "d"}, ("key",)),
        (lambda: clicks(118, 2.3), {"bars": 1.0, "bpm": 120.0}, ()),
        (lambda: clicks(170, 2.3), {"bars": 1.0, "bpm": 120.0}, ("tempo",)),
        (swell, {"bars": 1.0, "bpm": 120.0}, ()),
    ],
)
def test_a_clip_lacks_what_was_neither_measured_nor_done(
    sound: Callable[[], Samples], requested: dict[str, object], unmet: tuple[str, ...]
) -> None:
    clip = make(sound(), RATE, Prompt("x", "x", 2.0, 1, **requested))  # type: ignore[arg-type]
    assert clip.unmet == unmet and (not unmet or clip.remarks)


def test_a_loop_whose_key_needs_a_missing_package_lacks_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_arguments: object) -> Samples:
        raise ImportError

    monkeypatch.setattr(keys, "pitch_shift", missing)
    clip = make(tone(262.0, 2.0), RATE, Prompt("x", "x", 2.0, 1, key="d", loop=True))
    assert clip.unmet == ("key",) and "python-stretch" in clip.remarks[0]


@pytest.mark.parametrize("cents", [-70, -8, 0, 40, 300])
@pytest.mark.parametrize("octaves", [-1, 0, 1])
def test_a_clip_states_by_how_many_cents_it_is_off_its_note(cents: int, octaves: int) -> None:
    clip = make(tone(261.63 * 2 ** (octaves + cents / 1200), 1.0), RATE, Prompt("x", "x", 1.0, 1, note="c4"))
    assert clip.measured["off_cents"] == pytest.approx(cents, abs=3)


def test_a_clip_without_a_pitch_or_without_its_note_states_no_cents() -> None:
    assert "off_cents" not in make(hiss(), RATE, Prompt("x", "x", 2.0, 1, note="c4")).measured
    left_out = Prompt("x", "x", 1.0, 1, note="c4", unmet=("note",))
    assert "off_cents" not in make(tone(261.63, 1.0), RATE, left_out).measured


def test_a_clip_whose_peaks_forbid_the_requested_loudness_says_so() -> None:
    def remarks(lufs: float) -> str:
        return " ".join(make(clicks(120, 2.0), RATE, Prompt("x", "x", 2.0, 1, shape=Shape(0, 0, lufs=lufs))).remarks)

    assert "At -10 LUFS its peaks would clip" in remarks(-10.0) and not remarks(-50.0)


def test_a_clip_that_was_made_in_tempo_is_not_moved_and_another_is() -> None:
    late = clicks(118.0, 4.3)  # its beats need stretching to be at 120
    plain = Prompt("loop", "loop", 4.0, 0, bars=2, bpm=120.0)
    kept, moved = make(late, RATE, replace(plain, in_tempo=True)), make(late, RATE, plain)
    assert kept.on_the_grid and not kept.remarks and "measured_bpm" not in kept.measured
    assert moved.measured["measured_bpm"] == pytest.approx(118.0, abs=0.5)
    assert len(kept.samples) == len(moved.samples) == 4 * 48_000
