"""Converts networks, and prints what the process did meanwhile: sockets, files opened for writing, whether telemetry was loaded."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

sockets: list[str] = []
written: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"):
        sockets.append(f"{event} {arguments}"[:200])
    if event == "open" and isinstance(arguments[0], str) and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        written.append(os.path.abspath(arguments[0]))


if __name__ == "__main__":
    sys.addaudithook(watch)
    from bridge.engine.runtime import conversion

    conversion.main()
    telemetry = sys.modules.get("openvino_telemetry") is not None
    print(json.dumps({"sockets": sockets, "written": written, "telemetry": telemetry}))
