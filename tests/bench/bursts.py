"""A load like that of a soft synthesiser's thread: `python -m tests.bench.bursts BUSY_MS PERIOD_MS [--realtime]`.

Every PERIOD_MS it computes for BUSY_MS of processor time, then sleeps. At SIGTERM it prints how many bursts there were, and how many
were not done when the next one was due.
"""

from __future__ import annotations

import os
import signal
import sys
import time

REALTIME_PRIORITY = 10  # below JACK's own threads in tests


def main() -> None:
    """Run until SIGTERM."""
    busy_s, period_s = (float(argument) / 1000 for argument in sys.argv[1:3])
    if "--realtime" in sys.argv:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
    ending = []
    signal.signal(signal.SIGTERM, lambda number, frame: ending.append(number))
    bursts = late = 0
    due = time.monotonic()
    while not ending:
        end = time.thread_time() + busy_s
        while time.thread_time() < end:
            pass
        bursts += 1
        due += period_s
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        else:
            late += 1
            due = time.monotonic()
    print(bursts, late, flush=True)


if __name__ == "__main__":
    main()
