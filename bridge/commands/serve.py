"""`clipbridge serve`: give the engine of this machine to fronts on other machines (`clipbridge run --engine URL`)."""

from __future__ import annotations

import argparse

from bridge import config
from bridge.checkpoints.find import find
from bridge.cluster import on_ray
from bridge.cluster.serving import serve
from bridge.commands.place import place_of
from bridge.commands.terminal import emit
from bridge.errors import BadArgument
from bridge.system import accelerators, logs, portable


def main(options: argparse.Namespace) -> int:
    """Serve until stopped. Raises ClipbridgeError if it cannot begin."""
    settings = dict(config.parse_setting(text) for text in options.set)
    stated = {"engine.model": options.model, "engine.compute": options.compute}
    engine = config.load(settings=settings | {key: value for key, value in stated.items() if value is not None}).engine
    place = place_of(options)
    accelerators.check(engine.compute)
    if engine.model:
        find(engine.model)  # report a wrong name now, not after seconds of loading torch
    stop_log = logs.start(portable.log_folder(), f"clipbridge-serve-{place.port}.log")
    try:
        if options.ray:
            on_ray.serve(engine, place, on_ray.Cluster(options.address, options.replicas, options.name), emit)
        elif options.address or options.replicas or options.name:
            raise BadArgument("--address, --replicas and --name are for Ray: add --ray.")
        else:
            serve(engine, place, emit)
    finally:
        stop_log()
    return 0
