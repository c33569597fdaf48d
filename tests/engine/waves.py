"""The clip of a short prompt, from an engine in this process."""

from __future__ import annotations

import numpy as np

from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2


def wave(engine: AudioLDM2, text: str = "rain on tin", seconds: float = 0.5, **more: object) -> np.ndarray:
    """All samples of one clip, mono."""
    prompt = Prompt(text, text, seconds, **{"seed": 5, "steps": 3, **more})  # type: ignore[arg-type]
    return np.concatenate([np.frombuffer(p.samples, "<f4") for p in engine.generate(prompt, lambda *at: None)])
