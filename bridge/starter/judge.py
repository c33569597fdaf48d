"""Judge the starter with the classifier. Prompts go through the engine as the daemon runs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import soxr
import torch

from bridge.checkpoints.audioldm2 import NEGATIVE
from bridge.config import EngineConfig
from bridge.core.resolving import preferences, resolve
from bridge.domain.ask import Ask
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine
from bridge.engine.process import PAUSE_S
from bridge.presets.files import Preset
from bridge.shaper.make import make
from bridge.starter import classifier
from bridge.starter.catalogue import NAMES, at_peak
from bridge.starter.dataset import spectrogram
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

Item = TypeVar("Item")


class Judge:
    """A checkpoint ("starter" or a folder) on the CPU and a classifier, loaded from `work` or trained there. `steps` of each clip, unless
    a row asks for others; of the prompts and sounds of each row, every `every`th is judged."""

    def __init__(self, checkpoint: str, work: Path, steps: int = 20, every: int = 1) -> None:
        self.steps, self.every = steps, every
        self.classifier, self.accuracy = classifier.trained(work)
        self.engine = open_starter(checkpoint)
        self.front_end = spectrogram()

    def some(self, items: Sequence[Item]) -> Sequence[Item]:
        """Every `every`th of the items."""
        return items[:: self.every]

    def sound(self, text: str, seed: int, seconds: float = 1.6, steps: int = 0) -> Wave:
        """The waveform as the daemon would pass it to the shaper. `steps`: 0 for the usual ones."""
        return first_take(self.engine, Prompt(text, text, seconds, seed, negative=NEGATIVE, steps=steps or self.steps))

    def finished(self, noun: str, note: str, seed: int, seconds: float = 2.0) -> Wave:
        """The waveform of a sound at a note as it comes into the sample folder, at 44.1 kHz."""
        prompt = Prompt(noun, noun, seconds, seed, negative=NEGATIVE, steps=self.steps, note=note)
        return self.shaped(first_take(self.engine, prompt), prompt)

    def shaped(self, wave: Wave, prompt: Prompt) -> Wave:
        """What the shaper makes of a waveform: tuned, its beats on the grid, trimmed; at 44.1 kHz."""
        clip = make(wave[:, None], self.engine.abilities.sample_rate, prompt)
        return np.asarray(soxr.resample(clip.samples[:, 0], OUTPUT_RATE, SAMPLE_RATE), np.float32)

    def preset(self, preset: Preset) -> Wave:
        """The waveform of a preset's example, with its length, steps and guidance."""
        ask = Ask(preset.example, seed=77)
        prompt = self.engine.abilities.settled(resolve(ask, preset), preferences(ask, preset))
        return first_take(self.engine, prompt)

    @torch.no_grad()
    def mel(self, wave: Wave) -> torch.Tensor:
        """The spectrogram (1, frames, bands) as in training, with the leading silence that the vocoder cuts off."""
        lead_in = np.zeros(self.front_end.config.lead_in_samples, np.float32)
        return self.front_end.mel(torch.from_numpy(np.concatenate([lead_in, at_peak(wave)]))[None])

    @torch.no_grad()
    def recognised(self, wave: Wave) -> str:
        """The name of the sound that the classifier hears."""
        return NAMES[int(self.classifier(self.mel(wave)).argmax())]

    @torch.no_grad()
    def confidence(self, wave: Wave, name: str) -> float:
        """How sure the classifier is that it hears this sound, 0 to 1."""
        return float(self.classifier(self.mel(wave))[0].softmax(0)[NAMES.index(name)])


def open_starter(checkpoint: str) -> AudioLDM2:
    """A checkpoint ("starter" or a folder), loaded on the CPU, with the networks that the daemon uses: until they are converted, which
    happens once, others would be judged."""
    engine = open_engine(EngineConfig(model=checkpoint, compute="cpu"))
    assert isinstance(engine, AudioLDM2)
    engine.load(lambda done, total, what: None)
    for _ in engine.improve(lambda done, total, what: None, lambda: False):
        time.sleep(PAUSE_S)
    return engine


def first_take(engine: AudioLDM2, prompt: Prompt) -> Wave:
    """The samples of the first take of a prompt."""
    piece = next(iter(engine.generate(prompt, lambda step, of: None)))
    return np.frombuffer(piece.samples, dtype="<f4")
