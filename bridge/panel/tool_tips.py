"""Tool tips with text that comes from elsewhere, such as prompts, names of files and messages."""

from __future__ import annotations

from PySide6.QtGui import Qt


def as_it_is(text: str) -> str:
    """`text` for a tool tip. Qt would take what looks like HTML for HTML, and load the pictures that it names."""
    return Qt.convertFromPlainText(text) if Qt.mightBeRichText(text) else text
