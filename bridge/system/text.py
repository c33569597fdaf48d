"""Read text files that users wrote, as the editors and shells of every system save them."""

from __future__ import annotations

import json
from pathlib import Path


class NotText(ValueError):
    """A file is not plain text in UTF-8 or UTF-16. `line`: the first faulty one, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not UTF-8 text; save it as plain text, UTF-8")
        self.line = line


def read_text(file: Path) -> str:
    """The text of `file`; see `text_of`. Raises OSError, NotText."""
    return text_of(file.read_bytes())


def text_of(data: bytes) -> str:
    """`data` as text with `\\n` as the end of lines: UTF-8, UTF-16 or UTF-32, with or without a byte order mark (PowerShell's
    `>` writes UTF-16, Notepad a mark), without NULs at the end. Raises NotText, also for a NUL inside the text."""
    encoding = json.detect_encoding(data)  # by the mark, or by the zeros around an ASCII character at the beginning
    try:
        text = data.decode(encoding).rstrip("\0")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        raise NotText(before.count("\n") + 1) from error
    if "\0" in text:
        raise NotText(text.count("\n", 0, text.index("\0")) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n")
