"""`python -m tests.bench.picture_audio_in PICTURE`: one source at five strengths, continued, and with a gap filled, as spectrograms.

Starts a daemon with the starter. Needs matplotlib (the `train` extra)."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from bridge.starter.sheet import image
from tests.harness import Daemon

RATE, VOCODER_RATE = 48_000, 44_100
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
GAP_S = (1.0, 1.6)


def kick() -> np.ndarray:
    """A kick that was never through the network: a falling sine."""
    seconds = np.arange(RATE) / RATE
    phase = 2 * np.pi * (50 * seconds + 10 * (1 - np.exp(-14 * seconds)))
    return 0.9 * np.sin(phase) * np.exp(-seconds / 0.22)


def main() -> None:
    """Make the clips and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", help="PNG file to write")
    chosen = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        daemon = Daemon(folder / "clips", folder / "home")
        client = daemon.client()

        def made(*ask: Any) -> Path:
            client.send("/bridge/generate", *ask, "seed", 3, "id", "picture")
            _, values = client.until("/bridge/done", "/bridge/failed", job="picture", timeout_s=120.0)
            assert len(values) > 3, values
            return Path(values[1])

        source = folder / "kick.wav"
        soundfile.write(source, kick(), RATE)
        above = [("your kick", source, None)]
        above += [
            (f"strength {strength:g}", made("distorted kick", "vary", str(source), "strength", strength), None)
            for strength in STRENGTHS
        ]
        strings, rain = made("strings c4", 2.0), made("rain", 2.6)
        below: list[tuple[str, Path, Any]] = [
            ("your strings", strings, None),
            ("continued for 2 s", made("", "continue", str(strings), "more", 2.0), (2.0,)),
            ("your rain, a hole marked", rain, GAP_S),
            ("the hole filled", made("", "fill", str(rain), "from", GAP_S[0], "to", GAP_S[1]), GAP_S),
        ]
        figure = pyplot.figure(figsize=(11, 4.4), facecolor="white")
        for row, clips in enumerate((above, below)):
            for column, (title, path, marks) in enumerate(clips):
                axis = figure.add_subplot(2, len(clips), row * len(clips) + column + 1)
                samples, rate = soundfile.read(path, always_2d=True)
                wave = soxr.resample(samples.mean(axis=1), rate, VOCODER_RATE).astype(np.float32)
                axis.imshow(image(wave), aspect="auto", origin="lower", cmap="magma", vmin=-1.1, vmax=0.9,
                            extent=(0, len(samples) / rate, 0, 1))  # fmt: skip
                for mark in marks or ():
                    axis.axvline(mark, color="cyan", linewidth=1)
                axis.set_title(title, fontsize=9, pad=3)
                axis.axis("off")
        figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.94, wspace=0.05, hspace=0.2)
        figure.savefig(chosen.picture, dpi=80)
        daemon.stop()


if __name__ == "__main__":
    main()
