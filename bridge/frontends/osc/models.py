"""The addresses for checkpoints: list them, change to another one. Only other threads read the disk."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints import find as checkpoints
from bridge.errors import NoModel
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request

DETAILS = ("sample_rate", "revision", "channels", "max_seconds", "can")


def models(osc: Osc, request: Request) -> None:
    """/bridge/models"""
    if (name := args.name(request.arguments, request.address)) is not None:

        def send(facts: checkpoints.Facts) -> None:
            details = {"name": facts.name, "size_mb": round(facts.size_bytes / 1e6, 1), "licence": facts.licence}
            details |= {name: getattr(facts, name) for name in DETAILS}
            osc.reply(request.sender, "/bridge/model", details)

        osc.off_loop(lambda: checkpoints.facts(checked(name)), send, request.sender, request.address)
    elif args.press(request.arguments):

        def send_all(names: list[str]) -> None:
            running = osc.core.model.name if osc.core.model else ""
            osc.send(request.sender, request.address, running, *names)

        osc.off_loop(checkpoints.available, send_all, request.sender, request.address)


def restart(osc: Osc, request: Request) -> None:
    """/bridge/restart"""

    def restart_with(name: str | None) -> None:
        osc.core.restart(name)
        osc.send(request.sender, request.address, osc.core.state)

    name = args.name(request.arguments, request.address)
    if name is not None:
        # Only this machine may name a folder: others would learn which folders exist, and Windows would log in to any
        # server whose share they name.
        is_folder = request.is_local and Path(name).is_absolute() and not name.startswith(("\\\\", "//"))

        def read() -> str:
            return name if is_folder and checkpoints.find(name) else checked(name)

        osc.off_loop(read, restart_with, request.sender, request.address)
    elif args.press(request.arguments):
        restart_with(None)


def checked(name: str) -> str:
    """The name, if a checkpoint of this name is on the disk. Raises NoModel."""
    if name not in (available := checkpoints.available()):
        raise NoModel(
            f"There is no checkpoint {name[:60]!r} here; there are: {', '.join(available)}. Get it: clipbridge pull NAME"
        )
    return name
