"""The rows of the evaluation. Each measures one ability of the starter."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.presets.files import Presets, shipped_folder
from bridge.starter import measures
from bridge.starter.captions import as_typed, caption
from bridge.starter.catalogue import BY_NAME, NAMES, SOUNDS, draw, render
from bridge.starter.dataset import ROW_SAMPLES
from bridge.starter.held_out_kinds import KINDS
from bridge.starter.judge import Judge
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave
from bridge.starter.sounds.sound import Sound

SEED = 90_001  # for prompts; the training uses seeds from 1, the classifier from 2001
BARE, TYPED = 2, 10  # prompts per sound: plainest names, and captions as typed
ADJECTIVE_SOUNDS = {
    ("long", "short"): "snare clap open_hat ride crash tom cowbell bass pluck bell mallet laser",
    ("bright", "dark"): "snare clap closed_hat open_hat crash bass pluck organ bell string stab rain wind",
    ("high", "deep"): "kick snare tom cowbell rim conga laser water_drop",
}
DRUMS = ("kick", "snare", "clap", "rim", "closed_hat", "tom", "clave", "conga", "cowbell", "pluck", "mallet")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: what is measured, the figure, the minimum and the aim."""

    what: str
    figure: str
    bar: str


def held_out() -> list[tuple[str, str, int]]:
    """(sound, prompt, seed), BARE + TYPED per sound; determined by SEED."""
    rng = np.random.default_rng(SEED)
    prompts = []
    for sound in SOUNDS:
        texts = list(sound.nouns[:BARE])
        texts += [as_typed(rng, caption(rng, sound, draw(rng, sound))[0]) for _ in range(TYPED)]
        prompts += [(sound.name, text, int(rng.integers(1_000_000))) for text in texts]
    return prompts


def recognised(judge: Judge, prompts: Iterable[tuple[str, str, int]], steps: int = 0) -> list[tuple[str, str, str]]:
    """(sound, prompt, recognised sound) for each."""
    results = []
    for name, text, seed in prompts:
        results.append((name, text, judge.recognised(judge.sound(text, seed, steps=steps))))
    return results


def class_rows(results: list[tuple[str, str, str]], title: str, bar: str) -> list[Row]:
    """Accuracy overall and of the weakest sounds."""
    right = {name: [heard == name for asked, _, heard in results if asked == name] for name in NAMES}
    share = {name: float(np.mean(hits)) for name, hits in right.items() if hits}
    weakest = sorted(share, key=lambda name: share[name])[:5]
    everything = np.mean([heard == asked for asked, _, heard in results])
    bare = [heard == asked for asked, text, heard in results if text in BY_NAME[asked].nouns]
    names = f" ({len(bare)} bare names {np.mean(bare):.1%})" if bare else ""
    return [
        Row(f"{title}, {len(results)} prompts", f"{everything:.1%}{names}", bar),
        Row(
            f"{title}: weakest sounds", ", ".join(f"{name} {share[name]:.0%}" for name in weakest), "each ≥ 80 % / 90 %"
        ),
    ]


def adjective_rows(judge: Judge, clips: int = 3) -> list[Row]:
    """The share of pairs (same sound, different seeds) that differ in the direction of their adjectives."""
    rows = []
    measure = {
        "long": measures.sounding_seconds,
        "bright": measures.centroid_octaves,
        "high": measures.centroid_octaves,
    }
    bars = {"long": "≥ .95 / .98", "bright": "≥ .75 / .90", "high": "≥ .75 / .90"}
    for (more, less), names in ADJECTIVE_SOUNDS.items():
        wins, weak = [], []
        seconds = 3.0 if more == "long" else 1.6  # even a short crash rings longer than 1.6 s
        for name in names.split():
            noun = BY_NAME[name].nouns[0]
            high, low = (
                [measure[more](judge.sound(f"{word} {noun}", 500 + k, seconds)) for k in range(clips)]
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


def codec_rows(judge: Judge) -> list[Row]:
    """The loss from VAE and vocoder alone, on held-out synthetic clips, and on kinds that the starter was not trained on."""
    alone, distances, buzzes = _through_codec(judge, judge.some(SOUNDS), 2)
    kinds = {kind.name: _through_codec(judge, [kind], 4) for kind in KINDS}
    unknown = ", ".join(
        f"{name} {np.mean(through):.2f} (vocoder {np.mean(exact):.2f})" for name, (exact, through, _) in kinds.items()
    )
    return [
        Row("the vocoder alone, from exact spectrograms: log-spectral distance", f"{np.mean(alone):.2f} dB", ""),
        Row("VAE and vocoder: log-spectral distance", f"{np.mean(distances):.2f} dB", "≤ 6.5 / 5 dB"),
        Row("VAE and vocoder: the same of kinds that it was not trained on, dB", unknown, "≤ 6.5 / 5 dB"),
        Row("VAE and vocoder: buzz added at the frame rate, mean", f"{np.mean(buzzes):.3f}", "≤ .05 / .03"),
    ]


def _through_codec(judge: Judge, sounds: Iterable[Sound], clips: int) -> tuple[list[float], list[float], list[float]]:
    """The distances in dB of clips that went through the vocoder alone, and through the VAE, too; and the buzz that is added."""
    rng = np.random.default_rng(SEED + 1)
    alone, distances, buzzes = [], [], []
    vae, vocoder = judge.engine.pipe.vae, judge.engine.pipe.vocoder
    for sound in sounds:
        for _ in range(clips):
            wave = render(rng, sound, draw(rng, sound), 40 * ROW_SAMPLES)
            with torch.no_grad():
                mel = vocoder.mel(torch.from_numpy(wave)[None])
                again = vocoder(vae.decode(vae.encode(mel[:, None]).latent_dist.mode()).sample[:, 0])[0].numpy()
                exact = vocoder(mel)[0].numpy()
            original = wave[vocoder.config.lead_in_samples :]
            alone.append(measures.log_spectral_distance_db(exact, original))
            distances.append(measures.log_spectral_distance_db(again, original))
            buzzes.append(max(0.0, measures.buzz(again) - max(0.0, measures.buzz(original))))
    return alone, distances, buzzes


def variety_rows(judge: Judge, clips: int = 6) -> list[Row]:
    """Variety within a sound, generated compared with synthesised, for the same captions; energy above 8 kHz; attacks."""
    rng = np.random.default_rng(SEED + 2)
    ratios, highs, early = {}, {}, []
    for sound in judge.some(SOUNDS):
        made, real, above = [], [], []
        for k in range(clips):
            attributes = draw(rng, sound)
            text, _ = caption(rng, sound, attributes, keep=1.0)
            wave = judge.sound(text, 900 + k)
            synthetic = render(rng, sound, attributes, 40 * ROW_SAMPLES)[judge.front_end.config.lead_in_samples :][
                : len(wave)
            ]
            made.append(judge.mel(wave)[0].numpy())
            real.append(judge.mel(synthetic)[0].numpy())
            above.append((measures.share_above(wave, 8_000), measures.share_above(synthetic, 8_000)))
            if sound.name in DRUMS:
                early.append(measures.before_attack_db(wave))
        ratios[sound.name] = measures.spread(np.stack(made)) / measures.spread(np.stack(real))
        if sound.name in {"closed_hat", "open_hat", "ride", "crash"}:
            highs[sound.name] = float(np.sum([a for a, _ in above]) / np.sum([b for _, b in above]))
    low = [f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio < 0.7]
    under = f" (under .7: {', '.join(low)})" if low else ""
    high = ", ".join(f"{name} {ratio:.2f}" for name, ratio in highs.items())
    worst = f"{np.median(early):.0f} dB, {max(early):.0f} dB"
    return [
        Row(
            "variety within a sound against the synthesised, mean",
            f"{np.mean([*ratios.values()]):.2f}{under}",
            "each ≥ .7 / .85",
        ),
        Row("energy above 8 kHz against the synthesised", high, "0.7–1.4 / 0.85–1.15"),
        Row("20 ms before the attack, median and worst of the drums", worst, "≤ −40 dB"),
    ]


def preset_rows(judge: Judge) -> list[Row]:
    """Whether each preset's example gives the requested sound at the preset's own length and settings."""
    wrong, asked, unheard = [], 0, []
    for preset in Presets(shipped_folder()).all().values():
        heard = judge.engine.texts.hears(resolve(Ask(preset.example), preset))
        if not heard.noun:
            unheard.append(preset.name)
        else:
            asked += 1
            requested = next(sound.name for sound in SOUNDS if heard.noun in sound.nouns)
            recognised = judge.recognised(judge.preset(preset))
            wrong += [f"{preset.name}: {recognised} for {requested}"] if recognised != requested else []
    unheard_too = [f"not heard: {', '.join(unheard)}"] if unheard else []
    figure = f"{asked - len(wrong)} of {asked + len(unheard)} ({'; '.join([*wrong, *unheard_too])})"
    return [Row("presets make what their example asks for", figure, "all")]


def other_rows(judge: Judge) -> list[Row]:
    """Lengths, speed and reproducibility."""
    kick, pad = judge.sound("kick", 5, 5.0), judge.sound("pad", 5, 5.0)

    def late(wave: Wave, start: float, end: float) -> float:
        """Energy between two times, in seconds, over the peak's, in dB."""
        part = wave[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
        return float(10 * np.log10((part**2).mean() / (wave**2).max() + 1e-12))

    times = []
    for k in range(12):
        started = time.perf_counter()
        judge.sound("snare", 40 + k, 1.0)
        times.append(time.perf_counter() - started)
    again = [judge.sound("bell", 3, 1.0), judge.sound("bell", 3, 1.0)]
    ends = f"{late(kick, 2, 5):.0f} dB, {late(pad, 3, 4):.0f} dB"
    return [
        Row("5 s: kick from 2 s on, pad from 3 to 4 s, over the peak", ends, "a kick ends, a pad fills"),
        Row("1 s one-shot, 20 steps, warm, median", f"{np.median(times):.2f} s", "≤ 0.8 / 0.4 s"),
        Row("same seed twice", "bit-identical" if np.array_equal(again[0], again[1]) else "DIFFERENT", "bit-identical"),
    ]
