"""The sounds that a small checkpoint makes of words: how loud they are, and which of them a source resembles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.sources.inpainting import Inpainter
from bridge.engine.audioldm2.sources.method import Stages, Wave

# Which sounds may be meant if no word is known, by whether the source has a pitch and whether it decays. A vocabulary may lack some.
# Noise that swells seems to decay at times.
SOUNDS = {
    (True, False): ("pad", "string", "organ", "lead"),
    (True, True): ("pluck", "mallet", "bell"),
    (False, False): ("wind", "rain", "fire"),
    (False, True): ("wind", "rain", "fire", "crash", "thunder"),
}
# How much a change between two frames of a noise weighs: waves of the sea are nearer to wind than to fire.
FLUCTUATION = 5.0
DEEPEST_DB = 40.0  # below the loudest band; what is softer is not compared
USUAL_S, USUAL_STEPS = 1.2, 10  # of a sound that is made to know such sounds
REMEMBERED = 256  # sounds: of 20 KB each
SILENT = 1e-4  # a peak below this is not raised
LOUDEST = 4.0  # the highest peak to which a sound is raised


@dataclass(frozen=True, slots=True)
class Familiar:
    """`prompt`: settled; its guidance and negative prompt count. `alive` may raise JobCancelled."""

    stages: Stages
    inpainter: Inpainter
    prompt: Prompt
    alive: Callable[[], None]

    def mel(self, text: str) -> torch.Tensor:
        """The spectrogram (frames, bands) of a sound of these words."""
        sounds, stages = self.stages.familiar_sounds, self.stages
        made_with = text, self.prompt.negative, self.prompt.guidance  # or a clip would depend on those before it
        if made_with not in sounds:
            if len(sounds) >= REMEMBERED:
                sounds.clear()
            prompt = replace(
                self.prompt, text=text, full_text=text, seconds=USUAL_S, seed=0, takes=1, steps=USUAL_STEPS
            )
            generators = stages.generators(prompt)
            noise = stages.noise(generators, stages.geometry.rows_for(USUAL_S))
            latents = stages.denoise(prompt, noise, generators, lambda step, steps: self.alive())
            sounds[made_with] = stages.decoder.mel(latents)[0, 0].float()
        return sounds[made_with]

    def gain(self, known: Wave, text: str) -> float:
        """The factor that brings a sound to the level at which the checkpoint makes sounds of these words."""
        peak = float(np.abs(known).max(initial=0.0))
        if peak < SILENT:
            return 1.0
        factor: float = 10 ** ((self.inpainter.loudest(self.mel(text)) - self.inpainter.loudness(known)) / 20)
        return min(factor, LOUDEST / peak)

    def apart(self, wave: Wave, text: str, tonal: bool) -> float:
        """The distance of a sound from one of these words, in dB: of their spectra, and of how much their levels fluctuate."""
        mel, other = self.inpainter.mel(wave), self.mel(text)
        spectra = (self._spectrum(mel) - self._spectrum(other)).abs().mean()
        return float(
            spectra + (1.0 if tonal else FLUCTUATION) * (self._fluctuation(mel) - self._fluctuation(other)).abs()
        )

    def _fluctuation(self, mel: torch.Tensor) -> torch.Tensor:
        """The mean change of the level from frame to frame, in dB."""
        levels = self.inpainter.scale.levels(mel)
        return (levels[1:] - levels[:-1]).abs().mean()

    def _spectrum(self, mel: torch.Tensor) -> torch.Tensor:
        """The mean of the loudest quarter of the frames, (bands,), in dB from the loudest band."""
        levels = self.inpainter.scale.levels(mel)
        loud = mel[levels >= levels.quantile(0.75)].mean(0) * self.inpainter.scale.db
        return (loud - loud.max()).clamp(min=-DEEPEST_DB)
