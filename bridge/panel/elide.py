"""Break a text into lines that fit, and elide the last."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics


def wrapped(text: str, metrics: QFontMetrics, width: int, rows: int) -> list[str]:
    """At most `rows` lines of whole words; what is too long ends with an ellipsis."""
    words, lines = text.split()[: rows * 40], list[str]()
    while words and len(lines) < rows - 1:
        count = next(
            (n for n in range(len(words), 1, -1) if metrics.horizontalAdvance(" ".join(words[:n])) <= width), 1
        )
        lines.append(" ".join(words[:count]))
        words = words[count:]
    lines += [" ".join(words)] if words else []
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines]
