"""An unfinished kit: its sounds that wait, those that are jobs, and those that are done or failed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge import __version__
from bridge.domain.events import KitEvent
from bridge.domain.job import Job
from bridge.domain.kit import Kit, KitAsk, Sound
from bridge.domain.limits import RESERVED
from bridge.domain.model import Model
from bridge.files.names import slug
from bridge.kits.zones import Sample, zones

SLUG_CHARACTERS = 36  # leaves room for -9999 in the longest name of a sub-folder


class Failure(NamedTuple):
    """A sound that could not be made."""

    sound: Sound
    code: str
    why: str


@dataclass(slots=True, eq=False)
class UnfinishedKit:
    """`number` is the daemon's, `reply_to` the frontend's."""

    number: int
    ask: KitAsk
    owner: str
    reply_to: Any
    seed: int
    waiting: deque[Sound]
    state: str = "waiting"  # for its turn; then: claiming, making, mapping, ended
    folder: str = ""  # below the sample folder
    path: str = ""
    jobs: dict[int, tuple[Sound, Job]] = field(default_factory=dict)  # by serial
    samples: list[Sample] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)  # prompts in which the checkpoint heard no sound that it knows
    untuned: list[str] = field(default_factory=list)  # the tones whose note was left out
    model: Model | None = None  # of its samples
    last: KitEvent | None = None
    mappings: dict[str, str] = field(default_factory=dict)  # their paths by format, once they are written
    replaced: Sample | None = None  # it stays if its replacement fails

    def replacing(self, number: int, sound: Sound, reply_to: Any) -> UnfinishedKit:
        """This finished kit, in which `sound` waits to take the place of the one with its key."""
        others = [sample for sample in self.samples if sample.sound.key != sound.key]
        texts = {sample.sound.text for sample in others}
        tones = {f"{sample.sound.text} {sample.sound.note}" for sample in others}
        return UnfinishedKit(
            number,
            self.ask,
            self.owner,
            reply_to,
            self.seed,
            deque([sound]),
            folder=self.folder,
            path=self.path,
            samples=others,
            failures=[failure for failure in self.failures if failure.sound.key != sound.key],
            guessed=[text for text in self.guessed if text in texts],
            untuned=[tone for tone in self.untuned if tone in tones],
            model=self.model,
            mappings=self.mappings,
            replaced=next((sample for sample in self.samples if sample.sound.key == sound.key), None),
        )

    def fail(self, failure: Failure) -> None:
        """Note that a sound cannot be made. One that was to be replaced stays."""
        self.failures.append(failure)
        if self.replaced is not None:
            self.samples.append(self.replaced)
            self.replaced = None

    @property
    def slug(self) -> str:
        """Its name as a folder on any system."""
        short = slug(self.ask.name)[:SLUG_CHARACTERS].strip("-") or "kit"
        return f"{short}-kit" if RESERVED.fullmatch(short) else short

    def contents(self) -> Kit:
        """The kit of its samples, for the mappings."""
        info = "Made by Clipbridge"
        if self.model is not None:
            licence = f" (licence of its weights: {self.model.licence})" if self.model.licence else ""
            info = f"{info} {__version__} with {self.model.name}{licence}"
        return Kit(self.ask.name, self.slug, info, zones(self.samples))
