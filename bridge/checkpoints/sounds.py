"""The sounds that a small checkpoint knows, from its heard.json. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.checkpoints.reading import read_json
from bridge.errors import NoModel


@dataclass(frozen=True, slots=True)
class Sounds:
    """`names`: each sound with its other names. `adjectives`: the words that change a sound. `tuned`: the sounds that are made
    at the pitch of a note."""

    names: dict[str, list[str]]
    adjectives: list[str]
    tuned: list[str]


def known_sounds(folder: Path | None) -> Sounds | None:
    """The sounds of the checkpoint in `folder`; None if it reads any text. Raises NoModel for a damaged list."""
    file = folder / "heard.json" if folder is not None else None
    if file is None or not file.is_file():
        return None
    content = read_json(file)
    try:
        nouns: dict[str, str] = dict(content["nouns"])
        names: dict[str, list[str]] = {}
        for name, sound in nouns.items():
            names.setdefault(_called(sound, nouns), []).append(name)
        for sound, others in names.items():
            others.remove(sound)
        return Sounds(names, list(content["words"]), [_called(sound, nouns) for sound in content["octaves"]])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error


def _called(sound: str, nouns: dict[str, Any]) -> str:
    """The name of a sound as people write it: `closed_hat` is a key of the training."""
    spoken = sound.replace("_", " ")
    return next((name for name in (sound, spoken, f"{spoken}s") if nouns.get(name) == sound), "") or next(
        name for name, other in nouns.items() if other == sound
    )
