"""From an OSC message to an Ask: positions first, then `key value` pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.domain import fields
from bridge.domain.ask import FIELDS, Ask
from bridge.domain.job import JobId
from bridge.domain.nearest import unknown
from bridge.domain.source import HOWS
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Request
from bridge.frontends.osc.arguments import KEYS


@dataclass(slots=True)
class AskMessage:
    """The parts of a message that asks for a clip, unchecked, so that even a refusal can carry its id.

    `fault` is the first error in the form of the message.
    """

    prompt: Any = None
    seconds: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    fault: BadArgument | None = None

    def add(self, name: Any, values: list[Any]) -> None:
        """Set a key. Only the first fault is reported; after it, keys are read only for where the refusal goes: searching
        similar names for hundreds of unknown keys would take too long."""
        if self.fault is not None:
            if name in ("id", "reply_port") and values:
                self.values.setdefault(name, values[0])
            return
        try:
            if not isinstance(name, str):
                raise BadArgument(
                    f"After the prompt and the seconds come pairs of a key and a value; {fields.shown(name)} is not a key."
                )
            if name not in KEYS:
                raise unknown_key(name)
            args.check_once(name, values, self.values)
            self.values[name] = values[0]
        except BadArgument as fault:
            self.fault = fault

    def job_id(self) -> JobId | None:
        """The id, if there is a valid one."""
        try:
            return fields.job_id(self.values["id"]) if "id" in self.values else None
        except BadArgument:
            return None

    def reply_port(self) -> int | None:
        """The reply port, if there is a valid one."""
        try:
            return args.value(KEYS["reply_port"], self.values["reply_port"])
        except (KeyError, BadArgument):
            return None

    def ask(self) -> Ask:
        """Check everything. Raises BadArgument."""
        if self.fault is not None:
            raise self.fault
        values = {name: args.value(KEYS[name], value) for name, value in self.values.items()}
        seconds = None if self.seconds is None else args.value(FIELDS["seconds"], self.seconds)
        for name in ("id", "reply_port"):
            values.pop(name, None)
        nameless = self.prompt == "" and self.has_source  # the source says what it is
        ask = Ask.of("" if nameless else args.prompt(self.prompt), {**values, "seconds": seconds})
        ask.check()
        return ask

    @property
    def has_source(self) -> bool:
        """Whether it names audio to start from."""
        return any(how in self.values for how in HOWS)

    def ask_without_sink(self, why: str) -> Ask:
        """Check everything, for pads and streams: `why` says where these sound. Raises BadArgument, also for a sink."""
        ask = self.ask()
        if ask.sink is not None or ask.then is not None:
            raise BadArgument(f"{why}: leave sink and then out.")
        return ask


def read(request: Request) -> AskMessage:
    """Take a request apart, as words if its address ends with /words."""
    if request.address.endswith("/words"):
        return words(request.arguments, request.address)
    return pairs(request.arguments, request.address)


def pairs(arguments: list[Any], address: str = "/bridge/generate") -> AskMessage:
    """Take `prompt [seconds] [key value …]` apart. `address`: where they were sent, for the sentence about a missing prompt."""
    message = AskMessage()
    if not arguments:
        message.fault = BadArgument(f'A prompt is missing: {address} "rain on tin" 4.0')
        return message
    message.prompt, rest = arguments[0], arguments[1:]
    if arguments[0] in HOWS and len(arguments) % 2 == 0 and not args.is_numeric(rest[0]):  # no prompt, only pairs
        message.prompt, rest = "", arguments
    if rest and args.is_numeric(rest[0]):
        message.seconds, rest = rest[0], rest[1:]
    for place in range(0, len(rest), 2):
        message.add(rest[place], rest[place + 1 : place + 2])
    return message


def words(arguments: list[Any], address: str = "/bridge/generate/words") -> AskMessage:
    """Take `word … [seconds] [@key value …]` apart. `address` as in `pairs`."""
    message = AskMessage()
    if "@" in arguments:
        message.fault = BadArgument("A key is written right behind its @, without a space: @preset drum")
    atoms, keys = args.at_marks(arguments)
    if len(atoms) > 1 and args.is_numeric(atoms[-1]):
        *atoms, message.seconds = atoms
    if not atoms and message.fault is None and not any(name in HOWS for name, _ in keys):
        message.fault = BadArgument(f"A prompt is missing: {address} rain on tin 4")
    message.prompt = args.joined(atoms) if atoms else ""
    for name, values in keys:
        message.add(name, values)
    return message


def unknown_key(name: str) -> BadArgument:
    """The error for a key that the table does not have."""
    if name in ("seconds", "prompt"):
        return BadArgument("The prompt comes first and the seconds right after it, both without a key.")
    return BadArgument(unknown("key", name, KEYS, similarity=0.5))
