"""The variables of the environment that name folders of the daemon. Services do not get those of the user's terminal."""

from __future__ import annotations

import os

NAMES = (
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_MUSIC_DIR",
    "HF_HOME",
    "HF_HUB_CACHE",
)


def variables() -> dict[str, str]:
    """Those that are set now, so that the service reads the same configuration and checkpoints as `clipbridge run`."""
    return {name: os.environ[name] for name in NAMES if os.environ.get(name)}
