"""What a long training leaves behind: a log of losses that survives a stop, and a plot of it."""

from __future__ import annotations

import json
import time
from pathlib import Path


class Log:
    """Appends one JSON line a report to `file` and says it on the terminal."""

    def __init__(self, file: Path, stage: str, steps: int) -> None:
        self._file, self._stage, self._steps, self._started = file, stage, steps, time.monotonic()
        file.parent.mkdir(parents=True, exist_ok=True)

    def report(self, step: int, **values: float) -> None:
        """Note `values` at `step`."""
        seconds = time.monotonic() - self._started
        entry = {
            "stage": self._stage,
            "step": step,
            "seconds": round(seconds, 1),
            **{k: round(float(v), 5) for k, v in values.items()},
        }
        with self._file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        said = "  ".join(f"{key} {value:.4f}" for key, value in values.items())
        print(f"{self._stage} {step}/{self._steps}  {seconds / 60:.1f} min  {said}", flush=True)


def plot(file: Path, picture: Path) -> None:
    """The losses of every stage in `file` as a PNG. Needs matplotlib (the `train` extra)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    read = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    # Steps after the last saved state are run again when a stopped training goes on: the later entry counts.
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
