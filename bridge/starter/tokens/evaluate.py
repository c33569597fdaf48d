"""`python -m bridge.starter.tokens.evaluate MODEL --work FOLDER`: how good a base model of AudioLM is, on held-out sounds.

The classifier of the starter's evaluation judges; it is loaded from the work folder or trained there.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine.audiolm import model_folder, uses
from bridge.engine.audiolm.choosing import Sampling
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.starter import classifier, dataset
from bridge.starter.catalogue import NAMES, RHYTHMS, SINGLES, SOUNDS, draw, render
from bridge.starter.dataset import Labelled, mel_of, spectrogram
from bridge.starter.measures import log_spectral_distance_db
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.tokens import measures
from bridge.starter.tokens.data import tokens_of

SEED = 4_001
ONE_SHOT_FRAMES, LOOP_FRAMES, PRIME_FRAMES, HOLE = 64, 172, 86, (64, 107)  # of tokens, 23 ms each
LOOPS, HOLES, VARIED = 48, 24, 36


@dataclass(frozen=True, slots=True)
class Held:
    """A held-out clip: its wave, its spectrogram (frames, bands), its label."""

    wave: NDArray[np.float32]
    mel: NDArray[np.float32]
    label: Labelled


class Evaluation:
    """A model, the judge, and held-out clips."""

    def __init__(self, folder: Path, work: Path) -> None:
        torch.set_num_threads(1)
        self.model = model_folder.load(folder)
        assert isinstance(self.model.coder, MelCoder), "it is measured on spectrograms"
        self.coder, self.codec = self.model.coder, self.model.coder.codec
        self.frame_s = self.coder.frame_samples / self.coder.sample_rate
        self.judge, self.accuracy = classifier.trained(work)
        rng = np.random.default_rng(SEED)
        self.one_shots = [_clip(rng, sound.name, ONE_SHOT_FRAMES) for sound in SINGLES]
        styles = [RHYTHMS[number % len(RHYTHMS)].name for number in range(LOOPS)]
        self.loops = [_clip(rng, style, LOOP_FRAMES) for style in styles]

    def request(self, clips: list[Held], seed: int, sampling: Sampling, asked: bool = True) -> list[uses.Request]:
        """A request for each clip."""
        words = self.model.words
        return [
            uses.Request(
                self.model,
                words.shares(tokens_of(clip.label)[:1] if asked else [])[None],
                clip.label.bpm,
                [torch.Generator().manual_seed(seed + number)],
                sampling,
            )
            for number, clip in enumerate(clips)
        ]

    def tokens(self, clip: Held) -> torch.Tensor:
        """The tokens (frames, books) of a clip."""
        return self.codec.tokens(torch.from_numpy(clip.mel)[None])[0]

    def mel(self, tokens: torch.Tensor) -> NDArray[np.float32]:
        """The spectrogram of tokens (frames, books)."""
        return np.asarray(self.codec.mel(tokens[None])[0].numpy())

    @torch.no_grad()
    def told(self, mel: NDArray[np.float32]) -> str:
        """The name of the sound that the judge hears."""
        return NAMES[int(self.judge(torch.from_numpy(mel)[None]).argmax())]

    def codec_row(self) -> dict[str, float]:
        """Through the vocoder, against the vocoder of the true spectrogram, in dB; and what the judge still recognises."""
        made: dict[str, list[float]] = {"one-shots": [], "loops": []}
        for name, clips in (("one-shots", self.one_shots[::4]), ("loops", self.loops[::8])):
            for clip in clips:
                true, coded = clip.mel, self.mel(self.tokens(clip))
                waves = [self.coder.vocoder(torch.from_numpy(mel)[None])[0].numpy() for mel in (coded, true)]
                made[name].append(log_spectral_distance_db(*waves))
        right = [self.told(self.mel(self.tokens(clip))) == SOUNDS[clip.label.sound].name for clip in self.one_shots]
        return {**{name: float(np.mean(values)) for name, values in made.items()}, "recognised": float(np.mean(right))}

    def recognised_row(self, sampling: Sampling, seeds: int = 2) -> tuple[float, list[str]]:
        """The share of the single sounds that are recognised, and those that never are."""
        right: dict[str, list[bool]] = {}
        for seed in range(seeds):
            for clip, request in zip(self.one_shots, self.request(self.one_shots, 1_000 * seed, sampling), strict=True):
                made = uses.new(request, ONE_SHOT_FRAMES, lambda done, of: None)[0]
                name = SOUNDS[clip.label.sound].name
                right.setdefault(name, []).append(self.told(self.mel(made)) == name)
        never = [name for name, values in right.items() if not any(values)]
        return float(np.mean([np.mean(values) for values in right.values()])), never

    def continued_row(self, sampling: Sampling) -> dict[str, float]:
        """Of loops of which half is given: onset F and phase of the other half, and how far it is from the last bar cut and repeated, over
        the distance between the bars of different loops."""
        onset, phase, fresh, others = [], [], [], []
        first = PRIME_FRAMES * self.codec.config.stride
        for number, (clip, request) in enumerate(zip(self.loops, self.request(self.loops, 77, sampling), strict=True)):
            tokens = self.tokens(clip)
            made = self.mel(uses.continued(request, tokens[:PRIME_FRAMES], len(tokens), lambda done, of: None)[0])
            true = self.mel(tokens)
            onset.append(measures.onset_f(made[first:], true[first:]))
            phase.append(measures.phase(made[first:], true[first:]))
            bar = min(first, round(240 / clip.label.bpm / self.frame_s * self.codec.config.stride))
            repeated = np.resize(true[first - bar : first], (len(true) - first, true.shape[1]))
            fresh.append(float(np.abs(made[first:] - repeated).mean()))
            other = self.loops[(number + 1) % LOOPS].mel[first:]
            others.append(float(np.abs(other - repeated).mean()))
        return {
            "onset F": float(np.mean(onset)),
            "phase": float(np.mean(phase)),
            "fresh": float(np.mean(fresh) / np.mean(others)),
        }

    def filled_row(self, sampling: Sampling) -> float:
        """Onset F inside a hole of a second."""
        scores, stride = [], self.codec.config.stride
        loops = self.loops[:HOLES]
        for clip, request in zip(loops, self.request(loops, 5, sampling), strict=True):
            tokens = self.tokens(clip)
            made = self.mel(uses.filled(request, tokens, *HOLE, lambda done, of: None)[0])
            inside = slice(HOLE[0] * stride, HOLE[1] * stride)
            scores.append(measures.onset_f(made[inside], self.mel(tokens)[inside]))
        return float(np.mean(scores))

    def varied_row(self, strength: float) -> tuple[float, float]:
        """The share of variations that are the same sound, and the distance of two of them from each other."""
        same, between = [], []
        clips = self.one_shots[:: max(1, len(self.one_shots) // VARIED)]
        for clip, request in zip(clips, self.request(clips, 3, Sampling(1.0), asked=False), strict=True):
            two = replace(request, generators=[torch.Generator().manual_seed(seed) for seed in (1, 2)])
            first, second = uses.varied(two, self.tokens(clip), strength, lambda done, of: None)
            name = SOUNDS[clip.label.sound].name
            same += [self.told(self.mel(take)) == name for take in (first, second)]
            between.append(float(np.abs(self.mel(first) - self.mel(second)).mean()))
        return float(np.mean(same)), float(np.mean(between))

    def speed_row(self) -> dict[str, float]:
        """Seconds of sound a second, on one thread, without the vocoder."""
        request = self.request(self.loops[:1], 1, Sampling(1.0))[0]
        source, sound_s = self.tokens(self.loops[0]), LOOP_FRAMES * self.frame_s
        times: dict[str, list[float]] = {"causal": [], "masked": []}
        for _ in range(3):
            started = time.perf_counter()
            uses.new(request, LOOP_FRAMES, lambda done, of: None)
            middle = time.perf_counter()
            uses.varied(request, source, 1.0, lambda done, of: None)
            times["causal"].append(middle - started)
            times["masked"].append(time.perf_counter() - middle)
        return {name: sound_s / min(values) for name, values in times.items()}


def _clip(rng: np.random.Generator, name: str, frames: int) -> Held:
    sound = SOUNDS[NAMES.index(name)]
    attributes = draw(rng, sound)
    if name in USUAL_BPM:
        attributes = replace(attributes, bpm=float(rng.uniform(*USUAL_BPM[name])))
    samples = frames * 4 * dataset.HOP
    wave = render(rng, sound, attributes, samples)
    label = Labelled(NAMES.index(name), attributes)
    return Held(wave, mel_of(spectrogram(), wave, False), label)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="the folder of the classifier")
    chosen = parser.parse_args()
    evaluation = Evaluation(chosen.model, chosen.work)
    print(f"judge on held-out synthetic clips: {evaluation.accuracy:.1%}")
    print("codec:", {name: round(value, 3) for name, value in evaluation.codec_row().items()}, flush=True)
    for guidance in (1.0, 2.0, 3.0):
        share, never = evaluation.recognised_row(Sampling(guidance))
        print(f"recognised with guidance {guidance:g}: {share:.1%}; never: {', '.join(never) or 'none'}", flush=True)
    for temperature in (0.6, 0.9):
        row = evaluation.continued_row(Sampling(1.0, temperature))
        print(
            f"continued, temperature {temperature}:", {key: round(value, 3) for key, value in row.items()}, flush=True
        )
    print(f"filled: onset F {evaluation.filled_row(Sampling(1.0)):.3f}", flush=True)
    for strength in (0.1, 0.3, 0.5, 0.7):
        same, between = evaluation.varied_row(strength)
        print(f"varied, strength {strength}: {same:.0%} the same sound, {between:.3f} apart", flush=True)
    print("times real time:", {name: round(value, 1) for name, value in evaluation.speed_row().items()})


if __name__ == "__main__":
    main()
