"""The parts of a loaded AudioLDM 2 checkpoint. They are named as in diffusers' AudioLDM2Pipeline, whose import would take longer
than that of all parts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class Pipeline:
    """The parts of a checkpoint on its compute, in `dtype`. `text_encoder`: CLAP; `text_encoder_2`: T5, or VITS of a speech
    checkpoint, each with its tokenizer; `feature_extractor`: None if nothing is ranked. `unet_config`: the settings of the UNet,
    which `load_unet` reads; raises NoModel. `keeps_time`: it takes a clock beside the latents, see clock.py. `few_steps`: the
    steps of a second UNet without guidance, which `load_few` reads; 0 without one."""

    vae: Any
    text_encoder: Any
    text_encoder_2: Any
    projection_model: Any
    language_model: Any
    tokenizer: Any
    tokenizer_2: Any
    feature_extractor: Any
    vocoder: Any
    scheduler: Any
    dtype: torch.dtype
    unet_config: dict[str, Any]
    load_unet: Callable[[], Any]
    keeps_time: bool = False
    few_steps: int = 0
    load_few: Callable[[], Any] | None = None

    @functools.cached_property
    def unet(self) -> Any:
        """The UNet, which is read when it is first used: a converted network does without."""
        return self.load_unet()

    @functools.cached_property
    def few(self) -> Any:
        """The second UNet, read when it is first used, or None."""
        return None if self.load_few is None else self.load_few()

    def merge_into_unets(self, merge: Callable[[Any], None]) -> None:
        """Change each UNet when it is read. The one for few steps was distilled from the other, and is changed alike."""

        def changed(read: Callable[[], Any]) -> Callable[[], Any]:
            def changed_unet() -> Any:
                unet = read()
                merge(unet)
                return unet

            return changed_unet

        self.forget_unet()
        self.load_unet = changed(self.load_unet)
        self.load_few = None if self.load_few is None else changed(self.load_few)

    def read_unets(self) -> tuple[Any, Any]:
        """Both UNets, read again; None without a second one. Raises NoModel."""
        return self.load_unet(), None if self.load_few is None else self.load_few()

    def forget_unet(self) -> None:
        """Free the UNets; they are read again if they are used again."""
        for name in ("unet", "few"):
            self.__dict__.pop(name, None)

    @property
    def vae_scale_factor(self) -> int:
        """Bands, and frames, of the spectrogram for each of the latents'."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    def continued(self, states: torch.Tensor, mask: torch.Tensor, tokens: int) -> torch.Tensor:
        """The `tokens` states (batch, tokens, width) with which GPT-2 continues states (batch, length, width), of which the mask
        (batch, length) says which count. As AudioLDM2Pipeline.generate_language_model, without the logits."""
        gpt2 = self.language_model.transformer
        # transformers 5.24 has renamed it.
        name = "cache" if "cache" in inspect.signature(gpt2.forward).parameters else "past_key_values"
        cache, new, fed = None, [], states
        for _ in range(tokens):
            output = gpt2(inputs_embeds=fed, attention_mask=mask, use_cache=True, **{name: cache})
            cache, fed = output[name], output.last_hidden_state[:, -1:]
            new.append(fed)
            mask = torch.cat([mask, mask.new_ones((mask.shape[0], 1))], dim=1)
        return torch.cat(new, dim=1)
