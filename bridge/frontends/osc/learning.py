"""The addresses that learn a folder as a model of one's own. Only other threads read the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.checkpoints import find as checkpoints
from bridge.checkpoints import learned
from bridge.domain.fields import Field
from bridge.domain.learning import DEFAULT_MINUTES, HOWS, LearnAsk
from bridge.domain.limits import MAX_PATH_CHARACTERS, MINUTES
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import MAX_WHY, Osc, Request
from bridge.system.spelling import on_disk

LEARN_KEYS = {
    "minutes": Field("minutes", "number", "job", "", MINUTES),
    "how": Field("how", "choice", "job", "", choices=HOWS),
}


def learn(osc: Osc, request: Request) -> None:
    """/bridge/learn"""
    name = _name(request.arguments[1:2])  # without a name, nothing can fail: /bridge/error
    target = request.sender

    def refuse(error: ClipbridgeError) -> None:
        osc.send(target, "/bridge/learn/failed", name, error.code, str(error)[:MAX_WHY])

    def begin(ask: LearnAsk) -> None:
        if (last := osc.core.learn(ask, request.machine, target)) is not None:
            osc.send_event(target, last)

    try:
        keys = args.keyed(request.arguments[2:], LEARN_KEYS, "learn")
        folder = _folder(request)
        osc.off_loop(lambda: _checked(folder, name, keys), begin, target, request.address, refuse)
    except ClipbridgeError as error:
        refuse(error)


def cancel(osc: Osc, request: Request) -> None:
    """/bridge/learn/cancel"""
    if (arguments := args.without_press(request.arguments)) is None:
        return
    if len(arguments) > 1:
        raise BadArgument("/bridge/learn/cancel wants the name of a model, or nothing.")
    osc.core.learning.cancel(request.machine, _name(arguments) if arguments else None)


def learning(osc: Osc, request: Request) -> None:
    """/bridge/learning"""
    event = osc.core.learning.last_event
    if event is not None and request.is_local:
        osc.send_event(request.sender, event)


def _folder(request: Request) -> str:
    """The folder, which comes first. Raises BadArgument."""
    path = request.arguments[0]
    if not request.is_local:  # the answers tell what files are there
        raise BadArgument("Only programs on the machine of Clipbridge may have a folder learned.")
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH_CHARACTERS or "\0" in path:
        raise BadArgument("/bridge/learn wants the path of a folder, then a name for the model.")
    if not Path(path).is_absolute():  # it would be looked for in the folder that Clipbridge was started in
        raise BadArgument(f"{path[-200:]!r} is not a whole path: send all of it, with its folders.")
    return path


def _name(arguments: list[Any]) -> str:
    """The name of the model. Raises BadArgument."""
    if not arguments:
        raise BadArgument('/bridge/learn wants the path of a folder, then a name for the model: "/…/my drums" my-drums')
    return learned.checked_name(args.prompt(arguments[0], "the name of the model"))


def _checked(folder: str, name: str, keys: dict[str, Any]) -> LearnAsk:
    """What to learn. Reads the disk. Raises BadArgument, FolderError."""
    place = on_disk(Path(folder))
    if not place.is_dir():
        raise BadArgument(f"There is no folder {place}.")
    checkpoints.check_free(name)
    learned.check_room()
    how = keys.get("how") or ("tokens" if checkpoints.has_token_base() else "lora")
    return LearnAsk(str(place), name, keys.get("minutes", DEFAULT_MINUTES), how)
