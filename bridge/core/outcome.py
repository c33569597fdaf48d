"""The fields of /bridge/done, in the order of the OSC table."""

from __future__ import annotations

from typing import Any

from bridge.domain.job import Job
from bridge.shaper.messages import Delivered

FILE_FIELDS = ("path", "seconds", "seed", "sample_rate", "channels", "frames")


def done(job: Job, message: Delivered, voice: dict[str, int]) -> dict[str, Any]:
    """The fields for the best take. `voice`: the number of the voice that plays it, or {}."""
    best, claimed = message.takes[0], job.prompt.claimed
    assert job.model is not None
    late_s = job.late_seconds()
    return {
        **{name: getattr(best, name) for name in FILE_FIELDS},
        "model": job.model.name,
        **({"bars": claimed.bars, "bpm": claimed.bpm} if claimed.bars else {}),
        **dict(best.measured),
        "engine_seconds": round(job.engine_took, 4),
        "delivery_seconds": round(message.seconds, 4),
        **lowered(job),
        **({} if late_s is None else {"late_seconds": round(max(0.0, late_s), 3)}),
        **voice,
        **_remarks(job, best.remark),
    }


def lowered(job: Job) -> dict[str, int]:
    """The takes and steps that a deadline allows; {} without a deadline."""
    if job.ask.deadline_s is None:
        return {}
    steps = job.prompt.steps  # unset until the checkpoint is known, or if it has none
    return {"takes": job.prompt.takes, **({} if steps is None else {"steps": steps})}


def _remarks(job: Job, shaping: str) -> dict[str, str]:
    """The engine's remarks, with `remark` extended by those of the shaper and of the core."""
    remarks = [job.remarks.get("remark", ""), shaping, job.ask.unread]
    if job.retry_reason:
        reason = job.retry_reason.partition(". ")[0].rstrip(".")  # its first sentence; "118.5 BPM" has a point too
        remarks.append(f"made a second time, with the seed {job.prompt.seed} ({reason})")
    if job.recipe is not None and job.model is not None and (differences := job.recipe.differences(job.model)):
        remarks.append(f"it may not be the same, byte for byte: {'; '.join(differences)}")
    remark = "; ".join(filter(None, remarks))
    return {**job.remarks, **({"remark": remark} if remark else {})}
