"""A clip of the library as the panel knows it, from a /bridge/clip message. Wrong types in it are ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.client import pairs
from bridge.domain.clip import clip_name_in
from bridge.domain.limits import MAX_PATH_CHARACTERS, SECONDS, SEED
from bridge.domain.source import HOWS
from bridge.domain.words import words_in_name
from bridge.panel.source import DONE, FormSource

MAX_TEXT_CHARACTERS = 4_000
MAX_TITLE_CHARACTERS = 300
SAME_S = 0.001  # lengths that differ by less are the same
ATTRIBUTES = {"from": "from_s", "to": "to_s"}  # keys of /bridge/clip that have another name here
OF_SOURCE = ("how", "source", "from_s", "to_s", "strength")

JobKey = tuple[str, int, str, str, float]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip. `path`: absolute, with `/`; `added_at`: in seconds since 1970, 0 if unknown; the other values as in /bridge/clip.

    `source`: the path of the sound that it was made from, "" if of none; `how`, `from_s`, `to_s` and `strength` go with it."""

    path: str
    prompt: str = ""
    seconds: float = 0.0
    bpm: float = 0.0
    note: str = ""
    seed: int = 0
    rating: int = 0
    favourite: int = 0
    added_at: float = 0.0
    take: int = 1
    bars: float = 0.0
    key: str = ""
    loop: int = 0
    preset: str = ""
    model: str = ""
    how: str = ""
    source: str = ""
    from_s: float = 0.0
    to_s: float = 0.0
    strength: float = 0.0

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return Path(self.path).stem

    @property
    def title(self) -> str:
        """The prompt in one line; the file's name if the user gave it one, or if there is no prompt."""
        return self.name if self._is_renamed else self._words or self.name

    @property
    def _words(self) -> str:
        return " ".join(self.prompt[: 2 * MAX_TITLE_CHARACTERS].split())[:MAX_TITLE_CHARACTERS]

    @property
    def _is_renamed(self) -> bool:
        return bool(self._words) and not clip_name_in(self.name)

    @property
    def job(self) -> JobKey:
        """Equal for the takes of one job."""
        seed = (self.seed - self.take + 1) % (int(SEED.high) + 1)
        return self.prompt, seed, self.preset, self.model, self.bars

    @property
    def facts(self) -> list[str]:
        """Length, tempo, key or note, and preset, as short texts; of a renamed clip the prompt too."""
        length = f"{self.seconds:.2g} s" if self.seconds < 1 else f"{round(self.seconds, 1):g} s"
        bars = f"{self.bars:g} {'bar' if self.bars == 1 else 'bars'}" if self.bars else ""
        tempo = f"{round(self.bpm, 1):g} BPM" if self.bpm else ""
        key = f"{self.key[:1].upper()}{self.key[1:]}" if self.key else self.note.upper()
        loop = "loop" if self.loop else ""
        prompt = self._words if self._is_renamed else ""
        says_it = self.source and words_in_name(self.source) == self.title  # in the line above
        origin = DONE[self.how] if says_it else self.origin  # type: ignore[index]
        return [fact for fact in (length, origin, bars, tempo, key, loop, self.preset, prompt) if fact]

    @property
    def origin(self) -> str:
        """What it was made from, such as "varied from kick"; "" if from words alone."""
        return f"{DONE[self.how]} from {words_in_name(self.source)}" if self.source else ""  # type: ignore[index]

    def as_source(self) -> FormSource:
        """The clip as the source of another one."""
        return FormSource(self.path, seconds=self.seconds, words=self._words or self.name, bpm=self.bpm)

    @property
    def recipe(self) -> dict[str, Any]:
        """The keys of an ask for such a clip, as far as the library states them."""
        length = {"bars": self.bars, "bpm": self.bpm} if self.bars else {"seconds": self.seconds}
        more = {"note": self.note, "key": self.key, "loop": self.loop, "preset": self.preset}
        keys = {name: value for name, value in more.items() if value}
        return {"text": self.prompt, **length, **keys, "seed": self.seed, **self._source}

    @property
    def _source(self) -> dict[str, Any]:
        """The source for the form, and the length that goes with it; none if it was made from words alone."""
        if not self.source:
            return {}
        strength = self.strength if self.how == "vary" else None
        source = FormSource(self.source, self.how, 0.0, (self.from_s, self.to_s), strength, self._words)  # type: ignore[arg-type]
        length: dict[str, Any] = {"bars": None, "bpm": None, "seconds": None}
        if self.how == "continue":
            length["seconds"] = max(SECONDS.low, round(self.seconds - source.used_s, 3))
        elif self.how == "vary" and abs(self.seconds - source.used_s) > SAME_S:
            length |= {"bars": self.bars, "bpm": self.bpm} if self.bars else {"seconds": self.seconds}
        return {"source": source, **length}

    def sentence(self, takes: int = 0) -> str:
        """Everything about the clip, for a screen reader. `takes`: of its job, if there are several in the list."""
        star = ["starred"] if self.favourite else []
        take = [f"take {self.take} of {takes}"] if takes > 1 else []
        return ", ".join([self.title, *self.facts, *take, *star])


def clip_of(arguments: list[Any]) -> Clip | None:
    """The clip of a /bridge/clip message; None if it has no absolute path."""
    path = arguments[0] if arguments else None
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH_CHARACTERS or "\0" in path:
        return None
    if not Path(path).is_absolute():
        return None
    named = {ATTRIBUTES.get(name, name): value for name, value in pairs(arguments, 1).items()}
    known = {name: value for name, value in named.items() if name in KINDS and name != "path"}
    values: dict[str, Any] = {
        name: checked for name, value in known.items() if (checked := KINDS[name](value)) is not None
    }
    if values.get("how") not in HOWS or not Path(values.get("source", "")).is_absolute() or not values.get("to_s"):
        values = {name: value for name, value in values.items() if name not in OF_SOURCE}
    return Clip(path, **values)


def _text(value: Any) -> str | None:
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else None


def _path(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_PATH_CHARACTERS and "\0" not in value else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= SEED.high else None  # nothing else is as large as a seed


def _time(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


READERS: dict[str, Callable[[Any], Any]] = {"str": _text, "float": _number, "int": _whole}
KINDS: dict[str, Callable[[Any], Any]] = {name: READERS[str(kind)] for name, kind in Clip.__annotations__.items()}
KINDS |= {"added_at": _time, "source": _path}
