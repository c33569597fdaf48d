"""What is filled in in the form, in the settings. A source is not remembered: the next day's first Enter would vary it again."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSettings

from bridge.domain.limits import MAX_PROMPT_CHARACTERS, STRENGTH
from bridge.panel import saved
from bridge.panel.form import AUTO, RANGES, Form

FIRST = 4.0  # the length, before one was saved


@dataclass(frozen=True, slots=True)
class Memory:
    """`form`: the fields, with the length of a clip without a source. `more`: the unit and the length of what `continue` adds.
    `strength`: of `vary`, None if it was not moved."""

    form: Form
    more: tuple[str, float] = (AUTO, FIRST)
    strength: float | None = None


def save(settings: QSettings, memory: Memory) -> None:
    """Remember the form."""
    form, (more_unit, more) = memory.form, memory.more
    for name, value in (
        ("text", form.text[:MAX_PROMPT_CHARACTERS]), ("preset", form.preset), ("unit", form.unit), ("length", form.length),
        ("takes", form.takes), ("note", form.note), ("loop", int(form.loop)), ("more_unit", more_unit), ("more", more),
        ("strength", "" if memory.strength is None else memory.strength),
    ):  # fmt: skip
        settings.setValue(f"form/{name}", value)


def restored(settings: QSettings) -> Memory:
    """The remembered form. What is not valid is as it is at first."""
    texts = {
        name: str(settings.value(f"form/{name}") or "") for name in ("text", "preset", "note", "unit", "more_unit")
    }
    length, more = (saved.number(settings.value(f"form/{name}"), FIRST) for name in ("length", "more"))
    strength = saved.number(settings.value("form/strength"), -1.0, -1.0)
    form = Form(
        text=texts["text"][:MAX_PROMPT_CHARACTERS],
        preset=texts["preset"],
        unit=_unit(texts["unit"]),
        length=length,
        takes=saved.whole(settings.value("form/takes"), 1),
        note=texts["note"],
        loop=saved.whole(settings.value("form/loop")) > 0,
    )
    return Memory(form, (_unit(texts["more_unit"]), more), strength if strength in STRENGTH else None)


def _unit(text: str) -> str:
    return text if text in RANGES else AUTO
