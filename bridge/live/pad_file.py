"""The file that stores the pads between runs. Any program may have edited it, so each value is checked as in a frontend."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bridge.domain import fields, source
from bridge.domain.ask import Ask, fields_of
from bridge.domain.fields import Door, has_control_characters
from bridge.domain.limits import CHOKES, MAX_PATH_CHARACTERS, PAD_SECONDS, PADS
from bridge.errors import BadArgument, ClipbridgeError
from bridge.system.keeping import KeptFile
from bridge.system.text import read_text

log = logging.getLogger("clipbridge")

SINK = "pad"
MAX_PADS_BYTES = 10_000_000
KEYS = fields_of(Door.PAD)
KEYS["seconds"] = replace(KEYS["seconds"], allowed=PAD_SECONDS)


class StoredPad(NamedTuple):
    """A pad in the file; see pad.Pad."""

    ask: Ask
    locked: bool
    file: str = ""
    choke: int = 0


class PadFile:
    """Read once, at the start; written on a thread."""

    def __init__(self, file: Path) -> None:
        self._path, self._file = file, KeptFile(file, "pads")

    def save(self, pads: dict[int, StoredPad]) -> None:
        """Write the pads soon, on another thread."""
        self._file.keep(
            lambda: {
                str(number): {
                    "ask": {"text": pad.ask.text, **pad.ask.values},
                    **({"source": source.facts(pad.ask.source)} if pad.ask.source else {}),
                    "locked": pad.locked,
                    **({"file": pad.file} if pad.file else {}),
                    **({"choke": pad.choke} if pad.choke else {}),
                }
                for number, pad in pads.items()
            }
        )

    def read(self) -> dict[int, StoredPad]:
        """The pads in the file. Skips invalid ones, and copies such a file to `.bad`."""
        try:
            if self._path.stat().st_size > MAX_PADS_BYTES:
                raise ValueError("the file is too large")
            stored = dict(json.loads(read_text(self._path)).items())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            self._copy_aside(str(error))
            return {}
        pads, fault = {}, ""
        for pad, entry in stored.items():
            try:
                if int(pad) not in PADS:
                    raise ValueError(f"there is no pad {pad}")
                choke = int(fields.number(entry.get("choke", 0), "choke", CHOKES, whole=True))
                file = _audio_file(entry.get("file", ""))
                ask = _ask(entry["ask"], entry.get("source"))
                pads[int(pad)] = StoredPad(ask, bool(entry["locked"]), file, choke)
            except (ValueError, TypeError, KeyError, AttributeError, ClipbridgeError) as error:
                fault = f"pad {pad}: {error}"
        if fault:
            self._copy_aside(fault)
        return pads

    def _copy_aside(self, why: str) -> None:
        log.warning("%s: skipped an invalid pad (%s)", self._path, why[:300])
        with contextlib.suppress(OSError):
            shutil.copyfile(self._path, self._path.with_suffix(".bad"))


def shown_keys(ask: Ask, file: str, choke: int) -> dict[str, Any]:
    """The keys that a pad was set or loaded with, and its file and its choke group if it has one."""
    keys = {name: value for name, value in ask.values.items() if name in KEYS}
    numbers = {name: float(value) for name, value in keys.items() if KEYS[name].kind == "number"}
    return {**keys, **numbers, **({"file": file} if file else {}), **({"choke": choke} if choke else {})}


def check_length(seconds: float) -> None:
    """Raises BadArgument for a clip that is too long for a pad."""
    if seconds > PAD_SECONDS.high:
        raise BadArgument(f"A pad's clip has at most {PAD_SECONDS.high:g} seconds, not {seconds:g}.")


def _audio_file(value: Any) -> str:
    """The path of a pad's file; "" for none. Raises ValueError."""
    if not isinstance(value, str) or has_control_characters(value) or len(value) > MAX_PATH_CHARACTERS:
        raise ValueError("its file is not a path")
    return value


def _ask(values: dict[str, Any], stored: Any) -> Ask:
    """The ask of a pad, with the source that is `stored` beside it. Raises ValueError, TypeError, KeyError, BadArgument."""
    checked = {name: KEYS[name].check(value) for name, value in values.items() if value is not None and name != "sink"}
    text = checked.pop("text")
    ask = replace(Ask.of(text, {**checked, "sink": SINK}), source=None if stored is None else source.read(stored))
    if not text and ask.source is None:
        raise ValueError("a pad needs a prompt")
    if ask.how and ask.source is None:
        raise ValueError("its source is not stored with it")
    ask.check()
    return ask
