"""What is filled in in the form, and the message that asks for it. Checked before it is sent, so that a fault shows at its field."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.domain import fields, limits, source_keys
from bridge.domain.ask import FIELDS, Ask, fields_of
from bridge.domain.fields import Door
from bridge.domain.source import HOWS, Source
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.panel.source import FormSource, of_recipe

if TYPE_CHECKING:
    from bridge.domain.recipe import Recipe

AUTO, SECONDS, BARS = "auto", "seconds", "bars"  # the length: the preset's (or the default), or in one of these units
RANGES = {SECONDS: limits.SECONDS, BARS: limits.BARS}
OWN = ("text", "seconds", "bars", "preset", "takes", "note", "loop")  # keys with a field of their own
OF_A_SOURCE = (*HOWS, *source_keys.OF_A_SOURCE)
OTHERS = [
    name for name in fields_of(Door.OSC) if name not in (*OWN, *OF_A_SOURCE) and FIELDS[name].part in ("sound", "shape")
]
MORE = {SECONDS: "more", BARS: "more_bars"}  # what a length is to `continue`
SAME_S = 0.001  # lengths that differ by less are the same


class BadField(BadArgument):
    """A field of the form has an invalid value. `name`: the field's key, "length", or "" if several are wrong together."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


@dataclass(frozen=True, slots=True)
class Form:
    """The values of all fields. `extras`: keys that have no field, from the recipe of a clip, such as its seed. `source`: what the clip
    starts from; then `length` is what `continue` adds, and fields that do not go with the source keep their values."""

    text: str = ""
    preset: str = ""
    unit: str = AUTO
    length: float = 4.0  # in `unit`
    takes: int = 1
    note: str = ""
    loop: bool = False
    extras: dict[str, Any] = field(default_factory=dict)
    source: FormSource | None = None

    def ask(self, tempo: Tempo) -> Ask:
        """The ask. Raises BadField."""
        text, source = check_text(self.text), self.source
        if not text and source is None:
            raise BadField("text", "Type what it should sound like, then press Enter.")
        if source is not None and source.fault:
            raise BadField("source", source.fault)
        without = source_keys.excluded(source.how) if source is not None else frozenset()
        values: dict[str, Any] = {**self.extras, "takes": None if self.takes == 1 else self.takes}
        values |= {"preset": self.preset or None, "loop": 1 if self.loop else None}
        values["note"] = (check_note(self.note) or None) if "note" not in without else None
        if self.unit != BARS:
            values.pop("bpm", None)
        values = {name: value for name, value in values.items() if name not in without}
        values |= self._length(tempo) | (source.keys if source is not None else {})
        ask = Ask.of(text, values)
        try:
            ask.check()
        except BadArgument as error:
            raise BadField("", str(error)) from error
        return ask

    def _length(self, tempo: Tempo) -> dict[str, float]:
        """The key of the length. Raises BadField."""
        source, bpm = self.source, self.extras.get("bpm")
        if self.unit == AUTO or (source is not None and source.how == "fill"):
            return {}
        if source is None or source.how == "vary":
            seconds = check_length(self.unit, self.length, bpm, tempo)
            if source is not None and self.unit == SECONDS and 0 < source.used_s < seconds - SAME_S:
                raise BadField("length", f"The source has only {source.used_s:.4g} seconds: Continue makes it longer.")
            return {self.unit: self.length}
        seconds = check_length(self.unit, self.length, bpm or source.bpm or None, tempo)
        if (whole := source.used_s + seconds) > limits.SECONDS.high:
            raise BadField(
                "length", f"A clip has at most {limits.SECONDS.high:g} seconds, and this one would have {whole:.4g}."
            )
        return {MORE[self.unit]: self.length}

    def keys(self) -> dict[str, Any]:
        """The fields as keys of an ask, unchecked; `from_recipe` reads them."""
        values: dict[str, Any] = {"text": self.text, "preset": self.preset, "takes": self.takes, "note": self.note}
        values |= {"loop": int(self.loop), **self.extras, "source": self.source}
        return values if self.unit == AUTO else values | {self.unit: self.length}


def arguments(ask: Ask) -> list[Any]:
    """The arguments of /bridge/generate: the prompt, the seconds if there are any, pairs of keys and values."""
    keys = {name: value for name, value in ask.values.items() if Door.OSC in FIELDS[name].doors}
    seconds = [] if ask.seconds is None else [float(ask.seconds)]
    return [ask.text, *seconds, *(part for pair in keys.items() for part in pair)]


def check_text(text: str) -> str:
    """The prompt without superfluous spaces. Raises BadField."""
    try:
        return fields.text(text, "The prompt")
    except BadArgument as error:
        raise BadField("text", str(error)) from error


def check_note(note: str) -> str:
    """The name of a note, or "" for none. Raises BadField."""
    try:
        return str(FIELDS["note"].parse(note.strip())) if note.strip() else ""
    except BadArgument as error:
        raise BadField("note", str(error)) from error


def check_length(unit: str, length: float, bpm: float | None, tempo: Tempo) -> float:
    """The length in seconds. Raises BadField."""
    try:
        FIELDS[unit].check(length)
        return tempo.seconds(length, bpm) if unit == BARS else length
    except BadArgument as error:
        raise BadField("length", str(error)) from error


def keys_of(recipe: Recipe) -> dict[str, Any]:
    """The keys of an ask for the take that a recipe is of."""
    prompt, shape = recipe.prompt, dataclasses.asdict(recipe.prompt.shape)
    values = {name: getattr(prompt, name) for name in (*OWN, *OTHERS) if hasattr(prompt, name)}
    length = {"seconds": None, "bars": prompt.bars, "bpm": prompt.bpm} if prompt.bars else {"bars": None, "bpm": None}
    if (source := prompt.source) is not None:
        length = {"seconds": None, "bars": None, "bpm": None, **_length_of(source, prompt.seconds, prompt.bars)}
        values["source"] = of_recipe(source)
    return {**values, **shape, **length, "seed": prompt.seed_of(recipe.take), "takes": 1}


def _length_of(source: Source, seconds: float, bars: float) -> dict[str, float]:
    """The length of a clip with a source as the form has it: none if the source says it all, or what was added."""
    if source.how == "continue":
        return {"seconds": max(limits.SECONDS.low, round(seconds - source.seconds, 3))}
    if abs(seconds - source.seconds) < SAME_S:
        return {}
    return {"bars": bars} if bars else {"seconds": seconds}


def from_recipe(values: dict[str, Any]) -> Form:
    """The form that asks for a clip again, from the keys of its ask. Values that are not valid are left out."""
    checked: dict[str, Any] = {}
    for name in (*OWN, *OTHERS):
        value = values.get(name)
        if value is None or value == "" or name not in FIELDS:
            continue
        try:
            checked[name] = FIELDS[name].check(int(value) if isinstance(value, bool) else value)
        except BadArgument:
            continue
    unit = BARS if checked.get("bars") else SECONDS if checked.get("seconds") else AUTO
    extras = {name: checked[name] for name in OTHERS if name in checked and checked[name] != FIELDS[name].default}
    if unit != BARS:
        extras.pop("bpm", None)
    return Form(
        text=checked.get("text", ""),
        preset=checked.get("preset", ""),
        unit=unit,
        length=checked.get(unit, 4.0),
        takes=checked.get("takes", 1),
        note=checked.get("note", ""),
        loop=bool(checked.get("loop", 0)),
        extras=extras,
        source=source if isinstance(source := values.get("source"), FormSource) else None,
    )
