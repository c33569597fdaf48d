"""What the panel adds between Enter and sound: `python -m tests.bench.measure_heard [--times 20]`. Needs JACK and a screen of the tests.

From the key's press to the first audible sample as the player hands it to the device, less the job's own time (from /bridge/queued to
/bridge/done as a subscriber gets them). The starter makes one-second kicks; with a stand-in engine, nothing else computes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.harness import RUN, STAND_IN, Client, Daemon
from tests.jack_device import BLOCK, RATE, Recorder, jack
from tests.panel.screen import screen
from tests.panel.window import Panel


class Times:
    """When a subscriber got the last event of each kind, in seconds of time.monotonic."""

    def __init__(self, client: Client) -> None:
        self.at: dict[str, float] = {}
        client.send("/bridge/subscribe")
        threading.Thread(target=self._read, args=(client,), daemon=True).start()

    def _read(self, client: Client) -> None:
        while True:
            try:
                address, _ = client.receive(600.0)
            except (TimeoutError, OSError):
                return
            self.at[address] = time.monotonic()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    print(
        f"One block of the device: {1000 * BLOCK / RATE:.1f} ms\n\n| engine | job, median | added: median | most |\n|---|---|---|---|"
    )
    for name, run in (("starter", RUN), ("stand-in", STAND_IN)):
        place = Path(tempfile.mkdtemp())
        with jack() as server, screen(place / "screen") as shown:
            os.environ.update(server.environment)
            daemon = Daemon(place / "clips", place / "home", "--audio-device", "default", run=run)
            daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
            panel, recorder = Panel(shown, daemon.port), Recorder(server, of_player=True)
            panel.wait_ready()
            heard = Times(daemon.client())
            shown.click(*panel.where("Prompt"))
            shown.type("deep warm kick")
            jobs, added = [], []
            for _ in range(times):
                heard.at.clear()
                recorder.restart()
                pressed = time.monotonic()
                shown.key("Return")
                sound_s = recorder.wait_for_sound(pressed, 60.0)
                job_s = heard.at["/bridge/done"] - heard.at["/bridge/queued"]
                jobs.append(job_s)
                added.append(1000 * (sound_s - job_s))
                time.sleep(0.5)
                shown.key("Escape")
                time.sleep(0.5)
            job_ms = 1000 * statistics.median(jobs)
            print(f"| {name} | {job_ms:.0f} ms | {statistics.median(added):.0f} ms | {max(added):.0f} ms |", flush=True)
            recorder.close()
            panel.close()
            daemon.stop()


if __name__ == "__main__":
    main()
