"""The addresses for kits: `name, prompt …, [@key value …]` becomes a KitAsk."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import Any

from bridge.domain.ask import FIELDS, KIT_FIELDS, Ask
from bridge.domain.kit import MAX_SOUNDS, KitAsk
from bridge.domain.limits import Range
from bridge.domain.nearest import nearest
from bridge.domain.notes import HIGHEST
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import MAX_WHY, Osc, Request
from bridge.kits import presets as kit_presets
from bridge.kits.keymap import lay_out
from bridge.kits.presets import KitPreset

DEFAULT_PRESET = "drum"
MAX_NAME_CHARACTERS = 80
KIT_KEYS = KIT_FIELDS | {"reply_port": FIELDS["reply_port"]}


@dataclass(slots=True)
class KitMessage:
    """The parts of a message that asks for a kit, checked."""

    name: str
    prompts: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def preset(self) -> str:
        """The kit preset that names the sounds, "" if the message names them."""
        return "" if self.prompts else self.values.get("preset", "")

    def ask(self, preset: KitPreset | None) -> KitAsk:
        """The kit to make, with the sounds of `preset` if the message names one. Raises BadArgument."""
        values = {key: value for key, value in self.values.items() if key not in ("notes", "reply_port")}
        notes = self.values.get("notes", "")
        if preset is None:
            sounds = lay_out(self.prompts, notes)
        elif notes:
            raise BadArgument("notes go with prompts; the preset of a kit has its own.")
        else:
            sounds, values = preset.sounds, {**preset.settings, **values, "preset": preset.settings.get("preset")}
        return KitAsk(self.name, sounds, Ask.of("", {**values, "preset": values.get("preset") or DEFAULT_PRESET}))


def kit(osc: Osc, request: Request) -> None:
    """/bridge/kit"""
    name = name_of(request.arguments)  # without a name, no kit can fail: /bridge/error
    target = request.sender

    def refuse(error: ClipbridgeError) -> None:
        osc.send(target, "/bridge/kit/failed", name, error.code, str(error)[:MAX_WHY])

    def make(preset: KitPreset | None) -> None:
        ask = message.ask(preset)
        osc.core.presets.get(ask.ask.preset or DEFAULT_PRESET)

        def begin(found: Ask) -> None:
            last_event = osc.core.make_kit(replace_fields(ask, ask=found), target[0], target)
            if last_event is not None:
                osc.send_event(target, last_event)

        osc.with_source(ask.ask, request, begin, refuse, place=("kit", target[0], name))

    try:
        message = parse(request.arguments)
        port = message.values.get("reply_port", target[1])
        osc.check_port(port)
        target = (target[0], port)
        if message.preset:
            folders = osc.core.presets.folders
            osc.off_loop(lambda: kit_presets.find(folders, message.preset), make, target, request.address, refuse)
        else:
            make(None)
    except ClipbridgeError as error:
        refuse(error)


def cancel(osc: Osc, request: Request) -> None:
    """/bridge/kit/cancel"""
    if (arguments := args.without_press(request.arguments)) is None:
        return
    if len(arguments) > 1:
        raise BadArgument("/bridge/kit/cancel wants the name of one kit, or none for all kits of your machine.")
    osc.core.cancel_kits(request.machine, name_of(arguments) if arguments else None)


def replace(osc: Osc, request: Request) -> None:
    """/bridge/kit/replace"""
    name, *rest = name_of(request.arguments), *request.arguments[1:]
    if not 1 <= len(rest) <= 2:
        raise BadArgument(
            '/bridge/kit/replace wants the name of a kit and the MIDI note of a sound: "my drums" 36 "deep kick"'
        )
    key = int(args.number(rest[0], "the MIDI note", Range(0, HIGHEST), whole=True))
    osc.core.replace_sound(name, key, args.prompt(rest[1]) if rest[1:] else "", request.machine, request.sender)


def presets(osc: Osc, request: Request) -> None:
    """/bridge/kit/presets"""
    folders = osc.core.presets.folders

    def answer(known: list[KitPreset]) -> None:
        for kit in known:
            osc.send(request.sender, "/bridge/kit/preset", kit.name, len(kit.sounds), kit.description)

    osc.off_loop(lambda: kit_presets.usable(folders), answer, request.sender, request.address)


def kits(osc: Osc, request: Request) -> None:
    """/bridge/kits"""
    for event in osc.core.kits.events(request.machine):
        osc.send_event(request.sender, event)


def name_of(arguments: list[Any]) -> str:
    """The kit's name. Raises BadArgument."""
    name = arguments[0] if arguments else None
    usable = isinstance(name, str | int | float) and not isinstance(name, bool) and name != ""
    text = args.prompt(name) if usable else ""
    if not text or len(text) > MAX_NAME_CHARACTERS or args.MARK.match(text):
        raise BadArgument(f"The first argument must be the kit's name, at most {MAX_NAME_CHARACTERS} characters.")
    return text


def parse(arguments: list[Any]) -> KitMessage:
    """Take `name, prompt …, @key value …` apart. Raises BadArgument."""
    message = KitMessage(name_of(arguments))
    prompts, keys = args.at_marks(arguments[1:])
    if len(prompts) > MAX_SOUNDS:
        raise BadArgument(f"A kit may have {MAX_SOUNDS} sounds, one on each MIDI note.")
    message.prompts = [args.prompt(prompt) for prompt in prompts]
    for name, values in keys:
        if name not in KIT_KEYS:
            near = nearest(name, KIT_KEYS)
            hint = f"did you mean @{near}?" if near else f"there are: {', '.join(KIT_KEYS)}."
            raise BadArgument(f"There is no key @{name[:40]} for kits; {hint}")
        args.check_once(name, values, message.values)
        message.values[name] = args.value(KIT_KEYS[name], values[0])
    if not message.prompts and "preset" not in message.values:
        raise BadArgument(
            'Name the sounds, or a kit preset: /bridge/kit drums "deep kick" "36:low kick", or @preset drums-808.'
        )
    return message
