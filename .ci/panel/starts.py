"""Start a bundle, wait until its window talks to the daemon's port, print the seconds, end it. Exit code 1 if it never does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

WAIT_S = 60.0


def main(program: str) -> int:
    """Returns the exit code."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(WAIT_S)
        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
        began = time.monotonic()
        with subprocess.Popen([program, "--osc-port", str(daemon.getsockname()[1])], env=environment) as process:
            try:
                message = daemon.recv(65_536)
            except TimeoutError:
                print(f"{program}: no message within {WAIT_S:.0f} s, exit code {process.poll()}", file=sys.stderr)
                return 1
            finally:
                elapsed = time.monotonic() - began
                process.kill()
    print(f"{message.split(bytes(1))[0].decode()} after {elapsed:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
