"""The recipe: everything needed to make a clip again, as JSON inside its file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from bridge import __version__
from bridge.domain import fields, source
from bridge.domain.ask import FIELDS, Shape, check_shape
from bridge.domain.clip import UNMET, Crop, Prompt
from bridge.domain.fields import Field, number
from bridge.domain.limits import BEATS_PER_BAR, MAX_PROMPT_CHARACTERS, SECONDS, SEED, TAKES, Range
from bridge.domain.model import Model
from bridge.errors import BadArgument, BadRecipe

MAX_RECIPE_BYTES = 200_000  # four texts of 4,000 characters, six bytes each in JSON, and the rest
MAX_CONDITION_CHARACTERS = 200  # in a sentence
THREADS = "threads"
CROP_S = Range(0.0, SECONDS.high)

# The conditions for equal bytes, and their names in sentences.
CONDITIONS = (
    ("clipbridge", "the version of Clipbridge"),
    ("model", "the checkpoint"),
    ("revision", "the revision of the checkpoint"),
    ("scheduler", "the scheduler"),
    ("scheduler_settings", "the settings of the scheduler"),
    ("compute", "the compute"),
    ("dtype", "the precision"),
    ("compiled", "how the network runs"),
    (THREADS, "the number of processor threads"),
)


REQUIRED = ("text", "seconds", "steps", "guidance")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe from a file. `prompt`: of the whole job; the file is its take number `take` (from 1). `conditions`: the values of
    CONDITIONS when the clip was made."""

    prompt: Prompt
    take: int
    conditions: dict[str, Any]

    def differences(self, model: Model) -> list[str]:
        """A sentence for each condition that differs now; none if the clip will be equal byte for byte."""
        now = conditions(model)
        return [
            f"{words} is {_short(now[name])}, was {_short(self.conditions.get(name))}"
            for name, words in CONDITIONS
            if self.conditions.get(name) != now[name]
            # Earlier versions did not record them, and a GPU has none.
            and (name != THREADS or (now[name] and self.conditions.get(name)))
        ]


def conditions(model: Model) -> dict[str, Any]:
    """The values of CONDITIONS for a model, as plain data."""
    return {
        "clipbridge": __version__,
        "model": model.name,
        "revision": model.revision,
        "scheduler": model.scheduler,
        "scheduler_settings": dict(model.scheduler_settings),
        "compute": model.compute,
        "dtype": model.dtype,
        "compiled": model.compiled,
        THREADS: model.threads,
    }


def make(prompt: Prompt, model: Model, take: int) -> dict[str, Any]:
    """The recipe of one take (from 1), as plain data. `seed` is the take's own, `batch_seed` that of the job."""
    settings = dataclasses.asdict(prompt)
    settings["seed"] = prompt.seed_of(take)
    settings.pop("crop")
    settings.pop("source")
    settings |= {} if prompt.source is None else {"source": source.facts(prompt.source)}
    settings |= _crop_fact(prompt.crop)
    return {**conditions(model), **settings, "take": take, "batch_seed": prompt.seed, "licence": model.licence}


def write(prompt: Prompt, model: Model, take: int) -> str:
    """The recipe as ASCII JSON without line breaks."""
    return _text(make(prompt, model, take))


def _text(values: dict[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def with_crop(text: str, crop: Crop) -> str:
    """The recipe of a part of the clip that has the recipe `text`, as `write` would have written it."""
    values = {name: value for name, value in json.loads(text).items() if name != "crop"}
    before = list(values).index("take") if "take" in values else len(values)
    pairs = list(values.items())
    return _text({**dict(pairs[:before]), **_crop_fact(crop), **dict(pairs[before:])})


def _crop_fact(crop: Crop | None) -> dict[str, dict[str, float]]:
    return {} if crop is None else {"crop": {"from": crop.from_s, "to": crop.to_s}}


def read(text: str) -> Recipe:
    """Read a recipe, which may come from anybody. Raises BadRecipe."""
    if len(text) > MAX_RECIPE_BYTES:
        raise BadRecipe("its recipe is too long")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecipe("its recipe is damaged") from error
    if not isinstance(values, dict) or "clipbridge" not in values:
        raise BadRecipe("it has no recipe of Clipbridge")
    try:
        prompt, take = _prompt(values), int(number(values.get("take", 1), "take", TAKES, whole=True))
    except BadArgument as error:
        raise BadRecipe(f"its recipe is damaged: {str(error).rstrip('.')}") from error
    if take > prompt.takes:
        raise BadRecipe("its recipe names a take that the job did not have")
    return Recipe(prompt, take, {name: values.get(name) for name, _words in CONDITIONS})


def _prompt(values: dict[str, Any]) -> Prompt:
    """The prompt of a recipe. Raises BadArgument."""
    shape = values.get("shape", {})
    if not isinstance(shape, dict):
        raise BadArgument("shape must be a table")
    check_shape(shape)
    unmet = values.get("unmet", [])
    if not isinstance(unmet, list):
        raise BadArgument("unmet must be a list")
    seed = values.get("batch_seed", values.get("seed", 0))
    rest = {
        "full_text": fields.text(values.get("full_text", ""), "full_text", 2 * MAX_PROMPT_CHARACTERS),
        "seed": int(number(seed, "batch_seed", SEED, whole=True)),
        "beats_per_bar": int(number(values.get("beats_per_bar", 4), "beats_per_bar", BEATS_PER_BAR, whole=True)),
        "shape": Shape(**_checked(Shape, shape)),
        "unmet": tuple(name for name in UNMET if name in unmet),
        "crop": _crop(values.get("crop")),
        "source": None if values.get("source") is None else source.read(values["source"]),
    }
    return Prompt(**{**_checked(Prompt, values), **rest})


def _crop(value: Any) -> Crop | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadArgument("crop must be a table")
    for name in ("from", "to"):
        number(value.get(name), f"crop {name}", CROP_S)
    crop = Crop(float(value["from"]), float(value["to"]))  # not rounded: they are exact to the frame
    if not 0 <= crop.from_s < crop.to_s:
        raise BadArgument("crop ends before it begins")
    return crop


def _checked(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The attributes of `kind` that are keys of an ask, each with its value or its default. Raises BadArgument."""
    attributes = {attribute.name: attribute for attribute in dataclasses.fields(kind) if attribute.name in FIELDS}
    return {
        name: _value(FIELDS[name], values.get(name, "" if name in REQUIRED else attribute.default), attribute.default)
        for name, attribute in attributes.items()
    }


def _value(field: Field, value: Any, default: Any) -> Any:
    """The checked value of a key. A default needs no check: Prompt writes "no note" as ""."""
    if type(value) is type(default) and value == default:
        return value
    checked = field.check(value)
    if isinstance(default, bool):
        return bool(checked)
    # Not rounded to six digits, as a value from a host is: lengths in bars need all of them.
    return value if field.kind == "number" and value in (field.allowed or ()) else checked


def _short(value: Any) -> str:
    """A condition as text of at most MAX_CONDITION_CHARACTERS printable ones: it may be anything that JSON can hold."""
    text = value if isinstance(value, str) else repr(value)
    return "".join(one if one.isprintable() else "?" for one in text[:MAX_CONDITION_CHARACTERS]) or "unknown"
