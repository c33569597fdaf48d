"""Parts whose conversion never ends, for a test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NoReturn


class Slow:
    """Stands in for a Part."""

    name = "slow"

    def __getattr__(self, name: str) -> NoReturn:
        time.sleep(600)
        raise AttributeError(name)


def parts(_checkpoint: Path) -> list[Any]:
    return [Slow()]
