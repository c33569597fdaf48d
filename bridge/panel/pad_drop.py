"""What is dropped on a pad, or pasted: words for its prompt, or an audio file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData

from bridge.panel.drops import AUDIO

LONGEST = 2_000  # characters of a text that are looked at


def what(mime: QMimeData) -> Path | str | None:
    """A file, words, or None for anything else. A file manager offers a file as text too, so files come first."""
    if mime.hasUrls():
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile() and url.toLocalFile()]
        return next((file for file in files if file.suffix.lower() in AUDIO), None)
    words = " ".join(mime.text()[:LONGEST].split()) if mime.hasText() else ""
    return words or None
