"""The 16 keys of a computer's keyboard that play the pads, by their place: a block of four by four, whatever is printed on them."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

# The rows from the bottom up, as pads are numbered: 1 to 4 on Z X C V, as with other pads on a keyboard.
LETTERS = "zxcvasdfqwer1234"
X11 = (52, 53, 54, 55, 38, 39, 40, 41, 24, 25, 26, 27, 10, 11, 12, 13)  # and Wayland: evdev's codes and 8
WINDOWS = (44, 45, 46, 47, 30, 31, 32, 33, 16, 17, 18, 19, 2, 3, 4, 5)  # scan codes, set 1
MACOS = (6, 7, 8, 9, 0, 1, 2, 3, 12, 13, 14, 15, 18, 19, 20, 21)  # kVK_ANSI_Z …, which name places

CODES = {"win32": WINDOWS, "darwin": MACOS}.get(sys.platform, X11)
HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


def place(event: QKeyEvent) -> int | None:
    """Which of the 16 pads of a bank a key plays, from 0; None if it plays none."""
    if event.modifiers() & (HELD | Qt.KeyboardModifier.KeypadModifier):
        return None
    if sys.platform == "darwin":  # there is no scan code; 0 is the key A, or an event that a program made up
        code = event.nativeVirtualKey() or (0 if event.key() == Qt.Key.Key_A else -1)
    else:
        code = event.nativeScanCode() or -1
    if code >= 0:
        return CODES.index(code) if code in CODES else None
    letter = chr(event.key()).lower() if 0 < event.key() < 128 else ""
    letter = "z" if letter == "y" else letter  # where Y and Z are swapped
    return LETTERS.index(letter) if letter and letter in LETTERS else None
