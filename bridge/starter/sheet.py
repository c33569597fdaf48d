"""`python -m bridge.starter.sheet PICTURE [--only NAME …]`: the spectrogram of every sound, generated above synthesised; rhythms with a
line at each beat. Needs matplotlib (the `train` extra)."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.checkpoints.find import STARTER
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.mel_vocoder import LOWEST
from bridge.starter.catalogue import LEAD_IN, NAMES, SOUNDS, at_peak, draw, render
from bridge.starter.dataset import spectrogram
from bridge.starter.judge import first_take, open_starter
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave
from bridge.starter.sounds.sound import Sound

SECONDS, COLUMNS = 2.0, 9
BARS, BEATS, WIDE = 2, 8, 3  # of a rhythm; the columns that it takes


def main() -> None:
    """Draw the sheet: for each sound a clip generated from its plainest name, and a synthesised one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", help="PNG file to write")
    parser.add_argument("--checkpoint", default=STARTER)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="names of sounds")
    chosen = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    engine = open_starter(chosen.checkpoint)
    places = laid_out([sound for sound in SOUNDS if sound.name in chosen.only])
    rows = 1 + max(row for _, row, _ in places)
    figure = pyplot.figure(figsize=(1.5 * COLUMNS, 1.75 * rows), facecolor="white")
    grid = figure.add_gridspec(
        2 * rows, COLUMNS, left=0.01, right=0.99, bottom=0.01, top=0.97, wspace=0.04, hspace=0.28
    )
    for sound, row, column in places:
        bpm, width = bpm_of(sound), WIDE if sound.ring is not None else 1
        for below, wave in enumerate((made(engine, sound, bpm), taught(sound, bpm))):
            axis = figure.add_subplot(grid[2 * row + below, column : column + width])
            draw_picture(axis, wave, BEATS if bpm else 0)
            if not below:
                axis.set_title(sound.nouns[0] + (f", {bpm:.0f} BPM" if bpm else ""), fontsize=8, pad=2)
    figure.savefig(chosen.picture, dpi=80)


def laid_out(sounds: list[Sound]) -> list[tuple[Sound, int, int]]:
    """Each sound with its row and column: single sounds first, then rhythms, WIDE columns each, in rows of their own."""
    singles = [sound for sound in sounds if sound.ring is None]
    rhythms = [sound for sound in sounds if sound.ring is not None]
    first, a_row = -(-len(singles) // COLUMNS), COLUMNS // WIDE
    return [(sound, number // COLUMNS, number % COLUMNS) for number, sound in enumerate(singles)] + [
        (sound, first + number // a_row, number % a_row * WIDE) for number, sound in enumerate(rhythms)
    ]


def bpm_of(sound: Sound) -> float:
    """The tempo of a rhythm in the middle of its usual ones; 0 of a single sound."""
    return float(np.mean(USUAL_BPM[sound.name])) if sound.ring is not None else 0.0


def made(engine: AudioLDM2, sound: Sound, bpm: float) -> Wave:
    """A clip generated from the plainest name; BARS bars of a rhythm."""
    noun, seed = sound.nouns[0], NAMES.index(sound.name)
    prompt = Prompt(noun, noun, SECONDS, seed)
    if bpm:
        prompt = replace(prompt, seconds=BARS * 240 / bpm, bars=BARS, bpm=bpm)
    return first_take(engine, prompt)


def taught(sound: Sound, bpm: float) -> Wave:
    """A synthesised clip of the same length."""
    rng = np.random.default_rng(NAMES.index(sound.name))
    seconds = BARS * 240 / bpm if bpm else SECONDS
    attributes = draw(rng, sound)
    if bpm:
        attributes = replace(attributes, bpm=bpm)
    return render(rng, sound, attributes, LEAD_IN + int(seconds * SAMPLE_RATE))[LEAD_IN:]


def draw_picture(axis: Any, wave: Wave, beats: int) -> None:
    """Draw the spectrogram, and a line where each of the `beats` begins."""
    picture = image(wave)
    axis.axis("off")
    axis.imshow(picture, aspect="auto", origin="lower", cmap="magma", vmin=LOWEST, vmax=0.9)
    for beat in range(beats):
        heavy = beat % (BEATS // BARS) == 0
        axis.axvline(beat * picture.shape[1] / beats - 0.5, color="cyan", linewidth=0.9 if heavy else 0.4, alpha=0.7)


def image(wave: Wave) -> NDArray[np.float32]:
    """The log-mel spectrogram, (bands, frames), of a wave at the usual peak level."""
    mel = spectrogram().mel(torch.from_numpy(at_peak(wave))[None])
    return np.asarray(mel[0].t().numpy(), dtype=np.float32)


if __name__ == "__main__":
    main()
