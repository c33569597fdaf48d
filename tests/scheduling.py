"""A scheduler for pytest-xdist: all tests of a group run in one worker, in order.

`--dist loadgroup` puts the groups into the names of tests, which plugins cannot change since pytest 9.1. Here each worker
writes its groups into a file, and the controller, which collects no tests itself, reads that file.
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

VARIABLE = "CLIPBRIDGE_TESTS_GROUPS"  # the path of that file: set by the controller, inherited by its workers


def prepare() -> None:
    """Choose the file, before workers start. Only the controller does."""
    if VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="clipbridge-tests-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[VARIABLE] = str(folder / "groups.json")


def write(groups: dict[str, str]) -> None:
    """Write the group of each test, for the controller. All workers write the same."""
    file = Path(os.environ[VARIABLE])
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(groups), "utf-8")
    part.replace(file)


class Groups(LoadScopeScheduling):
    """Gives out groups in the order of collection."""

    @cached_property
    def _groups(self) -> dict[str, str]:
        file = Path(os.environ[VARIABLE])
        groups: dict[str, str] = json.loads(file.read_text("utf-8"))
        return groups

    def _split_scope(self, nodeid: str) -> str:
        return self._groups[nodeid]
