"""Where the engine process begins: with an engine of its own, or one on another machine."""

from __future__ import annotations

import dataclasses
from multiprocessing.connection import Connection

from bridge.config import EngineConfig
from bridge.engine.process import Server, set_up


def main(connection: Connection, config: EngineConfig, model: str | None = None) -> None:
    """The child process: load, warm, then serve until the pipe ends. `model`: a checkpoint instead of the configured one."""
    config = config if model is None else dataclasses.replace(config, model=model)
    if config.url:
        from bridge.engine.remote.process import RemoteServer

        RemoteServer(connection, config).run()
    else:
        set_up()
        Server(connection, config).run()
