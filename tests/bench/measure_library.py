"""Cost of the library: `python -m tests.bench.measure_library [--clips 1000]` prints a Markdown table."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bridge.library import database, search
from bridge.library.library import Library
from bridge.library.search import Query
from tests.library.test_library import fill, job_of


def spent(what: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    began = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Record jobs, search among clips, and record one while another program writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / database.FILE
        with contextlib.closing(database.connect(file)) as connection:
            fill(connection, options.clips)
            searches = [spent(lambda: search.find(connection, Query("metal rain"))) for _ in range(20)]
        library = Library(file, Path(place) / "clips")
        library.start()
        jobs = [job_of(serial) for serial in range(1, 301)]
        records = [spent(lambda job=job: library.accepted(job)) for job in jobs]  # type: ignore[misc]
        for job in jobs:
            library.ended(job)
        library._writer.settle(5.0)
        with contextlib.closing(database.connect(file)) as other:
            other.execute("BEGIN IMMEDIATE")
            busy = spent(lambda: library.accepted(job_of(1_000)))
            other.execute("COMMIT")
        library.close()
    print("| what | ms | at most |\n|---|---|---|")
    print(f"| search of two words among {options.clips} clips | {statistics.median(searches):.2f} | 100 |")
    print(f"| record a job, median of 300 | {statistics.median(records):.3f} | 5 |")
    print(f"| record a job while another program writes | {busy:.1f} | 500 |")


if __name__ == "__main__":
    main()
