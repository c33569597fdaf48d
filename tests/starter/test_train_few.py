"""The training of a network that needs few steps."""

from __future__ import annotations

import pytest
import torch

from bridge.starter import train_few
from bridge.starter.train_unet import make_scheduler


def test_a_step_with_the_wanted_velocity_arrives_where_it_was_wanted() -> None:
    torch.manual_seed(0)
    x, arrived = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    now, then = (torch.tensor(0.3), torch.tensor(0.954)), (torch.tensor(0.8), torch.tensor(0.6))
    velocity = train_few.wanted(x, arrived, now, then)
    assert torch.allclose(train_few.moved(x, velocity, now, then), arrived, atol=1e-4)


def test_a_step_with_the_true_velocity_stays_on_its_way() -> None:
    torch.manual_seed(0)
    clean, noise = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 3, 4)
    now, then = (torch.tensor(0.6), torch.tensor(0.8)), (torch.tensor(1.0), torch.tensor(0.0))
    noisy = now[0] * clean + now[1] * noise
    assert torch.allclose(train_few.moved(noisy, now[0] * noise - now[1] * clean, now, then), clean, atol=1e-5)


@pytest.mark.parametrize("count", [train_few.STEPS, train_few.STEPS * train_few.SUBSTEPS])
def test_the_times_are_those_of_the_engine(count: int) -> None:
    scheduler = make_scheduler()
    scheduler.set_timesteps(count)
    assert train_few.times(count) == scheduler.timesteps.tolist()
