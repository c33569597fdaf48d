"""What Qt prints, and why it cannot open a window. Without a screen or a library of the system, Qt aborts the process: its last
message becomes a sentence and an exit code instead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QMessageLogContext, QtMsgType, qInstallMessageHandler

from bridge.errors import NoWindow

HARMLESS = ("QXcbDrag::handleFinished",)  # printed after drags that worked
NO_SCREEN = "There is no screen here: DISPLAY and WAYLAND_DISPLAY are not set. Start the panel from a desktop."
NO_PLATFORM = "no Qt platform plugin could be initialized"


def check() -> None:
    """Prepare for a QApplication. Raises NoWindow if there is no screen."""
    qInstallMessageHandler(_on_message)
    here = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in here):
        raise NoWindow(NO_SCREEN)


def why_not() -> str:
    """Why Qt found no platform: a sentence."""
    if chosen := os.environ.get("QT_QPA_PLATFORM"):
        return f"Qt has no platform {chosen!r}: unset QT_QPA_PLATFORM."
    import ctypes  # only if something is missing

    from bridge.system import qt_libraries

    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    try:
        ctypes.CDLL(str(plugins / "libqxcb.so"))
    except OSError as error:
        if library := qt_libraries.named_in(str(error)):
            return qt_libraries.advice(library)
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "none"
    return f"Qt cannot open a window on the screen {display!r}. Start the panel from a desktop, or set DISPLAY to its screen."


def _on_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    if kind == QtMsgType.QtFatalMsg:
        if NO_PLATFORM in message:
            message = why_not()
        if sys.stderr is not None:
            print(f"clipbridge: {message}", file=sys.stderr, flush=True)
        os._exit(NoWindow.exit_code)  # Qt would abort, and leave a core dump
    if not message.startswith(HARMLESS):
        import logging  # takes longer than all the rest

        logging.getLogger("clipbridge").debug("Qt: %s", message)
