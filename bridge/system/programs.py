"""Programs of the system that are asked for something: systemctl, launchctl, PowerShell."""

from __future__ import annotations

import subprocess
import textwrap

from bridge.errors import SystemRefused

ANSWER_S = 90.0  # stopping a service waits for the clip that is being made
SHOWN = 100  # characters of a command


def ask(*command: str) -> tuple[int, str]:
    """Run a program of the system; returns its exit code and output, or 127 and the reason why it cannot be run."""
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=ANSWER_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return run.returncode, (run.stdout + run.stderr).strip()


def tell(*command: str) -> str:
    """Run a program of the system; returns its output. Raises SystemRefused with its first line if it fails."""
    code, output = ask(*command)
    if code:
        first = output.splitlines()[:1] or [f"exit code {code}"]
        raise SystemRefused(f"{textwrap.shorten(' '.join(command), SHOWN)} failed: {first[0]}")
    return output
