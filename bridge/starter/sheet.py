"""`python -m bridge.starter.sheet PICTURE`: the spectrogram of every sound, generated above synthesised. Needs matplotlib
(the `train` extra)."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.checkpoints.find import STARTER
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.mel_vocoder import LOWEST
from bridge.starter.catalogue import LEAD_IN, SOUNDS, at_peak, draw, render
from bridge.starter.dataset import spectrogram
from bridge.starter.judge import first_take, open_starter
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

SECONDS, COLUMNS = 2.0, 9


def main() -> None:
    """Draw the sheet: for each sound a clip generated from its plainest name, and a synthesised one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", help="PNG file to write")
    parser.add_argument("--checkpoint", default=STARTER)
    chosen = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    engine = open_starter(chosen.checkpoint)
    rows = -(-len(SOUNDS) // COLUMNS)
    figure, axes = pyplot.subplots(2 * rows, COLUMNS, figsize=(1.5 * COLUMNS, 1.75 * rows), facecolor="white")
    for axis in axes.flat:
        axis.axis("off")
    for number, sound in enumerate(SOUNDS):
        rng = np.random.default_rng(number)
        noun = sound.nouns[0]
        made = first_take(engine, Prompt(noun, noun, SECONDS, number))
        taught = render(rng, sound, draw(rng, sound), LEAD_IN + int(SECONDS * SAMPLE_RATE))[LEAD_IN:]
        row, column = divmod(number, COLUMNS)
        for place, wave in ((2 * row, made), (2 * row + 1, taught)):
            axes[place, column].imshow(image(wave), aspect="auto", origin="lower", cmap="magma", vmin=LOWEST, vmax=0.9)
        axes[2 * row, column].set_title(noun, fontsize=8, pad=2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.97, wspace=0.04, hspace=0.28)
    figure.savefig(chosen.picture, dpi=80)


def image(wave: Wave) -> NDArray[np.float32]:
    """The log-mel spectrogram, (bands, frames), of a wave at the usual peak level."""
    mel = spectrogram().mel(torch.from_numpy(at_peak(wave))[None])
    return np.asarray(mel[0].t().numpy(), dtype=np.float32)


if __name__ == "__main__":
    main()
