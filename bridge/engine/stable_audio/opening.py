"""Open the engine of a Stable Audio Open checkpoint; see Engine."""

from __future__ import annotations

import functools

from bridge.engine.opening import open_lean

open_engine = functools.partial(open_lean, "bridge.engine.stable_audio.engine", "StableAudioOpen")
