"""The pads as they are kept between runs. The file is a stranger's: each value is checked as a frontend would."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from bridge.domain.ask import Ask
from bridge.domain.limits import BARS, BITS, BPM, GAIN, PADS, PAN, QUANTIZE, SECONDS, SEED, Range
from bridge.domain.musical_keys import key_of
from bridge.domain.notes import midi_of
from bridge.errors import ClipbridgeError
from bridge.presets.checks import Check, number, one_of, text
from bridge.presets.files import CHECKS as PRESET_CHECKS
from bridge.presets.files import SHAPING
from bridge.system.keeping import KeptFile

log = logging.getLogger("clipbridge")

LONGEST_S = 30.0  # all takes of all pads are held in memory: 1.5 GB at the very most
SINK = "pad"
MAX_PADS_BYTES = 10_000_000
CHECKS: dict[str, Check] = {
    **{name: PRESET_CHECKS[name] for name in ("negative", "steps", "guidance", *SHAPING)},
    "text": text, "preset": text, "transcript": text, "note": text, "key": text,
    "seconds": number(Range(SECONDS.low, LONGEST_S)), "bars": number(BARS), "bpm": number(BPM),
    "seed": number(SEED, whole=True), "bits": number(BITS, whole=True), "gain": number(GAIN), "pan": number(PAN),
    "gate": number(Range(0, 1), whole=True), "loop": number(Range(0, 1), whole=True), "quantize": one_of(QUANTIZE),
}  # fmt: skip


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


def _ask(said: dict[str, Any]) -> Ask:
    """An ask as a frontend would have let it through. Raises ValueError, TypeError, KeyError, BadArgument."""
    given = {name: value for name, value in said.items() if value is not None and name != "sink"}
    checked = {name: CHECKS[name](value) for name, value in given.items()}
    if not checked["text"]:
        raise ValueError("a pad needs a prompt")
    if "note" in checked:
        midi_of(checked["note"])
    if "key" in checked:
        key_of(checked["key"])
    return Ask(**checked, sink=SINK)
