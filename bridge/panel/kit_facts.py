"""What the panel knows of kits: read from OSC messages, said in words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from bridge.client import pairs
from bridge.domain.kit import MAX_SOUNDS
from bridge.domain.limits import Range
from bridge.domain.notes import name_of

FORMATS = {"sfz": "SFZ", "decentsampler": "Decent", "hydrogen": "Hydrogen"}  # key of the reply → text of its button
SOUNDS = Range(0, MAX_SOUNDS)  # of a kit
GUESSED = "guessed: the checkpoint knows no such sound"
UNTUNED = "could not be tuned"


@dataclass(slots=True)
class KitSound:
    """A sound for the MIDI note `key`. `path`: its file, or "" until it is made; `why`: the last error."""

    key: int
    prompt: str
    note: str = ""
    path: str = ""
    why: str = ""

    @property
    def place(self) -> str:
        return f"{self.key} {name_of(self.key).upper()}"


@dataclass(slots=True)
class Kit:
    """A kit as the daemon described it last. `state`: making, done or failed. `files`: its mappings, format → path."""

    name: str
    state: str = "making"
    done: int = 0
    total: int = 0
    folder: str = ""
    why: str = ""
    guessed: str = ""
    untuned: str = ""
    files: dict[str, str] = field(default_factory=dict)
    sounds: dict[int, KitSound] = field(default_factory=dict)

    def words(self, sound: KitSound) -> str:
        """How a sound turned out."""
        said = [f"not made: {sound.why}" if not sound.path else f"the old one stays: {sound.why}"] if sound.why else []
        said += [GUESSED] if _has(self.guessed, sound.prompt) else []
        said += [UNTUNED] if _has(self.untuned, f"{sound.prompt} {sound.note}") else []
        return "; ".join(said) or "made"

    @property
    def summary(self) -> str:
        """The whole kit in a sentence."""
        if self.state == "failed":
            return self.why
        if self.state == "making":
            return f"{self.done} of {self.total} sounds." if self.total else "It waits for its turn."
        count = sum(bool(sound.path) for sound in self.sounds.values()) or self.done
        missing = sum(not sound.path for sound in self.sounds.values())
        said = f"{count} {'sound is' if count == 1 else 'sounds are'} in {'/'.join(self.folder.split('/')[-2:])}."
        said += f" {missing} could not be made: {self.why}" if missing else ""
        said += f" {self.guessed}: {GUESSED}." if self.guessed else ""
        return said + (f" {self.untuned}: {UNTUNED}." if self.untuned else "")


class Kits:
    """The kits of this machine by name, kept up to date by `read`."""

    def __init__(self) -> None:
        self.known: dict[str, Kit] = {}

    def lose(self, why: str) -> None:
        """The daemon is gone, and with it the kits that it was making. Those that it goes on with are read again."""
        for kit in self.known.values():
            if kit.state == "making":
                kit.state, kit.why = "done" if kit.files else "failed", why

    def read(self, address: str, arguments: list[Any]) -> str | None:
        """Read a message. Returns the name of the kit that changed; None if none did, or if the message is malformed."""
        match address.removeprefix("/bridge/kit/"), arguments:
            case "queued", [str(name), int(count), *_] if count in SOUNDS:
                kit = self.known.setdefault(name, Kit(name, total=count))
                kit.state, kit.why = "making", ""
            case "sound", [str(name), int(key), str(path), str(why), *_] if 0 <= key < 128:
                kit, facts = self.known.setdefault(name, Kit(name)), pairs(arguments, 4)
                old = kit.sounds.get(key)
                if path or old is None:
                    kit.sounds[key] = KitSound(key, str(facts.get("prompt", "")), str(facts.get("note", "")), path, why)
                else:
                    old.why = why
            case "progress", [str(name), int(done), int(total), *_] if total in SOUNDS and done in SOUNDS:
                kit = self.known.setdefault(name, Kit(name))
                kit.done, kit.total, kit.state = done, total, "making"
            case "done", [str(name), str(folder), int(count), int(), *_] if count in SOUNDS:
                kit, facts = self.known.setdefault(name, Kit(name)), pairs(arguments, 4)
                kit.state, kit.folder, kit.done = "done", folder, count
                kit.files = {key: facts[key] for key in FORMATS if isinstance(facts.get(key), str)}
                kit.guessed, kit.untuned, kit.why = (str(facts.get(key, "")) for key in ("guessed", "untuned", "why"))
            case "failed", [str(name), str(), str(why), *_]:
                kit = self.known.setdefault(name, Kit(name))
                kit.state, kit.why = "done" if kit.files else "failed", why  # of a whole kit, only a replacement failed
            case _:
                return None
        return kit.name


def sounds_of(sfz: str, folder: str) -> dict[int, KitSound]:
    """The sounds that one of our own SFZ files names, for a kit that was made before the panel was opened."""
    result: dict[int, KitSound] = {}
    parts = sfz.split("<region>")
    for before, region in itertools.pairwise(parts):
        facts = dict(line.split("=", 1) for line in region.splitlines() if "=" in line and not line.startswith("//"))
        key, title = facts.get("key", facts.get("pitch_keycenter", "")), before.strip().rpartition("\n")[2]
        if key.isdecimal() and int(key) < 128 and (file := facts.get("sample")):
            result[int(key)] = KitSound(int(key), title.removeprefix("// "), path=f"{folder}/{file}")
    return result


def _has(names: str, name: str) -> bool:
    return f", {name}, " in f", {names}, "
