"""Audio files that come into the inbox together with a text of the same name: the clips of the text start from them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from bridge.frontends.inbox.journal import Journal
from bridge.frontends.inbox.reading import CLIPS, LISTS, free_name
from bridge.system import portable

SOURCES = "sources"  # where they are moved: a clip can be recalled while its source is where it was


def partner_of(name: str, names: Collection[str]) -> str:
    """The audio file among `names` that belongs to the list `name`, or the list that belongs to the audio file; "" if there is none."""
    stem, suffix = os.path.splitext(name)
    kinds = CLIPS if suffix.lower() in LISTS else LISTS if suffix.lower() in CLIPS else ()
    others = (other for other in names if os.path.splitext(other)[0] == stem)
    return next((other for other in others if os.path.splitext(other)[1].lower() in kinds), "")


def claimed(folder: Path, name: str, partner: str, journal: Journal) -> Path | None:
    """The audio file of the list `name`, moved to where it stays; None if it has none. Raises OSError."""
    if not partner:
        return journal.source_of(name)
    target = folder / SOURCES
    target.mkdir(exist_ok=True)
    source = free_name(target, partner)
    journal.keep_source(name, source)  # before it is moved: a crash must not make it a list without a source
    portable.replace(folder / partner, source)
    return source
