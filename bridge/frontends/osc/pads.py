"""The addresses for pads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.core.sources import Place
from bridge.domain.ask import Ask
from bridge.domain.events import PadChanged
from bridge.domain.limits import CHOKES, PAD_FILE_KEYS, QUANTIZE, Range
from bridge.domain.nearest import not_one_of
from bridge.domain.words import words_in_name
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import asks
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.audition import path_of
from bridge.frontends.osc.library import library_of
from bridge.frontends.osc.subscribers import Target
from bridge.live.pad import Press

LOAD_KEYS = (*PAD_FILE_KEYS, "reply_port")


def set_prompt(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/set"""
    ask = asks.read(request).ask_without_sink("A pad sounds when it is played")

    def answer(ask: Ask) -> None:
        osc.core.stage.pads.set(request.number, ask)
        _send(osc, request.sender, request.number, ask.unread)

    osc.core.sources.leave(
        _place(request.number)
    )  # the last ask counts, however long the source of an earlier one takes
    osc.with_source(ask, request, answer, place=_place(request.number))


def load(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/load"""
    path, pairs = path_of(request), request.arguments[1:]
    message = asks.pairs([words_in_name(path) or "clip", *pairs], request.address)
    wrong = next(
        (name for name in message.values if name not in LOAD_KEYS), "seconds" if message.seconds is not None else ""
    )
    if message.fault is None and wrong:
        raise BadArgument(f"load has the keys {', '.join(LOAD_KEYS)}: leave {wrong} out, the file is as it is.")
    ask, library = message.ask(), library_of(osc)

    def answer(file: Path) -> None:
        osc.core.stage.pads.load(request.number, ask, file.as_posix())
        _send(osc, request.sender, request.number)

    osc.core.sources.leave(_place(request.number))
    look = request.is_local  # others may not look at this disk
    osc.off_loop(lambda: library.audio_file(path, look), answer, request.sender, request.address)


def play(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/play"""
    quantize = ""
    at = osc.clock.moment(request.time_tag)
    velocity, *more = _velocity(request.arguments)
    while more:
        name, *more = more
        if name == "quantize":
            quantize, *more = more or [""]
            if quantize not in QUANTIZE:
                raise BadArgument(not_one_of("quantize", str(quantize), QUANTIZE))
        elif isinstance(name, str):
            raise BadArgument(f"play has the key quantize, and no key {name[:40]!r}.")
    if velocity > 0:
        gain = velocity if velocity <= 1 else velocity / 127
        osc.core.stage.pads.play(request.number, gain, Press(request.sender), at, quantize)
    else:
        osc.core.stage.pads.release(request.number, at)


def _velocity(arguments: list[Any]) -> list[Any]:
    """The arguments with the velocity first, as a number: 1 without one and from a pressed button, 0 from a released one."""
    if not arguments or arguments[0] == "quantize":
        return [1.0, *arguments]
    velocity, *more = arguments
    if velocity is None or isinstance(velocity, bool):
        return [float(args.press([velocity])), *more]
    return [args.number(velocity, "velocity", Range(0, 127)), *more]


def stop(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/stop"""
    osc.core.stage.pads.stop(request.number, osc.clock.moment(request.time_tag))


def clear(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/clear"""
    osc.core.sources.leave(_place(request.number))
    osc.core.stage.pads.clear(request.number)
    _send(osc, request.sender, request.number)


def lock(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/lock"""
    osc.core.stage.pads.lock(request.number, args.switch(request.arguments, "lock"))


def choke(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/choke"""
    group = args.number(args.only(request.arguments, request.address), "the group", CHOKES, whole=True)
    osc.core.stage.pads.choke(request.number, int(group))


def save(osc: Osc, request: Request) -> None:
    """/bridge/pad/<n>/save"""
    osc.core.save_pad(request.number, Press(request.sender))


def pads(osc: Osc, request: Request) -> None:
    """/bridge/pads"""
    _send(osc, request.sender)
    for event in osc.core.stage.pads.settings():
        osc.send_event(request.sender, event)


def _place(number: int) -> Place:
    return "pad", number


def _send(osc: Osc, target: Target, only: int | None = None, remark: str = "") -> None:
    """Send the state of one pad, or of all that are not empty."""
    states = {pad: state for pad, *state in osc.core.stage.pads.states()}
    for pad in states if only is None else (only,):
        facts = PadChanged(pad, *states.get(pad, ())).facts()
        osc.reply(target, "/bridge/pad/<n>/state", {**facts, "remark": remark})
