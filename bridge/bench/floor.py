"""A yardstick for a clip's time: its arithmetic operations at the rate at which torch multiplies matrices on this machine.

Torch counts the operations (multiplications and additions of convolutions, matrix products and attention). The rate is
measured in the same run with the engine's data type, as the best of a few large products.
"""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from bridge.bench.timing import timed
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2

# torch counts attention on GPUs only.
CPU_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
SIZES = {"cpu": 2_048}  # rows of the square matrices; larger on a GPU, which takes about a millisecond
GPU_SIZE, ROUNDS = 8_192, 8


def operations(engine: AudioLDM2, prompt: Prompt) -> int:
    """The operations of one clip, which is generated once, with its text cached or not. All networks of the engine are torch's
    (`compile="off"`): others are not counted."""
    original = engine.denoiser
    engine.denoiser = engine.plain_denoiser(original.guided_above)
    try:
        with FlopCounterMode(display=False, custom_mapping={CPU_ATTENTION: _attention}) as counter:
            for _ in engine.generate(prompt, lambda step, of: None):
                pass
    finally:
        engine.denoiser = original
    return int(counter.get_total_flops())


def rate(engine: AudioLDM2) -> float:
    """Operations per second: the best of a few matrix products in the engine's data type."""
    size = SIZES.get(engine.device, GPU_SIZE)
    a, b = torch.randn(2, size, size, device=engine.device).to(engine.pipe.unet.dtype)
    return 2 * size**3 / min(timed(lambda: a @ b, engine.device) for _ in range(ROUNDS))


def _attention(query: torch.Size, keys: torch.Size, values: torch.Size, *_more: object, **_others: object) -> int:
    return int(sdpa_flop_count(query, keys, values))
