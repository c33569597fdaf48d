"""What is filled in in the form, and the message that asks for it. Checked before it is sent, so that a fault shows at its field."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.domain import fields, limits
from bridge.domain.ask import FIELDS, Ask, fields_of
from bridge.domain.fields import Door
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument

if TYPE_CHECKING:
    from bridge.domain.recipe import Recipe

AUTO, SECONDS, BARS = "auto", "seconds", "bars"  # the length: the preset's (or the default), or in one of these units
RANGES = {SECONDS: limits.SECONDS, BARS: limits.BARS}
OWN = ("text", "seconds", "bars", "preset", "takes", "note", "loop")  # keys with a field of their own
OTHERS = [name for name in fields_of(Door.OSC) if name not in OWN and FIELDS[name].part in ("sound", "shape")]


class BadField(BadArgument):
    """A field of the form has an invalid value. `name`: the field's key, "length", or "" if several are wrong together."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


@dataclass(frozen=True, slots=True)
class Form:
    """The values of all fields. `extras`: keys that have no field, from the recipe of a clip, such as its seed."""

    text: str = ""
    preset: str = ""
    unit: str = AUTO
    length: float = 4.0  # in `unit`
    takes: int = 1
    note: str = ""
    loop: bool = False
    extras: dict[str, Any] = field(default_factory=dict)

    def ask(self, tempo: Tempo) -> Ask:
        """The ask. Raises BadField."""
        text = check_text(self.text)
        if not text:
            raise BadField("text", "Type what it should sound like, then press Enter.")
        values: dict[str, Any] = {**self.extras, "takes": None if self.takes == 1 else self.takes}
        values |= {"preset": self.preset or None, "loop": 1 if self.loop else None}
        values["note"] = check_note(self.note) or None
        if self.unit != BARS:
            values.pop("bpm", None)
        if self.unit != AUTO:
            values[self.unit] = self.length
            check_length(self.unit, self.length, values.get("bpm"), tempo)
        ask = Ask(text=text, **values)
        try:
            ask.check()
        except BadArgument as error:
            raise BadField("", str(error)) from error
        return ask

    def keys(self) -> dict[str, Any]:
        """The fields as keys of an ask, unchecked; `from_recipe` reads them."""
        values: dict[str, Any] = {"text": self.text, "preset": self.preset, "takes": self.takes, "note": self.note}
        values |= {"loop": int(self.loop), **self.extras}
        return values if self.unit == AUTO else values | {self.unit: self.length}


def arguments(ask: Ask) -> list[Any]:
    """The arguments of /bridge/generate: the prompt, the seconds if there are any, pairs of keys and values."""
    keys = {name: value for name in fields_of(Door.OSC) if (value := getattr(ask, name, None)) is not None}
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
    return {**values, **shape, **length, "seed": prompt.seed_of(recipe.take), "takes": 1}


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
    )
