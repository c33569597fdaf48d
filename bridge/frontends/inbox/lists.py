"""Lists of prompts: each line of a .txt file and each table of a .toml file becomes an ask, or a sentence about its fault."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from bridge.domain.ask import FIELDS, Ask, fields_of
from bridge.domain.fields import Door
from bridge.domain.limits import MAX_LIST_BYTES
from bridge.domain.nearest import unknown
from bridge.domain.recipe import Recipe
from bridge.domain.source import HOWS
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.system.text import NotText, text_of

MAX_PROMPTS = 200  # of a list in the inbox
MAX_LINE = 20_000  # characters: room for a prompt, a negative and a transcript at their longest
MAX_DOTS = 30  # in one key: tomllib takes seconds for keys of thousands of parts
MAX_SHOWN = 120  # characters of a prompt in the report
KEYS = fields_of(Door.LIST)
PAIR = re.compile(r'(?:^|\s)([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:["“]([^"“”]*)["”]|([^\s"“”=]*))\s*$')
CLIP = re.compile(r"\s*\[\[\s*[\"']?clip[\"']?\s*\]\]")
EXAMPLE = 'prompt = "rain on tin"'


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a list may be."""

    prompts: int
    bytes: int


OF_INBOX = Limits(MAX_PROMPTS, MAX_LIST_BYTES)


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip to make. `where` (`line 3`) and `text` are for the report. `what` to ask for; None if the entry is faulty, with
    the reason in `why`."""

    where: str
    text: str
    what: Ask | Recipe | None
    why: str = ""


def parse(suffix: str, data: bytes, source: str = "", limits: Limits = OF_INBOX) -> list[Entry]:
    """The prompts of a list, at least one. `suffix`: `.txt` or `.toml`. `source`: an audio file, which entries that name no source
    vary. Raises BadArgument for a file that is not a list."""
    if len(data) > limits.bytes:
        raise BadArgument(
            f"It is larger than {limits.bytes // 1000:,} kB. A list has {limits.prompts:,} prompts at most: split it."
        )
    try:
        text = text_of(data)
    except NotText as error:
        raise BadArgument(f"Line {error.line} is not UTF-8 text. Save the list as plain text, UTF-8.") from error
    return _toml(text, source, limits) if suffix == ".toml" else _lines(text, source, limits)


def keys_of(entries: list[Entry]) -> list[str]:
    """A key for each entry, which stays the same when others are added to the list."""
    seen: Counter[str] = Counter()
    keys = []
    for entry in entries:
        text = repr(entry.what)
        seen[text] += 1
        keys.append(hashlib.sha256(f"{seen[text]} {text}".encode(errors="replace")).hexdigest()[:32])
    return keys


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.prompts:
        raise BadArgument(f"It has {count:,} prompts, and a list may have {limits.prompts:,}: split it.")


def _lines(text: str, source: str, limits: Limits) -> list[Entry]:
    """One entry for each line, without comments, which begin with #."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    prompts = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not prompts and source:
        return [_entry("", "", "", {}, "", source)]
    if not prompts:
        raise BadArgument("It has no prompts: write one on each line.")
    _check_count(len(prompts), limits)
    return [_entry(f"line {number}", line, *_split(line), source) for number, line in prompts]


def _split(line: str) -> tuple[Any, dict[str, Any], str]:
    """The prompt of a line, the `key=value` pairs at its end, and the fault in them ("" for none)."""
    values: dict[str, Any] = {}
    if len(line) > MAX_LINE:
        return "", values, f"A line may have {MAX_LINE:,} characters, not {len(line):,}."
    while (pair := PAIR.search(line)) is not None:
        name, value = _key(pair[1]), pair[2] if pair[2] is not None else pair[3]
        if name in values:
            return line, values, f"The key {name} is set twice."
        if not value:
            return line, values, f"The key {name} has no value."
        values[name], line = value, line[: pair.start()].rstrip()
    quoted = re.fullmatch(r'["“]([^"“”]*)["”]', line)
    return quoted[1] if quoted else line, values, ""


def _toml(text: str, source: str, limits: Limits) -> list[Entry]:
    """One entry for each table [[clip]]; keys before the first table apply to all."""
    for part in re.split(r"[={},\[\]\n]", text):
        if part.count(".") > MAX_DOTS:
            raise BadArgument(
                f"Line {text.count(chr(10), 0, text.index(part)) + 1} has more than {MAX_DOTS} dots in a row."
            )
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"It is not valid TOML: {str(error)[:200].rstrip('.') or 'nested too deep'}.") from error
    clips = values.pop("clip", None)
    if not isinstance(clips, list) or not clips or not all(isinstance(clip, dict) for clip in clips):
        raise BadArgument(f"It has no [[clip]]: write each prompt below a line [[clip]], as {EXAMPLE}.")
    _check_count(len(clips), limits)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if CLIP.match(line)]
    known = len(lines) == len(clips)  # otherwise some tables are written inline
    entries = []
    for number, clip in enumerate(clips):
        keys = {_key(name): value for name, value in {**values, **clip}.items()}
        prompt = keys.pop("prompt", "")
        where = f"line {lines[number]}" if known else f"clip {number + 1}"
        entries.append(_entry(where, str(_plain(prompt)), prompt, keys, "", source))
    return entries


def _entry(where: str, text: str, prompt: Any, values: dict[str, Any], fault: str, source: str) -> Entry:
    shown = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    try:
        if fault:
            raise BadArgument(fault)
        checked = {name: _checked(name, value) for name, value in values.items()}
        if source and not any(how in checked for how in HOWS):
            checked["vary"] = source
        if prompt == "" and not any(how in checked for how in HOWS):  # a source says what it is
            raise BadArgument(f"There is no prompt: write it before the keys, or in a .toml list as {EXAMPLE}.")
        ask = Ask.of("" if prompt == "" else args.prompt(_plain(prompt)), {**checked, "sink": "folder"})
        ask.check()
        return Entry(where, shown, ask)
    except BadArgument as error:
        return Entry(where, shown, None, str(error))


def _checked(name: str, value: Any) -> Any:
    """The value of one key. Raises BadArgument."""
    if name in KEYS:
        return KEYS[name].parse(value)
    if name in FIELDS and name != "text":
        raise BadArgument(f"The key {name} has no use in a list: leave it out.")
    raise BadArgument(unknown("key", name, KEYS, similarity=0.5))


def _plain(prompt: Any) -> Any:
    """The prompt, or a stand-in that is refused with a short sentence: TOML has numbers of thousands of digits, and tables."""
    if isinstance(prompt, list | dict):
        return []
    return float("inf") if isinstance(prompt, int) and abs(prompt) >= 2**63 else prompt


def _key(name: str) -> str:
    return name.lower().replace("-", "_")
