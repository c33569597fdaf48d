"""The tempo of a source: measured, and that of whole beats where only the measuring is off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.shaper.messages import InspectSource
from bridge.shaper.source import inspect, whole_beats


def test_a_loop_cut_to_whole_bars_has_the_tempo_that_its_length_says(tmp_path: Path) -> None:
    rate, rng = 44_100, np.random.default_rng(3)
    hit = rng.normal(size=3_500) * np.exp(-np.arange(3_500) / 500)
    wave = np.zeros(2 * rate)
    for beat, gain in enumerate((0.2, 0.1, 0.2, 0.1)):
        wave[beat * rate // 2 :][: len(hit)] += gain * hit
    soundfile.write(tmp_path / "loop.wav", wave, rate)
    facts = inspect(InspectSource(0, str(tmp_path / "loop.wav"), "continue", 0.0, None, 120.0))
    assert facts["bpm"] == 120.0 and facts["seconds"] == 2.0


@pytest.mark.parametrize(
    ("bpm", "seconds", "expected"),
    [
        (120.002, 2.0, 120.0),
        (119.998, 16.0, 120.0),
        (0.0, 2.0, 0.0),
        (121.0, 2.0, 121.0),  # another tempo, and a length that is no loop
        (120.0, 2.03, 120.0),  # a loop with a little silence behind it
        (126.33, 100.0, 126.33),  # a long take, near whole beats by chance
    ],
)
def test_only_what_measuring_is_off_is_taken_from_a_tempo(bpm: float, seconds: float, expected: float) -> None:
    assert whole_beats(bpm, seconds) == pytest.approx(expected, abs=1e-9)
