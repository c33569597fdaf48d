"""Where each moment lies in the bar: an input of networks that were trained to keep time.

A small network does not keep a tempo that is a word. Sines of the position in bar, beat and sub-beat made the difference.
"""

from __future__ import annotations

import math

import torch

CYCLES = (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25)  # beats: four bars, two, one, half a bar, a beat, half of it, a quarter
CHANNELS = 2 + 2 * len(CYCLES)


def rows_of(rows: int, row_seconds: float, lead_in_s: float, bpm: float, ring: bool, first: int = 0) -> torch.Tensor:
    """The clock (CHANNELS, rows): whether there is a beat, whether the last row is followed by the first, and sine and cosine of the
    position in each cycle at the middle of each row. `bpm`: 0 without a beat; `lead_in_s`: silence before the first beat; `first`: the
    number of the first row."""
    clock = torch.zeros(CHANNELS, rows)
    clock[1] = float(ring)
    if not bpm:
        return clock
    clock[0] = 1.0
    beats = ((torch.arange(first, first + rows, dtype=torch.float64) + 0.5) * row_seconds - lead_in_s) * bpm / 60
    for number, cycle in enumerate(CYCLES):
        angle = 2 * math.pi * beats / cycle
        clock[2 + 2 * number], clock[3 + 2 * number] = angle.sin(), angle.cos()
    return clock
