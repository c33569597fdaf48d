"""The touch page, and its WebSocket: OSC messages of a few addresses in, all events out."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from importlib import resources

from aiohttp import web

from bridge.frontends.http import answers, permits
from bridge.frontends.http.outbox import Outbox
from bridge.frontends.osc.server import OscFrontend
from bridge.frontends.osc.subscribers import HIGHEST_PORT, Target

MAX_PAGES = 64  # open at a time
PARTS = {
    "script": re.compile(rb"<script>(.*?)</script>", re.DOTALL),
    "style": re.compile(rb"<style>(.*?)</style>", re.DOTALL),
}


class Touch:
    """The page and those that have it open."""

    def __init__(self, osc: OscFrontend) -> None:
        self._osc = osc
        self._numbers = itertools.count(HIGHEST_PORT + 1)
        self._page = (resources.files("bridge.frontends.http") / "touch.html").read_bytes()
        hashes = [f"{name}-src '{_hash(pattern, self._page)}'" for name, pattern in PARTS.items()]
        self._policy = "; ".join([*hashes, "img-src data:"])

    def page(self, host: str) -> web.Response:
        """The page, which may only talk to the `host` that it came from, and run only the script in it."""
        return answers.page(self._page, f"{self._policy}; connect-src ws://{host}")

    def join(self, machine: str, outbox: Outbox) -> Target | None:
        """A page was opened: how it is called from now on. None if too many are open."""
        sockets = self._osc.osc.sockets
        if len(sockets) >= MAX_PAGES:
            return None
        target = machine, next(self._numbers)
        sockets[target] = outbox.put
        return target

    def leave(self, target: Target) -> None:
        """A page was closed."""
        self._osc.osc.sockets.pop(target, None)

    def on_bytes(self, target: Target, data: bytes) -> None:
        """A message of a page."""
        self._osc.receive(data, target, permits.check)


def _hash(pattern: re.Pattern[bytes], page: bytes) -> str:
    (part,) = pattern.findall(page)
    return "sha256-" + base64.b64encode(hashlib.sha256(part).digest()).decode()
