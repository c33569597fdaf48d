"""Clips of the library as a table for people."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from bridge.library.clips import Clip
from bridge.system.logs import escaped

MAX_PROMPT_CELLS = 40  # of the terminal
HEADINGS = ("", "clip", "prompt", "length", "tempo", "note", "made", "file")
MADE = {"vary": "varied from", "continue": "continued from", "fill": "filled from"}


def table(clips: Sequence[Clip]) -> Iterable[str]:
    """The lines of a table: first the folder that all clips share, then a row for each, with its path from there. The column of sources
    is left out if no clip has one."""
    folder = os.path.commonpath([os.path.dirname(clip.path) for clip in clips]) if _on_one_drive(clips) else ""
    if folder:
        yield f"in {escaped(folder)}:"
    rows = [HEADINGS, *(_row(clip, folder) for clip in clips)]
    if not any(clip.source for clip in clips):
        made = HEADINGS.index("made")
        rows = [(*row[:made], *row[made + 1 :]) for row in rows]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def cells(text: str) -> int:
    """The width of a text in a terminal: Chinese, Japanese and Korean characters and emoji take two cells."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _row(clip: Clip, folder: str) -> tuple[str, ...]:
    star = ("★" if clip.favourite else " ") + (str(clip.rating) if clip.rating else " ")
    tempo = f"{clip.bpm:.4g} BPM" if clip.bpm else ""
    path = os.path.relpath(clip.path, folder) if folder else clip.path
    length, number = f"{round(clip.seconds, 2):g} s", str(clip.number or "")
    return star, number, _cut(escaped(clip.prompt)), length, tempo, clip.note, _made(clip), escaped(path)


def _made(clip: Clip) -> str:
    """What a clip was made from, such as `varied from kick.wav`; "" if from words alone."""
    if clip.source is None:
        return ""
    return _cut(f"{MADE[clip.source.how]} {escaped(PurePath(clip.source.path).name)}".rstrip())


def _cut(text: str) -> str:
    """A text cut to MAX_PROMPT_CELLS."""
    if cells(text) <= MAX_PROMPT_CELLS:
        return text
    kept = text[:MAX_PROMPT_CELLS]
    while cells(kept) > MAX_PROMPT_CELLS - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _on_one_drive(clips: Sequence[Clip]) -> bool:
    return len({os.path.splitdrive(clip.path)[0] for clip in clips}) == 1
