"""`clipbridge bench`: measure the engine on this machine, compared with the plain pipeline and the public recipe."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bridge import config
from bridge.checkpoints.find import UNTRAINED
from bridge.domain.limits import SECONDS
from bridge.errors import BadArgument


def main(options: argparse.Namespace) -> int:
    """Measure and print a table or JSON. Raises NoModel or BadArgument."""
    lengths = options.seconds or [1.0, 4.0]
    if options.rounds < 1 or options.requests < 1 or any(seconds not in SECONDS for seconds in lengths):
        raise BadArgument(f"--rounds and --requests must be at least 1, --seconds {SECONDS}.")
    settings = {"engine.model": options.model, "engine.compute": options.compute}
    chosen = config.load(settings={key: value for key, value in settings.items() if value is not None})
    from bridge.bench import engines, starts

    model, compute = chosen.engine.model, chosen.engine.compute
    with tempfile.TemporaryDirectory() as folder:
        figures = engines.measure(
            model, compute, options.random_weights or "", lengths,
            options.rounds, options.requests, options.compile_recipe, Path(folder),
        )  # fmt: skip
        if not options.random_weights and figures["checkpoint"] != UNTRAINED:
            figures |= starts.figures(model, compute, Path(folder))
    if options.json:
        print(json.dumps(figures))
    else:
        print("| what | figure |\n|---|---|")
        for name, value in figures.items():
            print(f"| {name} | {value} |")
    return 0
