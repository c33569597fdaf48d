"""The addresses for kits: `name, prompt …, [@key value …]` becomes a KitAsk."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import FIELDS, KIT_FIELDS, Ask
from bridge.domain.kit import MAX_SOUNDS, KitAsk
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import MAX_WHY, Osc, Request
from bridge.frontends.osc.subscribers import Target
from bridge.kits import presets as kit_presets
from bridge.kits.keymap import lay_out
from bridge.kits.presets import KitPreset

DEFAULT_PRESET = "drum"
MAX_NAME_CHARACTERS = 80
KEY_MARK = re.compile(r"@[A-Za-z]")  # what begins so is a key; a prompt cannot
KIT_KEYS = KIT_FIELDS | {"reply_port": FIELDS["reply_port"]}


@dataclass(slots=True)
class Asked:
    """A kit message, taken apart and checked."""

    name: str
    prompts: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def from_preset(self) -> str:
        """The kit preset that names the sounds, "" if the message names them."""
        return "" if self.prompts else self.values.get("preset", "")

    def kit(self, preset: KitPreset | None) -> KitAsk:
        """What the message asks for, with the sounds of the kit preset if it names one. Raises BadArgument."""
        values = {key: value for key, value in self.values.items() if key not in ("notes", "reply_port")}
        notes = self.values.get("notes", "")
        if preset is None:
            sounds = lay_out(self.prompts, notes)
        elif notes:
            raise BadArgument("notes go with prompts; the preset of a kit has its own.")
        else:
            sounds, values = preset.sounds, {**preset.settings, **values, "preset": preset.settings.get("preset")}
        return KitAsk(self.name, sounds, Ask("", **{**values, "preset": values.get("preset") or DEFAULT_PRESET}))


def kit(osc: Osc, request: Request) -> None:
    """/bridge/kit"""
    sender = request.sender
    name = name_of(request.arguments)  # without one there is nothing that could fail

    def refuse(error: ClipbridgeError, to: Target = sender) -> None:
        osc.send(to, "/bridge/kit/failed", name, error.code, str(error)[:MAX_WHY])

    def make(preset: KitPreset | ClipbridgeError | None, asked: Asked, target: Target) -> None:
        try:
            if isinstance(preset, ClipbridgeError):
                raise preset
            ask = asked.kit(preset)
            osc.core.presets.get(ask.ask.preset or DEFAULT_PRESET)
            known = osc.core.make_kit(ask, target[0], target)
        except ClipbridgeError as error:
            refuse(error, target)
        else:
            if known is not None:
                osc.send_event(target, known)

    try:
        asked = parse(request.arguments)
        target = (sender[0], asked.values.get("reply_port", sender[1]))
        osc.check_port(target[1])
        if not asked.from_preset:
            make(None, asked, target)
            return

        def look() -> KitPreset | ClipbridgeError:
            try:
                return kit_presets.find(osc.core.presets.folders, asked.from_preset)
            except ClipbridgeError as error:
                return error

        osc.off_loop(look, lambda preset: make(preset, asked, target), target, request.address)
    except ClipbridgeError as error:
        refuse(error)


def cancel(osc: Osc, request: Request) -> None:
    """/bridge/kit/cancel"""
    if len(request.arguments) > 1:
        raise BadArgument("/bridge/kit/cancel wants the name of one kit, or none for all kits of your machine.")
    osc.core.cancel_kits(request.machine, name_of(request.arguments) if request.arguments else None)


def kits(osc: Osc, request: Request) -> None:
    """/bridge/kits"""
    if args.press(request.arguments, request.address):
        for event in osc.core.kits.events(request.machine):
            osc.send_event(request.sender, event)


def name_of(given: list[Any]) -> str:
    """The kit's name. Raises BadArgument."""
    name = given[0] if given else None
    text = (
        args.prompt(name) if isinstance(name, str | int | float) and not isinstance(name, bool) and name != "" else ""
    )
    if not text or len(text) > MAX_NAME_CHARACTERS or KEY_MARK.match(text):
        raise BadArgument(f"The first argument must be the kit's name, at most {MAX_NAME_CHARACTERS} characters.")
    return text


def parse(given: list[Any]) -> Asked:
    """Take `name, prompt …, @key value …` apart. Raises BadArgument."""
    asked, rest = Asked(name_of(given)), given[1:]
    marks = [place for place, atom in enumerate(rest) if isinstance(atom, str) and KEY_MARK.match(atom)]
    prompts = rest[: marks[0]] if marks else rest
    if len(prompts) > MAX_SOUNDS:
        raise BadArgument(f"A kit may have {MAX_SOUNDS} sounds, one on each MIDI note.")
    asked.prompts = [args.prompt(prompt) for prompt in prompts]
    for mark, end in itertools.pairwise([*marks, len(rest)]):
        name, values = rest[mark][1:], rest[mark + 1 : end]
        if name not in KIT_KEYS:
            raise BadArgument(f"There is no key @{name[:40]} for kits; there are: {', '.join(KIT_KEYS)}.")
        if not values or name in asked.values:
            raise BadArgument(f"The key @{name} {'is there twice' if values else 'has no value'}.")
        asked.values[name] = args.value(KIT_KEYS[name], values[0] if len(values) == 1 else args.joined(values))
    if not asked.prompts and "preset" not in asked.values:
        raise BadArgument(
            'Name the sounds, or a kit preset: /bridge/kit drums "deep kick" "36:low kick", or @preset drums-808.'
        )
    return asked
