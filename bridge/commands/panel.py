"""`clipbridge panel`: the window from which clips are made, heard and dragged. Qt is imported late: it is an extra."""

from __future__ import annotations

import argparse

from bridge import config
from bridge.errors import NoWindow

INSTALL = "Install it, in Clipbridge's folder and its virtual environment: pip install '.[panel]'"


def main(options: argparse.Namespace) -> int:
    """Open the window and return when it was closed. Raises NoWindow, BadArgument, ConfigError, and for --install-shortcut
    FolderError or SystemRefused."""
    if options.install_shortcut:
        return _install_shortcut()
    chosen = config.load_with_port(options.osc_port)
    try:
        from bridge.panel.application import run
    except ModuleNotFoundError as error:
        raise NoWindow(f"The panel needs {error.name}. {INSTALL}") from error
    except ImportError as error:
        raise NoWindow(_why_not(str(error))) from error
    return run(chosen, with_daemon=options.with_daemon)


def _why_not(error: str) -> str:
    from bridge.system import qt_libraries

    if library := qt_libraries.named_in(error):
        return qt_libraries.advice(library)
    return f"Qt, which the panel is built on, cannot be loaded ({error}). clipbridge doctor says what to do."


def _install_shortcut() -> int:
    from bridge.system import shortcuts

    file = shortcuts.install()
    print(f"Clipbridge is in the menu of your programs now ({file}). Delete that file to remove it.")
    return 0
