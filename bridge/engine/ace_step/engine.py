"""The engine of ACE-Step 1.5: its tasks text2music, repaint (continue, fill) and cover (vary)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from diffusers import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
    AceStepPipeline,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
)
from transformers import Qwen3Model

from bridge.domain.clip import Prompt
from bridge.engine.ace_step.wording import caption, facts_of, lyrics_of
from bridge.engine.oobleck import WindowedOobleck
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.engine.pipeline_steps import PipelineSteps
from bridge.engine.source_sound import SourceSound

MOST_TOKENS = 256  # of the text, as in the pipeline
SHIFT = 3.0  # of the schedule, as in the pipeline
TRAINED_FROM_S = 10.0


class AceStep(PipelineRunner):
    """Holds an ACE-Step 1.5 checkpoint."""

    CLASSES: ClassVar[dict[str, Any]] = {
        "vae": AutoencoderOobleck,
        "text_encoder": Qwen3Model,
        "condition_encoder": AceStepConditionEncoder,
        "transformer": AceStepTransformer1DModel,
        "audio_tokenizer": AceStepAudioTokenizer,
        "audio_token_detokenizer": AceStepAudioTokenDetokenizer,
    }

    # As ACE-Step's own training names them.
    LORA_NAMES: ClassVar[dict[str, str]] = {
        "q_proj": "to_q",
        "k_proj": "to_k",
        "v_proj": "to_v",
        "o_proj": "to_out.0",
    }

    def assemble(self, parts: dict[str, Any]) -> None:
        """See PipelineRunner."""
        self._vae = WindowedOobleck(parts["vae"])
        self._pipeline = AceStepPipeline(**{**parts, "vae": self._vae})
        self._pipeline.set_progress_bar_config(disable=True)
        self.hop, self.width = self._vae.windowed.hop, int(parts["transformer"].config.audio_acoustic_hidden_dim)

    def latents(self, seconds: float) -> int:
        """See PipelineRunner."""
        return max(1, math.ceil(seconds * self._pipeline.latents_per_second))

    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        sound: SourceSound | None,
        steps: PipelineSteps,
    ) -> torch.Tensor:
        """See PipelineRunner. Its solver draws no random numbers."""
        how: dict[str, Any] = {
            "prompt": [caption(self._pipeline, prompt, MOST_TOKENS)[0]] * prompt.takes,
            "lyrics": [lyrics_of(prompt)] * prompt.takes,
            "audio_duration": prompt.seconds,
            "num_inference_steps": prompt.units,
            "guidance_scale": prompt.guidance or 1.0,
            "shift": SHIFT,
            "latents": noise,
            "callback_on_step_end": steps,
            "output_type": "latent",
            "return_dict": False,
            **facts_of(prompt),
        }
        if sound is not None and (sound.source.how != "vary" or sound.source.schedule_share < 1):
            how |= self._from(sound, noise, prompt.units)
        made: torch.Tensor = self._pipeline(**how)[0]
        return made.transpose(1, 2)

    def _from(self, sound: SourceSound, noise: torch.Tensor, steps: int) -> dict[str, Any]:
        """The arguments by which a clip starts from a source, or keeps a part of it."""
        length = noise.shape[1]
        audio = torch.from_numpy(sound.of_length(length * self.hop)).to(self.device)
        if sound.source.how == "vary":
            levels = torch.linspace(sound.source.schedule_share, 0.0, steps + 1)[:-1]
            levels = SHIFT * levels / (1 + (SHIFT - 1) * levels)  # as in the pipeline
            latents = self._vae.windowed.encoded(audio[None]).transpose(1, 2)
            start = torch.lerp(latents.expand_as(noise), noise, float(levels[0]))
            return {"task_type": "cover", "src_audio": audio, "latents": start, "timesteps": levels.tolist()}
        new = sound.unknown(length, self.hop)
        # In the middle of a latent: the pipeline rounds down.
        begin_s, end_s = ((latent + 0.5) * self.hop / sound.rate for latent in (new.start, new.stop))
        return {"task_type": "repaint", "src_audio": audio, "repainting_start": begin_s, "repainting_end": end_s}

    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """See PipelineRunner. Not brought to −1 dBFS, as in the pipeline: the level of a source would be lost."""
        return (samples[0] for samples in self._vae.windowed.decoded(latents.float()))

    def tokens_cut(self, prompt: Prompt) -> int:
        """See PipelineRunner."""
        return caption(self._pipeline, prompt, MOST_TOKENS)[1]

    def shortcomings(self, prompt: Prompt) -> list[str]:
        """See PipelineRunner."""
        is_short = prompt.seconds < TRAINED_FROM_S
        short = f"ACE-Step 1.5 was trained on at least {TRAINED_FROM_S:g} seconds: a shorter clip may be worse"
        return [*super().shortcomings(prompt), *([short] if is_short else [])]
