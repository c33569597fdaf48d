"""Files out of the panel: what a drag and a copy carry."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QWidget


def mime_of(paths: Sequence[str]) -> QMimeData:
    """The files as absolute file URLs, and nothing else: some programs prefer text if there is some."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(os.path.abspath(path)) for path in paths])
    return mime


def copied(paths: Sequence[str]) -> QMimeData:
    """As `mime_of`, and the paths as text, for the clipboard."""
    mime = mime_of(paths)
    mime.setText("\n".join(os.path.abspath(path) for path in paths))
    return mime


def present(paths: Sequence[str]) -> tuple[list[str], str]:
    """The paths whose files are there, and a sentence about those that are left out; "" if there are none."""
    there = [path for path in paths if os.path.isfile(path)]
    gone = len(paths) - len(there)
    if not gone:
        return there, ""
    files = "1 file is" if gone == 1 else f"{gone} files are"
    return there, f"{files} no longer there and {'was' if gone == 1 else 'were'} left out."


def drag(source: QWidget, paths: Sequence[str], picture: QPixmap) -> None:
    """Let the mouse carry the files until it is released. Whether a program took them cannot be known."""
    carried = QDrag(source)
    carried.setMimeData(mime_of(paths))
    carried.setPixmap(picture)
    carried.setHotSpot(QPoint(-8, -8))
    # Copy alone: with more, some file managers move the file out of the folder.
    carried.exec(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)
