"""The options that override the configuration: those of `run`, which `devices` and `doctor` take too, and `render` in part."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import config
from bridge.config import DEFAULT_SERVE_PORT
from bridge.errors import BadArgument

if TYPE_CHECKING:
    from bridge.cluster.serving import Place

SETTINGS = {
    "folder": "folder",
    "inbox": "inbox.folder",
    "model": "engine.model",
    "compute": "engine.compute",
    "engine": "engine.url",
    "lora": "engine.lora",
    "audio_device": "audio.device",
    "midi": "midi.port",
    "link": "tempo.link",
    "osc_port": "osc.port",
    "osc_host": "osc.host",
}  # option → key of the configuration


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """The settings that the options state. Raises ConfigError."""
    settings = dict(config.parse_setting(text) for text in options.set)
    stated = {key: getattr(options, option, None) for option, key in SETTINGS.items()}
    return settings | {key: value for key, value in stated.items() if value is not None}


def place_of(options: argparse.Namespace) -> Place:
    """Where a box listens, by its options. Raises BadArgument."""
    from bridge.cluster.serving import Place

    files = {name: _path(text) for name in ("token_file", "certificate", "key") if (text := getattr(options, name))}
    host = "127.0.0.1" if options.host is None else options.host
    return Place(host, DEFAULT_SERVE_PORT if options.port is None else options.port, **files)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise BadArgument(f"{text!r} is no path ({error}).") from error
