"""`clipbridge panel`: the window from which clips are made, heard and dragged. Qt is imported late: it is an extra."""

from __future__ import annotations

import argparse

from bridge import config
from bridge.errors import BadArgument, NoWindow

INSTALL = "Install it, in Clipbridge's folder and its virtual environment: pip install '.[panel]'"
LIBRARIES = "On Debian and Ubuntu: sudo apt install libegl1 libxkbcommon-x11-0 libxcb-cursor0. clipbridge doctor names what is missing."


def main(options: argparse.Namespace) -> int:
    """Open the window and return when it was closed. Raises NoWindow, BadArgument, ConfigError, and for --install-shortcut
    FolderError or SystemRefused."""
    if options.install_shortcut:
        return _install_shortcut()
    settings: dict[str, object] = {} if options.osc_port is None else {"osc.port": options.osc_port}
    chosen = config.load(settings=settings)
    if chosen.osc.port == 0:
        raise BadArgument("The daemon's port is needed: --osc-port N (the daemon prints it when it starts).")
    try:
        from bridge.panel.application import run
    except ModuleNotFoundError as error:
        raise NoWindow(f"The panel needs {error.name}. {INSTALL}") from error
    except ImportError as error:
        raise NoWindow(f"Qt, which the panel is built on, cannot be loaded ({error}). {LIBRARIES}") from error
    return run(chosen, with_daemon=options.with_daemon)


def _install_shortcut() -> int:
    from bridge.system import shortcuts

    file = shortcuts.install()
    print(f"Clipbridge is in the menu of your programs now ({file}). Delete that file to remove it.")
    return 0
