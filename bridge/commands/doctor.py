"""`clipbridge doctor`: checks everything that a clip depends on and says how to fix what is wrong."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator

from bridge import __version__
from bridge.commands.settings import settings_of
from bridge.doctor.check import Check
from bridge.errors import BadArgument

OF_BOX = ("host", "port", "token_file", "certificate", "key")
LABELS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


def main(options: argparse.Namespace) -> int:
    """Print each finding as soon as its check is done. Returns 1 if there is a fault. Raises ConfigError for a wrong --set, BadArgument."""
    if not options.serve and any(getattr(options, name) is not None for name in OF_BOX):
        raise BadArgument("--host, --port, --token-file, --certificate and --key are those of a box: add --serve.")
    if not options.json:
        # not platform.platform(), which may take seconds on Windows (cpython #112278)
        print(f"Clipbridge {__version__} on {sys.platform}: checking everything that a clip depends on", flush=True)
    findings: list[Check] = []
    for check in _checks_of_box(options) if options.serve else _checks(options):
        findings.append(check)
        if not options.json:
            print(f"{LABELS[check.state]}  {check.name}: {check.what}")
            if check.fix:
                print(f"         -> {check.fix}")
            sys.stdout.flush()
    faults = sum(check.state == "fault" for check in findings)
    if options.json:
        print(json.dumps({"version": __version__, "checks": [dataclasses.asdict(check) for check in findings]}))
    else:
        print("Everything works." if not faults else f"{faults} to fix.")
    return 1 if faults else 0


def _checks(options: argparse.Namespace) -> Iterator[Check]:
    from bridge.doctor import compute, panel, places, sound, weights

    finding, config = places.configuration(settings_of(options))
    child = None if config.engine.url else compute.start()
    try:
        yield places.python()
        yield finding
        yield from places.folder(config.folder)
        yield from places.cache()
        yield places.memory()
        yield places.port(config)
        yield places.presets(config)
        yield from places.scripts()
        yield places.log(config)
        yield from sound.check(config.audio)
        yield panel.check()
        if child is None:
            from bridge.doctor import box

            yield box.check(config.engine)
        else:
            checks, accelerated = compute.finish(child, config.engine.compute)
            yield from checks
            yield weights.check(config.engine.model, accelerated)
    finally:
        if child is not None:
            child.kill()


def _checks_of_box(options: argparse.Namespace) -> Iterator[Check]:
    from bridge.commands import box_checks
    from bridge.commands.place import place_of
    from bridge.doctor import compute, places, weights

    finding, config = places.configuration(settings_of(options))
    child = compute.start()
    try:
        yield places.python()
        yield finding
        yield from places.cache()
        yield places.memory()
        yield from box_checks.checks(place_of(options))
        checks, accelerated = compute.finish(child, config.engine.compute)
        yield from checks
        yield weights.check(config.engine.model, accelerated)
    finally:
        child.kill()
