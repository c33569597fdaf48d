"""The part of a Ray Serve application that runs in each replica: a box of its own, with an engine process of its own."""

from __future__ import annotations

import dataclasses
import logging

from bridge.cluster.app import App
from bridge.cluster.box import Box
from bridge.cluster.tokens import Tokens
from bridge.config import EngineConfig
from bridge.system.supervise import Child

log = logging.getLogger("clipbridge")

_boxes: list[Box] = []  # of this process: one


def app(config: EngineConfig, demanded: list[str], target: str) -> App:
    """The ASGI app of a replica. `demanded`: the tokens; `target`: of the engine process."""
    config = dataclasses.replace(config, url="", fallback="", slots=1)
    _boxes.append(Box(Child("served-engine", target, config), log.info))
    return App(_boxes[-1], Tokens(demanded), waits=True)  # until then, Ray sends asks to others


def check_health() -> None:
    """Raises RuntimeError if the engine was given up: Ray then starts another replica."""
    for box in _boxes:
        if box.given_up:
            raise RuntimeError(box.given_up)
