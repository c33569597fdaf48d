"""Takes are scored by a CLAP that was trained to prefer a known signal."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge.engine.audioldm2 import ranking, untrained

RATE = 16_000
pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def listener() -> tuple[object, torch.Tensor]:
    """The untrained pipeline, with its audio tower trained for a few steps to put a high tone near the text."""
    torch.manual_seed(0)
    pipe = untrained.make_pipeline()
    clap, extractor = pipe.text_encoder, pipe.feature_extractor
    words = torch.nn.functional.normalize(torch.randn(1, untrained.SMALL.clap_width), dim=-1)
    sounds = [
        np.resize(wave, 48_000 * 2)
        for wave in (tone(3_000, 48_000), tone(200, 48_000), hiss(1, 48_000), hiss(2, 48_000))
    ]
    features = extractor(sounds, sampling_rate=48_000, return_tensors="pt").input_features
    wanted = torch.tensor([1.0, -1.0, -1.0, -1.0])
    optimiser = torch.optim.Adam([*clap.audio_model.parameters(), *clap.audio_projection.parameters()], lr=3e-3)
    clap.eval()
    for _ in range(30):
        heard = clap.get_audio_features(features).pooler_output
        loss = (torch.nn.functional.cosine_similarity(heard, words) - wanted).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return pipe, words


def tone(hz: float, rate: int, seconds: float = 2.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def hiss(seed: int, rate: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, 2 * rate).astype(np.float32)


def test_the_preferred_tone_scores_highest_at_any_place(
    listener: tuple[object, torch.Tensor],
) -> None:
    pipe, words = listener
    for place in range(3):
        waves = [hiss(7, RATE), tone(200, RATE)]
        waves.insert(place, tone(3_000, RATE))
        scores = ranking.by_ear(pipe, words, waves, RATE)
        assert int(np.argmax(scores)) == place and all(-1 <= score <= 1 for score in scores)


def test_a_long_take_is_scored_by_its_first_ten_seconds(
    listener: tuple[object, torch.Tensor],
) -> None:
    pipe, words = listener
    long = np.concatenate([tone(3_000, RATE, 10.0), hiss(3, RATE), hiss(4, RATE)])
    assert ranking.by_ear(pipe, words, [long], RATE) == ranking.by_ear(pipe, words, [long[: 10 * RATE]], RATE)


def test_an_invalid_take_scores_lowest(listener: tuple[object, torch.Tensor]) -> None:
    pipe, words = listener
    broken = np.full(RATE, np.nan, np.float32)
    assert ranking.by_ear(pipe, words, [tone(200, RATE), broken], RATE)[1] == -1.0
