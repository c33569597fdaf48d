"""Tempo: bars become seconds, beats go on when the tempo changes, and a grid in frames never stumbles."""

from __future__ import annotations

import random

import pytest

from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.player.grid import Clock, Grid

RATE = 48_000


def test_bars_are_as_long_as_their_beats_and_what_no_clip_can_be_is_refused() -> None:
    assert Tempo(120, 4).seconds(2) == 4.0
    assert Tempo(120, 3).seconds(2, bpm=90) == pytest.approx(4.0)
    with pytest.raises(BadArgument, match="256 bars of 4 beats at 120 BPM are 512 seconds"):
        Tempo(120, 4).seconds(256)
    with pytest.raises(BadArgument, match=r"0.1 to 150"):
        Tempo(999, 1).seconds(1 / 16)


def test_a_change_of_tempo_keeps_the_beat_that_it_is() -> None:
    before = Tempo(120, 4, beat=8, at=100.0)
    after = before.changed(60, 3, 101.25)
    assert before.beat_at(101.25) == after.beat_at(101.25) == 10.5
    assert after.beat_at(102.25) == 11.5 and after.beats_per_bar == 3


def test_beats_that_come_some_milliseconds_early_or_late_move_the_grid_less_than_they_stumble() -> None:
    rng = random.Random(1)
    tempo, errors = Tempo(120, 4, beat=0, at=0.0), []
    for beat in range(1, 200):
        tempo = tempo.with_beat(beat, beat * 0.5 + rng.uniform(-0.01, 0.01))
        errors.append(abs(tempo.beat_at(100.0) - 200) * 0.5)
    assert max(errors[10:]) < 0.006 and sum(errors) / len(errors) < 0.003


def test_a_beat_that_is_far_off_is_where_the_grid_jumps_to() -> None:
    assert Tempo(120, 4, beat=0, at=0.0).with_beat(32, 1.0).beat_at(1.5) == pytest.approx(33)


def test_frames_of_a_moment_are_even_though_the_device_asks_unevenly() -> None:
    rng = random.Random(2)
    clock = Clock(RATE)
    off = []
    for block in range(2_000):
        at = 50.0 + block * 1_024 / RATE * (1 + 50e-6) + abs(rng.gauss(0, 0.0005))  # 50 ppm, woken late
        clock.tick(block * 1_024, at)
        if block > 200:
            ideal = (10.0 + block * 1_024 / RATE) * RATE  # ten seconds on
            moment = 50.0 + (10.0 + block * 1_024 / RATE) * (1 + 50e-6)
            off.append(clock.frame_of(moment, 0) - ideal)
    assert max(off) - min(off) < 0.0012 * RATE  # ten seconds at 50 ppm are half a millisecond of it


def test_after_a_pause_of_the_device_the_clock_is_right_at_once() -> None:
    clock = Clock(RATE)
    for block in range(100):
        clock.tick(block * 1_024, block * 1_024 / RATE)
    clock.tick(100 * 1_024, 100 * 1_024 / RATE + 3.0)
    assert clock.frame_of(100 * 1_024 / RATE + 3.0, 0) == 100 * 1_024


def test_the_next_beat_and_bar_are_always_whole_multiples_away() -> None:
    grid = Grid(RATE)
    grid.set(Tempo(97.3, 4, beat=2, at=0.0), 12_345)
    per_beat = RATE * 60 / 97.3
    for frame in (12_345, 12_346, 50_000, 10**9):
        beat = grid.next("beat", frame)
        count = round((beat - 12_345) / per_beat)
        assert beat == round(12_345 + count * per_beat) and 0 <= beat - frame < per_beat + 1
        bar = grid.next("bar", frame)
        count = round((bar - 12_345) / per_beat)
        assert (count + 2) % 4 == 0 and bar == round(12_345 + count * per_beat) and 0 <= bar - frame < 4 * per_beat + 1
    assert grid.next("beat", 12_345) == 12_345
