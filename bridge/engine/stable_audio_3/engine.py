"""The engine of Stable Audio 3: one load, and three pipelines of diffusers over the same parts."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderSAME,
    FlowMatchEulerDiscreteScheduler,
    StableAudio3AudioToAudioPipeline,
    StableAudio3DiTModel,
    StableAudio3InpaintPipeline,
    StableAudio3Pipeline,
)
from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder
from transformers import T5GemmaEncoderModel

from bridge.checkpoints.reading import class_of
from bridge.checkpoints.stable_audio_3 import OLD_SCHEDULERS
from bridge.domain.clip import Prompt
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.engine.pipeline_steps import PipelineSteps
from bridge.engine.runtime.threads import one_thread
from bridge.engine.source_sound import SourceSound
from bridge.engine.stable_audio_3.autoencoder import WindowedSame
from bridge.engine.stable_audio_3.guided import Guided, Text

MOST_TOKENS = 256  # as in the pipelines
REMEMBERED_TEXTS = 64


class StableAudio3(PipelineRunner):
    """Holds a Stable Audio 3 checkpoint."""

    CLASSES: ClassVar[dict[str, Any]] = {
        "vae": AutoencoderSAME,
        "text_encoder": T5GemmaEncoderModel,
        "duration_embedder": StableAudio3DurationEmbedder,
        "transformer": StableAudio3DiTModel,
    }

    def scheduler(self, folder: Path) -> Any:
        """The scheduler of a checkpoint. Early converters named two classes that no release of diffusers has."""
        name = class_of(folder, "scheduler")
        if name not in OLD_SCHEDULERS:
            return super().scheduler(folder)
        return FlowMatchEulerDiscreteScheduler(
            num_train_timesteps=1, shift=1.0, stochastic_sampling=OLD_SCHEDULERS[name]
        )

    def assemble(self, parts: dict[str, Any]) -> None:
        """See PipelineRunner."""
        self._same, self._network = WindowedSame(parts["vae"]), Guided(parts["transformer"])
        shared = {**parts, "vae": self._same, "transformer": self._network}
        self._from_text = StableAudio3Pipeline(**shared)
        self._varying = StableAudio3AudioToAudioPipeline(**shared)
        self._inpainting = StableAudio3InpaintPipeline(**shared)
        for pipeline in (self._from_text, self._varying, self._inpainting):
            pipeline.set_progress_bar_config(disable=True)
        self.hop, self.width = self._same.windowed.hop, int(self._same.config.latent_dim)
        self._encoded = functools.lru_cache(REMEMBERED_TEXTS)(self._encode)

    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        sound: SourceSound | None,
        steps: PipelineSteps,
    ) -> torch.Tensor:
        """See PipelineRunner. The random numbers of a take also renoise a distilled checkpoint's latents after each step."""
        text = self._encoded(prompt.full_text)
        away = self._encoded(prompt.negative or "") if prompt.evaluations > 1 else None
        length, share = noise.shape[1], 1.0 if sound is None else sound.source.schedule_share
        how: dict[str, Any] = {
            "duration": prompt.seconds,
            "num_inference_steps": prompt.units,
            "num_waveforms_per_prompt": prompt.takes,
            "generator": generators,
            "latents": noise.transpose(1, 2).to(text.states.dtype),
            "prompt_embeds": text.states,
            "encoder_attention_mask": text.mask,
            "callback_on_step_end": steps,
            "output_type": "latent",
            "return_dict": False,
        }
        with self._network.by(prompt.guidance, away):
            if sound is None or (sound.source.how == "vary" and share >= 1):  # nothing of the source is left
                latents = self._from_text(**how)[0]
            else:
                audio = torch.from_numpy(sound.of_length(length * self.hop))[None].to(self.device)
                if sound.source.how == "vary":
                    latents = self._varying(audio=audio, init_noise_level=share, **how)[0]
                else:
                    kept = torch.ones(1, 1, length)
                    kept[..., sound.unknown(length, self.hop)] = 0
                    latents = self._inpainting(audio=audio, mask=kept, **how)[0]
        return latents

    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """See PipelineRunner. Not limited to full scale, as in the pipelines: that would hide clipping, and the shaper sets the level."""
        return (samples[0] for samples in self._same.windowed.decoded(latents.float()))

    def tokens_cut(self, prompt: Prompt) -> int:
        """See PipelineRunner."""
        return max(0, len(self._from_text.tokenizer(prompt.full_text).input_ids) - MOST_TOKENS)

    @one_thread()
    @torch.no_grad()
    def _encode(self, text: str) -> Text:
        return Text(*self._from_text.encode_prompt(text, torch.device(self.device), 1))
