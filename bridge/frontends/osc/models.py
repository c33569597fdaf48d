"""The part of the OSC frontend for checkpoints: which there are, and the change to another one."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from bridge.checkpoints import find as checkpoints
from bridge.errors import NoModel
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Answers, Target


class ModelMethods(Answers):
    """Methods of the OSC frontend; the names stand in METHODS. The disk is looked at on other threads only."""

    def list_models(self, given: list[Any], sender: Target, _message: Any) -> None:
        address = "/bridge/models"
        if (name := args.name(given, address)) is not None:

            def tell(facts: checkpoints.Facts) -> None:
                said = {"name": facts.name, "size_mb": round(facts.size_bytes / 1e6, 1), "licence": facts.licence}
                said |= {"sample_rate": facts.sample_rate, "revision": facts.revision}
                self._reply(sender, "/bridge/model", said)

            self._aside(lambda: checkpoints.facts(known(name)), tell, sender, address)
        elif args.press(given, address):

            def tell_all(names: list[str]) -> None:
                self._send(sender, address, self.core.model.name if self.core.model else "", *names)

            self._aside(checkpoints.available, tell_all, sender, address)

    def restart(self, given: list[Any], sender: Target, _message: Any) -> None:
        address = "/bridge/restart"

        def go(name: str | None) -> None:
            self.core.restart(name)
            self._send(sender, address, self.core.state)

        name = args.name(given, address)
        if name is not None:
            # A folder may be named on this machine only: others would learn which folders there are, and Windows would
            # log in to any server whose share is named.
            here = ipaddress.ip_address(sender[0].partition("%")[0]).is_loopback
            is_folder = here and Path(name).is_absolute() and not name.startswith(("\\\\", "//"))

            def look() -> str:
                return name if is_folder and checkpoints.find(name) else known(name)

            self._aside(look, go, sender, address)
        elif args.press(given, address):
            go(None)


def known(name: str) -> str:
    """A checkpoint's name that is on this disk. Raises NoModel."""
    if name not in (there := checkpoints.available()):
        raise NoModel(
            f"There is no checkpoint {name[:60]!r} here; there are: {', '.join(there)}. Get it: clipbridge pull NAME"
        )
    return name
