"""A finished clip: what to say of it, and what to play."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from bridge.client import pairs
from bridge.domain.ask import Ask
from bridge.domain.words import plain, words_in_name
from bridge.panel.clips import Clip
from bridge.panel.jobs import Job
from bridge.panel.source import DONE

METHODS = {
    "hits": "Each hit by itself, in its place",
    "texture": "As a texture goes on",
    "tone": "As a tone goes on",
}  # what /bridge/done calls how a source was used


def title_of(ask: Ask) -> str:
    """What to call a job: its words, and what it starts from."""
    if not ask.how:
        return ask.text
    name = words_in_name(PurePath(ask.reference).as_posix()) or "a sound"
    return f"{ask.text}, from {name}" if ask.text else f"{name}, {DONE[ask.how]}"  # type: ignore[index]


def done_sentence(job: Job, arguments: list[Any]) -> str:
    """What was made of a job, from the arguments of /bridge/done: what was heard, and the remark, if there are any."""
    facts = pairs(arguments, 3)
    heard, remark, took = facts.get("heard"), facts.get("remark"), facts.get("engine_seconds")
    words = f"{job.prompt[:80]}: done" + (f" in {took:.1f} s." if isinstance(took, float) else ".")
    if isinstance(heard, str) and plain(heard) != plain(job.prompt) and not (job.source and heard):
        words += f" Heard: {heard or 'no word that this checkpoint knows'}."
    if isinstance(remark, str) and remark:
        words += f" {remark[0].upper()}{remark[1:].rstrip('.')}."
    if (method := METHODS.get(str(facts.get("method")))) is not None:
        words += f" {method}."
    return words


def learned_sentence(name: str, rest: list[Any]) -> str:
    """What became of a folder, from the arguments of /bridge/learn/done after the name."""
    facts = pairs(rest, 1)
    loss, base, remark = facts.get("held_out"), facts.get("base"), facts.get("remark")
    words = f"Learned {name[:80]}"
    if isinstance(loss, float) and isinstance(base, float):
        words += f": loss {loss:.2f}, was {base:.2f}"
    if isinstance(word := facts.get("word"), str) and word:
        words += f". Its sounds are called {word[:80]}"
    return f"{words}. {remark}" if isinstance(remark, str) and remark else f"{words}."


def clip_of(job: Job, arguments: list[Any]) -> Clip | None:
    """The clip of /bridge/done; None if it has no file."""
    match arguments:
        case [_, str(path), float(seconds), *_] if path:
            return Clip(path, prompt=job.prompt, seconds=seconds)
    return None
