"""Learned models: a folder each, in the folder of the user's data. And the state of what is being learned. No torch."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.checkpoints.reading import head_of, stated_in
from bridge.domain.learning import is_model_name
from bridge.errors import BadArgument, FolderError, NameTaken, NoModel
from bridge.system import portable

CARD = "README.md"
YOURS = "yours"  # the licence of a model that was learned here
UNFINISHED = ".unfinished-"
STATE_BYTES = 200_000_000  # the most that a state takes
NEEDED_BYTES = 3 * STATE_BYTES  # a state, the one that replaces it, and the model
NUMBER = "[0-9]{1,9}(?:[.][0-9]{1,9})?"


@dataclass(frozen=True, slots=True)
class Card:
    """The facts in the card of a learned model. `date`: 2026-11-28. `files`: that it learned from. `loss`: over the sounds that were held
    out, and `base_loss` before it learned. `seconds`: of learning. `licence`: YOURS, or "" for a model of somebody else. `word`: what its
    sounds are called in prompts, "" if by the words of the folder."""

    name: str
    date: str
    files: int
    loss: float
    base_loss: float
    seconds: float
    licence: str = YOURS
    word: str = ""

    def text(self) -> str:
        """The card as Markdown, with the facts in its first lines."""
        licence = f"license: {self.licence}\n" if self.licence else ""
        word = f"word: {self.word}\n" if self.word else ""
        called = f"It changes the starter. Say *{self.word}* in a prompt to get its sounds.\n\n" if self.word else ""
        whose = "It is yours, and so is what it makes: see the licences of the sounds that it learned." if self.licence else (
            "Somebody else learned it. Ask them what you may do with it before you publish anything."
        )  # fmt: skip
        return (
            f"---\n{licence}name: {self.name}\ndate: {self.date}\nfiles: {self.files}\nloss: {self.loss:.4f}\n"
            f"base_loss: {self.base_loss:.4f}\nseconds: {self.seconds:.0f}\n{word}---\n\n# {self.name}\n\n"
            f"Clipbridge learned this model from {self.files} files in {self.seconds / 60:.1f} minutes, on {self.date}. {whose}\n\n"
            f"{called}The loss over sounds that were held out is {self.loss:.3f}; before it learned, it was {self.base_loss:.3f}.\n"
        )


def models_folder() -> Path:
    """The folder of the learned models (not created)."""
    return portable.data_folder() / "models"


def states_folder() -> Path:
    """The folder of the states of what is being learned, a folder each (not created)."""
    return portable.data_folder() / "learning"


def checked_name(text: str) -> str:
    """The name for a model, which every system can have as a folder. Raises BadArgument."""
    name = " ".join(text.split())
    if not is_model_name(name):
        raise BadArgument(
            f"{text[:60]!r} cannot be the name of a model: a name has at most 40 letters, digits, spaces, - and _, such as my-drums."
        )
    return name


def folder_of(name: str) -> Path | None:
    """The folder of a learned model; None if no model has that name."""
    try:
        name = checked_name(name)
    except BadArgument:
        return None
    folder = models_folder() / name
    return folder if folder.is_dir() else None


def names() -> list[str]:
    """The names of all learned models."""
    return _named(models_folder())


def unfinished() -> list[str]:
    """The names of what was begun and not learned to its end."""
    return [name for name in _named(states_folder()) if folder_of(name) is None]


def card_of(folder: Path) -> Card:
    """The facts of a learned model, 0 or "" where its card does not state them."""
    return dataclasses.replace(card_in(head_of(folder)), name=folder.name)


def card_in(head: str) -> Card:
    """The facts in the first lines of a card."""
    return Card(
        name=stated_in(head, "name", "[A-Za-z0-9 _-]{1,40}"),
        date=stated_in(head, "date", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        files=int(_number(head, "files")),
        loss=_number(head, "loss"),
        base_loss=_number(head, "base_loss"),
        seconds=_number(head, "seconds"),
        licence=stated_in(head, "license", YOURS),
        word=stated_in(head, "word", "[a-z0-9 ]{1,60}"),
    )


def size_of(name: str) -> int:
    """The bytes of a learned model; 0 if it cannot be read."""
    try:
        return sum(file.stat().st_size for file in (models_folder() / name).rglob("*") if file.is_file())
    except OSError:
        return 0


def check_room(needed_bytes: int = NEEDED_BYTES) -> None:
    """Raises FolderError if the disk has no room, by default for states and a model."""
    folder = models_folder()
    if (free := portable.free_bytes(folder)) < needed_bytes:
        raise FolderError(
            f"Only {free / 1e6:,.0f} MB are free on the disk of {folder}, and {needed_bytes / 1e6:,.0f} MB are needed. Make room, and do "
            "the same again."
        )


@contextlib.contextmanager
def new_model(name: str) -> Iterator[Path]:
    """An empty folder, which becomes the model `name` at the end of the block, or disappears if that fails. Raises FolderError,
    NameTaken if there is such a model by then."""
    folder = models_folder() / name
    unfinished = models_folder() / f"{UNFINISHED}{name}"
    with writing(unfinished):
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            yield unfinished
            if folder.exists():
                raise NameTaken(f"There is a model {name!r} by now: choose another name.")
            portable.replace(unfinished, folder)
            portable.sync_folder(folder.parent)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def forget(name: str) -> None:
    """Remove the state of what was learned, as far as that is possible."""
    shutil.rmtree(states_folder() / name, ignore_errors=True)


def sweep() -> None:
    """Remove the states of models that are done: of a process that was killed in between."""
    for name in _named(states_folder()):
        if folder_of(name) is not None:
            forget(name)


def remove(name: str) -> str:
    """Remove a learned model, or else the state of an unfinished one. Returns which, in a word. Raises NoModel if there is neither;
    FolderError."""
    if (folder := folder_of(name)) is not None:
        what = "model"
    elif name in unfinished():
        folder, what = states_folder() / name, "state"
    else:
        known = ", ".join([*names(), *unfinished()]) or "none yet"
        raise NoModel(f"There is no learned model {name[:60]!r}; there are: {known}.")
    with writing(folder):
        shutil.rmtree(folder)
    return what


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an OSError about `folder` into a FolderError that says what to do."""
    try:
        yield
    except OSError as error:
        raise FolderError(
            f"{folder} cannot be written ({error.strerror or error}). Make room or fix its permissions, and do the same again."
        ) from error


def _named(place: Path) -> list[str]:
    try:
        return sorted(path.name for path in place.iterdir() if is_model_name(path.name) and path.is_dir())
    except OSError:
        return []


def _number(head: str, key: str) -> float:
    return float(stated_in(head, key, NUMBER) or 0)
