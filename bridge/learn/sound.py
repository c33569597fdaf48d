"""One audio file, as samples to learn from: mono, at one rate, from its first sound on, in windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.audio.beats import mixing
from bridge.errors import BadAudio
from bridge.files.audio_file import AudioFile
from bridge.learn.course import RATE

LONGEST_S = 300.0  # of a file
SHORTEST_S = 0.01
WINDOW_S = 4.0
LEAST_WINDOW_S = 0.25  # of what is left at the end of a longer file
MOST_FRAMES = 60_000_000  # of a file: 240 MB
BLOCK_FRAMES = 1 << 18
SILENT = 0.001  # a lower peak (−60 dBFS) counts as silence
ONSET, TAIL = 0.02, 0.001  # of the peak: louder is the beginning of the sound, and quieter is its end
BEFORE_S = 0.001  # kept before the beginning
PEAK = 0.89
CUT_S = 0.003  # the fade where a longer file is cut
LEAST_SHARE = 0.9  # of the frames that a file states; an MP3 states them roughly

Samples = NDArray[np.float32]


def read_sound(path: Path) -> list[Samples]:
    """The windows of an audio file, of at most WINDOW_S seconds each, mono at RATE; together they have the peak PEAK. Raises BadAudio
    with a sentence that names the file."""
    file = AudioFile(path, longest_s=2 * LONGEST_S)
    if file.total > LONGEST_S * file.sample_rate:
        raise _fault(
            path, f"it is longer than {LONGEST_S / 60:.0f} minutes; cut it into the sounds that it should learn"
        )
    if file.frames > MOST_FRAMES:
        raise _fault(path, "it is too large")
    samples = _mono(file, path)
    if float(np.abs(samples).max(initial=0.0)) < SILENT:
        raise _fault(path, "it is silent")
    sound = _trimmed(samples, file.sample_rate)
    if len(sound) < SHORTEST_S * file.sample_rate:
        raise _fault(path, f"its sound is shorter than {SHORTEST_S * 1_000:.0f} milliseconds")
    if file.sample_rate != RATE:
        sound = soxr.resample(sound, file.sample_rate, RATE, "HQ")
    sound *= np.float32(PEAK / np.abs(sound).max())
    return _windows(sound)


def _mono(file: AudioFile, path: Path) -> Samples:
    """All frames as one channel, read in blocks, so that many channels take no more memory than one."""
    blocks: list[Samples] = []
    weights: Samples | None = None
    while len(block := file.read(BLOCK_FRAMES)):
        if not np.isfinite(block).all():
            raise _fault(path, "it is damaged (NaN or infinity)")
        if weights is None and np.abs(block).max() > SILENT:
            weights = mixing(block)
        blocks.append(block.mean(axis=1) if weights is None else block @ weights)
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(samples) < LEAST_SHARE * file.frames:
        raise _fault(path, "it is damaged: it ends before it says")
    return np.asarray(samples, np.float32)


def _trimmed(samples: Samples, sample_rate: int) -> Samples:
    """From the first sound to the last. `samples` are not silent."""
    level = np.abs(samples)
    peak = float(level.max())
    start = int(np.argmax(level > ONSET * peak)) - round(BEFORE_S * sample_rate)
    end = len(level) - int(np.argmax(level[::-1] > TAIL * peak))
    return samples[max(0, start) : end]


def _windows(sound: Samples) -> list[Samples]:
    length = round(WINDOW_S * RATE)
    if len(sound) <= length:
        return [sound]
    windows = [sound[at : at + length].copy() for at in range(0, len(sound), length)]
    ramp = np.linspace(0.0, 1.0, round(CUT_S * RATE), dtype=np.float32)
    kept = [one for one in windows if len(one) >= LEAST_WINDOW_S * RATE and np.abs(one).max() > ONSET * PEAK]
    for window in kept:
        if window is not windows[0]:
            window[: len(ramp)] *= ramp
        if window is not windows[-1]:
            window[-len(ramp) :] *= ramp[::-1]
    return kept


def _fault(path: Path, why: str) -> BadAudio:
    return BadAudio(f"{path.name} cannot be read: {why}.")
