"""A long spectrogram sounds the same in chunks."""

from __future__ import annotations

import pytest
import torch
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from bridge.engine.audioldm2 import vocoding
from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig


@pytest.fixture(scope="module")
def hifigan() -> SpeechT5HifiGan:
    """AudioLDM 2's geometry with fewer channels, and weights that use the full reach."""
    torch.manual_seed(0)
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=64, sampling_rate=16_000, upsample_initial_channel=64, upsample_rates=[5, 4, 2, 2, 2],
            upsample_kernel_sizes=[16, 16, 8, 4, 4], resblock_kernel_sizes=[3, 7, 11], normalize_before=False,
        )
    ).eval()  # fmt: skip
    for module in vocoder.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            torch.nn.init.normal_(module.weight, std=(module.in_channels * module.kernel_size[0]) ** -0.5)
    return vocoder


@pytest.mark.parametrize(("frames", "chunk"), [(300, 100), (301, 64), (129, 128), (128, 128), (5, 128)])
def test_the_joined_pieces_equal_the_whole(hifigan: SpeechT5HifiGan, frames: int, chunk: int) -> None:
    torch.manual_seed(frames)
    mel = torch.randn(1, frames, 64)
    with torch.no_grad():
        whole = hifigan(mel)[0]
    pieces = list(vocoding.waveform(hifigan, mel, chunk, chunk))
    joined = torch.cat(pieces)
    assert len(pieces) == -(-frames // chunk) and joined.shape == whole.shape == (160 * frames + 32,)
    assert float((joined - whole).abs().max()) < 1e-5 * max(1.0, float(whole.abs().max()))
    assert float(whole.std()) > 0.01  # not silent


def test_the_first_piece_is_a_second_long_and_each_next_one_twice_as_long(hifigan: SpeechT5HifiGan) -> None:
    pieces = vocoding.waveform(hifigan, torch.randn(1, 2_000, 64))
    assert [len(piece) for piece in pieces] == [16_000, 32_000, 64_000, 128_000, 500 * 160 + 32]


def test_the_reach_is_enough_and_not_much_too_large(hifigan: SpeechT5HifiGan) -> None:
    mel = torch.zeros(1, 201, 64)
    moved = mel.clone()
    moved[0, 100] = 5.0
    with torch.no_grad():
        changed = (hifigan(mel)[0] != hifigan(moved)[0]).nonzero()
    reached = max(100 - int(changed.min()) // 160, int(changed.max()) // 160 - 100)
    assert reached <= vocoding.reach_frames(hifigan.config) <= reached + 4


def test_the_starters_vocoder_gets_the_whole_spectrogram_at_once() -> None:
    vocoder = MelVocoder(MelVocoderConfig()).eval()
    mel = torch.randn(1, 300, 128) * 0.3
    (piece,) = vocoding.waveform(vocoder, mel, 100)
    assert torch.equal(piece, vocoder(mel)[0])
