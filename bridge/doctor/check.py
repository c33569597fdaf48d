"""A finding of `clipbridge doctor`: what works or does not, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass

INSTALL_AGAIN = "In Clipbridge's folder: pip install --force-reinstall ."


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `state`: "ok", "warning" (works, but could work better) or "fault". `fix`: what to do, "" if ok."""

    name: str
    state: str
    what: str
    fix: str = ""


def ok(name: str, what: str) -> Check:
    """A finding that needs no action."""
    return Check(name, "ok", what)


def warning(name: str, what: str, fix: str) -> Check:
    """Something works, but could work better."""
    return Check(name, "warning", what, fix)


def fault(name: str, what: str, fix: str) -> Check:
    """Something required does not work."""
    return Check(name, "fault", what, fix)
