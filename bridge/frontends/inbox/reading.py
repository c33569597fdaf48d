"""Reads one file of the inbox: a list of prompts, or a clip with its recipe."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from bridge.domain import recipe
from bridge.errors import BadArgument, BadRecipe
from bridge.files import same_file, tags
from bridge.frontends.inbox.dropped import Dropped, Result, Stamp
from bridge.frontends.inbox.lists import OF_INBOX, Entry, Limits, parse
from bridge.system import portable

log = logging.getLogger("clipbridge")

Known = Callable[[Path], recipe.Recipe | None]  # the recipe of a clip whose file has lost it
LISTS, CLIPS = (".txt", ".toml"), tags.SUFFIXES
MISTAKES = (".rtf", ".doc", ".docx", ".odt")  # other kinds; the report says which to use
REPORT = ".report.txt"
MAX_STEM_BYTES = 150


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


def read(
    folder: Path,
    name: str,
    stamp: Stamp,
    give_up: bool,
    known: Known,
    source: Path | None = None,
    limits: Limits = OF_INBOX,
) -> Dropped | None:
    """The file with its entries, or with its fault. None if it has changed or cannot be read yet; with `give_up`, a file that
    cannot be read is faulty. `source`: the audio file that came with a list. `limits`: of a list."""
    file, dropped = folder / name, Dropped(name, stamp)
    try:
        dropped.entries = _entries(file, known, source, limits)
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


def _entries(file: Path, known: Known, source: Path | None, limits: Limits) -> list[Entry]:
    """Raises OSError, BadArgument, BadRecipe."""
    kind = os.path.splitext(file.name)[1].lower()
    if kind in LISTS:
        with os.fdopen(portable.open_plain(file), "rb") as opened:
            data = opened.read(limits.bytes + 1)  # one byte too many is refused
            return parse(kind, data, str(source or ""), limits)
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


def free_names(target: Path, name: str) -> tuple[Path, Path]:
    """Paths in `target` that do not exist yet, for the file and for its report."""
    stem, suffix = os.path.splitext("".join(c if c.isprintable() else "_" for c in name))
    stem = stem.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore").strip(" .") or "list"
    for number in itertools.count(1):
        more = f" {number}" if number < 100 else f" {secrets.token_hex(4)}"
        plain = stem if number == 1 else stem + more
        file, report = target / f"{plain}{suffix}", target / f"{plain}{REPORT}"
        if not os.path.lexists(file) and not os.path.lexists(report):
            return file, report
    raise AssertionError("unreachable")


def free_name(target: Path, name: str) -> Path:
    """A path in `target` that does not exist yet."""
    return free_names(target, name)[0]
