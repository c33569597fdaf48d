"""Find checkpoints: a folder, a name in the hub's cache, the shipped starter, or the untrained one, which is built locally.

Reads only names and small JSON files, without torch or network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.checkpoints import adapted, families, learned
from bridge.checkpoints.loras import Lora, lora_of
from bridge.checkpoints.reading import read_index, stated
from bridge.domain.learning import BASE
from bridge.errors import NameTaken, NoModel

UNTRAINED = "untrained"
STARTER = "starter"
AUDIOLM = "audiolm"
OURS = (STARTER, AUDIOLM, UNTRAINED)
STARTER_FOLDER = Path(__file__).parent.parent / "starter" / "checkpoint"  # shipped in the package
AUDIOLM_FOLDER = BASE  # the base, from which folders are learned
PREFERRED = "cvssp/audioldm2"
VERSION = "[0-9.]{1,20}"
LICENCE = "[A-Za-z0-9._-]{1,60}"


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts for choosing a checkpoint: size on disk, licence of the weights ("" if not stated), the hub's revision, and of its
    abilities the sample rate in Hz (0 if not stated), the channels, the longest clip in seconds and the words of `Abilities.can`."""

    name: str
    size_bytes: int
    licence: str
    sample_rate: int
    revision: str
    channels: int
    max_seconds: float
    can: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this disk. `folder`: None for the untrained one, which the engine builds. `loras`: see `loras`. `own`: the
    folder of a model that was learned as a LoRA of the one in `folder`. `plain`: see `network`."""

    name: str
    folder: Path | None
    revision: str = ""
    loras: tuple[Lora, ...] = ()
    own: Path | None = None
    plain: str = ""

    @property
    def network(self) -> str:
        """The name and revision of what is in `folder`, whatever LoRA files it is run with."""
        return self.plain or f"{self.name} {self.revision}"


def find(name: str) -> Checkpoint:
    """The checkpoint called `name`: "starter", "untrained", a learned model, a folder, or a hub name that is in the cache.

    Raises NoModel, which says what to do.
    """
    if name == STARTER:
        return Checkpoint(STARTER, _checked(STARTER_FOLDER), starter_revision())
    if name == AUDIOLM and AUDIOLM_FOLDER.is_dir():
        return Checkpoint(AUDIOLM, _checked(AUDIOLM_FOLDER), stated(AUDIOLM_FOLDER, "version", VERSION))
    if name == UNTRAINED:
        return Checkpoint(UNTRAINED, None)
    # Before folders: the sounds that it learned may lie in a folder of the same name, where the command is run.
    if (own := learned.folder_of(name)) is not None:
        if (file := adapted.file_in(own)) is not None:
            lora = lora_of(str(file))
            starter = find(STARTER)
            revision = f"{starter.revision} {lora.label}"
            return Checkpoint(own.name, starter.folder, revision, (lora,), own, starter.network)
        return Checkpoint(own.name, _checked(own), learned.card_of(own).date)
    try:
        folder = Path(name).expanduser().resolve()
        is_folder = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, an unknown user, a NUL
        raise NoModel(f"{name[:100]!r} cannot be a checkpoint folder ({error}).") from error
    if is_folder:
        return Checkpoint(folder.name, _checked(folder))
    if len(name.split("/")) == 2 and not name.startswith((".", "/", "~")) and (cached := _cached(name)) is not None:
        return Checkpoint(name, _checked(cached), cached.name)
    raise NoModel(
        f"There is no checkpoint {name!r}: neither a folder of that name nor a model in the hub's cache "
        f"({hub_cache()}). Fetch it with: clipbridge pull {name if '/' in name else PREFERRED}"
    )


def with_loras(checkpoint: Checkpoint, stated: Sequence[str]) -> Checkpoint:
    """The checkpoint with the LoRA files of a setting. They are part of its revision, because its clips are other ones. Raises NoModel."""
    if not stated:
        return checkpoint
    loras = tuple(map(lora_of, stated))
    revision = " ".join(filter(None, [checkpoint.revision, *(lora.label for lora in loras)]))
    return replace(checkpoint, revision=revision, loras=checkpoint.loras + loras, plain=checkpoint.network)


def default(accelerated: bool) -> Checkpoint:
    """AudioLDM 2 if it is in the cache and there is a GPU, else the starter."""
    if accelerated and (cached := _cached(PREFERRED)) is not None:
        return Checkpoint(PREFERRED, _checked(cached), cached.name)
    return find(STARTER)


def starter_revision() -> str:
    """The version in the starter's model card."""
    return stated(STARTER_FOLDER, "version", VERSION)


def available() -> list[str]:
    """The names that `find` accepts: the starter, the untrained one, and every learned one and every checkpoint in the hub's cache that can
    be loaded."""
    names = [STARTER, *([AUDIOLM] if AUDIOLM_FOLDER.is_dir() else []), UNTRAINED]
    names += [name for name in learned.names() if _is_known(learned.models_folder() / name)]
    for folder in sorted(hub_cache().glob("models--*--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        cached = _cached(name)
        if cached is not None and families.is_known(read_index(cached)):
            names.append(name)
    return names


def check_free(name: str) -> None:
    """Raises NameTaken if a checkpoint has the name that a new model should get."""
    taken = {*OURS, *(own.casefold() for own in learned.names())}
    if name.casefold() in taken:
        own = "" if name.casefold() in OURS else f", or remove that one: clipbridge models remove {name}"
        raise NameTaken(f"There is a model {name!r} already: choose another name{own}.")


def facts(name: str) -> Facts:
    """The facts of the checkpoint `name`, as in `find`. Raises NoModel."""
    checkpoint = find(name)
    folder, size = checkpoint.folder, 0
    whole = checkpoint.own or folder
    try:
        if whole is not None:
            size = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    except OSError as error:
        raise NoModel(f"{whole} cannot be read ({error.strerror}).") from error
    abilities = families.family_of(folder).abilities(folder)
    return Facts(
        name=checkpoint.name,
        size_bytes=size,
        licence=licence(whole),
        sample_rate=abilities.sample_rate,
        revision=checkpoint.revision,
        channels=abilities.channels,
        max_seconds=abilities.seconds.high,
        can=abilities.can,
    )


def has_token_base() -> bool:
    """Whether there is a base from which models of tokens are learned. It does not ship yet."""
    return AUDIOLM in available()


def hub_cache() -> Path:
    """The download folder of huggingface_hub, by its own rules (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def licence(folder: Path | None) -> str:
    """The licence in the first lines of a checkpoint's model card (README.md), or "". No folder: of the untrained one."""
    return (
        ""
        if folder is None
        else licence_of(stated(folder, "license", LICENCE), stated(folder, "license_name", LICENCE))
    )


def licence_of(tag: str, name: str) -> str:
    """The licence by the two keys of a model card: `license: other` is called by its `license_name`, if that is stated."""
    return name if tag == "other" and name else tag


def _cached(name: str) -> Path | None:
    folder = hub_cache() / ("models--" + name.replace("/", "--"))
    reference = folder / "refs" / "main"
    try:
        snapshot = folder / "snapshots" / reference.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return snapshot if read_index(snapshot) else None


def _is_known(folder: Path) -> bool:
    """Whether the model in a folder can be loaded."""
    return families.is_known(read_index(folder)) or adapted.file_in(folder) is not None


def _checked(folder: Path) -> Path:
    """`folder`, after checking its layout. Raises NoModel."""
    index = read_index(folder)
    if not index:
        raise NoModel(f"{folder} is not a checkpoint folder: it has no readable model_index.json.")
    files = {file.relative_to(folder).as_posix() for pattern in ("*", "*/*") for file in folder.glob(pattern)}
    families.check_layout(str(folder), index, files)
    return folder
