"""What a voice plays: the file of it, or the samples and how they were made."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.clip import Prompt
from bridge.domain.job import Job, JobState
from bridge.domain.model import Model
from bridge.errors import BadSource
from bridge.live.audition import Audition
from bridge.live.stage import Stage


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples in `file`, as numpy.save writes them, of a clip that is not in the folder."""

    file: str
    prompt: Prompt
    model: Model


def heard(stage: Stage, voice: int) -> str | Samples:
    """The path of what the voice plays, or its samples. Raises UnknownVoice, BadSource."""
    sounding = stage.live.sounding(voice)
    owner, slot = sounding.owner, sounding.slot
    if isinstance(owner, Audition):
        return owner.file
    if isinstance(owner, Job):
        return _of_a_job(owner, sounding.files, voice)
    if slot and (file := stage.pads.clip_file(slot)):
        return file
    made = (stage.pads.take(slot) or stage.stream.part(slot)) if slot else None
    if made is None:
        raise BadSource(f"What voice {voice} plays is no longer held: play it again.")
    return Samples(made.file, made.prompt, made.model)


def _of_a_job(job: Job, files: list[str], voice: int) -> str | Samples:
    event = job.last_event
    if job.state is not JobState.DONE or event is None:
        raise BadSource(f"Voice {voice} plays a clip that is not finished yet: ask again in a moment.")
    if path := event.fields.get("path"):
        return str(path)
    if len(files) != 1 or job.model is None:
        raise BadSource(f"Voice {voice} was played while it was made, and is in no file: ask for it with sink both.")
    return Samples(files[0], job.prompt, job.model)
