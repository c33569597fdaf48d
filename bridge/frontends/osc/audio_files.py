"""The addresses that measure and change audio files. The disk is read on other threads, the files themselves in the shaper."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.audition import path_of
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
