"""The program of the bundle: the panel alone. It starts the daemon with the `clipbridge` that is installed on the machine."""

from __future__ import annotations

import sys

from bridge.cli import main

if __name__ == "__main__":
    sys.exit(main(["panel", "--with-daemon", *sys.argv[1:]]))
