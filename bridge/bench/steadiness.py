"""How steady the engine is: its time beside a busy loop a core, and whether the same ask gives the same bytes whatever the load is."""

from __future__ import annotations

import contextlib

from bridge.bench import busy
from bridge.bench.apart import Apart
from bridge.bench.timing import in_turns

WORD, STEPS, CHECKED_STEPS, TAKES = "kick", 20, 5, 2


def alone(ours: Apart, seconds: float) -> list[str]:
    """Digests of the takes' samples, each take made alone."""
    return [ours.ask("samples", WORD, seconds, CHECKED_STEPS, take) for take in range(1, TAKES + 1)]


def figures(ours: Apart, seconds: float, rounds: int, of_first_start: list[str]) -> dict[str, str]:
    """Both, for clips of that length. `of_first_start`: `alone` in another process, which had converted its networks itself."""
    beside: list[list[str]] = []

    def clip(is_beside: bool) -> float:
        with busy.a_loop_a_core() if is_beside else contextlib.nullcontext():
            took: float = ours.ask("clip", WORD, seconds, STEPS)
            if is_beside:
                beside.append(alone(ours, seconds))
            return took

    took = in_turns({"alone": lambda: clip(False), "beside": lambda: clip(True)}, rounds)
    quiet, loaded = (took[which].median for which in ("alone", "beside"))
    expected = alone(ours, seconds)
    others = {
        "after another start": of_first_start == expected,
        "beside busy loops": all(digests == expected for digests in beside),
        "in a batch": ours.ask("samples_in_batch", WORD, seconds, CHECKED_STEPS, TAKES) == expected,
    }
    differ = [name for name, equal in others.items() if not equal]
    return {
        f"{seconds:g} s: ours, prompt known, beside a busy loop a core": f"{loaded:.3f} s ({loaded / quiet:.2f} × alone)",
        f"the same ask alone, {', '.join(others)}: equal bytes": f"no: {', '.join(differ)}" if differ else "yes",
    }
