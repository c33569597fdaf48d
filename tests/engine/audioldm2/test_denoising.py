"""The denoising loop: guidance where it helps, and the same as the stock pipeline's whichever scheduler runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler

from bridge.engine.audioldm2.denoising import Denoiser
from bridge.engine.audioldm2.text import Embeddings


def text(value: float, tokens: int) -> Embeddings:
    return Embeddings(
        torch.full((1, tokens, 4), value), torch.ones((1, tokens), dtype=torch.int64), torch.full((1, 8, 4), value), 0
    )


def run(scheduler: object, guided_above: float, guidance: float | None) -> tuple[list[int], list[tuple[int, int]]]:
    """The batch sizes that the network saw, and the steps that were told."""
    seen: list[int] = []
    told: list[tuple[int, int]] = []

    def network(
        latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        assert len(latents) == len(gpt2) == len(t5) == len(mask) and t5.shape[1] == mask.shape[1]
        seen.append(len(latents))
        return 0.1 * latents * gpt2[:, :1, :1, None].clamp(0, 1)

    denoiser = Denoiser(SimpleNamespace(scheduler=scheduler), network, "cpu", guided_above)
    unwanted = None if guidance is None else text(0.5, 9)
    generators = [torch.Generator().manual_seed(n) for n in (1, 2)]
    latents = denoiser.run(
        torch.ones(2, 8, 4, 16), text(1.0, 3), unwanted, 6, guidance or 1.0, generators, lambda *at: told.append(at)
    )
    assert latents.shape == (2, 8, 4, 16) and torch.isfinite(latents).all()
    return seen, told


def test_guidance_ends_where_the_sound_is_louder_than_the_noise_and_a_step_then_costs_half() -> None:
    seen, _ = run(DPMSolverMultistepScheduler(), 1.0, 3.5)
    assert seen == sorted(seen, reverse=True) and set(seen) == {2, 4}
    assert set(run(DPMSolverMultistepScheduler(), 0.0, 3.5)[0]) == {4}
    assert set(run(DPMSolverMultistepScheduler(), 1.0, None)[0]) == {2}


@pytest.mark.parametrize(
    "scheduler", [DPMSolverMultistepScheduler, DDIMScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler]
)
def test_with_every_kind_of_scheduler_the_steps_are_told_in_order_up_to_the_last(scheduler: type) -> None:
    seen, told = run(scheduler(), 0.0, 3.5)
    steps = [step for step, of in told]
    assert steps == sorted(steps) and steps[-1] == 6 and {of for _, of in told} == {6} and len(seen) == len(told)
