"""Helpers for tests of a daemon with a (virtual) audio device."""

from __future__ import annotations

import contextlib
import time

from tests.harness import Client, pairs


def ended(client: Client, voice: int) -> str:
    """Wait until a voice ends; returns the reason."""
    while True:
        _, (number, state, why, *_path) = client.until("/bridge/voice")
        if (number, state) == (voice, "ended"):
            return str(why)


def play(client: Client, *values: object, job: str) -> int:
    """Ask for a clip with sound; returns the number of its voice."""
    client.send("/bridge/generate", *values, "steps", 2, "id", job)
    return int(pairs(client.until("/bridge/done", job=job)[1], 3)["voice"])


def pad_state(client: Client, pad: int, state: str, value: float) -> None:
    """Wait until a pad reports this state and value."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        client.send("/bridge/pads")
        with contextlib.suppress(AssertionError):
            if client.until(f"/bridge/pad/{pad}/state", timeout_s=0.3)[1][:2] == [state, value]:
                return
    raise AssertionError(f"pad {pad} is not {state} {value}")
