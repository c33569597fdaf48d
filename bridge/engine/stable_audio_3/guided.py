"""Guidance for every pipeline of Stable Audio 3. diffusers has it in the pipeline for text only, so a base checkpoint could not vary,
continue or fill a sound as it makes one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch


class Text(NamedTuple):
    """`states` (1, tokens, width) and `mask` (1, tokens) of an encoded text."""

    states: torch.Tensor
    mask: torch.Tensor


class Guided:
    """Stands in for a StableAudio3DiTModel in pipelines."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._strength, self._away = 1.0, None  # type: float, Text | None

    @contextlib.contextmanager
    def by(self, strength: float | None, away: Text | None) -> Iterator[None]:
        """Within this, predictions go from the text `away` towards that of the pipeline; without a text as they are."""
        self._strength, self._away = strength or 1.0, away
        try:
            yield
        finally:
            self._strength, self._away = 1.0, None

    def __call__(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        *,
        encoder_hidden_states: torch.Tensor,
        encoder_attention_mask: torch.Tensor,
        global_hidden_states: torch.Tensor,
        local_add_cond: torch.Tensor | None = None,
        return_dict: bool = False,
    ) -> tuple[torch.Tensor]:
        """The velocity, as the network's `forward` returns it."""
        more = {} if local_add_cond is None else {"local_add_cond": local_add_cond}
        if self._away is None:
            predicted = self._network(
                latents, timestep, encoder_hidden_states=encoder_hidden_states,
                encoder_attention_mask=encoder_attention_mask, global_hidden_states=global_hidden_states,
                return_dict=False, **more,
            )  # fmt: skip
            return (predicted[0],)
        takes, tokens = len(latents), self._away.states.shape[1]
        # Behind its tokens, each text has one for the length of the clip.
        states = torch.cat([self._away.states.expand(takes, -1, -1), encoder_hidden_states[:, tokens:]], dim=1)
        mask = torch.cat([self._away.mask.expand(takes, -1), encoder_attention_mask[:, tokens:]], dim=1)
        both = self._network(
            torch.cat([latents] * 2), torch.cat([timestep] * 2),
            encoder_hidden_states=torch.cat([states, encoder_hidden_states]),
            encoder_attention_mask=torch.cat([mask, encoder_attention_mask]),
            global_hidden_states=torch.cat([global_hidden_states] * 2),
            return_dict=False, **{name: torch.cat([value] * 2) for name, value in more.items()},
        )  # fmt: skip
        away, towards = both[0].chunk(2)
        return (away + self._strength * (towards - away),)
