"""The options that say where a box listens: those of `serve`, which `doctor --serve` takes too."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.cluster.serving import Place
from bridge.config import DEFAULT_SERVE_PORT
from bridge.errors import BadArgument


def place_of(options: argparse.Namespace) -> Place:
    """Where a box listens, by its options. Raises BadArgument."""
    files = {name: _path(text) for name in ("token_file", "certificate", "key") if (text := getattr(options, name))}
    host = "127.0.0.1" if options.host is None else options.host
    return Place(host, DEFAULT_SERVE_PORT if options.port is None else options.port, **files)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise BadArgument(f"{text!r} is no path ({error}).") from error
