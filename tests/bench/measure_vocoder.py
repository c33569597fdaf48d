"""The starter's vocoder against an earlier one: `python -m tests.bench.measure_vocoder [--old a847a55] [--clips 3] [--rounds 5]`.

Prints two Markdown tables: milliseconds on one thread, in turns, of synthesised sounds of each kind; and how far the finished sounds
are from those that the spectrograms were taken from, with exact spectrograms and with those that went through the VAE. The earlier
one is taken from git.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from bridge.checkpoints.find import STARTER_FOLDER
from bridge.engine.audioldm2.mel_vocoder import MelVocoder
from bridge.starter import measures
from bridge.starter.catalogue import BY_NAME, SOUNDS, STEADY, Sound, draw, render
from bridge.starter.dataset import ROW_SAMPLES
from bridge.starter.rows import DRUMS
from bridge.starter.sounds.parts import Wave

ROOM = "bridge.engine.audioldm2"
SEED = 4_242
ROWS = 20
TIMED = {"1 s": 11, "4 s": 43}
PARTIALS = [261.63 * number for number in range(1, 84)]


def earlier(commit: str) -> MelVocoder:
    """The vocoder of a commit with its own effort."""
    folder = Path(__file__).resolve().parents[2]
    for name in ("known", "partials", "mel_vocoder"):  # the later ones need the earlier ones
        source = subprocess.run(
            ["git", "show", f"{commit}:bridge/engine/audioldm2/{name}.py"],
            cwd=folder, check=True, capture_output=True, encoding="utf-8",
        ).stdout  # fmt: skip
        module = types.ModuleType(f"earlier_{name}")
        sys.modules[module.__name__] = module
        for other in ("known", "partials"):
            source = source.replace(f"from {ROOM}.{other} import", f"from earlier_{other} import")
        source = source.replace(f"from {ROOM} import partials", "import earlier_partials as partials")
        exec(compile(source, module.__name__, "exec"), module.__dict__)
    vocoder: MelVocoder = module.MelVocoder(module.MelVocoderConfig()).eval()
    return vocoder


def synthesised(rng: np.random.Generator, sound: Sound, rows: int) -> Wave:
    return render(rng, sound, draw(rng, sound), rows * ROW_SAMPLES)


def in_turns(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """The least milliseconds of each call."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, took, strict=True):
            started = time.perf_counter()
            call()
            times.append(1_000 * (time.perf_counter() - started))
    return [min(times) for times in took]


def speed(vocoders: list[MelVocoder], spectrogram: Callable[[Wave], torch.Tensor], rounds: int) -> None:
    rng = np.random.default_rng(SEED)
    print("| one thread, mean of the sounds | earlier | now | |\n|---|---|---|---|")
    rows: dict[str, list[list[float]]] = {}
    for name, length in TIMED.items():
        for sound in SOUNDS[::2]:
            mel = spectrogram(synthesised(rng, sound, length))
            rows.setdefault(name, []).append(in_turns([partial(v.forward, mel) for v in vocoders], rounds))
        for sound in (BY_NAME[name] for name in STEADY[::2]):
            mel = spectrogram(synthesised(rng, sound, length))[:, 2:-2]
            rows.setdefault(f"{name}, a loop", []).append(in_turns([partial(v.period, mel) for v in vocoders], rounds))
        for sound in (BY_NAME[name] for name in ("organ", "bell", "pluck")):
            mel = spectrogram(synthesised(rng, sound, length))
            rows.setdefault(f"{name}, a note", []).append(
                in_turns([partial(v.forward, mel, PARTIALS) for v in vocoders], rounds)
            )
    for name, figures in rows.items():
        old, new = np.mean(figures, axis=0)
        print(f"| {name} | {old:.1f} ms | {new:.1f} ms | {new / old:.2f} |", flush=True)


def likeness(vocoders: list[MelVocoder], ways: dict[str, Callable[[Wave], torch.Tensor]], clips: int) -> None:
    rng = np.random.default_rng(SEED + 1)
    waves = [(sound.name, synthesised(rng, sound, ROWS)) for sound in SOUNDS for _ in range(clips)]
    names = [name for name, _ in waves]
    print(
        "\n| | distance, dB: earlier | now | farther sounds | buzz added | 20 ms before the attack, drums: mean, worst |\n"
        + "|---" * 6
        + "|"
    )
    for way, spectrogram in ways.items():
        distances, buzzes, early = [], [], []
        for name, wave in waves:
            mel = spectrogram(wave)
            original = wave[vocoders[1].config.lead_in_samples :]
            made = [vocoder(mel)[0].numpy() for vocoder in vocoders]
            distances.append([measures.log_spectral_distance_db(one, original) for one in made])
            buzzes.append([max(0.0, measures.buzz(one) - max(0.0, measures.buzz(original))) for one in made])
            if name in DRUMS:
                early.append([measures.before_attack_db(one) for one in made])
        old, new = np.mean(distances, axis=0)
        change = {
            name: np.mean([b - a for (a, b), n in zip(distances, names, strict=True) if n == name]) for name in names
        }
        farther = ", ".join(
            f"{name} {by:+.2f}" for name, by in sorted(change.items(), key=lambda x: -x[1]) if by > 0.02
        )
        buzz, mean, worst = np.mean(buzzes, axis=0), np.mean(early, axis=0), np.max(early, axis=0)
        print(
            f"| {way} | {old:.2f} | {new:.2f} | {farther or 'none'} | {buzz[0]:.3f}, {buzz[1]:.3f} "
            f"| {mean[0]:.0f} and {worst[0]:.0f}, {mean[1]:.0f} and {worst[1]:.0f} dB |",
            flush=True,
        )


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--old", default="a847a55", help="the commit of the earlier vocoder")
    parser.add_argument("--clips", type=int, default=3, help="clips of each sound")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    now = MelVocoder.from_pretrained(STARTER_FOLDER / "vocoder").float().eval()
    vocoders = [earlier(options.old), now]
    vae = AutoencoderKL.from_pretrained(STARTER_FOLDER / "vae").float().eval()

    def exact(wave: Wave) -> torch.Tensor:
        return now.mel(torch.from_numpy(wave)[None])

    def through_vae(wave: Wave) -> torch.Tensor:
        decoded: torch.Tensor = vae.decode(vae.encode(exact(wave)[:, None]).latent_dist.mode()).sample[:, 0]
        return decoded

    speed(vocoders, through_vae, options.rounds)
    likeness(vocoders, {"exact spectrograms": exact, "through the VAE": through_vae}, options.clips)


if __name__ == "__main__":
    main()
