"""The denoising loop: guidance only where it helps, with any scheduler."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler

from bridge.engine.audioldm2.denoising import Denoiser
from bridge.engine.audioldm2.text import Embeddings
from bridge.engine.runtime.network import Network
from bridge.starter import train_few
from bridge.starter.train_unet import make_scheduler


def text(value: float, tokens: int) -> Embeddings:
    return Embeddings(
        torch.full((1, tokens, 4), value), torch.ones((1, tokens), dtype=torch.int64), torch.full((1, 8, 4), value), 0
    )


def run(scheduler: object, guided_above: float, guidance: float | None) -> tuple[list[int], list[tuple[int, int]]]:
    """The batch sizes of the network's calls, and the reported steps."""
    batches: list[int] = []
    steps: list[tuple[int, int]] = []

    def network(
        latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        assert len(latents) == len(gpt2) == len(t5) == len(mask) and t5.shape[1] == mask.shape[1]
        batches.append(len(latents))
        return 0.1 * latents * gpt2[:, :1, :1, None].clamp(0, 1)

    denoiser = Denoiser(SimpleNamespace(scheduler=scheduler, keeps_time=False), network, "cpu", guided_above)
    unwanted = None if guidance is None else text(0.5, 9)
    generators = [torch.Generator().manual_seed(n) for n in (1, 2)]
    latents = denoiser.run(
        torch.ones(2, 8, 4, 16), text(1.0, 3), unwanted, 6, guidance or 1.0, generators, lambda *at: steps.append(at)
    )
    assert latents.shape == (2, 8, 4, 16) and torch.isfinite(latents).all()
    return batches, steps


def test_guidance_ends_when_the_sound_is_louder_than_the_noise_and_halves_the_batch() -> None:
    batches, _ = run(DPMSolverMultistepScheduler(), 1.0, 3.5)
    assert batches == sorted(batches, reverse=True) and set(batches) == {2, 4}
    assert set(run(DPMSolverMultistepScheduler(), 0.0, 3.5)[0]) == {4}
    assert set(run(DPMSolverMultistepScheduler(), 1.0, None)[0]) == {2}


@pytest.mark.parametrize(
    "scheduler", [DPMSolverMultistepScheduler, DDIMScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler]
)
def test_with_any_scheduler_the_steps_are_reported_in_order_up_to_the_last(scheduler: type) -> None:
    batches, steps = run(scheduler(), 0.0, 3.5)
    done = [step for step, _ in steps]
    assert done == sorted(done) and done[-1] == 6 and {of for _, of in steps} == {6} and len(batches) == len(steps)


@pytest.mark.parametrize(
    ("steps", "guided", "scheduler", "used"),
    [
        (5, False, DPMSolverMultistepScheduler, "few"),
        (5, False, DDIMScheduler, "few"),
        (5, True, DPMSolverMultistepScheduler, "usual"),
        (6, False, DPMSolverMultistepScheduler, "usual"),
    ],
)
def test_the_network_for_few_steps_runs_when_they_are_asked_for_without_guidance(
    steps: int, guided: bool, scheduler: type, used: str
) -> None:
    calls: list[str] = []

    def network(name: str) -> Network:
        def run(latents: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
            calls.append(name)
            return 0.1 * latents

        return run

    pipe = SimpleNamespace(scheduler=scheduler(), keeps_time=False, few_steps=5)
    denoiser = Denoiser(pipe, network("usual"), "cpu", 0.0, network("few"))
    generators, negative = [torch.Generator().manual_seed(1)], text(0.5, 3) if guided else None
    denoiser.run(torch.ones(1, 8, 4, 16), text(1.0, 3), negative, steps, 3.5, generators, lambda *at: None)
    assert {*calls} == {used} and len(calls) == steps


def test_each_of_few_steps_goes_straight_to_the_next() -> None:
    """As it was trained: DDIM from one of its times to the next."""
    scheduler = make_scheduler()
    pipe = SimpleNamespace(scheduler=scheduler, keeps_time=False, few_steps=5)
    seen: list[torch.Tensor] = []

    def few(latents: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        seen.append(latents)
        return 0.3 * latents + 0.2

    noise = torch.randn(1, 2, 4, 8, generator=torch.Generator().manual_seed(1))
    made = Denoiser(pipe, few, "cpu", 1.0, few).run(
        noise, text(1.0, 3), None, 5, 1.0, [torch.Generator()], lambda *at: None
    )
    kept = scheduler.alphas_cumprod
    levels = [(float(kept[t]) ** 0.5, float(1 - kept[t]) ** 0.5) for t in train_few.times(5)] + [(1.0, 0.0)]
    x = noise
    for number in range(5):
        torch.testing.assert_close(seen[number], x, atol=1e-4, rtol=1e-4)
        now, then = (tuple(map(torch.tensor, levels[number + ahead])) for ahead in (0, 1))
        x = train_few.moved(x, 0.3 * x + 0.2, now, then)
    torch.testing.assert_close(made, x, atol=1e-4, rtol=1e-4)
