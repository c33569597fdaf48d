"""Bands to bins."""

from __future__ import annotations

import pytest
import torch

from bridge.engine.audioldm2.mel_inversion import Inversion
from bridge.engine.audioldm2.mel_vocoder import MelVocoderConfig, filterbank


@pytest.fixture(scope="module")
def bands() -> torch.Tensor:
    return filterbank(MelVocoderConfig())


def test_more_steps_come_nearer_to_the_bands_quiet_ones_too(bands: torch.Tensor) -> None:
    loudness = torch.linspace(0, -8, 1_025) + torch.rand(20, 1_025, generator=torch.Generator().manual_seed(1))
    mel = torch.exp(loudness) @ bands.t()
    off = [((Inversion(bands).power(mel, steps) @ bands.t()) / mel).log().abs().mean(0) for steps in (0, 2, 5, 20)]
    means = [float(one.mean()) for one in off]
    assert means == sorted(means, reverse=True) and means[-1] < 0.1 * means[0]
    assert float(off[2][-20:].mean()) < 0.5 * float(off[0][-20:].mean())


@pytest.mark.parametrize("bins", [100, 300, 1_025])
def test_its_blocks_are_the_whole_matrix(bands: torch.Tensor, bins: int) -> None:
    some = bands[:, :bins]
    some = some[some.sum(1) > 0]
    mel = torch.rand(5, len(some), generator=torch.Generator().manual_seed(2)) + 0.1
    back = some / some.sum(0).clamp(min=1e-6)
    expected = mel @ (some / (some.sum(0) + 1e-6) / some.sum(1)[:, None]) + 1e-10
    for _ in range(3):
        expected = expected * ((mel / (expected @ some.t() + 1e-14)) ** 1.25 @ back)
    torch.testing.assert_close(Inversion(some).power(mel, 3), expected, rtol=1e-3, atol=1e-9)


def test_it_begins_with_the_shape_that_is_expected(bands: torch.Tensor) -> None:
    expected = torch.full((1_025,), 0.01)
    expected[40] = 1.0
    power = Inversion(bands).power(torch.ones(2, 128), 2, expected)
    assert (power[:, 40] > 5 * power[:, 39]).all() and (power[:, 40] > 5 * power[:, 41]).all()
    assert torch.isfinite(power).all()
