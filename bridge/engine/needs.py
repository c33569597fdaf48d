"""The memory that a job needs, known before it runs, and what would fit instead."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from bridge.domain.clip import Prompt
from bridge.errors import OutOfMemory

# For memory that no counter sees: workspaces of kernels, fragmentation.
MARGIN = 1.25
# Rows of latents come in large units, so a clip is made up to this much longer (measured: 0.37 s, starter).
ROUNDING_S = 0.5


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes per second of sound, beside the weights, measured while warming. Both grow in proportion to the length (to within
    a tenth from 0.5 to 60 s). `denoise`: for one take and one evaluation of the network. `decode`: for one take; only one is
    decoded at a time. `budget`: bytes for both; 0: what the system has free. `whole_s`: in families where a clip of any
    length costs as much as the longest, its seconds, else 0."""

    denoise: float = 0.0
    decode: float = 0.0
    budget: int = 0
    whole_s: float = 0.0

    def bytes(self, seconds: float, takes: int, evaluations: int) -> int:
        """The peak memory of such a job."""
        together = takes * evaluations
        return round(MARGIN * ((self.whole_s or seconds) + ROUNDING_S) * max(together * self.denoise, self.decode))


def check(prompt: Prompt, needs: Needs, compute: str) -> None:
    """Raises OutOfMemory, which says what would fit, if this job does not."""
    evaluations = prompt.evaluations
    needed = needs.bytes(prompt.seconds, prompt.takes, evaluations)
    room = needs.budget or psutil.virtual_memory().available
    if needed <= room:
        return
    fitting = []
    takes = max((n for n in range(1, prompt.takes) if needs.bytes(prompt.seconds, n, evaluations) <= room), default=0)
    if takes:
        fitting.append(f"takes {takes}")
    longest = int(prompt.seconds * room / needed - ROUNDING_S)
    if longest >= 1 and not needs.whole_s:
        fitting.append(f"{longest} seconds")
    raise OutOfMemory(
        f"{prompt.takes} × {prompt.seconds:g} s would need about {needed / 1e9:.1f} GB, and {compute} has {room / 1e9:.1f} GB "
        f"free: {'ask for ' + ' or '.join(fitting) if fitting else 'close other programs or use a smaller checkpoint'}."
    )
