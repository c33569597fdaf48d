"""Programs that are busy beside the engine, in a login session of one's choice; and the priority of another process's threads.

Linux gives each session (setsid) an equal share of the cores as long as /proc/sys/kernel/sched_autogroup_enabled is 1, and heeds
niceness only within one (sched(7), "The autogroup feature"). Where control groups divide the cores, their shares count instead.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

AGAINST_OTHERS = "-10"  # niceness of our sessions: ten times the share of a session of somebody else
CORES = os.cpu_count() or 2
LOOP = [sys.executable, "-c", "while True: pass"]
BURSTS = [sys.executable, "-m", "tests.bench.bursts", "6", "10"]  # 60 % of a core


@dataclass(frozen=True)
class Load:
    """One program a core. `apart`: in a session of its own, as a DAW that is started elsewhere."""

    name: str
    program: list[str] = field(default_factory=list)
    apart: bool = False


LOADS = (
    Load("alone"),
    Load("loops, same session", LOOP),
    Load("loops, another session", LOOP, apart=True),
    Load("bursts, same session", BURSTS),
    Load("bursts, another session", BURSTS, apart=True),
    Load("real-time bursts", [*BURSTS, "--realtime"], apart=True),
)


@dataclass(frozen=True)
class Priority:
    """How the threads of a process are scheduled."""

    name: str
    niceness: int
    policy: int = os.SCHED_OTHER

    def set(self, pid: int) -> None:
        """Give it to all threads of the process; those that it starts later inherit it. Raising needs the right to."""
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(task.name), self.policy, os.sched_param(0))
                os.setpriority(os.PRIO_PROCESS, int(task.name), self.niceness)


PRIORITIES = (
    Priority("nice 0", 0),
    Priority("nice 1", 1),
    Priority("nice 2", 2),
    Priority("nice 5", 5),
    Priority("batch, nice 0", 0, os.SCHED_BATCH),
    Priority("batch, nice 5", 5, os.SCHED_BATCH),
)


@contextlib.contextmanager
def running(load: Load) -> Iterator[subprocess.Popen[str] | None]:
    """The load, one program a core, all in one session. Killed at the end, unless `late` ended it before."""
    if not load.program:
        yield None
        return
    programs = f"{shlex.join(load.program)} & " * CORES + "wait"
    group = subprocess.Popen(
        ["sh", "-c", programs],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=load.apart,
        process_group=None if load.apart else 0,
    )
    try:
        if load.apart:
            favour(group.pid)
        yield group
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group.pid, signal.SIGKILL)
        group.wait()
        assert group.stdout is not None
        group.stdout.close()


def late(group: subprocess.Popen[str]) -> float:
    """End bursts, and return the share of those that were late."""
    os.killpg(group.pid, signal.SIGTERM)
    counted = [[int(number) for number in line.split()] for line in group.communicate(timeout=10)[0].splitlines()]
    return sum(missed for _, missed in counted) / sum(bursts for bursts, _ in counted)


def session(pid: int) -> str:
    """The group that shares the cores with other groups (proc(5)); "" where the kernel has none, or names none in a container."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/autogroup").read_text("utf-8").partition(" ")[0].strip()
    return ""


def favour(pid: int) -> None:
    """Give the session of a process a larger share than those of other people on this machine."""
    with contextlib.suppress(OSError):  # there is no such file, or no group to favour
        Path(f"/proc/{pid}/autogroup").write_text(AGAINST_OTHERS, "ascii")


def waited_s(pid: int) -> float:
    """Seconds that the real-time threads of a process were ready and had to wait for a core (sched-stats: the second number). A
    core that the host of a virtual machine took away does not count."""
    total = 0
    for thread in psutil.Process(pid).threads():
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(thread.id) in (os.SCHED_FIFO, os.SCHED_RR):
                total += int(Path(f"/proc/{pid}/task/{thread.id}/schedstat").read_text("ascii").split()[1])
    return total / 1e9
