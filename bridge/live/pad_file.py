"""The pads as they are kept between runs. The file is a stranger's: each value is checked as a frontend would."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bridge.domain.ask import Ask, fields_of
from bridge.domain.fields import Door
from bridge.domain.limits import PADS, SECONDS, Range
from bridge.errors import ClipbridgeError
from bridge.system.keeping import KeptFile

log = logging.getLogger("clipbridge")

LONGEST_S = 30.0  # all takes of all pads are held in memory: 1.5 GB at the very most
SINK = "pad"
MAX_PADS_BYTES = 10_000_000
KEYS = fields_of(Door.PAD)
KEYS["seconds"] = replace(KEYS["seconds"], allowed=Range(SECONDS.low, LONGEST_S))


class Kept(NamedTuple):
    """A pad in the file: what it makes, and whether it makes the same at every press."""

    ask: Ask
    locked: bool


class PadFile:
    """Reads once, at the start; writes on a thread."""

    def __init__(self, file: Path) -> None:
        self._path, self._file = file, KeptFile(file, "pads")

    def keep(self, pads: dict[int, Kept]) -> None:
        """Write them, soon."""
        self._file.keep(
            lambda: {
                str(pad): {"ask": dataclasses.asdict(ask), "locked": locked} for pad, (ask, locked) in pads.items()
            }
        )

    def read(self) -> dict[int, Kept]:
        """The pads that were kept. What cannot be read is left out, and the file then stays beside as `.bad`."""
        try:
            if self._path.stat().st_size > MAX_PADS_BYTES:
                raise ValueError("it is too large")
            kept = dict(json.loads(self._path.read_text("utf-8")).items())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            self._set_aside(str(error))
            return {}
        pads, wrong = {}, ""
        for pad, said in kept.items():
            try:
                if int(pad) not in PADS:
                    raise ValueError(f"there is no pad {pad}")
                pads[int(pad)] = Kept(_ask(said["ask"]), bool(said["locked"]))
            except (ValueError, TypeError, KeyError, AttributeError, ClipbridgeError) as error:
                wrong = f"pad {pad}: {error}"
        if wrong:
            self._set_aside(wrong)
        return pads

    def _set_aside(self, why: str) -> None:
        log.warning("%s: a pad in it is none and is left out (%s)", self._path, why[:300])
        with contextlib.suppress(OSError):
            shutil.copyfile(self._path, self._path.with_suffix(".bad"))


def _ask(values: dict[str, Any]) -> Ask:
    """An ask as a frontend would have let it through. Raises ValueError, TypeError, KeyError, BadArgument."""
    checked = {name: KEYS[name].check(value) for name, value in values.items() if value is not None and name != "sink"}
    if not checked["text"]:
        raise ValueError("a pad needs a prompt")
    ask = Ask(**checked, sink=SINK)
    ask.check()
    ask.check()
    return ask
