"""The options that override the configuration: those of `run`, which `devices` and `doctor` take too, and `render` in part."""

from __future__ import annotations

import argparse

from bridge import config

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
    "touch": "network.touch",
    "osc_port": "osc.port",
    "osc_host": "osc.host",
}  # option → key of the configuration


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """The settings that the options state. Raises ConfigError."""
    settings = dict(config.parse_setting(text) for text in options.set)
    stated = {key: getattr(options, option, None) for option, key in SETTINGS.items()}
    return settings | {key: value for key, value in stated.items() if value is not None}
