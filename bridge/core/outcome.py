"""The fields of /bridge/done, in the order of the OSC table."""

from __future__ import annotations

from typing import Any

from bridge.domain.job import Job
from bridge.shaper.messages import Delivered

FILE_FIELDS = ("path", "seconds", "seed", "sample_rate", "channels", "frames")


def done(job: Job, message: Delivered, heard: dict[str, int]) -> dict[str, Any]:
    """The fields for the best take. `heard`: the voice that sounds it, if one does."""
    best = message.takes[0]
    assert job.model is not None
    late_s = job.late_seconds()
    return {
        **{name: getattr(best, name) for name in FILE_FIELDS},
        "model": job.model.name,
        **({"bars": job.prompt.bars, "bpm": job.prompt.bpm} if job.prompt.bars else {}),
        **dict(best.measured),
        "engine_seconds": round(job.engine_took, 4),
        "delivery_seconds": round(message.seconds, 4),
        **chosen(job),
        **({} if late_s is None else {"late_seconds": round(max(0.0, late_s), 3)}),
        **heard,
        **_remarks(job, best.remark),
    }


def chosen(job: Job) -> dict[str, int]:
    """What a deadline left of the takes and steps; nothing without a deadline."""
    if job.ask.deadline_s is None:
        return {}
    steps = job.prompt.steps  # unset before the checkpoint is known, or where it has none
    return {"takes": job.prompt.takes, **({} if steps is None else {"steps": steps})}


def _remarks(job: Job, shaped: str) -> dict[str, str]:
    """What the engine said of the clip, what was seen when it was shaped, and what else its asker should know."""
    said = [job.remarks.get("remark", ""), shaped]
    if job.again:
        said.append(f"made a second time, with the next seed ({job.again.partition('.')[0]})")
    if job.recipe is not None and job.model is not None and (differ := job.recipe.differences(job.model)):
        said.append(f"it may not be the same, byte for byte: {'; '.join(differ)}")
    remark = "; ".join(filter(None, said))
    return {**job.remarks, **({"remark": remark} if remark else {})}
