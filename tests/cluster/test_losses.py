"""Many jobs on an engine that is killed again and again. `python -m tests.bench.measure_losses` does so for hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.measure_losses import Cluster, OneBox, Run, measure
from tests.cluster.test_ray import has_ray


@pytest.mark.soak
def test_every_job_ends_once_while_its_box_is_killed_again_and_again(home: Path, tmp_path: Path) -> None:
    box = OneBox(home, "stand-in")
    try:
        assert measure(Run(60, 10, 0.2, 8.0, 1), box, tmp_path)
    finally:
        box.stop()


@pytest.mark.soak
@pytest.mark.skipif(not has_ray, reason="Ray is not installed")
def test_every_job_ends_once_while_replicas_are_killed_again_and_again(home: Path, tmp_path: Path) -> None:
    cluster = Cluster(home, "stand-in", 2)
    try:
        assert measure(Run(100, 10, 0.2, 10.0, 2), cluster, tmp_path)
    finally:
        cluster.stop()
