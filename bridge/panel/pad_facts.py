"""What the panel knows of the daemon's pads: read from OSC messages, said in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.client import pairs
from bridge.domain.limits import PADS

ADDRESS = re.compile(r"/bridge/pad/([0-9]{1,3})/(state|prompt|voice)")
COUNT = int(PADS.high) + 1
IN_BANK = 16
BANKS = COUNT // IN_BANK


@dataclass(frozen=True, slots=True)
class Pad:
    """A pad as the daemon described it last. `keys`: those that it was set with. `voices`: what sounds, and whether it began or
    is waiting."""

    number: int
    state: str = "empty"
    value: float = 0.0
    repeated: int = 0
    why: str = ""
    prompt: str = ""
    locked: bool = False
    keys: dict[str, Any] = field(default_factory=dict)
    voices: dict[int, str] = field(default_factory=dict)

    @property
    def sounds(self) -> bool:
        return "began" in self.voices.values()

    @property
    def waits(self) -> bool:
        """Whether it is waiting for its beat or bar, and is silent."""
        return bool(self.voices) and not self.sounds

    @property
    def file(self) -> str:
        """The file that it plays instead of takes of its prompt, "" if there is none."""
        return str(self.keys.get("file", ""))

    @property
    def filled(self) -> float:
        """How much of its next take is made, 0 to 1."""
        return min(1.0, max(0.0, self.value)) if self.state == "filling" else 0.0

    @property
    def name(self) -> str:
        """For a screen reader."""
        return f"Pad {self.number}: {self.prompt or 'empty'}"

    @property
    def words(self) -> list[str]:
        """Its state in words, the most important ones first; they change only when something happens."""
        if self.state == "empty":
            return ["empty"]
        said = ["playing" if self.sounds else "waiting for its moment"] if self.voices else []
        if self.file:
            said.append("cannot be played" if self.why else "a clip")
        elif self.state == "ready":
            said.append(f"{self.value:.0f} ready")
        else:
            filling = "cannot be filled" if self.why else "filling"
            said += ["repeats", filling] if self.repeated else [filling]
        said += ["locked"] if self.locked else []
        said += [word for key, word in (("loop", "loop"), ("gate", "hold to play")) if self.keys.get(key)]
        return [*said, *([self.why] if self.why else [])]


class Pads:
    """All pads, kept up to date by `read`."""

    def __init__(self) -> None:
        self._pads = [Pad(number) for number in range(COUNT)]

    def __getitem__(self, number: int) -> Pad:
        return self._pads[number]

    def __iter__(self) -> Iterator[Pad]:
        return iter(self._pads)

    def forget(self) -> None:
        """Nothing is known: another daemon may have other pads."""
        self._pads = [Pad(number) for number in range(COUNT)]

    def read(self, address: str, arguments: list[Any]) -> int | None:
        """Read a message. Returns the number of the pad that changed; None if none did, or if the message is malformed."""
        found = ADDRESS.fullmatch(address)
        if found is None or (number := int(found[1])) >= COUNT:
            return None
        before = self._pads[number]
        pad = _changed(before, found[2], arguments)
        self._pads[number] = pad
        return number if pad != before else None


def _changed(pad: Pad, what: str, arguments: list[Any]) -> Pad:
    match what, arguments:
        case "state", [str(state), float() | int() as value, *_]:
            facts = pairs(arguments, 2)
            repeated, why = facts.get("repeated", 0), facts.get("why", "")
            pad = replace(
                pad,
                state=state,
                value=float(value),
                repeated=repeated if isinstance(repeated, int) else 0,
                why=str(why),
            )
            return replace(pad, voices={}) if state == "empty" else pad
        case "prompt", [str(prompt), *_]:
            keys = {str(key): value for key, value in pairs(arguments, 1).items()}
            return replace(pad, prompt=prompt, locked=bool(keys.pop("locked", 0)), keys=keys)
        case "voice", [int(voice), str(state), *_]:
            others = {other: was for other, was in pad.voices.items() if other != voice}
            return replace(pad, voices=others if state == "ended" else {**others, voice: state})
    return pad
