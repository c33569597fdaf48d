"""Masks for values that differ from run to run: each is checked for type and range, then replaced by its kind. Others stay.

The kinds: `~sentence` (why, remark: a text that is not empty), `~id` (eight random hex digits), `~seed` (random, below a
million), `~seconds` (times, 0 or more), `~fraction` (0 to 1), `~beat`, `~mb`, `~count` (underflows, clips), `~version`, `~revision`,
`~voice N` (numbers of voices, in order of appearance), `<folder>` (the sample folder) and `_~` (the random tag of a file's name),
`~port X` (the port of client X), `~on` (a stream that is `playing` or, with a slow engine, `thin`), `~coming` (an engine that is
`loading` or `warming`), `~part` (`3/7`), `~device` (whether this machine has an audio device). Measurements of the sound
stay, as {"~about": value}, and are compared with a tolerance: the engine may add in another order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MEASURED = ("measured_bpm", "ratio", "confidence", "cents", "root_confidence", "off_cents", "seam", "lufs", "score")


@dataclass
class Masks:
    """The masks of one scenario. `folder`: of the daemon's clips; `random_seeds`: the daemon chooses the seeds."""

    folder: str
    random_seeds: bool = False
    voices: dict[int, str] = field(default_factory=dict)

    def message(self, address: str, values: list[Any]) -> list[Any]:
        """The values of a reply, masked."""
        name = re.sub(r"/pad/\d+/", "/pad/n/", address)
        if name == "/bridge/pong":
            return values
        kinds = POSITIONS.get(name, ())
        known = self._keyed if name in KEYED else None
        masked = [self._one(kind, value) for kind, value in zip(kinds, values, strict=False)]
        rest = values[len(masked) :]
        return [*masked, *(known(rest) if known else [self._plain(value) for value in rest])]

    def _keyed(self, rest: list[Any]) -> list[Any]:
        assert len(rest) % 2 == 0, rest
        return [
            part for key, value in zip(rest[::2], rest[1::2], strict=True) for part in (key, self._one(KEYS.get(key, ""), value))
        ]  # fmt: skip

    def _one(self, kind: str, value: Any) -> Any:
        return KINDS[kind](self, value) if kind else self._plain(value)

    # ---- one per kind ----

    def _plain(self, value: Any) -> Any:
        """The value, with the folder hidden."""
        return self.path(value) if isinstance(value, str) and value.startswith(self.folder) else value

    def path(self, value: Any) -> str:
        """An absolute path with `/`, without the folder and the random tag of the name. "" stays."""
        assert isinstance(value, str) and "\\" not in value
        if not value.startswith(self.folder):
            return "" if value == "" else "~elsewhere"
        inner = re.sub(r"_[0-9a-f]{4}(?=\.[a-z]+$)", "_~", value[len(self.folder) :])
        return "<folder>" + (re.sub(r"_s\d+_~", "_s~_~", inner) if self.random_seeds else inner)

    def _sentence(self, value: Any) -> str:
        assert isinstance(value, str) and len(value) <= 600, value
        return "~sentence" if value else ""

    def _id(self, value: Any) -> Any:
        return "~id" if isinstance(value, str) and re.fullmatch("[0-9a-f]{8}", value) else value

    def _seed(self, value: Any) -> Any:
        assert isinstance(value, int)
        return "~seed" if self.random_seeds and 0 <= value < 1_000_000 else value

    def _voice(self, value: Any) -> str:
        assert isinstance(value, int) and value > 0
        return self.voices.setdefault(value, f"~voice {len(self.voices) + 1}")

    def _about(self, value: Any) -> Any:
        assert isinstance(value, float)
        return {"~about": value}

    def _version(self, value: Any) -> str:
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", value), value
        return "~version"

    def _coming(self, value: Any) -> str:
        return "~coming" if value in ("loading", "warming") else str(value)

    def _warm(self, value: Any) -> str:
        return "~part" if re.fullmatch(r"\d+/\d+", value) else str(value)

    def _on(self, value: Any) -> str:
        return "~on" if value in ("playing", "thin") else str(value)

    def _device(self, value: Any) -> str:
        assert value in ("open", "closed", "unusable", "lost", "failed"), value
        return "~device"

    def _ahead(self, value: Any) -> Any:
        return self._one("seconds", value) if value else value


def _number(name: str, low: float, high: float) -> Callable[[Masks, Any], str]:
    """A mask for a float in a range."""

    def mask(_masks: Masks, value: Any) -> str:
        assert isinstance(value, float) and low <= value <= high, (name, value)
        return f"~{name}"

    return mask


def _count(_masks: Masks, value: Any) -> str:
    assert isinstance(value, int) and value >= 0
    return "~count"


def _revision(_masks: Masks, value: Any) -> str:
    assert isinstance(value, str)
    return "~revision"


def _time(_masks: Masks, value: Any) -> str:
    assert isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    return "~time"


KINDS: dict[str, Callable[[Masks, Any], Any]] = {
    "sentence": Masks._sentence,
    "id": Masks._id,
    "seed": Masks._seed,
    "path": Masks.path,
    "voice": Masks._voice,
    "about": Masks._about,
    "version": Masks._version,
    "coming": Masks._coming,
    "warm": Masks._warm,
    "on": Masks._on,
    "ahead": Masks._ahead,
    "device": Masks._device,
    "count": _count,
    "revision": _revision,
    "time": _time,
    "seconds": _number("seconds", 0.0, 1e5),
    "fraction": _number("fraction", 0.0, 1.0),
    "beat": _number("beat", -1e7, 1e7),
    "mb": _number("mb", 0.0, 1e6),
}

# Replies whose first values are masked, by position ("": not masked).
POSITIONS: dict[str, tuple[str, ...]] = {
    "/bridge/queued": ("id", "", "seconds"),
    "/bridge/progress": ("id", "fraction"),
    "/bridge/take": ("id", "", "path", "about"),
    "/bridge/done": ("id", "path", ""),
    "/bridge/failed": ("id", "", "sentence"),
    "/bridge/cancelled": ("id",),
    "/bridge/error": ("", "", "sentence"),
    "/bridge/state": ("coming", "sentence"),
    "/bridge/status": ("coming",),
    "/bridge/restart": ("",),
    "/bridge/version": ("version",),
    "/bridge/voice": ("voice", "", "sentence"),
    "/bridge/pad/n/state": ("", ""),
    "/bridge/pad/n/prompt": ("",),
    "/bridge/pad/n/voice": ("voice", ""),
    "/bridge/pad/n/saved": ("path", "sentence"),
    "/bridge/kit/sound": ("", "", "path", "sentence"),
    "/bridge/kit/failed": ("", "", "sentence"),
    "/bridge/kit/done": ("", "path"),
    "/bridge/stream/state": ("on", "ahead"),
    "/bridge/audio": ("", "sentence"),
    "/bridge/midi": ("", "sentence"),
    "/bridge/preset": ("", "", "sentence"),
    "/bridge/inbox": ("", "path"),
    "/bridge/tempo": ("", "", "beat"),
    "/bridge/model": ("",),
    "/bridge/clip": ("path",),
    "/bridge/interrupted/job": ("id",),
}
# Replies with `key value` pairs after these, and the keys whose values are masked.
KEYED = (
    "/bridge/queued", "/bridge/take", "/bridge/done", "/bridge/kit/queued", "/bridge/kit/done", "/bridge/status", "/bridge/model",
    "/bridge/clip", "/bridge/interrupted/job", "/bridge/stream/state", "/bridge/pad/n/state",
    "/bridge/pad/n/prompt", "/bridge/kit/sound",
)  # fmt: skip
KEYS = {
    "seed": "seed", "engine_seconds": "seconds", "delivery_seconds": "seconds", "late_seconds": "seconds", "voice": "voice",
    "remark": "sentence", "why": "sentence", "size_mb": "mb", "peak_mb": "mb", "revision": "revision", "underflows": "count",
    "clip": "count", "slots": "warm", "waiting": "count", "rate": "count",
    "added_at": "time", "audio": "device", "warm": "warm", "sfz": "path", "decentsampler": "path", "hydrogen": "path",
    **dict.fromkeys(MEASURED, "about"),
}  # fmt: skip
