from __future__ import annotations

from pathlib import Path

import pytest

from bridge.engine.pipeline_runner import PipelineRunner
from tests.engine.ace_step import tiny
from tests.engine.pipelines import opened


@pytest.fixture(scope="package")
def turbo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("ace") / "turbo")


@pytest.fixture(scope="package")
def turbo(turbo_folder: Path) -> PipelineRunner:
    """An engine with the turbo checkpoint, for tests that leave it as it was."""
    return opened(turbo_folder)


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> PipelineRunner:
    """An engine with the base checkpoint, which is guided, without the parts that a cover needs."""
    return opened(tiny.build(tmp_path_factory.mktemp("ace-base") / "base", turbo=False, covers=False))
