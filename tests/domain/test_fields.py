"""The table of fields: each way in takes the same values and refuses the same, and the pages and scripts have each key."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.checkpoints.audioldm2 import USUAL
from bridge.cli import parser
from bridge.core.resolving import resolve
from bridge.domain import recipe, source
from bridge.domain.ask import DEFAULT_SHAPE, FIELDS, KIT_FIELDS, Ask, Shape, fields_of
from bridge.domain.clip import Prompt
from bridge.domain.fields import Door, Field
from bridge.domain.limits import PAD_SECONDS, Range
from bridge.domain.model import Model
from bridge.domain.source import Source
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.inbox.lists import parse
from bridge.frontends.osc import asks, kits
from bridge.frontends.osc.interrupted import ask_of
from bridge.library.records import Interrupted
from bridge.live.pad_file import PadFile
from bridge.presets import files as presets

MODEL = Model("model", "1", replace(USUAL, sample_rate=16_000, seconds=Range(0.1, 10.0)), "cpu", "float32", "scheduler")
SOURCE = Source("/a b.wav", "0" * 64, "vary", 1.0, 0.0, 1.0)
# Keys that are refused without another one.
TOGETHER: dict[str, dict[str, Any]] = {
    "bpm": {"bars": 1}, "then": {"then_port": 57110}, "then_port": {"then": "/done"},
    "strength": {"vary": "last"}, "parts": {"vary": "last"}, "from": {"vary": "last"}, "to": {"vary": "last"},
    "fill": {"from": 1.0, "to": 1.5}, "more": {"continue": "last"}, "more_bars": {"continue": "last"},
}  # fmt: skip
TEXTS = (
    "rain", "on", "off", "onset", "bar", "both", "wav", "flac", "exe", "c4", "H9", "f#m", "eb minor", "drums/kicks", "../up", "con",
    "/b_allocRead i:10 s:{path}", "/bridge/stop", "two  spaces", "", "x" * 40, "x" * 41, "x" * 4_000, "x" * 4_001,
    "C1 \x9b", "C1 \x80", "NUL \x00", "bell \x07", "DEL \x7f", "next\x85line", "half \ud800", "雨 é ‮",
)  # fmt: skip
NUMBERS = (
    0, 1, 2, 3, 15, 16, 17, 24, 24.0, 32, 32.0, 20.5, -1, -6, -41, 0.05, 0.0625, 0.1, 1.0, 4, 30, 31, 127, 128, 150, 151, 250,
    251, 999, 1_000, 10_000, 10_001, 65_535, 65_536, 2**31 - 1, 2**31, 2**63, -(2**63), 10**400, 16**6_000, 1e308,
    math.nan, math.inf, -math.inf,
)  # fmt: skip
VALUES: tuple[Any, ...] = (*TEXTS, *NUMBERS, True, False, [], {}, [1], {"a": 1})
REFUSED = "refused"


def osc(field: Field, value: Any, tmp_path: Path) -> Any:
    pairs = {field.name: value, **TOGETHER.get(field.name, {})}
    return getattr(asks.pairs(["rain", *(part for pair in pairs.items() for part in pair)]).ask(), field.attribute)


def words(field: Field, value: Any, tmp_path: Path) -> Any:
    pairs = {field.name: value, **TOGETHER.get(field.name, {})}
    return getattr(
        asks.words(["rain", *(p for key, v in pairs.items() for p in (f"@{key}", v))]).ask(), field.attribute
    )


def line(field: Field, value: Any, tmp_path: Path) -> Any:
    rest = "".join(f" {key}={other}" for key, other in TOGETHER.get(field.name, {}).items())
    (entry,) = parse(".txt", f'rain{rest} {field.name}="{value}"'.encode())
    return getattr(asked(entry), field.attribute)


def table(field: Field, value: Any, tmp_path: Path) -> Any:
    lines = [f"{key} = {toml(v)}" for key, v in {field.name: value, **TOGETHER.get(field.name, {})}.items()]
    (entry,) = parse(".toml", "\n".join(['[[clip]]\nprompt = "rain"', *lines]).encode("utf-8", "surrogatepass"))
    return getattr(asked(entry), field.attribute)


def preset(field: Field, value: Any, tmp_path: Path) -> Any:
    file = tmp_path / "mine.toml"
    file.write_bytes(f"{field.name} = {toml(value)}".encode("utf-8", "surrogatepass"))
    read = presets.read(file)
    return getattr(read.shape if field.part == "shape" else read, field.name)


def pad(field: Field, value: Any, tmp_path: Path) -> Any:
    file = tmp_path / "pads.json"
    ask = {"text": "rain", field.name: value, **TOGETHER.get(field.name, {})}
    stored = {"source": source.facts(SOURCE)} if ask.keys() & set(source.HOWS) else {}
    file.write_text(json.dumps({"1": {"ask": ask, "locked": False, **stored}}))
    read = PadFile(file).read()
    if not read:
        raise BadArgument("the pad was left out")
    return getattr(read[1].ask, field.attribute)


def remembered(field: Field, value: Any, tmp_path: Path) -> Any:
    ask = {"text": "rain", "seed": 1, field.name: value, **TOGETHER.get(field.name, {})}
    ask = json.loads(json.dumps(ask))
    return getattr(ask_of(Interrupted("", "", 1, "rain", "rain", 4.0, 1, ask, 0.0)), field.attribute)


def recalled(field: Field, value: Any, tmp_path: Path) -> Any:
    good = recipe.make(Prompt("rain", "rain", 4.0, 5), MODEL, 1)
    if field.part == "shape":
        good["shape"] = {**good["shape"], field.name: value}
    else:
        good |= {field.name: value, "batch_seed": value} if field.name == "seed" else {field.name: value}
    prompt = recipe.read(json.dumps(good)).prompt
    return getattr(prompt.shape if field.part == "shape" else prompt, field.name)


def kit(field: Field, value: Any, tmp_path: Path) -> Any:
    return kits.parse(["drums", "kick", f"@{field.name}", value]).values[field.name]


def asked(entry: Any) -> Ask:
    if not isinstance(entry.what, Ask):
        raise BadArgument(entry.why)
    return entry.what


def toml(value: Any) -> str:
    if isinstance(value, bool | list):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, int) and abs(value) > 2**64:
        return hex(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


IN_RECIPES = {f.name for kind in (Prompt, Shape) for f in dataclasses.fields(kind)} - {"text"}
OVER_OSC = {name for name in fields_of(Door.OSC) if name not in ("id", "reply_port")}


def scalar(value: Any) -> bool:  # a switch over OSC is 0 or 1
    return not isinstance(value, bool | dict)


def one_line(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def short(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < 10**4_000  # as JSON writes them


def in_json(value: Any) -> bool:
    return short(value) and not isinstance(value, bool)


DOORS: dict[str, tuple[Callable[[Field, Any, Path], Any], set[str], Callable[[Any], bool]]] = {
    "osc": (osc, OVER_OSC, scalar),
    "words": (words, OVER_OSC, scalar),
    "a line of a list": (line, set(fields_of(Door.LIST)), one_line),
    "a table of a list": (table, set(fields_of(Door.LIST)), lambda value: True),
    "a preset": (preset, set(fields_of(Door.PRESET)), lambda value: True),
    "pads.json": (pad, set(fields_of(Door.PAD)) - {"text"}, short),
    "an interrupted job": (remembered, OVER_OSC - {"deadline_s"}, in_json),
    "a recipe": (recalled, IN_RECIPES & set(FIELDS), short),
    "a kit": (kit, set(fields_of(Door.KIT)), scalar),
}


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClipbridgeError as error:
        assert str(error) and len(str(error)) < 400
        return REFUSED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("negative", f"wind {chr(code)} rain") for code in (0, 7, 27, 127, 128, 155, 159)), ("negative", "half \udc00"),
        ("negative", "x" * 4_001), ("negative", 7), ("preset", "x" * 41), ("bits", 17), ("bits", 20), ("bits", True), ("bits", "24"),
        ("seconds", math.nan), ("seconds", math.inf), ("seconds", True), ("seconds", 10**400), ("seed", 1.5), ("seed", True),
        ("steps", 0), ("takes", 17), ("loop", 2), ("loop", "yes"), ("reverse", -1), ("note", "h4"), ("note", 128), ("key", "h sharp"),
        ("sink", "tape"), ("trim", []), ("folder", "../up"), ("then", "/bridge/stop"), ("then_port", 0), ("gain", 4.1), ("pan", None),
    ],
)  # fmt: skip
def test_the_table_refuses_what_no_clip_can_have(name: str, value: Any) -> None:
    with pytest.raises(BadArgument, match=r"\.$|\?$|path\}\"$"):
        FIELDS[name].check(value)


def test_whole_numbers_may_come_as_floats_and_32_bit_floats_as_what_they_mean() -> None:
    assert FIELDS["seed"].check(7.0) == 7 and isinstance(FIELDS["seed"].check(7.0), int)
    assert FIELDS["bits"].check(24.0) == 24 and isinstance(FIELDS["bits"].check(24.0), int)
    assert FIELDS["seconds"].check(0.10000000149011612) == 0.1
    assert FIELDS["reverse"].check(True) == 1 and FIELDS["note"].check(60) == "c4"


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.whole_clip])
def test_a_clip_whose_shape_depends_on_its_end_is_not_played_early(name: str) -> None:
    value: Any = {"trim": "onset", "lufs": -20.0}.get(name, 1)
    assert Prompt("x", "x", 1.0, 1).as_it_comes
    assert not Prompt("x", "x", 1.0, 1, shape=Shape(**{name: value})).as_it_comes


@pytest.mark.parametrize("door", DOORS)
def test_every_way_in_takes_the_same_values_of_a_key_and_refuses_the_same(door: str, tmp_path: Path) -> None:
    enter, names, carries = DOORS[door]
    assert names
    for name in sorted(names):
        field = FIELDS[name]
        for value in filter(carries, VALUES):
            if door == "a recipe" and (value in ("", 0, None) or value == field.default):
                continue  # none, or the default: as Prompt has it
            longest = PAD_SECONDS.high
            if door == "pads.json" and name == "seconds" and isinstance(value, int | float) and value > longest:
                continue
            expected, actual = outcome(lambda: field.check(value)), outcome(lambda: enter(field, value, tmp_path))  # noqa: B023
            assert actual == expected, (door, name, value if short(value) else "huge")


@pytest.mark.parametrize("door", ["osc", "words", "a line of a list", "a table of a list", "an interrupted job"])
def test_where_all_may_come_as_text_a_numeric_text_is_a_number(door: str, tmp_path: Path) -> None:
    enter, names, _ = DOORS[door]
    for name in sorted(names):
        field = FIELDS[name]
        if field.kind in ("number", "whole", "flag", "note") or name == "bits":
            for number in (0, 1, 2, 16, 17, 24, 0.1, 150, 2**31):
                expected = outcome(lambda: field.check(number))  # noqa: B023
                for text in (str(number), f" {number} ", f"{number:.3f}"):
                    if door != "a line of a list" or text == text.strip():
                        assert outcome(lambda: enter(field, text, tmp_path)) == expected, (door, name, text)  # noqa: B023


@pytest.mark.parametrize("door", ["a preset", "pads.json", "a recipe"])
def test_where_numbers_have_a_type_a_text_is_not_one(door: str, tmp_path: Path) -> None:
    enter, names, _ = DOORS[door]
    for name in sorted(names):
        if FIELDS[name].kind in ("number", "whole", "flag") or name == "bits":
            assert outcome(lambda: enter(FIELDS[name], "1", tmp_path)) == REFUSED, (door, name)  # noqa: B023


def test_whatever_a_preset_and_an_ask_may_say_can_be_recalled(tmp_path: Path) -> None:
    for name in sorted(OVER_OSC | set(fields_of(Door.PRESET))):
        for value in filter(short, VALUES):
            try:
                if name in OVER_OSC and scalar(value):
                    osc(FIELDS[name], value, tmp_path)
                    pairs = {name: value, **TOGETHER.get(name, {})}
                    ask = asks.pairs(["rain", *(part for pair in pairs.items() for part in pair)]).ask()
                    prompts = [resolve(ask, None)]
                else:
                    prompts = []
                if name in fields_of(Door.PRESET):
                    preset(FIELDS[name], value, tmp_path)
                    prompts.append(resolve(Ask("rain"), presets.read(tmp_path / "mine.toml")))
            except ClipbridgeError:
                continue
            for prompt in prompts:
                assert recipe.read(recipe.write(prompt, MODEL, 1)).prompt == prompt, (name, value)


@pytest.mark.parametrize("format_and_bits", [("flac", 32)])
def test_flac_with_floating_point_is_refused_before_anything_is_made(
    format_and_bits: tuple[str, int], tmp_path: Path
) -> None:
    shape = dict(zip(("format", "bits"), format_and_bits, strict=True))
    (tmp_path / "mine.toml").write_text('format = "flac"\nbits = 32')
    with pytest.raises(ClipbridgeError, match=":2: bits 32"):
        presets.read(tmp_path / "mine.toml")
    with pytest.raises(BadArgument, match="FLAC"):
        asks.pairs(["rain", "format", "flac", "bits", 32]).ask()
    (tmp_path / "pads.json").write_text(json.dumps({"1": {"ask": {"text": "rain", **shape}, "locked": False}}))
    assert PadFile(tmp_path / "pads.json").read() == {}
    good = recipe.make(Prompt("rain", "rain", 4.0, 5), MODEL, 1)
    with pytest.raises(ClipbridgeError, match="FLAC"):
        recipe.read(json.dumps({**good, "shape": shape}))


def test_a_preset_names_the_line_of_a_control_character_beyond_ascii(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('seconds = 1\nnegative = "wind \x9b"', "utf-8")
    with pytest.raises(ClipbridgeError, match="mine.toml:2: negative has control characters"):
        presets.read(file)


def test_ask_shape_and_the_table_have_the_same_keys_and_defaults() -> None:
    asked = {field.name for field in dataclasses.fields(Ask)} - {"take", "crop", "source"}
    keys = {field.attribute for field in FIELDS.values()}
    assert asked == keys - {"id", "reply_port", "folder"}
    shaping = {name for name, field in FIELDS.items() if field.part == "shape"}
    assert {field.name for field in dataclasses.fields(Shape)} == shaping
    for name in shaping:
        assert getattr(DEFAULT_SHAPE, name) == FIELDS[name].default
        assert FIELDS[name].default in (None, "") or FIELDS[name].check(FIELDS[name].default) == FIELDS[name].default


def test_every_option_of_generate_and_kit_is_explained_and_every_key_is_an_option() -> None:
    commands = parser()[1]
    for command, fields in (("generate", fields_of(Door.COMMAND)), ("kit", KIT_FIELDS)):
        actions = commands[command]._actions
        assert [action.dest for action in actions if not action.help] == []
        options = {option for action in actions for option in action.option_strings}
        assert {f"--{name.replace('_', '-')}" for name in fields} <= options


def test_the_supercollider_class_has_an_argument_for_each_key() -> None:
    text = Path(__file__, "../../../host_scripts/supercollider/Classes/Clipbridge.sc").resolve().read_text("utf-8")
    found = re.findall(r"\t\*?(\w+) \{ \|((?:aP|p)rompt[^|]*|dirt, [^|]*)\|((?:(?!\n\t\}).)*)", text, re.DOTALL)
    methods = {name: ({part.split("=")[0].strip() for part in names.split(",")}, body) for name, names, body in found}
    every = set(fields_of(Door.OSC)) - {"id", "reply_port", "then", "then_port"}
    live = every - {"takes", "deadline_s", "sink"}
    for method, keys in {
        "generate": every - {"gate"},
        "dirt": every - {"gate", "takes", "sink", "gain", "pan", "quantize"},
        "set": live,
        "streamStart": live - {"gate"},
        "streamSet": live - {"gate"},
    }.items():
        names, body = methods[method]
        assert keys <= names, method
        for key in keys:
            assert re.search(rf"\b{key}: {key}\b|, {key},", body), (method, key)


def test_a_value_that_is_0_or_1_is_refused_in_these_words() -> None:
    for field in FIELDS.values():
        if field.kind == "flag":
            for value in ("yes", 2, 0.5, float("nan"), None, 10**30):
                with pytest.raises(BadArgument, match=f"{field.name} must be 0 or 1, not "):
                    field.parse(value)
            assert [field.parse(value) for value in (0, 1.0, "1", "0.0", "true", False)] == [0, 1, 1, 0, 1, 0]
