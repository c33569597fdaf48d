"""Which worker of pytest-xdist runs which tests: those of a group run in one worker, in their order.

The groups of `--dist loadgroup` travel in the names of the tests, which pytest from 9.1 on does not let a plugin change. So
each worker writes down the groups that it found, and the controller, which collects nothing itself, reads them.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from functools import cached_property
from pathlib import Path

from xdist.scheduler.loadscope import LoadScopeScheduling

VARIABLE = "CLIPBRIDGE_TESTS_GROUPS"  # the file's path: set by the controller, inherited by its workers


def prepare() -> None:
    """Choose the file. For the controller, before workers start."""
    if VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="clipbridge-tests-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[VARIABLE] = str(folder / "groups.json")


def write(groups: dict[str, str]) -> None:
    """Write down the group of each test, for the controller. All workers find the same."""
    file = Path(os.environ[VARIABLE])
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(groups), "utf-8")
    part.replace(file)


class Groups(LoadScopeScheduling):
    """Hands out groups in the order in which the workers collected them."""

    @cached_property
    def _groups(self) -> dict[str, str]:
        file = Path(os.environ[VARIABLE])
        groups: dict[str, str] = json.loads(file.read_text("utf-8"))
        return groups

    def _split_scope(self, nodeid: str) -> str:
        return self._groups[nodeid]
