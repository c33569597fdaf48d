"""The recipe: everything that is needed to make a clip again, as JSON that lies in its file."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from bridge import __version__
from bridge.domain.ask import Shape
from bridge.domain.clip import Model, Prompt
from bridge.domain.limits import (
    BARS,
    BEATS_PER_BAR,
    BITS,
    BPM,
    CHANNELS,
    FADE_MS,
    FORMATS,
    GUIDANCE,
    LUFS,
    MAX_PROMPT_CHARACTERS,
    SECONDS,
    SEED,
    STEPS,
    TAKES,
    TRIMS,
    WIDTHS,
    Range,
    is_sub_folder,
)
from bridge.domain.musical_keys import key_of
from bridge.errors import BadRecipe

MAX_RECIPE_BYTES = 200_000  # of a recipe: four texts of 4,000 characters, each six bytes in JSON, and the rest

# What must be the same for the same bytes, and what to call it.
CONDITIONS = (
    ("clipbridge", "the version of Clipbridge"),
    ("model", "the checkpoint"),
    ("revision", "the revision of the checkpoint"),
    ("scheduler", "the scheduler"),
    ("scheduler_settings", "the settings of the scheduler"),
    ("compute", "the compute"),
    ("dtype", "the precision"),
    ("compiled", "how the network runs"),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that was read. `prompt` is that of the whole job; the file is its take `take` (from 1). `conditions`:
    under what it was made, by the names of CONDITIONS."""

    prompt: Prompt
    take: int
    conditions: dict[str, Any]

    def differences(self, model: Model) -> list[str]:
        """What is not the same now, in words; nothing: the same bytes will come."""
        now = conditions(model)
        return [
            f"{words} is {_short(now[name])}, was {_short(self.conditions.get(name))}"
            for name, words in CONDITIONS
            if self.conditions.get(name) != now[name]
        ]


def conditions(model: Model) -> dict[str, Any]:
    """Under what a clip is made, as plain data."""
    return {
        "clipbridge": __version__,
        "model": model.name,
        "revision": model.revision,
        "scheduler": model.scheduler,
        "scheduler_settings": dict(model.scheduler_settings),
        "compute": model.compute,
        "dtype": model.dtype,
        "compiled": model.compiled,
    }


def make(prompt: Prompt, model: Model, take: int) -> dict[str, Any]:
    """The recipe of one take (from 1), as plain data. `seed` is the take's own, `batch_seed` that of the job."""
    settings = dataclasses.asdict(prompt)
    settings["seed"] = prompt.seed_of(take)
    return {
        **conditions(model),
        **settings,
        "take": take,
        "batch_seed": prompt.seed,
        "licence": model.licence,
    }


def write(prompt: Prompt, model: Model, take: int) -> str:
    """The recipe as ASCII JSON without line breaks."""
    return json.dumps(make(prompt, model, take), separators=(",", ":"))


def read(text: str) -> Recipe:
    """Read a recipe that anybody may have written. Raises BadRecipe."""
    if len(text) > MAX_RECIPE_BYTES:
        raise BadRecipe("its recipe is too long to be one")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecipe("its recipe is damaged") from error
    if not isinstance(values, dict) or "clipbridge" not in values:
        raise BadRecipe("it carries no recipe of Clipbridge")
    take = int(_number(values, "take", TAKES, 1, whole=True))
    seed = int(_number(values, "batch_seed", SEED, values.get("seed", 0), whole=True))
    shape = values.get("shape", {})
    if not isinstance(shape, dict):
        raise BadRecipe("its recipe has a damaged shape")
    default = Shape()
    prompt = Prompt(
        text=_text(values, "text"),
        full_text=_text(values, "full_text", 2 * MAX_PROMPT_CHARACTERS),
        seconds=_number(values, "seconds", SECONDS),
        seed=seed,
        negative=_text(values, "negative"),
        steps=int(_number(values, "steps", STEPS, whole=True)),
        guidance=_number(values, "guidance", GUIDANCE),
        takes=int(_number(values, "takes", TAKES, 1, whole=True)),
        preset=_text(values, "preset", 40),
        shape=Shape(
            fade_in_ms=_number(shape, "fade_in_ms", FADE_MS, default.fade_in_ms),
            fade_out_ms=_number(shape, "fade_out_ms", FADE_MS, default.fade_out_ms),
            folder=_folder(shape),
            trim=_choice(shape, "trim", TRIMS),
            lufs=None if shape.get("lufs") is None else _number(shape, "lufs", LUFS),
            format=_choice(shape, "format", FORMATS),
            bits=_bits(shape),
            channels=int(_number(shape, "channels", CHANNELS, default.channels, whole=True)),
        ),
        note=_text(values, "note", 8),
        transcript=_text(values, "transcript"),
        bars=_number(values, "bars", BARS, 0.0) if values.get("bars") else 0.0,
        bpm=_number(values, "bpm", BPM, 0.0) if values.get("bpm") else 0.0,
        beats_per_bar=int(_number(values, "beats_per_bar", BEATS_PER_BAR, 4, whole=True)),
        loop=values.get("loop") is True,
        key=_key(values),
    )
    if take > prompt.takes:
        raise BadRecipe("its recipe names a take that the job did not have")
    return Recipe(prompt, take, {name: values.get(name) for name, _words in CONDITIONS})


def _text(values: dict[str, Any], name: str, most: int = MAX_PROMPT_CHARACTERS) -> str:
    value = values.get(name, "")
    # What `arguments.clean` lets through; and no half of a pair, which no file could hold.
    if not isinstance(value, str) or len(value) > most or any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise BadRecipe(f"its recipe has a damaged {name}")
    return value


def _key(values: dict[str, Any]) -> str:
    name = _text(values, "key", 20)
    try:
        return name and key_of(name).name
    except ValueError as error:
        raise BadRecipe("its recipe has a damaged key") from error


def _folder(shape: dict[str, Any]) -> str:
    folder = _text(shape, "folder", 200)
    if folder and not is_sub_folder(folder):
        raise BadRecipe("its recipe has a damaged folder")
    return folder


def _number(values: dict[str, Any], name: str, allowed: Range, default: Any = None, whole: bool = False) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or value not in allowed or (whole and value != int(value)):
        raise BadRecipe(f"its recipe says {name} {_short(value)}; allowed is {allowed}")
    return value


def _bits(shape: dict[str, Any]) -> int:
    bits = int(_number(shape, "bits", BITS, 24, whole=True))
    if bits not in WIDTHS or (bits == 32 and shape.get("format") == "flac"):
        raise BadRecipe(f"its recipe says {bits} bits")
    return bits


def _choice(values: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = values.get(name, choices[0])
    if value not in choices:
        raise BadRecipe(f"its recipe says {name} {_short(value)}; there are {', '.join(choices)}")
    return str(value)


def _short(value: Any) -> str:
    return repr(value) if not isinstance(value, str) else value[:80] or "unknown"
