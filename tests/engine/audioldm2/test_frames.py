"""The transform of the starter's vocoder, against torch's."""

from __future__ import annotations

import pytest
import torch

from bridge.engine.audioldm2 import frames
from bridge.engine.audioldm2.frames import Frames

WINDOW, HOP = 2_048, 512


def noise(samples: int) -> torch.Tensor:
    return torch.randn(samples, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("count", [1, 2, 5, 40, 300])
def test_a_spectrum_and_its_wave_are_those_of_torch(count: int) -> None:
    ours = Frames.of(count, WINDOW, HOP, False, torch.device("cpu"))
    wave = noise((count - 1) * HOP)
    spectrum = ours.to_spectrum(wave)
    shape = torch.hann_window(WINDOW)
    theirs = (
        torch.stft(wave, WINDOW, HOP, WINDOW, shape, pad_mode="constant", return_complex=True) if count > 1 else None
    )
    if theirs is not None:
        torch.testing.assert_close(spectrum, theirs.t(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.to_wave(spectrum), wave, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count", [8, 41])
def test_a_turned_circle_has_the_turned_spectrum(count: int) -> None:
    ours = Frames.of(count, WINDOW, HOP, True, torch.device("cpu"))
    wave = noise(count * HOP)
    spectrum = ours.to_spectrum(wave)
    torch.testing.assert_close(ours.to_spectrum(wave.roll(HOP)), spectrum.roll(1, 0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.to_wave(spectrum), wave, atol=1e-5, rtol=1e-4)


def test_frames_in_parts_make_the_same_wave(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Frames.of(100, WINDOW, HOP, False, torch.device("cpu"))
    wave = noise(99 * HOP)
    magnitude = ours.to_spectrum(noise(99 * HOP)).abs() + 0.1
    whole = ours.with_magnitude(wave, magnitude)
    monkeypatch.setattr(frames, "AT_ONCE", 33)
    torch.testing.assert_close(ours.with_magnitude(wave, magnitude), whole, atol=1e-5, rtol=1e-4)
    spectrum = ours.to_spectrum(wave)
    torch.testing.assert_close(whole, ours.to_wave(magnitude * spectrum / spectrum.abs()), atol=1e-3, rtol=1e-3)


def test_a_window_of_no_whole_number_of_hops_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of hops"):
        Frames.of(10, 2_048, 500, False, torch.device("cpu"))
