"""The options that override the configuration: those of `run`, which `devices` and `doctor` take too, and `render` in part."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import config
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

    names = ("host", "port", "token_file", "certificate", "key")
    stated = {name: value for name in names if (value := getattr(options, name)) is not None}
    return Place(**{name: value if name in names[:2] else _path(value) for name, value in stated.items()})


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise BadArgument(f"{text!r} is no path ({error}).") from error
