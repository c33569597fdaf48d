"""Denoising that starts from a sound or keeps a part of one, with every scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from bridge.engine.audioldm2.denoising import Denoiser
from bridge.engine.audioldm2.loading import UNFIT_SCHEDULERS, make_scheduler
from bridge.engine.audioldm2.starting import Kept, Start
from bridge.engine.audioldm2.text import Embeddings

DDIM = DDIMScheduler(
    beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False
)
NAMES = sorted(
    {cls.__name__ for cls in DDIM.compatibles if "requires" not in str(cls)}
    - UNFIT_SCHEDULERS
    - {"LMSDiscreteScheduler"}
)
TEXT = Embeddings(torch.ones(1, 3, 4), torch.ones((1, 3), dtype=torch.int64), torch.ones(1, 8, 4), 0)
SOUND = torch.randn((1, 8, 6, 16), generator=torch.Generator().manual_seed(1))
LEFT_OVER = 0.2  # some schedulers end at their least noise, 4 % of the signal, instead of at none

Network = Callable[..., torch.Tensor]


def schedulers(kind: str, spacing: str = "trailing", **more: object) -> Iterator[tuple[str, Any]]:
    for name in NAMES:
        scheduler = make_scheduler(
            DDIM, {"timestep_spacing": spacing, "steps_offset": 1, "prediction_type": kind}, name
        )
        yield name, type(scheduler).from_config(scheduler.config, **more)


def perfect(kind: str, sound: torch.Tensor = SOUND) -> Network:
    """A network that knows the sound."""

    def network(latents: torch.Tensor, timestep: torch.Tensor, *text: torch.Tensor) -> torch.Tensor:
        below, part = int(timestep), float(timestep) % 1
        level = ((1 - DDIM.alphas_cumprod) / DDIM.alphas_cumprod).sqrt()
        noise_to_signal = level[below] + part * (level[min(below + 1, 999)] - level[below])
        signal = 1 / (1 + noise_to_signal**2).sqrt()
        noise = (latents - signal * sound) / (signal * noise_to_signal)
        return noise if kind == "epsilon" else signal * noise - signal * noise_to_signal * sound

    return network


def run(
    scheduler: Any, network: Network, steps: int = 20, **more: Any
) -> tuple[torch.Tensor, list[tuple[int, int]], list[float]]:
    """The latents, the reported steps, and the timesteps at which the network ran."""
    reported: list[tuple[int, int]] = []
    places: list[float] = []

    def watched(latents: torch.Tensor, timestep: torch.Tensor, *text: torch.Tensor) -> torch.Tensor:
        places.append(float(timestep))
        return network(latents, timestep, *text)

    noise = torch.randn((2, 8, 6, 16), generator=torch.Generator().manual_seed(2))
    generators = [torch.Generator().manual_seed(n) for n in (1, 2)]
    denoiser = Denoiser(SimpleNamespace(scheduler=scheduler, keeps_time=False), watched, "cpu", 0.0)
    latents = denoiser.run(noise, TEXT, None, steps, 1.0, generators, lambda *at: reported.append(at), None, **more)
    return latents, reported, places


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_with_every_scheduler_a_network_that_knows_the_sound_ends_at_it_from_any_start(kind: str) -> None:
    assert len(NAMES) >= 11
    for share, steps in ((0.7, 14), (0.3, 6), (0.05, 1)):
        for name, scheduler in schedulers(kind):
            latents, reported, places = run(scheduler, perfect(kind), start=Start(SOUND, share, steps))
            assert (latents - SOUND).abs().max() < LEFT_OVER, (name, share)
            assert reported[-1] == (steps, steps) and places[0] < 999 * share + 60, (name, share)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_with_every_scheduler_kept_rows_end_at_their_sound_and_the_others_do_not(kind: str) -> None:
    mask = torch.tensor([1.0, 1.0, 0.5, 0.0, 0.0, 0.0])[None, None, :, None]
    for karras in (False, True):
        for name, scheduler in schedulers(kind, use_karras_sigmas=karras):
            made, _, _ = run(scheduler, lambda latents, *rest: 0.1 * latents, kept=Kept(SOUND, mask))
            assert torch.allclose(made[:, :, :2], SOUND[:, :, :2].expand(2, -1, -1, -1)), name
            assert (made[:, :, 3:] - SOUND[:, :, 3:]).abs().mean() > 0.3, name


def test_before_the_last_lerp_the_kept_rows_are_already_where_a_solver_without_left_over_noise_ends() -> None:
    seen: list[torch.Tensor] = []
    _, scheduler = next(at for at in schedulers("v_prediction") if at[0] == "DPMSolverMultistepScheduler")
    step = scheduler.step

    def watched(*given: Any, **more: Any) -> Any:
        stepped = step(*given, **more)
        seen.append(stepped[0])
        return stepped

    scheduler.step = watched
    run(scheduler, lambda latents, *rest: 0.1 * latents, kept=Kept(SOUND, torch.ones(1, 1, 6, 1)))
    assert (seen[-1] - SOUND).abs().max() < 1e-5


def test_the_noise_level_of_a_start_does_not_depend_on_the_number_of_steps() -> None:
    for spacing in ("trailing", "leading"):
        for name, scheduler in schedulers("epsilon", spacing):
            if name.startswith(("DPMSolver", "Euler", "Heun", "DDPM")) and "Ancestral" not in name:
                places = [
                    run(scheduler, perfect("epsilon"), n, start=Start(SOUND, 0.6, round(0.6 * n)))[2]
                    for n in (50, 20, 5)
                ]
                assert {round(at[0] / 6) for at in places} == {100}, (name, spacing)
                assert all(at == sorted(at, reverse=True) for at in places), name


def test_a_start_below_the_last_step_of_a_short_schedule_is_not_raised_to_it() -> None:
    _, scheduler = next(at for at in schedulers("v_prediction") if at[0] == "DPMSolverMultistepScheduler")
    latents, _, places = run(scheduler, perfect("v_prediction"), 5, start=Start(SOUND, 0.1, 1))
    assert places == [100.0]
    assert (latents - SOUND).abs().max() < 1e-4


def test_every_scheduler_starts_with_the_noise_of_the_take_at_the_level_of_its_first_step() -> None:
    noise = torch.randn((2, 8, 6, 16), generator=torch.Generator().manual_seed(2))
    for name, scheduler in schedulers("epsilon"):
        first: list[torch.Tensor] = []

        def network(
            latents: torch.Tensor, timestep: torch.Tensor, *text: torch.Tensor, first: list[torch.Tensor] = first
        ) -> torch.Tensor:
            predicted = perfect("epsilon")(latents, timestep)
            first.append(predicted)
            return predicted

        run(scheduler, network, start=Start(SOUND, 0.5, 10))
        assert torch.allclose(first[0], noise, atol=1e-3), name


def test_a_start_from_the_whole_schedule_is_noise_alone() -> None:
    for name, scheduler in schedulers("epsilon"):
        plain = run(scheduler, lambda latents, *rest: 0.1 * latents)[0]
        started = run(scheduler, lambda latents, *rest: 0.1 * latents, start=Start(SOUND, 1.0, 20))[0]
        assert torch.equal(plain, started), name


def test_a_start_leaves_the_next_run_as_it_was() -> None:
    for name, scheduler in schedulers("epsilon"):
        plain = run(scheduler, lambda latents, *rest: 0.1 * latents)[0]
        run(scheduler, perfect("epsilon"), start=Start(SOUND, 0.4, 8))
        assert torch.equal(plain, run(scheduler, lambda latents, *rest: 0.1 * latents)[0]), name
