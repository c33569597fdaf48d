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
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bridge import portable
from bridge.engine.denoising import Network

log = logging.getLogger("clipbridge")

# Above that a step is long and Python's share of it is not: tracing would only hold the weights twice.
MOST_TRACED_PARAMETERS = 100_000_000
KEPT_TRACES = 4
TRYING = ".trying"
AGREES_WITHIN = 1e-4  # of the largest value; equal in fact, on the machine that made it


class Eager(torch.nn.Module):
    """The UNet with its inputs in one row, as a Network."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self, latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        predicted: torch.Tensor = self.unet(
            latents,
            timestep,
            encoder_hidden_states=gpt2,
            encoder_hidden_states_1=t5,
            encoder_attention_mask_1=mask,
            return_dict=False,
        )[0]
        return predicted


Example = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Opened(NamedTuple):
    """`way`: how the network runs now; `shortcoming`: a sentence, if it is not the way that was asked for."""

    network: Network
    way: str
    shortcoming: str = ""


def open_network(
    asked: str, compute: str, unet: Any, example: Callable[[], Example], folder: Path, name: str
) -> Opened:
    """The UNet as a Network, ready. `asked`: `trace`, `off`, or `auto`: traced where that was measured to be faster. Where
    tracing fails, the network runs as it is. `example`: makes inputs of a batch of two. `folder`, `name`: see `traced`."""
    small = sum(weights.numel() for weights in unet.parameters()) < MOST_TRACED_PARAMETERS
    way = ("trace" if compute == "cpu" and small else "off") if asked == "auto" else asked
    try:
        if way == "trace":
            return Opened(traced(unet, example(), folder, name), way)
    except Exception as error:  # TorchScript raises anything; it is told, and we go on without
        log.info("engine.compile %s failed", way, exc_info=error)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        without = f"engine.compile = {way} does not work here, so the network runs without ({reason})"
        return Opened(Eager(unet).eval(), "off", without)
    return Opened(Eager(unet).eval(), "off")


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
    if not _agrees(_unoptimised(made), example, answer):
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
        if _agrees(found, example, answer):
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


@torch.no_grad()
def _agrees(network: Network, example: Example, answer: torch.Tensor) -> bool:
    difference = (network(*example) - answer).abs().max()
    return bool(difference <= AGREES_WITHIN * answer.abs().max())


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
