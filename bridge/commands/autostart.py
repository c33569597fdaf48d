"""`clipbridge autostart`: start the daemon at log-in, or no more."""

from __future__ import annotations

import argparse
import time

from bridge.client import Client, connect
from bridge.errors import AlreadyRunning
from bridge.system.autostart import service
from bridge.system.autostart.manager import Manager, State

SETTLED_S = 2.0  # a daemon that cannot start has ended by then
READY_TIMEOUT_S = 20.0  # on a machine that has just been started
POLL_S = 0.25


def main(options: argparse.Namespace) -> int:
    """Turn it on or off, or say what it is. Returns 1 if it is on but the daemon did not start. Raises ClipbridgeError."""
    return {"on": _on, "off": _off, "status": _status}[options.what]()


def _on() -> int:
    with connect() as client:  # first: a wrong configuration is an error here, not at the next log-in
        manager = service.on()
        state = _wait(manager, client)
    _print(manager, state)
    return 0 if state.running else 1


def _off() -> int:
    service.off()
    print("off: Clipbridge does not start at log-in, and the daemon that this service started is stopped.")
    return 0


def _status() -> int:
    for manager in service.managers():
        if (state := manager.state()).on:
            _print(manager, state)
            return 0
    print("off: Clipbridge does not start at log-in. To change that: clipbridge autostart on")
    return 0


def _print(manager: Manager, state: State) -> None:
    print(f"on: Clipbridge starts at log-in, by {manager.name} ({manager.place}), with the settings of config.toml.")
    print(_now(state))


def _now(state: State) -> str:
    if state.running:
        return "It is running now."
    if state.exit_code == AlreadyRunning.exit_code:
        return "It is not running now, because another Clipbridge is: stop that one, then clipbridge autostart on."
    code = f" It ended with exit code {state.exit_code}." if state.exit_code else ""
    return f"It is not running now.{code} `clipbridge run` says why; then clipbridge autostart on."


def _wait(manager: Manager, client: Client) -> State:
    """The state once the daemon answers or has ended."""
    begin = time.monotonic()
    while (state := manager.state()).running:
        elapsed = time.monotonic() - begin
        answers = client.ask_for("/bridge/ping", answer="/bridge/pong", timeout_s=POLL_S) is not None
        if (answers and elapsed > SETTLED_S) or elapsed > READY_TIMEOUT_S:
            break
        time.sleep(POLL_S)
    return state
