"""The arguments of each address as OSCQuery states them: type tags, and for each its limits, choices and unit.

They are read from the tables of addresses, replies and keys, whose texts begin each positional argument with its type tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.fields import Field
from bridge.domain.limits import (
    BEATS_PER_BAR,
    BPM,
    CHOKES,
    GAIN,
    MINUTES,
    PAD_SECONDS,
    PAN,
    PORT,
    RATING,
    SECONDS,
    Range,
)
from bridge.domain.limits import VOICE_FADE_MS as FADE
from bridge.domain.notes import HIGHEST
from bridge.frontends.osc.addresses import Method
from bridge.frontends.osc.audition import PLACE_S
from bridge.frontends.osc.live import BEATS
from bridge.frontends.osc.replies import Reply

IMPULSE = "I"  # the type of a button, which needs no argument
WITH_KEYS = re.compile(r"\[[^\[\]]*(?:`|key value)[^\[\]]*\]")  # pairs that may follow, which OSCQuery cannot describe
POSITIONAL = re.compile(r"(\[?)\b([sif]) (\w+(?: (?:to|or) \d+)?)")
TAGS = {"number": "f", "whole": "i", "flag": "T"}  # by the kind of a key; all others are texts

LIMITS = {
    "seconds": SECONDS, "bpm": BPM, "beats_per_bar": BEATS_PER_BAR, "gain": GAIN, "pan": PAN, "group": CHOKES, "port": PORT,
    "fade_ms": Range(0, FADE.high), "glide_ms": FADE, "velocity": Range(0, 1), "n": BEATS, "from": PLACE_S, "to": PLACE_S,
    "key": Range(0, HIGHEST), "0 or 1": Range(0, 1), "0 to 5": RATING, "minutes": MINUTES, "fraction": Range(0, 1),
}  # fmt: skip
UNITS = {"bpm": "time.bpm", "gain": "gain.linear", "seconds": "time.s", "from": "time.s", "to": "time.s", "more": "time.s",
         "ahead_s": "time.s", "deadline_s": "time.s"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `tag`: its OSC type tag; T stands for true and false. `limits` of a number; `choices`, if there are only these.
    `unit`: as OSCQuery names it. `clips`: at which end a value beyond the limits is moved into them; else it is refused."""

    tag: str
    limits: Range | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    clips: str = ""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of an address, in their order."""

    each: tuple[Argument, ...] = field(default=())

    @property
    def tags(self) -> str:
        """The type tags of all."""
        return "".join(argument.tag for argument in self.each)


def of_method(method: Method) -> Arguments:
    """The arguments that OSCQuery clients are to send: those that are needed, and an optional one if it is the only number."""
    text = WITH_KEYS.sub("", method.arguments)
    if text.startswith(("as generate/words", "words ")):
        return Arguments((Argument("s"),))
    if text.startswith("as generate"):
        limits = PAD_SECONDS if "/pad/" in method.address else SECONDS
        return Arguments((Argument("s"), Argument("f", limits, unit="time.s")))
    if text.strip("[]") == "id":
        return Arguments((Argument("s"),))
    arguments: list[Argument] = []
    for optional, tag, name in POSITIONAL.findall(text):
        if optional and any(one.tag != "s" for one in arguments):
            break  # a fader has one value
        clips = "low" if name == "fade_ms" else ""
        arguments.append(Argument(tag, None if tag == "s" else LIMITS[name], unit=unit_of(name), clips=clips))
    return Arguments(tuple(arguments) or (Argument(IMPULSE),))


def of_reply(reply: Reply) -> Arguments:
    """The values of a reply that have a position. An id, which may be of any type, is a text."""
    each = []
    for value in filter(None, reply.positional.split(", ")):
        tag, _, name = value.rpartition(" ")
        tag = tag or "s"
        each.append(Argument(tag, LIMITS.get(name) if tag == "f" else None, unit=unit_of(name) if tag == "f" else ""))
    return Arguments(tuple(each))


def of_key(key: Field, choices: Sequence[Any] = ()) -> Arguments:
    """The value of a key of an ask. `choices`: those that are known only now, such as the names of presets."""
    all_choices = tuple(choices or key.choices)
    tag = TAGS.get(key.kind, "s")
    if all_choices and all(isinstance(choice, int) for choice in all_choices):
        tag = "i"
    return Arguments((Argument(tag, key.allowed, all_choices, unit_of(key.name)),))


def unit_of(name: str) -> str:
    """The unit of a value by its name; "" if it has none."""
    return "time.ms" if name.endswith("_ms") else UNITS.get(name, "")
