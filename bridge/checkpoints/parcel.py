"""Parcel: a learned model as one file, for friends. What comes in is checked before it is used: anybody may have made it."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Collection
from pathlib import Path

from bridge.checkpoints import adapted, audiolm, families, learned
from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.learned import CARD
from bridge.checkpoints.reading import HEAD_CHARACTERS, INDEX, SETTINGS, read_index
from bridge.errors import BadArgument, NoModel

WORDS, WEIGHTS = "words.json", "model.safetensors"
# All files of a model, and no others: those that are written when it was learned (engine/audiolm/model_folder.py, engine/audioldm2/
# adapting), and the card.
FILES = (CARD, INDEX, WORDS, *(f"{part}/{name}" for part in audiolm.PARTS for name in (SETTINGS, WEIGHTS)))
LORA_FILES = (CARD, INDEX, adapted.FILE)
MAX_WEIGHT_BYTES = 400_000_000
MAX_TEXT_BYTES = 2_000_000
BLOCK_BYTES = 1 << 20
SPARE_BYTES = 100_000_000  # left free
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1  # of an entry's flags
DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError)


def export(name: str, file: Path) -> None:
    """Write a learned model into one new file. Raises NoModel, BadArgument if there is such a file, FolderError."""
    if (folder := learned.folder_of(name)) is None:
        known = ", ".join(learned.names()) or "none yet: clipbridge learn FOLDER --name my-drums"
        raise NoModel(f"There is no learned model {name[:60]!r}; there are: {known}.")
    with learned.writing(file):
        files = FILES if adapted.file_in(folder) is None else LORA_FILES
        _check_names([name for name in files if (folder / name).is_file()], str(folder))
        try:
            parcel = zipfile.ZipFile(file, "x", zipfile.ZIP_STORED)  # weights do not become smaller
        except FileExistsError as error:
            raise BadArgument(f"There is a file {file} already: choose another name for it.") from error
        try:
            with parcel:
                for name in files:
                    parcel.write(folder / name, name)
        except OSError:
            file.unlink(missing_ok=True)
            raise


def take(file: Path, name: str = "") -> str:
    """Make a learned model from such a file, called `name`, or as its card says. Returns its name. Raises NoModel if it is no model, or has
    anything that does not belong there; BadArgument if the name is taken; FolderError."""
    try:
        parcel = zipfile.ZipFile(file)
    except DAMAGED as error:
        raise _fault(file, f"it is damaged, or no model ({error})") from error
    except OSError as error:
        raise _fault(file, error.strerror or str(error)) from error
    with parcel:
        try:
            return _unpack(parcel, file, name)
        except DAMAGED as error:
            raise _fault(file, f"it is damaged ({error})") from error


def _unpack(parcel: zipfile.ZipFile, file: Path, name: str) -> str:
    entries = parcel.infolist()
    _check_names([entry.filename for entry in entries], str(file))
    for entry in entries:
        _check_entry(entry, file)
    with parcel.open(CARD) as packed:
        card = learned.card_in(packed.read(MAX_TEXT_BYTES).decode("utf-8", "replace")[:HEAD_CHARACTERS])
    name = learned.checked_name(name or card.name)
    checkpoints.check_free(name)
    learned.check_room(sum(entry.file_size for entry in entries) + SPARE_BYTES)
    with learned.new_model(name) as folder:
        for entry in entries:
            target = folder / entry.filename
            target.parent.mkdir(exist_ok=True)
            _copy(parcel, entry, target)
            if target.suffix == ".safetensors":
                _check_weights(target, file)
            elif target.name != CARD:
                _check_json(target, file)
        if adapted.file_in(folder) is None:
            families.check_layout(str(file), read_index(folder), FILES)
        elif not adapted.word_in(folder):
            raise _fault(file, "its LoRA has no word")
        # It is not the importer's to give away; and a stranger's card may say anything.
        card = dataclasses.replace(card, name=name, licence="", word=adapted.word_in(folder))
        (folder / CARD).write_text(card.text(), "utf-8")
    return name


def _check_names(names: Collection[str], where: str) -> None:
    """Raises NoModel unless these are the files of a model, each once."""
    files = LORA_FILES if adapted.FILE in names else FILES
    if unknown := next((name for name in names if name not in files), ""):
        raise _fault(where, f"{unknown[:60]!r} does not belong to a model")
    if missing := next((name for name in files if name not in names), ""):
        raise _fault(where, f"its {missing} is missing")
    if len(names) != len(files):
        raise _fault(where, "it has two files of one name")


def _check_entry(entry: zipfile.ZipInfo, file: Path) -> None:
    """Raises NoModel for what no export writes."""
    largest = MAX_WEIGHT_BYTES if entry.filename.endswith(".safetensors") else MAX_TEXT_BYTES
    if entry.flag_bits & ENCRYPTED or entry.compress_type not in PACKED:
        raise _fault(file, f"{entry.filename} is encrypted, or packed in a way that is not read")
    if entry.file_size > largest:
        raise _fault(file, f"{entry.filename} has {entry.file_size:,} bytes, and may have {largest:,}")


def _copy(parcel: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Unpack an entry, and no more bytes than it states. Raises OSError, and what zipfile raises for damage."""
    left = entry.file_size
    with parcel.open(entry) as packed, target.open("xb") as plain:
        while block := packed.read(min(BLOCK_BYTES, left + 1)):
            left -= len(block)
            if left < 0:
                raise ValueError("an entry is longer than it states")
            plain.write(block)


def _check_json(part: Path, file: Path) -> None:
    try:
        content = json.loads(part.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _fault(file, f"{part.name} is not JSON") from error
    if not isinstance(content, dict | list):
        raise _fault(file, f"{part.name} is neither an object nor a list")


def _check_weights(part: Path, file: Path) -> None:
    """Open the file as any loader does, which checks its header against its length."""
    try:
        from safetensors import SafetensorError, safe_open  # late: only this needs it
    except ImportError as error:
        raise NoModel("Models can only be passed on where the engine is installed: pip install safetensors") from error

    try:
        with safe_open(part, framework="np"):
            pass
    except (SafetensorError, OSError, ValueError) as error:
        raise _fault(file, f"{part.name} holds no weights ({error})") from error


def _fault(where: str | Path, why: str) -> NoModel:
    return NoModel(f"{where} cannot be used as a model: {why}.")
