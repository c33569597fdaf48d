"""The version of Qt for Python that is installed can be trusted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

CALLS = 1_000


def test_a_call_into_qt_keeps_the_references_of_none(application: QApplication) -> None:
    """PySide6 6.12.0 loses one with each call that returns nothing. Before Python 3.12 they run out after some thousands of calls, and
    the process is aborted."""
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        application.setApplicationName("clipbridge")
    assert sys.version_info >= (3, 12) or abs(sys.getrefcount(None) - before) < CALLS / 2
