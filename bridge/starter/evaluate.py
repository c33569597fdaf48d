"""`python -m bridge.starter.evaluate [--checkpoint FOLDER]`: what the starter can and cannot do, as a table.

Held-out prompts and seeds, through the engine as the daemon runs it, judged on the final waveforms by a classifier
that has heard synthesised sound only.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.clip import DEFAULT_NEGATIVE, Prompt
from bridge.config import EngineConfig
from bridge.engine import checkpoints
from bridge.engine.audioldm2 import AudioLDM2Engine, open_engine
from bridge.engine.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.notes import midi_of
from bridge.presets import Preset, Presets, shipped_folder
from bridge.starter import classifier, measures
from bridge.starter.captions import as_typed, caption
from bridge.starter.catalogue import BY_NAME, NAMES, SOUNDS, TUNED, draw, render
from bridge.starter.dataset import ROW_SAMPLES
from bridge.starter.parts import Wave

SEED = 90_001  # of prompts; the training draws from 1, the classifier from 2001
FREE_PROMPTS = Path(__file__).parent / "free_prompts.txt"
BARE, TYPED = 2, 10  # prompts a sound: its plainest names, and captions as typed
ADJECTIVE_SOUNDS = {
    ("long", "short"): "snare clap open_hat ride crash tom cowbell bass pluck bell mallet laser",
    ("bright", "dark"): "snare clap closed_hat open_hat crash bass pluck organ bell string stab rain wind",
    ("high", "deep"): "kick snare tom cowbell rim conga laser water_drop",
}
DRUMS = ("kick", "snare", "clap", "rim", "closed_hat", "tom", "clave", "conga", "cowbell", "pluck", "mallet")
NOTES = ("c3", "e3", "a#3", "c4", "f#4", "a4", "c5", "d#5", "g5", "c6")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what, the measured figure, and at least / aimed at as text."""

    what: str
    figure: str
    bar: str


class Bench:
    """The engine and the judge."""

    def __init__(self, engine: AudioLDM2Engine, judge: classifier.Classifier) -> None:
        self.engine, self.judge = engine, judge
        self.front_end = MelVocoder(MelVocoderConfig())

    def sound(self, text: str, seed: int, seconds: float = 1.6, steps: int = 20) -> Wave:
        """The waveform that the daemon would hand to the shaper."""
        prompt = Prompt(text, text, seconds, seed, negative=DEFAULT_NEGATIVE, steps=steps)
        piece = next(iter(self.engine.generate(prompt, lambda step, of: None)))
        return np.frombuffer(piece.samples, dtype="<f4")

    def preset(self, preset: Preset) -> Wave:
        """The example of a preset, as the daemon would make it."""
        prompt = Prompt(
            preset.example,
            preset.words_around(preset.example),
            preset.seconds or 4.0,
            seed=77,
            negative=preset.negative or DEFAULT_NEGATIVE,
            steps=preset.steps or 20,
            guidance=preset.guidance or 3.5,
        )
        return np.frombuffer(next(iter(self.engine.generate(prompt, lambda step, of: None))).samples, dtype="<f4")

    @torch.no_grad()
    def mel(self, wave: Wave) -> torch.Tensor:
        """The spectrogram as in training: with the silence in front that the vocoder cuts off."""
        padded = np.concatenate(
            [np.zeros(self.front_end.config.lead_in_samples, np.float32), wave / (np.abs(wave).max() + 1e-9) * 0.89]
        )
        return self.front_end.mel(torch.from_numpy(padded)[None])

    @torch.no_grad()
    def told(self, wave: Wave) -> str:
        """The name of the sound that the judge hears."""
        return NAMES[int(self.judge(self.mel(wave)).argmax())]


def held_out() -> list[tuple[str, str, int]]:
    """(sound, prompt, seed), BARE + TYPED for each sound; fixed by SEED."""
    rng = np.random.default_rng(SEED)
    prompts = []
    for sound in SOUNDS:
        texts = list(sound.nouns[:BARE])
        texts += [as_typed(rng, caption(rng, sound, draw(rng, sound))[0]) for _ in range(TYPED)]
        prompts += [(sound.name, text, int(rng.integers(1_000_000))) for text in texts]
    return prompts


def recognised(bench: Bench, prompts: Iterable[tuple[str, str, int]], steps: int) -> list[tuple[str, str, str]]:
    """(asked, prompt, heard) for each."""
    results = []
    for name, text, seed in prompts:
        results.append((name, text, bench.told(bench.sound(text, seed, steps=steps))))
    return results


def class_rows(results: list[tuple[str, str, str]], title: str, bar: str) -> list[Row]:
    """Accuracy in all and of the weakest sounds."""
    right = {name: [told == name for asked, _, told in results if asked == name] for name in NAMES}
    share = {name: float(np.mean(hits)) for name, hits in right.items() if hits}
    weakest = sorted(share, key=lambda name: share[name])[:5]
    everything = np.mean([told == asked for asked, _, told in results])
    bare = [told == asked for asked, text, told in results if text in BY_NAME[asked].nouns]
    names = f" ({len(bare)} bare names {np.mean(bare):.1%})" if bare else ""
    return [
        Row(f"{title}, {len(results)} prompts", f"{everything:.1%}{names}", bar),
        Row(
            f"{title}: weakest sounds", ", ".join(f"{name} {share[name]:.0%}" for name in weakest), "each ≥ 75 % / 90 %"
        ),
    ]


def adjective_rows(bench: Bench, clips: int = 3) -> list[Row]:
    """Share of pairs (same sound, other seeds) that differ in the direction that the words say."""
    rows = []
    measure = {
        "long": measures.sounding_seconds,
        "bright": measures.centroid_octaves,
        "high": measures.centroid_octaves,
    }
    bars = {"long": "≥ .95 / .98", "bright": "≥ .75 / .90", "high": "≥ .75 / .90"}
    for (more, less), names in ADJECTIVE_SOUNDS.items():
        wins, weak = [], []
        seconds = 3.0 if more == "long" else 1.6  # a short crash still sounds after 1.6 s
        for name in names.split():
            noun = BY_NAME[name].nouns[0]
            high, low = (
                [measure[more](bench.sound(f"{word} {noun}", 500 + k, seconds)) for k in range(clips)]
                for word in (more, less)
            )
            share = float(np.mean([one > other for one in high for other in low]))
            wins.append(share)
            weak += [f"{name} {share:.2f}"] if share < 0.75 else []
        rows.append(
            Row(
                f"{more} against {less}, pairwise",
                f"{np.mean(wins):.3f}" + (f" (weak: {', '.join(weak)})" if weak else ""),
                bars[more],
            )
        )
    return rows


def note_rows(bench: Bench) -> list[Row]:
    """Share of notes within 50 cents, as they are and with octaves folded, by sound."""
    off: dict[str, list[float]] = {}
    for name in TUNED:
        noun = BY_NAME[name].nouns[0]
        for number, note in enumerate(NOTES):
            wanted = midi_of(note)
            if any(abs(12 * (octave + 1) - wanted) <= 12 for octave in BY_NAME[name].octaves):
                off.setdefault(name, []).append(
                    measures.pitch_midi(bench.sound(f"{noun} {note}", 700 + number)) - wanted
                )
    every = np.concatenate([np.array(values) for values in off.values()])
    folded = np.abs((every + 6) % 12 - 6)
    weak = {name: float(np.mean(np.abs((np.array(v) + 6) % 12 - 6) < 0.5)) for name, v in off.items()}
    weakest = ", ".join(f"{name} {share:.0%}" for name, share in weak.items() if share < 0.9)
    figure = f"{np.mean(np.abs(every) < 0.5):.0%}; octaves folded {np.mean(folded < 0.5):.0%}"
    title = f"notes C3–C6 within 50 cents, {len(every)} clips of {len(off)} sounds"
    return [Row(title, figure + (f" (weak: {weakest})" if weakest else ""), "– / 90 %")]


def codec_rows(bench: Bench) -> list[Row]:
    """What VAE and vocoder alone do to held-out synthetic clips."""
    rng = np.random.default_rng(SEED + 1)
    distances, alone, buzzes = [], [], []
    vae, vocoder = bench.engine.pipe.vae, bench.engine.pipe.vocoder
    for sound in SOUNDS:
        for _ in range(2):
            wave = render(rng, sound, draw(rng, sound), 20 * ROW_SAMPLES)
            with torch.no_grad():
                mel = bench.front_end.mel(torch.from_numpy(wave)[None])
                again = vocoder(vae.decode(vae.encode(mel[:, None]).latent_dist.mode()).sample[:, 0])[0].numpy()
            original = wave[vocoder.config.lead_in_samples :]
            alone.append(measures.log_spectral_distance_db(vocoder(mel)[0].numpy(), original))
            distances.append(measures.log_spectral_distance_db(again, original))
            buzzes.append(max(0.0, measures.buzz(again) - max(0.0, measures.buzz(original))))
    return [
        Row("the vocoder alone, from exact spectrograms: log-spectral distance", f"{np.mean(alone):.2f} dB", ""),
        Row("VAE and vocoder: log-spectral distance", f"{np.mean(distances):.2f} dB", "≤ 6.5 / 5 dB"),
        Row("VAE and vocoder: buzz added at the frame rate, mean", f"{np.mean(buzzes):.3f}", "≤ .05 / .03"),
    ]


def variety_rows(bench: Bench, clips: int = 6) -> list[Row]:
    """Spread within a sound, generated against synthesised, for the same captions; energy above 8 kHz; attacks."""
    rng = np.random.default_rng(SEED + 2)
    ratios, highs, early = {}, {}, []
    for sound in SOUNDS:
        made, real, above = [], [], []
        for k in range(clips):
            attributes = draw(rng, sound)
            text, _ = caption(rng, sound, attributes, keep=1.0)
            wave = bench.sound(text, 900 + k)
            synthetic = render(rng, sound, attributes, 20 * ROW_SAMPLES)[bench.front_end.config.lead_in_samples :][
                : len(wave)
            ]
            made.append(bench.mel(wave)[0].numpy())
            real.append(bench.mel(synthetic)[0].numpy())
            above.append((measures.share_above(wave, 8_000), measures.share_above(synthetic, 8_000)))
            if sound.name in DRUMS:
                early.append(measures.before_attack_db(wave))
        ratios[sound.name] = measures.spread(np.stack(made)) / measures.spread(np.stack(real))
        if sound.name in {"closed_hat", "open_hat", "ride", "crash"}:
            highs[sound.name] = float(np.sum([a for a, _ in above]) / np.sum([b for _, b in above]))
    low = [f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio < 0.8]
    under = f" (under .8: {', '.join(low)})" if low else ""
    high = ", ".join(f"{name} {ratio:.2f}" for name, ratio in highs.items())
    worst = f"{np.median(early):.0f} dB, {max(early):.0f} dB"
    return [
        Row(
            "variety within a sound against the synthesised, mean",
            f"{np.mean([*ratios.values()]):.2f}{under}",
            "≥ .8 / .9",
        ),
        Row("energy above 8 kHz against the synthesised", high, "0.7–1.4 / 0.85–1.15"),
        Row("20 ms before the attack, median and worst of the drums", worst, "≤ −40 dB"),
    ]


def preset_rows(bench: Bench) -> list[Row]:
    """Whether each preset makes what its example asks for, at its own length and settings."""
    wrong, asked, unheard = [], 0, []
    for preset in Presets(shipped_folder()).all().values():
        heard = bench.engine.hears(preset.example, preset.words_around(preset.example))
        if not heard.noun:
            unheard.append(preset.name)
        else:
            asked += 1
            wanted = next(sound.name for sound in SOUNDS if heard.noun in sound.nouns)
            told = bench.told(bench.preset(preset))
            wrong += [f"{preset.name}: {told} for {wanted}"] if told != wanted else []
    unheard_too = [f"not heard: {', '.join(unheard)}"] if unheard else []
    figure = f"{asked - len(wrong)} of {asked + len(unheard)} ({'; '.join([*wrong, *unheard_too])})"
    return [Row("presets make what their example asks for", figure, "all")]


def other_rows(bench: Bench) -> list[Row]:
    """Lengths, speed, and the same again."""
    kick, pad = bench.sound("kick", 5, 5.0), bench.sound("pad", 5, 5.0)

    def late(wave: Wave, start: float, end: float) -> float:
        """Energy between two times, in seconds, over the peak's, in dB."""
        part = wave[int(start * 44_100) : int(end * 44_100)]
        return float(10 * np.log10((part**2).mean() / (wave**2).max() + 1e-12))

    times = []
    for k in range(12):
        started = time.perf_counter()
        bench.sound("snare", 40 + k, 1.0)
        times.append(time.perf_counter() - started)
    again = [bench.sound("bell", 3, 1.0), bench.sound("bell", 3, 1.0)]
    ends = f"{late(kick, 2, 5):.0f} dB, {late(pad, 3, 4):.0f} dB"
    return [
        Row("5 s: kick from 2 s on, pad from 3 to 4 s, over the peak", ends, "a kick ends, a pad fills"),
        Row("1 s one-shot, 20 steps, warm, median", f"{np.median(times):.2f} s", "≤ 0.8 / 0.4 s"),
        Row("same seed twice", "bit-identical" if np.array_equal(again[0], again[1]) else "DIFFERENT", "bit-identical"),
    ]


RECOGNITION = {
    "recognition": ("recognised, 20 steps", 20, "≥ 95 / 98 %"),
    "free": ("free prompts, 20 steps", 20, "≥ 85 / 95 %"),
    "fewer_steps": ("recognised, 10 steps", 10, "≥ 93 / 97 %"),
}
PARTS = {
    "presets": preset_rows,
    "adjectives": adjective_rows,
    "notes": note_rows,
    "codec": codec_rows,
    "variety": variety_rows,
    "other": other_rows,
}
EVERYTHING = ",".join([*RECOGNITION, *PARTS])


def main() -> None:
    """Print the table and keep it, with every prompt that was misheard, in the work folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=checkpoints.STARTER, help="a folder; the shipped starter if not given")
    parser.add_argument(
        "--work", type=Path, default=Path("starter-evaluation"), help="folder for the classifier and results"
    )
    parser.add_argument("--parts", default=EVERYTHING, help=f"some of {EVERYTHING}, to share them out among processes")
    chosen = parser.parse_args()
    judge, accuracy = classifier.trained(chosen.work)
    engine = open_engine(EngineConfig(model=chosen.checkpoint, compute="cpu"))
    assert isinstance(engine, AudioLDM2Engine)
    engine.load(lambda done, total, what: None)
    bench = Bench(engine, judge)
    bench.sound("kick", 0, 1.0)
    free = [
        (name, text, 300 + n)
        for n, (name, text) in enumerate(line.split("\t") for line in FREE_PROMPTS.read_text("utf-8").splitlines())
    ]
    wrong: dict[str, Any] = {}
    lines = ["| what | figure | at least / aim |", "|---|---|---|"]

    def tell(rows: list[Row]) -> None:
        for row in rows:
            lines.append(f"| {row.what} | {row.figure} | {row.bar} |")
            print(lines[-1], flush=True)

    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print(*lines, sep="\n")
    tell([Row("the judge itself, held-out synthesised clips", f"{accuracy:.1%}", "")])
    for part in chosen.parts.split(","):
        if part in RECOGNITION:
            title, steps, bar = RECOGNITION[part]
            results = recognised(bench, free if part == "free" else held_out(), steps)
            tell(class_rows(results, title, bar))
            wrong[title] = [result for result in results if result[0] != result[2]]
        else:
            tell(PARTS[part](bench))
    name = chosen.parts if chosen.parts != EVERYTHING else "all"
    (chosen.work / f"table-{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (chosen.work / f"misheard-{name}.json").write_text(json.dumps(wrong, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
