"""The clock beside the latents, and the tempo that it runs at."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bridge.domain.clip import Prompt
from bridge.engine import beat_clock
from bridge.engine.audioldm2 import clock
from bridge.engine.audioldm2.hearing import Heard
from bridge.engine.audioldm2.keeping_time import bpm_of
from bridge.errors import NoModel

ROW_S = 2_048 / 44_100


class Network(nn.Module):
    """What of a UNet the clock is added to."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, 5, 3, padding=1)


def loop(seconds: float, text: str = "drum loop", bars: float = 0.0, bpm: float = 0.0) -> Prompt:
    return Prompt(text, text, seconds, 0, bars=bars, bpm=bpm)


def test_the_clock_says_where_in_the_bar_each_row_lies_and_nothing_without_a_beat() -> None:
    rows = beat_clock.rows_of(86, ROW_S, 0.02, 120.0, ring=False)
    beat = 2 + 2 * beat_clock.CYCLES.index(1.0)
    first = torch.tensor(2 * torch.pi * (0.5 * ROW_S - 0.02) * 2)
    assert rows.shape == (beat_clock.CHANNELS, 86) and bool((rows[0] == 1).all()) and not rows[1].any()
    assert torch.allclose(rows[beat, 0], first.sin())
    silent = beat_clock.rows_of(8, ROW_S, 0.02, 0.0, ring=True)
    assert bool((silent[1] == 1).all()) and not silent[0].any() and not silent[2:].any()


def test_after_four_bars_the_clock_is_where_it_was() -> None:
    rows, bars = 172, 4
    bpm = bars * 240 / (rows * ROW_S)
    twice = beat_clock.rows_of(2 * rows, ROW_S, 0.02, bpm, ring=True)
    assert torch.allclose(twice[:, :rows], twice[:, rows:], atol=1e-4)


def test_a_network_without_a_clock_in_its_checkpoint_stays_as_it_is(tmp_path: Path) -> None:
    network = Network()
    before = network.conv_in
    assert clock.with_clock(network, tmp_path).conv_in is before


def test_the_weights_for_the_clock_change_nothing_while_the_clock_is_zero(tmp_path: Path) -> None:
    save_file({clock.WEIGHT: torch.randn(5, beat_clock.CHANNELS, 3, 3)}, tmp_path / clock.FILE)
    network, latents = Network(), torch.randn(2, 3, 8, 4)
    plain = network.conv_in(latents)
    clock.with_clock(network, tmp_path)
    still = clock.beside(latents, torch.zeros(beat_clock.CHANNELS, 8))
    assert torch.allclose(network.conv_in(still), plain, atol=1e-6)
    running = clock.beside(latents, beat_clock.rows_of(8, ROW_S, 0.02, 120.0, ring=False))
    assert not torch.allclose(network.conv_in(running), plain, atol=1e-2)


@pytest.mark.parametrize("fault", ["text", "name", "shape"])
def test_a_damaged_clock_is_refused_by_the_name_of_its_file(tmp_path: Path, fault: str) -> None:
    file = tmp_path / clock.FILE
    if fault == "text":
        file.write_bytes(b"not safe at all")
    elif fault == "name":
        save_file({"other": torch.zeros(1)}, file)
    else:
        save_file({clock.WEIGHT: torch.zeros(5, 3, 3, 3)}, file)
    with pytest.raises(NoModel, match=r"clock\.safetensors"):
        clock.with_clock(Network(), tmp_path)


def test_a_rhythm_has_the_tempo_of_its_bars_else_the_written_one_else_one_with_which_whole_bars_fill_the_clip() -> None:
    house = Heard("house loop", "house loop", "house loop", usual_bpm=(118.0, 128.0))
    assert bpm_of(loop(8.0, bars=4, bpm=174.0), house) == 174.0
    assert bpm_of(loop(4.0, "house loop at 126 bpm"), house) == 126.0
    assert bpm_of(loop(4.0, "house loop 126bpm"), house) == 126.0
    assert bpm_of(loop(4.0), house) == pytest.approx(120.0)
    assert bpm_of(loop(3.9), house) == pytest.approx(240 * 2 / 3.9)
    odd = bpm_of(loop(3.0), house)
    assert 60 <= odd <= 180 and (odd * 3.0 / 60) % 1 == pytest.approx(0.0, abs=1e-6)
    assert bpm_of(loop(0.2), house) == pytest.approx((118 * 128) ** 0.5)
    assert bpm_of(loop(4.0), Heard("kick", "kick", "kick")) == 0.0
