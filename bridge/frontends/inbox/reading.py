"""Reads one file of the inbox: a list of prompts, or a clip with its recipe."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from bridge.domain import recipe
from bridge.domain.limits import MAX_LIST_BYTES
from bridge.errors import BadArgument, BadRecipe
from bridge.files import same_file, tags
from bridge.frontends.inbox.dropped import Dropped, Result, Stamp
from bridge.frontends.inbox.lists import Entry, parse
from bridge.system import portable

log = logging.getLogger("clipbridge")

Known = Callable[[Path], recipe.Recipe | None]  # the recipe of a clip whose file has lost it
LISTS, CLIPS = (".txt", ".toml"), tags.SUFFIXES
MISTAKES = (".rtf", ".doc", ".docx", ".odt")  # other kinds; the report says which to use
REPORT = ".report.txt"


def is_for_us(name: str) -> bool:
    """Whether the inbox takes a file of this name: not hidden, not a partial download, not one of our reports."""
    if name.startswith((".", "~")) or name.endswith("~") or name.lower().endswith(REPORT):
        return False
    return os.path.splitext(name)[1].lower() in (*LISTS, *CLIPS, *MISTAKES)


def stamp_of(file: Path) -> Stamp:
    """The stamp of a file as it is now. Raises OSError; FileNotFoundError also for a link, folder or pipe."""
    status = os.stat(file, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(file)
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def read(folder: Path, name: str, stamp: Stamp, give_up: bool, known: Known) -> Dropped | None:
    """The file with its entries, or with its fault. None if it has changed or cannot be read yet; with `give_up`, a file that
    cannot be read is faulty."""
    file, dropped = folder / name, Dropped(name, stamp)
    try:
        dropped.entries = _entries(file, known)
        if stamp_of(file) != stamp:
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        if portable.is_held(error) or not give_up:
            return None
        dropped.fault = f"It cannot be read ({error.strerror or error})."
    except (BadArgument, BadRecipe) as error:
        dropped.fault = f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}."
    except Exception:  # one file must not keep the others from being read
        log.exception("reading %r", name)
        dropped.fault = "Clipbridge could not read it; see its log."
    faulty = {place: entry for place, entry in enumerate(dropped.entries) if entry.what is None}
    dropped.results = {place: Result(False, entry.why) for place, entry in faulty.items()}
    return dropped


def _entries(file: Path, known: Known) -> list[Entry]:
    """Raises OSError, BadArgument, BadRecipe."""
    kind = os.path.splitext(file.name)[1].lower()
    if kind in LISTS:
        with os.fdopen(portable.open_plain(file), "rb") as opened:
            return parse(kind, opened.read(MAX_LIST_BYTES + 1))  # one byte too many is refused
    if kind in CLIPS:
        try:
            made = recipe.read(tags.recipe_in(file))
        except BadRecipe:
            if (stored := known(file)) is None:
                raise
            made = stored
        if made.prompt.source is not None:
            same_file.check(made.prompt.source)
        return [Entry("", file.name, made)]
    raise BadArgument("Lists are plain text (.txt) or .toml, clips are .wav, .flac, .aiff, .mp3, .ogg or .m4a.")
