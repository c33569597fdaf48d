"""`clipbridge sounds`: the sounds that a checkpoint knows, each with its other names."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import textwrap

from bridge import config
from bridge.checkpoints.find import STARTER, find
from bridge.checkpoints.sounds import Sounds, known_sounds
from bridge.commands.models import running_model


def main(options: argparse.Namespace) -> int:
    """List the sounds of the checkpoint named, else of the running one, else of the configured one. Raises NoModel."""
    name = options.model or running_model(options.osc_port) or config.load().engine.model or STARTER
    checkpoint = find(name)
    sounds = known_sounds(checkpoint.folder)
    if sounds is not None:
        sounds.names.update({lora.facts.word: [] for lora in checkpoint.loras if lora.facts.word})
    if options.json:
        facts = {"names": None, "adjectives": [], "tuned": []} if sounds is None else dataclasses.asdict(sounds)
        print(json.dumps({"model": checkpoint.name, **facts}))
    elif sounds is None:
        print(f"{checkpoint.name} has no list of sounds: it reads any text.")
    else:
        _print(checkpoint.name, sounds)
    return 0


def _print(model: str, sounds: Sounds) -> None:
    width = max(map(len, sounds.names), default=0) + 2
    print(f"{model} knows {len(sounds.names)} sounds, each by several names:\n")
    for name, others in sorted(sounds.names.items()):
        print(_wrapped(f"{name:<{width}}", ", ".join(others), width))
    print(_wrapped("\nWords that change a sound: ", ", ".join(sounds.adjectives)))
    if sounds.tuned:
        print(_wrapped("\nAt the pitch of a note, such as bell a#4: ", ", ".join(sorted(sounds.tuned))))
    single = "makes single sounds, not phrases or rhythms, and " if sounds.tuned else ""
    print(f"\nIt {single}ignores words that it does not know.")


def _wrapped(first: str, words: str, indent: int = 2) -> str:
    columns = max(40, shutil.get_terminal_size().columns)
    start, line = ("\n", first[1:]) if first.startswith("\n") else ("", first)
    # Of no words, fill would not even print the indent.
    return start + (textwrap.fill(words, columns, initial_indent=line, subsequent_indent=" " * indent) or line.rstrip())
