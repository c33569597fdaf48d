"""The engine of Stable Audio Open 1.0. Its pipeline's own audio-to-audio does nothing (diffusers #10861), so it takes no sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderOobleck,
    EDMDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from transformers import T5EncoderModel

from bridge.checkpoints.reading import scheduler_config
from bridge.domain.clip import Prompt
from bridge.engine.oobleck import WindowedOobleck
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.engine.pipeline_steps import PipelineSteps
from bridge.engine.source_sound import SourceSound


class StableAudioOpen(PipelineRunner):
    """Holds a Stable Audio Open checkpoint."""

    CLASSES: ClassVar[dict[str, Any]] = {
        "vae": AutoencoderOobleck,
        "text_encoder": T5EncoderModel,
        "projection_model": StableAudioProjectionModel,
        "transformer": StableAudioDiTModel,
    }

    def scheduler(self, folder: Path) -> Any:
        """The solver of an ordinary differential equation with the checkpoint's noise levels. The published one is stochastic, and needs
        the package torchsde, with which takes would not equal the same seeds alone."""
        return EDMDPMSolverMultistepScheduler.from_config(scheduler_config(folder))

    def assemble(self, parts: dict[str, Any]) -> None:
        """See PipelineRunner."""
        self._vae = WindowedOobleck(parts["vae"])
        self._pipeline = StableAudioPipeline(**{**parts, "vae": self._vae})
        self._pipeline.set_progress_bar_config(disable=True)
        self._length = int(parts["transformer"].config.sample_size)
        self.hop, self.width = self._vae.windowed.hop, int(parts["transformer"].config.in_channels)

    def latents(self, seconds: float) -> int:
        """See PipelineRunner. A clip of any length has all of them."""
        return self._length

    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        sound: SourceSound | None,
        steps: PipelineSteps,
    ) -> torch.Tensor:
        """See PipelineRunner. Its solver draws no random numbers."""
        made: torch.Tensor = self._pipeline(
            prompt.full_text,
            negative_prompt=prompt.negative or "" if prompt.evaluations > 1 else None,
            audio_end_in_s=prompt.seconds,
            num_inference_steps=prompt.units,
            guidance_scale=prompt.guidance or 1.0,
            num_waveforms_per_prompt=prompt.takes,
            latents=noise.transpose(1, 2).to(self._pipeline.transformer.dtype),
            callback=lambda index, timestep, _latents: steps(None, index, timestep, {}),
            output_type="latent",
        ).audios
        return made

    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """See PipelineRunner."""
        return (samples[0] for samples in self._vae.windowed.decoded(latents.float()))

    def tokens_cut(self, prompt: Prompt) -> int:
        """See PipelineRunner."""
        tokenizer = self._pipeline.tokenizer
        return max(0, len(tokenizer(prompt.full_text).input_ids) - int(tokenizer.model_max_length))
