"""The takes of a job, one below the other, the best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.panel.clips import Clip

TOGETHER_S = 2.0  # the takes of a job are added at once; the same job asked again comes later


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list. `takes`: of its job in the list; `is_best`: the first of them."""

    path: str
    takes: int = 1
    is_best: bool = True


def rows_of(clips: Iterable[Clip], scores: Mapping[str, float], best_last: bool, best_only: bool = False) -> list[Row]:
    """The rows of `clips`, which stay in their order, except that the takes of a job are sorted: by their `scores` if all have
    one, or else in their own order; turned round if in it the best comes last, as with the newest first."""
    rows: list[Row] = []
    for job in _jobs(clips):
        if len(job) > 1:
            job = job[::-1] if best_last else job
            if all(clip.path in scores for clip in job):
                job.sort(key=lambda clip: -scores[clip.path])
        shown = job[:1] if best_only else job
        rows += (Row(clip.path, len(job), clip is job[0]) for clip in shown)
    return rows


def _jobs(clips: Iterable[Clip]) -> Iterable[list[Clip]]:
    """The clips, those that follow each other and are takes of one job together."""
    job: list[Clip] = []
    for clip in clips:
        if job and not _is_take_of(clip, job):
            yield job
            job = []
        job.append(clip)
    if job:
        yield job


def _is_take_of(clip: Clip, job: list[Clip]) -> bool:
    first = job[0]
    if clip.seed - clip.take != first.seed - first.take or clip.job != first.job:
        return False
    together = abs(clip.added_at - first.added_at) <= TOGETHER_S
    return together and all(clip.take != other.take for other in job)
