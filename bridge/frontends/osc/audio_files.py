"""The addresses that measure and change audio files. The disk is read on other threads, the files themselves in the shaper."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.audition import PLACE_S, path_of
from bridge.frontends.osc.library import library_of


def measure(osc: Osc, request: Request) -> None:
    """/bridge/measure"""
    path = path_of(request)
    args.only(request.arguments, request.address)
    if not request.is_local:  # others may not look at this disk
        library = library_of(osc)
        find = partial(library.audio_file, path, look=False)
    elif Path(path).is_absolute():
        find = partial(Path, path)
    else:  # else it would be looked for in the folder that Clipbridge was started in
        raise BadArgument(f"{path[-200:]!r} is not a whole path: send all of it, with its folders.")

    def answer(facts: dict[str, Any]) -> None:
        osc.reply(request.sender, "/bridge/measured", {"path": path, **facts})

    refuse = partial(osc.refuse, request.sender, request.address)
    bpm = osc.core.stage.tempo.bpm
    osc.off_loop(find, lambda file: osc.core.files.measure(file, bpm, answer, refuse), request.sender, request.address)


def crop(osc: Osc, request: Request) -> None:
    """/bridge/crop"""
    path, place = path_of(request), request.arguments[1:]
    if len(place) != 2:
        raise BadArgument(f"{request.address} wants the path of a clip, then from and to in seconds.")
    from_s, to_s = (args.number(value, name, PLACE_S) for name, value in zip(("from", "to"), place, strict=True))
    if to_s <= from_s:
        raise BadArgument("to must be greater than from.")
    find = partial(library_of(osc).audio_file, path, look=request.is_local)
    refuse = partial(osc.refuse, request.sender, request.address)

    def ask(file: Path) -> None:
        osc.core.crop(file, path, (from_s, to_s), request.sender, refuse)

    osc.off_loop(find, ask, request.sender, request.address)
