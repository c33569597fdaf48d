"""Parts of audio files for the mixer: every number of channels, and files that are damaged."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import ClipbridgeError
from bridge.player.audio_part import LONGEST_S, AudioPart
from bridge.player.messages import Play

RATE = 48_000


def whole(file: Path, device_rate: int = RATE, **how: object) -> np.ndarray:
    """All samples of a part."""
    part = AudioPart(Play(1, str(file), 0, **how), device_rate)  # type: ignore[arg-type]
    pieces = []
    while not part.is_over:
        pieces.append(part.read(0.1))
    samples = np.concatenate(pieces)
    assert samples.dtype == np.float32 and samples.shape[1] <= 2
    return samples


@pytest.mark.parametrize(
    ("channel", "heard"), list(enumerate([(1, 0), (0, 1), (0.7071, 0.7071), (0, 0), (1, 0), (0, 1)]))
)
def test_each_channel_of_surround_is_heard_on_its_side(
    tmp_path: Path, channel: int, heard: tuple[float, float]
) -> None:
    samples = np.zeros((4_800, 6), np.float32)
    samples[:, channel] = 0.5
    soundfile.write(tmp_path / "surround.wav", samples, RATE, "FLOAT")
    expected = 0.5 * np.array(heard) / (1 + 0.7071 + 1)
    assert np.allclose(whole(tmp_path / "surround.wav"), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [3, 4, 5, 7, 8, 9, 64])
def test_many_channels_become_two_that_are_no_louder(tmp_path: Path, channels: int) -> None:
    samples = np.full((4_800, channels), 0.5, np.float32)
    soundfile.write(tmp_path / "many.wav", samples, RATE, "FLOAT")
    assert np.allclose(whole(tmp_path / "many.wav"), 0.5)


@pytest.mark.parametrize(
    ("rate", "device_rate"), [(44_100, 48_000), (48_000, 44_100), (8_000, 96_000), (192_000, 48_000)]
)
def test_a_part_has_its_length_at_any_rate(tmp_path: Path, rate: int, device_rate: int) -> None:
    soundfile.write(tmp_path / "sound.wav", np.sin(np.arange(2 * rate) / rate * 600), rate, "FLOAT")
    samples = whole(tmp_path / "sound.wav", device_rate, from_s=0.5, to_s=1.5)
    assert abs(len(samples) - device_rate) <= 1
    middle = slice(2_000, device_rate - 2_000)
    expected = np.sin((0.5 + np.arange(device_rate) / device_rate) * 600)
    assert np.abs(samples[: device_rate - 1, 0] - expected[: len(samples)][: device_rate - 1])[middle].max() < 1e-3


def test_of_a_longer_file_ten_minutes_are_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(8_000 * 700, np.int16), 8_000)
    part = AudioPart(Play(1, str(tmp_path / "long.wav"), 0, from_s=10.0), 8_000)
    assert part.frames == LONGEST_S * 8_000


def test_a_damaged_file_is_a_sentence_or_some_sound(tmp_path: Path) -> None:
    chance, sound = random.Random(1), np.sin(np.arange(20_000) / 20)
    refused = 0
    for form in ("WAV", "AIFF", "FLAC", "OGG", "MP3"):
        buffer = io.BytesIO()
        soundfile.write(buffer, sound, RATE, format=form)
        for number in range(30):
            data = bytearray(buffer.getvalue())
            for _ in range(chance.choice((1, 4, 40))):
                data[chance.randrange(len(data) if number % 2 else 60)] = chance.randrange(256)
            if number % 3 == 0:
                del data[chance.randrange(len(data)) :]
            file = tmp_path / f"{number}.{form.lower()}"
            file.write_bytes(data)
            try:
                assert len(whole(file, from_s=0.05)) < 60 * RATE
            except ClipbridgeError as error:
                refused += 1
                assert file.name in str(error)
    assert 10 < refused < 140
