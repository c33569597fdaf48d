"""How the command line reads its arguments: wrong ones end with the usage of their command and a sentence."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from bridge.domain.nearest import nearest, not_one_of

# Commands whose last argument takes any number of words: those that follow an option belong to it too.
WORDS = {"generate": "rest", "kit": "prompts", "find": "words", "recall": "file", "favourite": "file"}


# What argparse says, and what we say instead.
SENTENCES = {
    r"argument (?P<name>--\S+): expected .*argument.*": "{name} needs a value; {prog} --help says which.",
    r"argument (?P<name>--\S+): invalid int value: (?P<value>.*)": "{name} must be a whole number, not {value}.",
    r"argument (?P<name>--\S+): invalid float value: (?P<value>.*)": "{name} must be a number, not {value}.",
    r"argument (?:-\w/)?(?P<name>--\S+): ignored explicit argument (?P<value>.*)": "{name} takes no value, so leave {value} out.",
    r"ambiguous option: (?P<name>\S+) could match (?P<value>.*)": "{name} may mean {value}: write more of it.",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others: the usage, then one sentence after `clipbridge: `."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"clipbridge: {self._sentence(message)}\n")

    def _sentence(self, message: str) -> str:
        for pattern, sentence in SENTENCES.items():
            if match := re.fullmatch(pattern, message):
                return sentence.format(prog=self.prog, **match.groupdict())
        required = message.partition("the following arguments are required: ")[2].split(", ")[0]
        for action in self._actions:
            if required and required in (action.dest, action.metavar, *action.option_strings):
                name = required if required in action.option_strings else required.upper()
                what = " or ".join(action.choices) if action.choices else f"{name}: {action.help}"
                return f"{self.prog} needs {what}."
        return message

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
        is_option = typed.startswith("--") or not name
        if is_option and typed != "-h" and not any(option.startswith(typed) for option in known):
            near = nearest(typed, [option.lstrip("-") for option in known])
            hint = f"did you mean --{near}?" if near else f"{command.prog} --help lists them."
            command.error(f"{name or 'clipbridge'} has no option {typed}; {hint}")
