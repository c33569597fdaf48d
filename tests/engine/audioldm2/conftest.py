from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import EngineConfig
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine


@pytest.fixture(scope="package")
def starter(tmp_path_factory: pytest.TempPathFactory) -> AudioLDM2:
    """An engine in this process with the starter, for tests that leave it as it was."""
    cache: Path = tmp_path_factory.mktemp("starter")
    engine = open_engine(EngineConfig(model="starter", compute="cpu", compile="off"), cache)
    engine.load(lambda done, total, what: None)
    return engine  # type: ignore[return-value]
