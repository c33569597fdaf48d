"""`clipbridge recall`: make clips again from the recipes in their files."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.commands.generate import ask_for, print_line


def main(options: argparse.Namespace) -> int:
    """Recall one file after the other and print the paths. Returns 0, or the exit code of the last failure. Raises NoAnswer
    or BadArgument."""
    ended = 0
    for file in options.file:
        tell = print_line if options.json else None
        path = Path(file).absolute().as_posix()
        ended = ask_for("/bridge/recall", [path], {}, options.osc_port, tell) or ended
    return ended
