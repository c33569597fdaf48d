"""`clipbridge doctor`: what is well, what is not, what that means, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `state`: "ok", "warning" (it works, but not as well as it could) or "fault". `mend`: what to do."""

    name: str
    state: str
    what: str
    mend: str = ""


def ok(name: str, what: str) -> Check:
    """Nothing to do."""
    return Check(name, "ok", what)


def warning(name: str, what: str, mend: str) -> Check:
    """It works, but not as well as it could."""
    return Check(name, "warning", what, mend)


def fault(name: str, what: str, mend: str) -> Check:
    """Something that is needed does not work."""
    return Check(name, "fault", what, mend)
