"""Which compute there is: cuda, mps or cpu."""

from __future__ import annotations

import torch

from bridge.errors import NoModel


def choose_compute(requested: str) -> str:
    """`requested`, or the fastest one for "auto". Raises NoModel if it is not available."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if requested == "auto":
        return next(name for name, usable in available.items() if usable)
    if not available[requested]:
        raise NoModel(
            f"--compute {requested}: this torch ({torch.__version__}) finds no {requested} here; there is: "
            f"{', '.join(name for name, usable in available.items() if usable)}."
        )
    return requested
