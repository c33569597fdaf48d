from __future__ import annotations

from pathlib import Path

import pytest

from bridge.engine.pipeline_runner import PipelineRunner
from tests.engine.pipelines import opened
from tests.engine.stable_audio_3 import tiny


@pytest.fixture(scope="package")
def distilled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("sa3") / "small")


@pytest.fixture(scope="package")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("sa3-base") / "small-base", distilled=False)


@pytest.fixture(scope="package")
def distilled(distilled_folder: Path) -> PipelineRunner:
    """An engine with the distilled checkpoint, for tests that leave it as it was."""
    return opened(distilled_folder)


@pytest.fixture(scope="package")
def base(base_folder: Path) -> PipelineRunner:
    """An engine with the base checkpoint, which is guided."""
    return opened(base_folder)
