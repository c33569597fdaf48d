"""The sounds that a small checkpoint knows, from its heard.json, or a model of tokens from its words.json. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.checkpoints.reading import read_json
from bridge.errors import NoModel


@dataclass(frozen=True, slots=True)
class Sounds:
    """`names`: each sound with its other names. `adjectives`: the words that change a sound, and those that were learned from the names of
    files. `tuned`: the sounds that are made at the pitch of a note."""

    names: dict[str, list[str]]
    adjectives: list[str]
    tuned: list[str]


def known_sounds(folder: Path | None) -> Sounds | None:
    """The sounds of the checkpoint in `folder`; None if it reads any text. Raises NoModel for a damaged list."""
    file = (
        next((folder / name for name in ("heard.json", "words.json") if (folder / name).is_file()), None)
        if folder
        else None
    )
    if file is None:
        return None
    content = read_json(file)
    try:
        if file.name == "words.json":
            return _of_tokens(content)
        nouns: dict[str, str] = dict(content["nouns"])
        names: dict[str, list[str]] = {}
        for name, sound in nouns.items():
            names.setdefault(_called(sound, nouns), []).append(name)
        for sound, others in names.items():
            others.remove(sound)
        return Sounds(names, list(content["words"]), [_called(sound, nouns) for sound in content["octaves"]])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error


def _of_tokens(content: dict[str, Any]) -> Sounds:
    """The sounds of a model of tokens: names that mean the same are names of one sound. Raises KeyError, TypeError, AttributeError."""
    nouns, by_meaning = list(content["nouns"]), dict[tuple[str, ...], list[str]]()
    for noun in nouns:
        by_meaning.setdefault(tuple(content["means"][noun]), []).append(noun)
    names = {first: others for first, *others in by_meaning.values()}
    return Sounds(names, [phrase for phrase in content["means"] if phrase not in nouns], [])


def _called(sound: str, nouns: dict[str, Any]) -> str:
    """The name of a sound as people write it: `closed_hat` is a key of the training."""
    spoken = sound.replace("_", " ")
    return next((name for name in (sound, spoken, f"{spoken}s") if nouns.get(name) == sound), "") or next(
        name for name, other in nouns.items() if other == sound
    )
