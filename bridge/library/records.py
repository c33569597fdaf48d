"""Records of accepted jobs, from their acknowledgement to their end."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

import psutil

from bridge.domain.job import Job, JobId
from bridge.domain.limits import MAX_PROMPT_CHARACTERS, SEED
from bridge.domain.recipe import read
from bridge.errors import BadRecipe

CLOCK_S = 5.0  # tolerance for the start time of a process, which shifts when the clock is set
FAT_RESOLUTION_NS = 2_000_000_000  # the time resolution of FAT, the coarsest file system in use
NOT_REPEATED = ("deadline_s",)  # it has passed
OF_RECALL = ("take", "crop")


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A job that was accepted and never ended. `ask`: the fields of its Ask that were set, and the seed;
    `seed_drawn`: that seed was not stated; `seconds`: the length of the clip; `asked_at`: seconds since 1970."""

    key: str
    holder: str
    id: JobId
    text: str
    full_text: str
    seconds: float
    takes: int
    ask: dict[str, Any]
    asked_at: float
    seed_drawn: bool = False


def session() -> str:
    """A name for this run of the daemon. Other processes can tell from it whether the daemon is alive."""
    born = psutil.Process().create_time()
    return f"{os.getpid()}:{born:.2f}:{secrets.token_hex(4)}"


def is_alive(holder: str) -> bool:
    """Whether the process of a session is still running."""
    try:
        pid, born, _ = holder.split(":")
        process = psutil.Process(int(pid))
        return abs(process.create_time() - float(born)) < CLOCK_S and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def row_of(job: Job, session: str, asked_at: float) -> tuple[str, str, float, str]:
    """The row of an accepted job."""
    ask = {name: value for name, value in job.ask.values.items() if name not in NOT_REPEATED}
    ask |= {name: value for name in OF_RECALL if (value := getattr(job.ask, name)) is not None}
    ask["text"] = job.ask.text
    if job.ask.source is not None:
        ask[job.ask.how] = job.ask.source.path  # "last" would be another one later
    ask["seed"] = job.prompt.seed
    if job.ask.bars is not None:
        ask["bpm"] = job.prompt.bpm  # the tempo at that time
    prompt = job.prompt
    facts = {
        "id": job.id,
        "full_text": prompt.full_text,
        "seconds": prompt.seconds,
        "takes": prompt.takes,
        "ask": ask,
        "seed_drawn": job.seed_drawn,
    }
    return key_of(job, session), session, asked_at, json.dumps(facts)


def key_of(job: Job, session: str) -> str:
    """The primary key of a job's row."""
    return f"{session}/{job.serial}"


def accept(connection: sqlite3.Connection, row: tuple[str, str, float, str]) -> None:
    """Insert the row of an accepted job."""
    connection.execute("INSERT OR REPLACE INTO jobs (key, holder, asked_at, ask) VALUES (?, ?, ?, ?)", row)


def end(connection: sqlite3.Connection, key: str) -> None:
    """Delete the row of a job that has ended."""
    connection.execute("DELETE FROM jobs WHERE key = ?", (key,))


def interrupted(connection: sqlite3.Connection) -> list[Interrupted]:
    """The jobs of dead sessions that have no clip, oldest first."""
    rows = connection.execute(
        "SELECT key, holder, asked_at, ask FROM jobs WHERE NOT EXISTS (SELECT 1 FROM clips WHERE clips.job = jobs.key) "
        "ORDER BY asked_at, rowid"
    ).fetchall()
    alive: dict[str, bool] = {}
    jobs = []
    for key, holder, asked_at, text in rows:
        if holder not in alive:
            alive[holder] = is_alive(holder)
        if not alive[holder] and (job := _read(key, holder, asked_at, text)) is not None:
            jobs.append(job)
    return jobs


def claim(connection: sqlite3.Connection, session: str) -> list[Interrupted]:
    """Claim the interrupted jobs for `session`: no other session gets them while it is alive."""
    return [
        job
        for job in interrupted(connection)
        if connection.execute(
            "UPDATE jobs SET holder = ? WHERE key = ? AND holder = ?", (session, job.key, job.holder)
        ).rowcount
    ]


def release(connection: sqlite3.Connection, jobs: list[Interrupted]) -> None:
    """Give claimed jobs back, so that they count as interrupted again."""
    for job in jobs:
        connection.execute("UPDATE jobs SET holder = ? WHERE key = ?", (job.holder, job.key))


def settle(connection: sqlite3.Connection) -> None:
    """End the jobs whose clips were complete but not yet recorded when their session died. Call it after a scan of the
    folder: it matches them with clips of the same recipe that belong to no job."""
    served = connection.execute("SELECT key, holder FROM jobs WHERE EXISTS (SELECT 1 FROM clips WHERE job = jobs.key)")
    for key, holder in served.fetchall():
        if not is_alive(holder):
            end(connection, key)
    for job in interrupted(connection):
        orphans = connection.execute(
            "SELECT id, recipe FROM clips WHERE job = '' AND gone = 0 AND prompt = ? AND mtime_ns >= ? ORDER BY mtime_ns",
            (job.text, int(job.asked_at * 1e9) - FAT_RESOLUTION_NS),
        )
        takes: dict[int, int] = {}
        for number, text in orphans:
            take = _take_of(job, text)
            if take:
                takes.setdefault(take, number)
        if len(takes) >= job.takes:
            for number in takes.values():
                connection.execute("UPDATE clips SET job = ? WHERE id = ?", (job.key, number))
            end(connection, job.key)


def _take_of(job: Interrupted, text: str) -> int:
    """The take of this job that a recipe describes, or 0."""
    try:
        recipe = read(text)
    except BadRecipe:
        return 0
    prompt = recipe.prompt
    if prompt.crop is not None:
        return 0
    same = (prompt.seed, prompt.full_text, prompt.seconds) == (job.ask["seed"], job.full_text, job.seconds)
    return recipe.take if same else 0


def _read(key: str, holder: str, asked_at: float, text: str) -> Interrupted | None:
    try:
        facts = json.loads(text)
        ask = dict(facts["ask"])
        if not isinstance(facts["id"], int | float | str) or ask["seed"] not in SEED:
            return None
        prompt, full_text = str(ask["text"])[:MAX_PROMPT_CHARACTERS], str(facts["full_text"])
        seconds, takes = float(facts["seconds"]), int(facts["takes"])
        drawn = bool(facts.get("seed_drawn", False))
        return Interrupted(key, holder, facts["id"], prompt, full_text, seconds, takes, ask, float(asked_at), drawn)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None  # not written by Clipbridge
