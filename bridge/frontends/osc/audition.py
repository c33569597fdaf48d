"""The address that plays an audio file. The disk is read on other threads, and the file itself in the player."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bridge.core.sources import clip_number
from bridge.domain.ask import FIELDS
from bridge.domain.fields import Field
from bridge.domain.limits import MAX_PATH_CHARACTERS, Range
from bridge.domain.outputs import CUE, MAIN
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.library import library_of
from bridge.library.reach import local
from bridge.live.audition import Audition
from bridge.player.messages import when

PLACE_S = Range(0, 86_400)  # in a file

PLAY_KEYS = {
    key.name: key
    for key in (
        *(FIELDS[name] for name in ("gain", "pan", "loop", "quantize")),
        Field("from", "number", "playback", "", PLACE_S),
        Field("to", "number", "playback", "", PLACE_S),
        Field("output", "choice", "playback", "", choices=(MAIN, CUE)),
    )
}


def play(osc: Osc, request: Request) -> None:
    """/bridge/play"""
    path, values = path_of(request), args.keyed(request.arguments[1:], PLAY_KEYS, "play")
    stage, find = osc.core.stage, _finder(osc, request, path)
    from_s, to_s = values.pop("from", 0.0), values.pop("to", None)
    if to_s is not None and to_s <= from_s:
        raise BadArgument("to must be greater than from.")
    at, panics = when(values.pop("quantize", None), osc.clock.moment(request.time_tag)), stage.panics
    stage.live.open(values.get("output", MAIN))

    def begin(file: Path) -> None:
        values["loop"] = values.get("loop", 0) == 1
        stage.play_file(Audition(request.sender, path, panics, str(file), when=at, from_s=from_s, to_s=to_s, **values))

    osc.off_loop(find, begin, request.sender, request.address)


def _finder(osc: Osc, request: Request, path: str) -> Callable[[], Path]:
    """What finds the file, on another thread. Raises LibraryError."""
    if (number := clip_number(path)) is not None:
        return partial(library_of(osc).clip_file, number)
    if request.is_local:  # the source of a clip may lie anywhere
        return partial(local, path)
    return partial(library_of(osc).audio_file, path, look=False)  # others may not look at this disk


def path_of(request: Request) -> str:
    """The path, which comes first. Raises BadArgument."""
    path = request.arguments[0] if request.arguments else None
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH_CHARACTERS:
        raise BadArgument(f"{request.address} wants the path of a clip, as /bridge/done and /bridge/clip state it.")
    return path
