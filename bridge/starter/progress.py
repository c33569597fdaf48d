"""The log of losses of a training, which survives interruptions, and its plot."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

REPORT_EVERY = 50  # steps


def share_of_rate(step: int, steps: int, warm_up: int, last: float) -> float:
    """The factor of the learning rate at `step` of `steps`: rises for `warm_up` steps, then falls as a cosine to `last`."""
    return min(1, (step + 1) / warm_up) * ((1 - last) * 0.5 * (1 + math.cos(math.pi * step / steps)) + last)


class Log:
    """Appends a JSON line to `file` every REPORT_EVERY steps and prints it. `track`: is given the same (see Accelerator.log)."""

    def __init__(
        self, file: Path, stage: str, steps: int, track: Callable[[dict[str, float], int], None] | None = None
    ) -> None:
        self._track = track
        self._file, self._stage, self._steps, self._started = file, stage, steps, time.monotonic()
        self._added: list[dict[str, float]] = []
        file.parent.mkdir(parents=True, exist_ok=True)

    def add(self, step: int, **values: float) -> None:
        """Add the measurements of `step` (from 1); reports contain the means since the last one."""
        self._added.append(values)
        if step % REPORT_EVERY:
            return
        means = {key: fmean(each[key] for each in self._added) for key in values}
        self._added = []
        seconds = time.monotonic() - self._started
        entry = {"stage": self._stage, "step": step, "seconds": round(seconds, 1)}
        with self._file.open("a", encoding="utf-8") as log:
            log.write(json.dumps({**entry, **{key: round(mean, 5) for key, mean in means.items()}}) + "\n")
        if self._track is not None:
            self._track({f"{self._stage}/{key}": mean for key, mean in means.items()}, step)
        said = "  ".join(f"{key} {mean:.4f}" for key, mean in means.items())
        print(f"{self._stage} {step}/{self._steps}  {seconds / 60:.1f} min  {said}", flush=True)


def plot(file: Path, picture: Path) -> None:
    """The losses of every stage in `file` as a PNG. Needs matplotlib (the `train` extra)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    read = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    # A resumed training repeats the steps after the last saved state: the later entry counts.
    entries = list({(entry["stage"], entry["step"]): entry for entry in read}.values())
    stages = list(dict.fromkeys(entry["stage"] for entry in entries))
    figure, axes = pyplot.subplots(1, len(stages), figsize=(5 * len(stages), 4), squeeze=False)
    for axis, stage in zip(axes[0], stages, strict=True):
        of_stage = [entry for entry in entries if entry["stage"] == stage]
        for key in of_stage[0]:
            if key not in {"stage", "step", "seconds"}:
                axis.plot([e["step"] for e in of_stage if key in e], [e[key] for e in of_stage if key in e], label=key)
        axis.set(title=stage, xlabel="step")
        axis.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=80)
    pyplot.close(figure)
