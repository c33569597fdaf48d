"""How many of 20 drags from the panel arrive in each program: `python -m tests.bench.measure_drags [--times 20]`, about four minutes.

It needs the programs that .ci/run installs. A drag has arrived if the program has the file: pcmanfm a copy with the same bytes,
Audacity a window with the clip's name (a new Audacity each time), Qtractor and Ardour (if installed) one more in their session files.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.harness import STAND_IN, Daemon
from tests.jack_device import jack
from tests.panel import programs
from tests.panel.screen import Screen, screen
from tests.panel.window import Panel

PATIENCE_S = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    place = Path(tempfile.mkdtemp())
    with screen(place / "screen") as shown, jack() as server:
        daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
        client, paths = daemon.client(), []
        for number in range(6):
            client.send("/bridge/generate", "deep warm kick", 1.0, "id", number)
            paths.append(Path(client.end_of(number)[1][1]))
        panel = Panel(shown, daemon.port)
        print("| dragged into | arrived |\n|---|---|")

        target = place / "target"
        target.mkdir()
        manager = programs.pcmanfm(shown, target)
        arrived = 0
        for number in range(times):
            source = paths[number % len(paths)]
            copy = target / source.name
            copy.unlink(missing_ok=True)
            shown.drag(panel.where(source.as_posix()), programs.ON_IT)
            arrived += _within(copy.is_file) and copy.read_bytes() == source.read_bytes()
        manager.kill()
        print(f"| pcmanfm | {arrived} of {times} |", flush=True)

        arrived = 0
        for number in range(times):
            source = paths[number % len(paths)]
            audacity = programs.audacity(shown)
            shown.drag(panel.where(source.as_posix()), programs.ON_IT)
            arrived += _within(functools.partial(_is_open, shown, source.stem))
            audacity.kill()
            audacity.wait()
        print(f"| Audacity | {arrived} of {times} |", flush=True)

        arrived, session = 0, place / "s.qtr"
        qtractor = programs.qtractor(shown, session, server)
        for number in range(times):
            shown.drag(panel.where(paths[number % len(paths)].as_posix()), programs.ON_IT)
            time.sleep(0.5)
            arrived += _within(functools.partial(_has_more_than, shown, session, arrived))
        qtractor.kill()
        print(f"| Qtractor | {arrived} of {times} |", flush=True)

        if shutil.which("ardour") is not None:
            arrived, song = 0, place / "song"
            ardour = programs.ardour(shown, song)
            for number in range(times):
                count = programs.regions_in_ardour(shown, song)
                shown.drag(panel.where(paths[number % len(paths)].as_posix()), programs.ON_IT)
                time.sleep(2.0)
                arrived += _within(functools.partial(_has_more_regions, shown, song, count))
            ardour.kill()
            print(f"| Ardour | {arrived} of {times} |", flush=True)
        panel.close()
        daemon.stop()


def _has_more_regions(shown: Screen, song: Path, count: int) -> bool:
    return programs.regions_in_ardour(shown, song) > count


def _is_open(shown: Screen, name: str) -> bool:
    return name in shown.windows()


def _has_more_than(shown: Screen, session: Path, clips: int) -> bool:
    return programs.saved_clips(shown, session) > clips


def _within(condition: Callable[[], bool]) -> bool:
    """Whether a condition holds in time."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


if __name__ == "__main__":
    main()
