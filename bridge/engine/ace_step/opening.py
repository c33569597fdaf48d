"""Open the engine of an ACE-Step 1.5 checkpoint; see Engine."""

from __future__ import annotations

import functools

from bridge.engine.opening import open_lean

open_engine = functools.partial(open_lean, "bridge.engine.ace_step.engine", "AceStep")
