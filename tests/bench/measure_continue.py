"""How well sources are continued and gaps filled, for RESULTS.md: `python -m tests.bench.measure_continue [--seeds 2] [--folder DIR]`.

With the shipped starter, as finished clips. No source was made by a network, and none is at a C, where the starter has its tones. As
each is synthesised, its own continuation is known: the level of the new part is compared with both sides of the join, and with that.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from bridge.audio import key
from bridge.config import EngineConfig
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.source import Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.mel_vocoder import SPREAD
from bridge.engine.families import open_engine
from bridge.files.same_file import hash_of
from bridge.shaper.pasted import paste, source_of
from tests.bench.joined_sounds import KINDS, TEXTURES, TONES, Make

KEPT_S, WHOLE_S = 1.5, 4.0
JOIN_S = 0.3
GAPS_S = (0.3, 0.5, 0.8)
GAP_AT_S, FILLED_S = 1.0, 2.6
STEPS = 20
HOP_S = 512 / 44_100

Wave = np.ndarray


def db(wave: Wave) -> float:
    """The level in dB."""
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64)) + 1e-12))


def part(wave: Wave, begin_s: float, end_s: float) -> Wave:
    """What lies between two times."""
    return wave[round(begin_s * OUTPUT_RATE) : round(end_s * OUTPUT_RATE)]


def cents(wave: Wave, hz: float) -> float:
    """How far the root is from a pitch, at most half an octave."""
    return float(100 * ((key.measure(wave[:, None]).pitch - 12 * np.log2(hz / 440) - 9 + 6) % 12 - 6))


class Bench:
    """The starter, and a folder for its sources."""

    def __init__(self, folder: Path) -> None:
        engine = open_engine(EngineConfig(model="starter", compute="cpu", compile="off"))
        assert isinstance(engine, AudioLDM2)
        engine.load(lambda done, total, what: None)
        self.engine, self.folder = engine, folder

    def clip(
        self, wave: Wave, how: str, words: str, seconds: float, seed: int, gap: tuple[float, float]
    ) -> tuple[Wave, str]:
        """The finished clip (samples,) at 48 kHz, and the method."""
        path = self.folder / "source.wav"
        soundfile.write(path, wave, OUTPUT_RATE, subtype="FLOAT")
        source = Source(str(path), hash_of(path), how, len(wave) / OUTPUT_RATE, *gap, words=words)  # type: ignore[arg-type]
        prompt = Prompt("", "", seconds, seed, steps=STEPS, source=source)
        samples = np.concatenate(
            [np.frombuffer(piece.samples, "<f4") for piece in self.engine.generate(prompt, lambda *at: None)]
        )
        kept = source_of(prompt)
        assert kept is not None
        finished = paste(samples[:, None], self.engine.geometry.sample_rate, prompt, kept)
        return finished.samples[:, 0], self.engine.remarks(prompt)["method"]

    def mel(self, wave: Wave) -> Wave:
        """The spectrogram (frames, bands) in dB."""
        from bridge.engine.audioldm2.encoding import resampled

        at_rate = resampled(np.asarray(wave, np.float32), OUTPUT_RATE, self.engine.geometry.sample_rate)
        return self.engine.encoder.mel(at_rate[None])[0, 0].numpy() * SPREAD * 8.686

    def apart(self, one: Wave, other: Wave) -> float:
        """The mean distance of two spectrograms in dB."""
        spectra = self.mel(one), self.mel(other)
        size = min(map(len, spectra))
        return float(np.abs(spectra[0][:size] - spectra[1][:size]).mean())

    def flux(self, wave: Wave, at_s: float) -> float:
        """The greatest change between two frames around a time, in dB of the spectrogram."""
        change = np.abs(np.diff(self.mel(wave), axis=0)).mean(1)
        at = round(at_s / HOP_S)
        return float(change[max(0, at - 3) : at + 4].max())


def continued(bench: Bench, name: str, words: str, hz: float, make: Make, seed: int, folder: Path | None) -> bool:
    """Print a row of the table; whether it is within the bars."""
    truth = make(WHOLE_S, hz, seed)
    kept_s = KEPT_S if name not in ("pluck", "electric piano") else 0.6
    source = part(truth, 0, kept_s)
    clip, method = bench.clip(source, "continue", words, WHOLE_S, seed, (0.0, kept_s))
    before, after = db(part(clip, kept_s - JOIN_S, kept_s)), db(part(clip, kept_s, kept_s + JOIN_S))
    true = db(part(truth, kept_s, kept_s + JOIN_S)) - db(part(truth, kept_s - JOIN_S, kept_s))
    off = [cents(part(clip, kept_s + at, kept_s + at + 1.0), hz) for at in (0.0, WHOLE_S - kept_s - 1.0)]
    good = abs(after - before - true) <= 3 and max(map(abs, off[:1])) <= 30
    if folder is not None:
        soundfile.write(folder / f"continue {name} {seed}.wav", clip, OUTPUT_RATE)
    print(
        f"| {name} | {hz:.0f} | {method} | {after - before:+.1f} | {true:+.1f} | {db(part(clip, WHOLE_S - 1, WHOLE_S)) - before:+.1f} | "
        f"{off[0]:+.0f}, {off[1]:+.0f} | {bench.flux(clip, kept_s):.1f}, {bench.flux(truth, kept_s):.1f} | {'yes' if good else 'no'} |",
        flush=True,
    )
    return good


def filled(
    bench: Bench, name: str, words: str, hz: float, make: Make, gap_s: float, seed: int, folder: Path | None
) -> bool:
    """Print a row of the table; whether it is within the bar."""
    truth = make(FILLED_S, hz, seed)
    end_s = GAP_AT_S + gap_s
    holed = truth.copy()
    part(holed, GAP_AT_S, end_s)[:] = 0
    clip, method = bench.clip(holed, "fill", words, FILLED_S, seed, (GAP_AT_S, end_s))
    away = bench.apart(part(clip, GAP_AT_S, end_s), part(truth, GAP_AT_S, end_s))
    others = [part(make(FILLED_S, hz, seed + more), GAP_AT_S, end_s) for more in range(100, 104)]
    usual = float(np.mean([bench.apart(one, other) for n, one in enumerate(others) for other in others[:n]]))
    thirds = np.linspace(GAP_AT_S, end_s, 4)
    off = [db(part(clip, begin, end)) - db(part(truth, begin, end)) for begin, end in itertools.pairwise(thirds)]
    if folder is not None:
        soundfile.write(folder / f"fill {name} {gap_s} {seed}.wav", clip, OUTPUT_RATE)
    levels = " ".join(f"{value:+.1f}" for value in off)
    fluxes = [f"{bench.flux(clip, at):.1f}, {bench.flux(truth, at):.1f}" for at in (GAP_AT_S, end_s)]
    good = away <= usual
    print(
        f"| {name} | {gap_s:g} | {method} | {away:.1f} | {usual:.1f} | {levels} | {'; '.join(fluxes)} | {'yes' if good else 'no'} |",
        flush=True,
    )
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        print(
            "| continued | Hz | method | level after the join | its own | last second | cents | flux at the join, its own | good |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        good = [
            continued(bench, sound, words, hz, make, seed, arguments.folder)
            for seed in range(1, arguments.seeds + 1)
            for sound, words, hz, make in TONES
        ]
        print(f"\n{sum(good)} of {len(good)} within 3 dB and 30 cents\n")
        print(
            "| filled | s | method | from the truth | of two others | level by thirds | flux at the joins, its own | good |"
        )
        print("|---|---|---|---|---|---|---|---|")
        good = [
            filled(bench, sound, words, hz, make, GAPS_S[(number + seed) % len(GAPS_S)], seed, arguments.folder)
            for seed in range(1, arguments.seeds + 1)
            for number, (sound, words, hz, make) in enumerate((*TEXTURES, *TONES[:5], *KINDS))
        ]
        print(f"\n{sum(good)} of {len(good)} no farther from the truth than two others from each other")


if __name__ == "__main__":
    main()
