"""The families of checkpoints that Clipbridge can load, and the family of a folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from bridge.checkpoints import ace_step, audioldm2, audiolm, musicgen, stable_audio, stable_audio_3
from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import read_index
from bridge.errors import NoModel

FAMILIES = {
    family.pipeline: family
    for family in (
        audioldm2.FAMILY,
        stable_audio_3.FAMILY,
        ace_step.FAMILY,
        stable_audio.FAMILY,
        musicgen.FAMILY,
        audiolm.FAMILY,
    )
}
UNTRAINED_FAMILY = audioldm2.FAMILY


def family_of(folder: Path | None) -> Family:
    """The family of a checkpoint folder, or of the untrained checkpoint for None. Raises NoModel."""
    return UNTRAINED_FAMILY if folder is None else _family(str(folder), read_index(folder))


def is_known(index: dict[str, Any]) -> bool:
    """Whether an index (model_index.json) belongs to a known family."""
    return index.get("_class_name") in FAMILIES


def has_parts(index: dict[str, Any]) -> bool:
    """Whether the checkpoints of an index lie in folders, one for each part; so do those of no known family."""
    return not is_known(index) or bool(FAMILIES[index["_class_name"]].parts)


def check_layout(where: str, index: dict[str, Any], files: Collection[str]) -> None:
    """Check the index and the file names of a checkpoint against its family. Raises NoModel with a sentence that begins with
    `where`."""
    _family(where, index).check_layout(where, index, files)


def terms_of(index: dict[str, Any]) -> str:
    """See Family.terms; "" for an index of no known family."""
    return FAMILIES[index["_class_name"]].terms if is_known(index) else ""


def able(ability: str) -> list[str]:
    """The names of the families with an ability, by its word in Abilities.can: `vary`, `lyrics`."""
    return [family.name for family in FAMILIES.values() if ability in family.abilities(None).can.split()]


def parts() -> set[str]:
    """The sub-folders that a checkpoint of any family may have."""
    return {"scheduler"}.union(*({**family.parts, **family.optional} for family in FAMILIES.values()))


def _family(where: str, index: dict[str, Any]) -> Family:
    name = index.get("_class_name")
    family = FAMILIES.get(name) if isinstance(name, str) else None
    if family is None:
        known = ", ".join(family.name for family in FAMILIES.values())
        raise NoModel(f"{where} holds a {name!r}, which is of no family that can be loaded: {known}.")
    return family
