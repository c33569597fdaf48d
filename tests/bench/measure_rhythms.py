"""Timing of rhythms that are varied hit by hit or continued, for RESULTS.md: `python -m tests.bench.measure_rhythms`.

With the shipped starter, from its own hits and from synthesised ones. `--folder DIR` also writes the clips.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from bridge.audio import beats, fitting, hits
from bridge.audio.beats import Samples
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.source import How, Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.sources import rhythms
from bridge.engine.audioldm2.sources.hits import Variations
from bridge.engine.families import open_engine
from bridge.files.same_file import hash_of
from bridge.starter.sounds import drums
from bridge.starter.sounds.parts import Attributes
from tests.engine.audioldm2.sources import mel_db
from tests.rhythms import RATE, chord, hit, places, rhythm, synthesised

STRENGTHS = (0.3, 0.5, 0.7)
BARS, NEW_BARS = 2, 2
WITHIN_MS = 3.0
DRUMS = (
    "kick",
    "bass_808",
    "snare",
    "clap",
    "rim",
    "closed_hat",
    "open_hat",
    "ride",
    "tom",
    "conga",
    "shaker",
    "cowbell",
)
STRONG = ("kick", "snare", "clap", "rim")
# Name, pattern, bpm, seconds by which it is played loosely, level of a pad under it.
RHYTHMS = (
    ("four on the floor", "four on the floor", 124, 0.0, 0.0),
    ("backbeat", "rock", 96, 0.0, 0.0),
    ("breakbeat", "breakbeat", 174, 0.0, 0.0),
    ("trap hats with rolls", "trap", 140, 0.0, 0.0),
    ("swing", "swing", 92, 0.0, 0.0),
    ("sparse", "sparse", 60, 0.0, 0.0),
    ("3-3-2", "3-3-2", 104, 0.0, 0.0),
    ("sixteenths", "sixteenths", 112, 0.0, 0.0),
    ("backbeat, ±10 ms", "rock", 88, 0.01, 0.0),
    ("house with a pad", "four on the floor", 120, 0.0, 0.2),
)


def made(
    pattern: str, bpm: float, bars: float, loose_s: float, pad: float, sounds: Callable[[str], Samples]
) -> Samples:
    """A rhythm (frames,) at 48 kHz."""
    drums = rhythm(pattern, bpm, bars, 0.0, loose_s, sounds)[:, 0]
    if not pad:
        return drums
    under = chord(220, (0, 4, 7), len(drums) / RATE + 0.1)[: len(drums), 0]
    return np.asarray((1 - pad) * drums + pad * under / np.abs(under).max(), np.float32)


def generated(
    engine: AudioLDM2,
    folder: Path,
    wave: Samples,
    seconds: float,
    how: How,
    bpm: float,
    strength: float,
    text: str = "drum loop",
) -> Samples:
    """The clip (frames,) at 48 kHz."""
    path = folder / "source.wav"
    soundfile.write(path, wave, RATE, subtype="FLOAT")
    length = len(wave) / RATE
    source = Source(str(path), hash_of(path), how, length, 0.0, length, strength, words="drum loop", bpm=bpm)
    prompt = Prompt(text, text, seconds, seed=11, steps=20, source=source)
    pieces = engine.generate(prompt, lambda step, steps: None)
    out = np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])
    return np.asarray(soxr.resample(out, engine.abilities.sample_rate, RATE, "HQ"), np.float32)


def by_detector(before: Samples, after: Samples) -> list[float]:
    """For each onset of a rhythm, the distance in ms to the nearest one afterwards, as bridge.audio.beats hears them."""
    onsets = beats.attacks(after[:, None])
    return [float(np.abs(onsets - onset).min(initial=RATE)) / RATE * 1000 for onset in beats.attacks(before[:, None])]


def risen(wave: Samples, at: int) -> tuple[float, int]:
    """The growth of a wave around frame `at`, as a ratio, and the frame within 15 ms where it is half done, in decibels: an onset found
    independently of bridge.audio."""
    before, after = 720, 720
    part = np.pad(wave, (2_400, 2_400))[at + 2_400 - before - 48 : at + 2_400 + after]
    level = np.sqrt(np.convolve(np.square(part, dtype=np.float64), np.ones(48) / 48, "valid")) + 1e-5  # over 1 ms
    highest = int(np.argmax(level[before - 240 :])) + before - 240
    lowest = int(np.argmin(level[: highest + 1]))
    half = math.sqrt(level[lowest] * level[highest])
    return level[highest] / level[lowest], lowest + int(np.argmax(level[lowest : highest + 1] >= half)) - before


def by_rise(before: Samples, after: Samples, onsets: list[int]) -> list[float]:
    """For each of the onsets, by how many ms the middle of its rise has moved: in the wave or in its differences, whichever rises more."""
    moved = []
    for at in onsets:
        pairs = [
            (risen(one, at), risen(other, at)) for one, other in ((before, after), (np.diff(before), np.diff(after)))
        ]
        (_, old), (_, new) = max(pairs, key=lambda pair: pair[0][0])
        moved.append(abs(new - old) / RATE * 1000)
    return moved


def share(values: list[float]) -> str:
    """How many are within WITHIN_MS, and the largest."""
    return f"{sum(value <= WITHIN_MS for value in values)} of {len(values)}, worst {max(values, default=math.nan):.1f}"


def cases() -> Iterator[tuple[str, str, float, float, float, str, Callable[[str], Samples]]]:
    for kind, sounds in (("starter's", hit), ("synthesised", synthesised)):
        for name, pattern, bpm, loose_s, pad in RHYTHMS:
            yield name, pattern, bpm, loose_s, pad, kind, sounds


def varied(engine: AudioLDM2, folder: Path, keep: Path | None, text: str) -> None:
    """Print how far the onsets of varied rhythms have moved."""
    print(f"| rhythm | hits | {' | '.join(f'{s:g}: detector | rise' for s in STRENGTHS)} | s |")
    print("|---|---|" + "---|---|" * len(STRENGTHS) + "---|")
    whole = dict.fromkeys(STRENGTHS, 0)
    closer: dict[float, tuple[set[int], set[int]]] = {strength: (set(), set()) for strength in STRENGTHS}
    usual, total, strength = fitting.closer, 0, 0.0

    def counted(sound: Samples, hit: fitting.Place, rate: int, closeness: int) -> Samples:
        at = hash(hit.sound.tobytes())
        closer[strength][0].add(at)
        if closeness > len(fitting.CLOSER_S):
            closer[strength][1].add(at)
        return usual(sound, hit, rate, closeness)

    fitting.closer = counted
    for name, pattern, bpm, loose_s, pad, kind, sounds in cases():
        wave = made(pattern, bpm, BARS, loose_s, pad, sounds)
        onsets, cells = beats.attacks(wave[:, None]).tolist(), []
        total += len(onsets)
        began = time.process_time()
        for strength in STRENGTHS:
            out = generated(engine, folder, wave, len(wave) / RATE, "vary", bpm, strength, text)
            heard, grown = by_detector(wave, out), by_rise(wave, out, onsets)
            whole[strength] += max(heard) <= WITHIN_MS
            cells += [share(heard), share(grown)]
            _written(keep, f"vary {strength} {name} {kind}", out)
        _written(keep, f"source {name} {kind}", wave)
        print(f"| {name} | {kind} | {' | '.join(cells)} | {time.process_time() - began:.1f} |", flush=True)
    fitting.closer = usual
    for strength, (some, all_of_it) in closer.items():
        print(
            f"\nAt {strength:g}, of {total} hits {len(some)} have the old attack or are the old hit; {len(all_of_it)} are the old hit."
        )
    print(
        f"\nAll onsets within {WITHIN_MS:g} ms by the detector: "
        + ", ".join(f"{of} of 20 at {s:g}" for s, of in whole.items())
    )


def continued(engine: AudioLDM2, folder: Path, keep: Path | None) -> None:
    """Print the tempo of continued rhythms, and how far their new hits are from where the longer rhythm has them."""
    print(
        "\n| rhythm, continued | hits | method | tempo known: % off | hits of the new bars | tempo not known: % off | level, dB |"
    )
    print("|---|---|---|---|---|---|---|")
    right = {True: 0, False: 0}
    for name, pattern, bpm, loose_s, pad, kind, sounds in cases():
        wave, cells, method = made(pattern, bpm, BARS, loose_s, pad, sounds), [], ""
        seconds = len(wave) / RATE * (BARS + NEW_BARS) / BARS
        for known in (True, False):
            out = generated(engine, folder, wave, seconds, "continue", bpm if known else 0.0, 0.5)
            method = engine.remarks(Prompt("", "", 1.0, 1, source=_any(wave)))["method"]
            measured = beats.measure(out[:, None], bpm)
            off = 100 * abs(measured.bpm / bpm - 1)
            # Half the tempo is the same grid.
            off = min(off, *(100 * abs(measured.bpm * octave / bpm - 1) for octave in (0.5, 2.0)))
            right[known] += off < 1 and method == "hits"
            cells.append(f"{off:.2f}")
            strong = [at for drum, at in places(pattern, BARS + NEW_BARS, bpm) if drum in STRONG]
            new = [round(at * RATE) for at in strong if at * RATE >= len(wave) - 1]
            onsets = beats.attacks(out[:, None])
            cells.append(share([float(np.abs(onsets - at).min(initial=RATE)) / RATE * 1000 for at in new]))
            if known:
                bar = round(240 / bpm * RATE)
                parts = wave[-bar:], out[len(wave) : len(wave) + bar]
                levels = [np.sqrt(np.square(part, dtype=np.float64).mean()) for part in parts]
                cells.append(f"{20 * math.log10(levels[1] / levels[0]):+.1f}")
                _written(keep, f"continue {name} {kind}", out)
        print(f"| {name} | {kind} | {method} | {' | '.join(cells)} |", flush=True)
    print(f"\nTempo within 1 %: {right[True]} of 20 with the tempo known, {right[False]} of 20 without")


def kinship(engine: AudioLDM2, folder: Path) -> None:
    """Print how far the hits of a continued rhythm are from the old ones, and from each other."""
    print("\n| strength | new to old hit, dB | to the same hit a bar later | to another drum of the rhythm |")
    print("|---|---|---|---|")
    usual, bpm, size = rhythms.CONTINUED_STRENGTH, 96, RATE // 5
    for strength in (0.05, 0.2, 0.3, 0.4, 0.6, 0.8):
        rhythms.CONTINUED_STRENGTH = strength
        near: list[float] = []
        later: list[float] = []
        other: list[float] = []
        for sounds in (hit, synthesised):
            wave = made("rock", bpm, 1, 0.0, 0.0, sounds)
            out, bar = generated(engine, folder, wave, 3 * len(wave) / RATE, "continue", bpm, 0.5), len(wave)
            onsets = sorted({round(at * RATE) for _, at in places("rock", 1, bpm)})
            old, first, second = ([out[shift + at :][:size] for at in onsets] for shift in (0, bar, 2 * bar))
            near += [mel_db(engine, *_at_rate(engine, pair)) for pair in zip(old, first, strict=True)]
            later += [mel_db(engine, *_at_rate(engine, pair)) for pair in zip(first, second, strict=True)]
            other += [mel_db(engine, *_at_rate(engine, (old[0], old[n]))) for n in (1, 2)]
        means = " | ".join(f"{np.mean(values):.1f}" for values in (near, later, other))
        print(f"| {strength:g} | {means} |", flush=True)
    rhythms.CONTINUED_STRENGTH = usual


class _Worded(Variations):
    """Variations with one text for all hits, or with their own names."""

    __slots__ = ()

    def _texts(self, batches: Any, latents: Any) -> Any:
        text, guided = WORDS[self.prompt.preset]
        if text is None:
            return super()._texts(batches, latents)
        return {at: self.stages.texts.encoded(text) for _, places in batches for at in places}, guided


WORDS: dict[str, tuple[str | None, bool]] = {
    "its own name": (None, False), "no words": ("", False), "drum hit, guided": ("drum hit", True)
}  # fmt: skip


def identity(engine: AudioLDM2, folder: Path) -> None:
    """Print which hits are named right, and which are still what they were after a variation with their names or with other words."""
    rate = engine.abilities.sample_rate
    sources: list[tuple[str, Samples]] = []
    for name in DRUMS:
        for seed, seconds in ((1, 0.5), (2, 0.2), (3, 0.14)):
            wave = getattr(drums, name)(np.random.default_rng(seed), Attributes(), rate // 2)[: round(seconds * rate)]
            wave[-200:] *= np.linspace(1, 0, 200)
            sources.append((name.removeprefix("bass_"), np.asarray(wave / np.abs(wave).max(), np.float32)))
    cuts = [hits.cut(wave, rate, [0])[0] for _, wave in sources]
    latents = [engine.encoder.latents(cut.sound, 12) for cut in cuts]
    assert engine.kit is not None
    rows = [max(1, round(len(cut.sound) / engine.geometry.row_samples)) for cut in cuts]
    names = [engine.kit.nouns(latent, [row])[0].replace(" ", "_") for latent, row in zip(latents, rows, strict=True)]
    wrong = [f"{name} as {given}" for (name, _), given in zip(sources, names, strict=True) if given != name]
    print(f"\n{len(sources) - len(wrong)} of {len(sources)} hits are named right; wrong: {', '.join(wrong)}")
    print(
        f"\n| strength | {' | '.join(f'{words}: the same drum, dB away' for words in WORDS)} |\n|---|"
        + "---|" * len(WORDS)
    )
    source = Source("a", "0" * 64, "vary", 1.0, 0.0, 1.0, words="drum loop")
    for strength in (0.3, 0.5, 0.7, 0.9):
        cells = []
        for words in WORDS:
            ask = engine.abilities.settled(Prompt("drum loop", "drum loop", 1.0, seed=11, steps=20, preset=words))
            made = next(
                _Worded(engine, ask, replace(source, strength=strength), cuts, [], True).takes(lambda step, of: None)
            )
            same, away = 0, []
            for (name, wave), other in zip(sources, made, strict=True):
                distances = [mel_db(engine, one, other / max(float(np.abs(other).max()), 1e-6)) for _, one in sources]
                same += sources[int(np.argmin(distances))][0] == name
                away.append(mel_db(engine, wave, other / max(float(np.abs(other).max()), 1e-6)))
            cells.append(f"{same} of {len(sources)}, {np.mean(away):.1f}")
        print(f"| {strength:g} | {' | '.join(cells)} |", flush=True)


def costs(engine: AudioLDM2, folder: Path) -> None:
    """Print processor seconds of clips of two bars of sixteenths, plain and varied, and of two bars more."""
    wave, bpm = made("sixteenths", 112, BARS, 0.0, 0.0, hit), 112
    path = folder / "source.wav"
    soundfile.write(path, wave, RATE, subtype="FLOAT")
    length = len(wave) / RATE
    source = Source(str(path), hash_of(path), "vary", length, 0.0, length, 0.5, words="drum loop", bpm=bpm)
    plain = Prompt("drum loop", "drum loop", length, seed=11, steps=20)
    asks = {
        "plain clip": plain,
        "varied whole": replace(plain, source=replace(source, parts="whole")),
        "varied by its hits": replace(plain, source=source),
        "continued by two bars": replace(plain, seconds=2 * length, source=replace(source, how="continue")),
        "plain clip of that length": replace(plain, seconds=2 * length),
    }
    print(f"\n| {len(beats.attacks(wave[:, None]))} hits in {length:.2f} s | processor seconds |\n|---|---|")
    for name, ask in asks.items():
        seconds = []
        for _ in range(4):  # the first prepares what is kept
            began = time.process_time()
            for _piece in engine.generate(ask, lambda step, steps: None):
                pass
            seconds.append(time.process_time() - began)
        print(f"| {name} | {np.median(seconds[1:]):.2f} (first {seconds[0]:.2f}) |", flush=True)


def _at_rate(engine: AudioLDM2, waves: tuple[Samples, Samples]) -> list[Samples]:
    resampled = [
        np.asarray(soxr.resample(wave, RATE, engine.abilities.sample_rate, "HQ"), np.float32) for wave in waves
    ]
    return [wave / max(float(np.abs(wave).max()), 1e-6) for wave in resampled]


def _any(wave: Samples) -> Source:
    return Source("a", "0" * 64, "continue", len(wave) / RATE, 0.0, len(wave) / RATE)


def _written(folder: Path | None, name: str, wave: Samples) -> None:
    if folder is not None:
        soundfile.write(
            folder / f"{name.replace(' ', '_').replace(',', '')}.wav", np.clip(wave, -1, 1), RATE, subtype="PCM_16"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="also write the clips there")
    parser.add_argument("--only", choices=("vary", "continue", "kinship", "identity", "costs"))
    parser.add_argument("--words", default="drum loop", help="for the varied rhythms; those are their own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        engine = open_engine(EngineConfig(model="starter", compute="cpu"), Path(place))
        engine.load(lambda done, total, what: None)
        assert isinstance(engine, AudioLDM2)
        if options.only in (None, "vary"):
            varied(engine, Path(place), options.folder, options.words)
        if options.only in (None, "continue"):
            continued(engine, Path(place), options.folder)
        if options.only in (None, "kinship"):
            kinship(engine, Path(place))
        if options.only in (None, "identity"):
            identity(engine, Path(place))
        if options.only in (None, "costs"):
            costs(engine, Path(place))


if __name__ == "__main__":
    main()
