"""How the command line reads its arguments: wrong ones end with the usage of their command and a sentence."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from bridge.domain.nearest import nearest, not_one_of

# Commands whose last argument takes any number of words: those that follow an option belong to it too.
WORDS = {"generate": "more", "kit": "prompts", "find": "words", "recall": "file", "favourite": "file"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others: the usage, then one sentence after `clipbridge: `."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"clipbridge: {message}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = action.option_strings[0] if action.option_strings else f"The word after {self.prog}"
            self.error(not_one_of(name, str(value), action.choices))


def parse(top: Parser, commands: Mapping[str, Parser], arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command. Ends with exit code 2 if they are wrong."""
    if not arguments:
        top.print_help(sys.stderr)
        top.exit(2)
    name = next((argument for argument in arguments if not argument.startswith("-")), "")
    if name and name not in commands:
        near = nearest(name, commands)
        top.error(f"There is no command {name!r}" + (f"; did you mean {near}?" if near else ": see clipbridge --help."))
    command = commands.get(name, top)
    _check_options(command, name, arguments)  # first: argparse would name a missing argument instead
    options, rest = top.parse_known_args(arguments)
    if wrong := [argument for argument in rest if argument.startswith("-") and argument != "--"]:
        command.error(f"{name} has no option {wrong[0]}; clipbridge {name} --help lists them.")
    if rest and name not in WORDS:
        command.error(f"{rest[0]!r} is one word too many. Put a name or text with spaces in quotes.")
    if rest:
        getattr(options, WORDS[name]).extend(rest)
    return options


def _check_options(command: Parser, name: str, arguments: Sequence[str]) -> None:
    """End with a sentence if an argument looks like an option of the command and is not one, nor an abbreviation."""
    known = [option for action in command._actions for option in action.option_strings if option.startswith("--")]
    for argument in itertools.takewhile(lambda argument: argument != "--", arguments):
        typed = argument.partition("=")[0]
        if typed.startswith("--") and not any(option.startswith(typed) for option in known):
            near = nearest(typed, [option.lstrip("-") for option in known])
            hint = f"did you mean --{near}?" if near else f"clipbridge {name} --help lists them."
            command.error(f"{name or 'clipbridge'} has no option {typed}; {hint}")
