"""The UNet traced: its operations without the Python between them, which is what a small network mostly waits for.

Tracing needs no compiler, so it works on every musician's machine; it takes a second, once, and is kept. The sound is the
same bit for bit, and one trace serves every length, batch and prompt, so nothing is made on stage. A step of the starter
takes 0.6 of the time, as much as inductor gives, which compiles for one to two minutes a shape (RESULTS.md).
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from bridge.engine.runtime.network import Eager, Example, Network, agrees
from bridge.system import portable

log = logging.getLogger("clipbridge")

KEPT_TRACES = 4
TRYING = ".trying"


def traced(unet: Any, example: Example, folder: Path, name: str) -> Network:
    """The traced UNet, from `folder` if a trace of this checkpoint (`name`) by this torch lies there and gives what the
    UNet gives for `example` (a batch of two, or one would be taken for granted), else made anew and kept. Raises what
    torch raises where it cannot trace."""
    eager = Eager(unet).eval()
    with torch.no_grad():
        answer = eager(*example)
    key = hashlib.sha256(f"{name} {torch.__version__} {unet.device} {unet.dtype}".encode()).hexdigest()[:16]
    file = folder / f"{key}.pt"
    if (found := _kept(file, example, answer, unet.device)) is not None:
        return found
    with warnings.catch_warnings(), torch.no_grad():
        # Deprecated in favour of torch.export, whose modules are Python again; and complaints about branches that
        # depend on shapes: the tests show that they are taken alike for all.
        warnings.simplefilter("ignore")
        made = torch.jit.freeze(torch.jit.trace(eager, example, check_trace=False))
    if not agrees(_unoptimised(made), example, answer):
        raise RuntimeError("the traced network gives something else than the network")
    _keep(made, file)
    return _unoptimised(made)


def _kept(file: Path, example: Example, answer: torch.Tensor, where: torch.device) -> Network | None:
    """The trace in `file`, if it is one and gives the answer. It has another name while it is tried: one that ends this
    process, or never comes back, is not tried again."""
    trying = file.with_suffix(TRYING)
    try:
        portable.replace(file, trying)
        found = _unoptimised(torch.jit.load(str(trying), map_location=where))
        if agrees(found, example, answer):
            portable.replace(trying, file)
            return found
        log.info("%s does not give what the checkpoint gives: it is made anew", file)
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 - a damaged file raises anything
        log.info("%s cannot be used, it is made anew: %s", file, error)
    return None


def _unoptimised(module: Any) -> Network:
    """TorchScript's optimiser looks at the first two runs of each kind for 0.2 s each, and then gains nothing here."""

    def network(*given: torch.Tensor) -> torch.Tensor:
        with torch.jit.optimized_execution(False):
            predicted: torch.Tensor = module(*given)
        return predicted

    return network


def _keep(module: Any, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as place:
            whole = Path(place) / file.name
            torch.jit.save(module, str(whole))
            portable.replace(whole, file)
        for tried in file.parent.glob(f"*{TRYING}"):
            if tried.is_file():
                tried.unlink()
        for old in sorted(file.parent.glob("*.pt"), key=lambda kept: kept.stat().st_mtime)[:-KEPT_TRACES]:
            old.unlink()
    except (OSError, RuntimeError) as error:  # a full disk: the next start traces again
        log.info("the trace could not be kept: %s", error)
