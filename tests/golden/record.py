"""`python -m tests.golden.record [-k WORDS]` records the transcript again, after an intended change of the wire."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


def main() -> int:
    """Play all scenarios (or those that `-k` selects) and write the transcript."""
    os.environ["GOLDEN_RECORD"] = "1"
    return int(pytest.main(["-n0", str(Path(__file__).with_name("test_wire.py")), *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
