"""`clipbridge queue`: list the jobs that run and wait, or cancel them."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bridge.client import Client, connect, pairs
from bridge.errors import ClipbridgeError, NoAnswer, UnknownJob
from bridge.system.logs import escaped

COUNT, JOB = "/bridge/queue/count", "/bridge/queue/job"


def main(options: argparse.Namespace) -> int:
    """List the jobs, or cancel some of them. Raises NoAnswer or UnknownJob."""
    with connect(options.osc_port) as daemon:
        if options.cancel_all:
            _cancel(daemon)
            print("Cancelled all jobs and kits of this machine.")
        elif options.cancel:
            for job_id in options.cancel:
                print(f"Cancelled {job_id}." if _cancel(daemon, job_id) else f"{job_id} is being written already.")
        else:
            jobs = _jobs(daemon)
            if options.json:
                print(json.dumps(jobs))
            else:
                _list(jobs, _status(daemon))
    return 0


def _jobs(daemon: Client) -> list[dict[str, Any]]:
    answer = daemon.ask_for("/bridge/queue", answer=COUNT)
    if answer is None:
        raise daemon.no_answer()
    if answer[0] == "/bridge/error":
        raise ClipbridgeError(str(answer[1][2]))
    jobs = []
    for _ in range(answer[1][0]):
        message = daemon.wait_for(lambda address, values: address == JOB and len(values) >= 4)
        if message is None:
            raise NoAnswer("Clipbridge stopped answering in the middle of the list; try again.")
        name, position, prompt, seconds, *rest = message[1]
        jobs.append({"id": name, "position": position, "prompt": prompt, "seconds": seconds, **pairs(rest, 0)})
    return jobs


def _status(daemon: Client) -> dict[str, Any]:
    """The values of /bridge/status; {} if it is not answered."""
    answer = daemon.ask_for("/bridge/status")
    return pairs(answer[1], 1) if answer is not None and answer[0] == "/bridge/status" else {}


def _cancel(daemon: Client, *job_id: str) -> bool:
    """Cancel a job, or all of this machine. Returns whether a job was cancelled."""
    answer = daemon.ask_for("/bridge/cancel", *job_id, answer="/bridge/cancelled")
    if answer is None:
        raise daemon.no_answer()
    if answer[0] == "/bridge/error":
        raise UnknownJob(f"{answer[1][2]} clipbridge queue lists the jobs.")
    return bool(answer[1])


def _list(jobs: list[dict[str, Any]], status: dict[str, Any]) -> None:
    for job in jobs:
        place = "runs" if job["position"] == 0 else f"{job['position']}."
        about = f"in about {job['eta_seconds']:.0f} s" if job["eta_seconds"] else ""
        other = "" if job["yours"] else "not of this machine"
        print(
            f"{place:<5} {escaped(job['prompt'])[:40]:<40} {job['seconds']:>6.4g} s  {about:<16} {job['id']}  {other}".rstrip()
        )
    if jobs and (line := _pace(status)):
        print(line)
    print("Cancel one with: clipbridge queue --cancel ID" if jobs else "Nothing runs or waits.")


def _pace(status: dict[str, Any]) -> str:
    """What the engines do; "" if there is nothing to say."""
    ready, _, slots = str(status.get("slots", "")).partition("/")
    waiting, rate = status.get("waiting", 0), status.get("rate", 0)
    said = [f"{ready} of {slots} engines ready"] if slots not in ("", "1") else []
    said += (
        [f"{waiting} of the running jobs {'waits' if waiting == 1 else 'wait'} on the other machine"] if waiting else []
    )
    said += [f"{rate} {'clip' if rate == 1 else 'clips'} in the last minute"] if rate else []
    return "; ".join(said)
