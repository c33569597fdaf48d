"""Figures of the touch page, for RESULTS.md: `python -m tests.bench.measure_touch [--presses 100] [--parts pads browser crowd]`. Needs
JACK; `browser` needs Chromium. The engine is a stand-in.

Pads: from the frame of a WebSocket, or the finger in a browser, to the first block with sound that is handed to the device, at a block of
1,024 frames (21.3 ms). Crowd: the same by UDP, alone and beside 200 idle and 50 busy WebSockets of several machines.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.frontends.http.browser import Tablet, browser
from tests.frontends.http.conftest import ON
from tests.frontends.http.visitors import Site, WebSocket
from tests.harness import STAND_IN, Client, Daemon, pairs
from tests.jack_device import BLOCK, RATE, Recorder, jack

IDLE, BUSY, BUSY_HZ = 200, 50, 10.0  # a machine may have 64 connections
PARTS = ["pads", "browser", "crowd"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--crowd", nargs=2, metavar=("PORT", "TOKEN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        crowd(Site(None, "127.0.0.1", int(options.crowd[0]), options.crowd[1]))  # type: ignore[arg-type]
        return
    with jack() as server, tempfile.TemporaryDirectory() as place:
        os.environ.update(server.environment)
        home = Path(place)
        daemon = Daemon(home / "clips", home / "home", *ON, "--audio-device", "system", run=STAND_IN)
        daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
        site, client, direct = Site.of(daemon), daemon.client(), Recorder(server, of_player=True)
        client.send("/bridge/pad/1/set", "kick", 0.2)
        print(
            f"| what | p50 / p99 of {options.presses} |\n|---|---|\n| one block of the device | {1000 * BLOCK / RATE:.1f} ms |"
        )
        try:
            if "pads" in options.parts:
                page = site.page()
                measure("a page's frame", options.presses, client, direct, lambda: page.send("/bridge/pad/1/play", 0.9))
                page.close()
            if "browser" in options.parts:
                with browser(home / "chromium") as chromium:
                    link = f"http://{site.host}:{site.port}/touch%23{site.token}"
                    tablet = Tablet(chromium, link, 1024, 700)
                    tablet.until("document.querySelectorAll('.pad.ready').length === 1")
                    where = tablet.middle("[data-pad='1']")
                    finger = "a finger in Chromium"
                    measure(finger, options.presses, client, direct, lambda: tablet.down(where), tablet.up)
                    began = sorted(tablet.value("window.clipbridge.latencies"))
                    print(
                        f"| from pointerdown to `began` in the page | {statistics.median(began):.1f} / {began[-2]:.1f} ms |"
                    )
                    tablet.close()
            if "crowd" in options.parts:

                def press() -> None:
                    client.send("/bridge/pad/1/play")

                before = underflows(client)
                measure("a packet, alone", options.presses, client, direct, press)
                alone = underflows(client) - before
                with crowded(site):
                    before = underflows(client)
                    measure(
                        f"a packet, beside {IDLE} idle and {BUSY} busy WebSockets",
                        options.presses,
                        client,
                        direct,
                        press,
                    )
                    print(f"| underflows alone, and beside them | {alone}, {underflows(client) - before} |")
        finally:
            direct.close()
            daemon.stop()


def measure(
    what: str,
    presses: int,
    client: Client,
    direct: Recorder,
    press: Callable[[], None],
    lift: Callable[[], None] = lambda: None,
) -> None:
    """Time from a press to the first block with sound that the player hands over. `lift`: what follows each press."""
    times = []
    for number in range(presses):
        wait_for_takes(client)
        time.sleep(0.3 + 0.0013 * (number % 40))
        at = time.monotonic()
        press()
        times.append(1000 * direct.wait_for_sound(at))
        lift()
    times.sort()
    print(f"| {what} | {statistics.median(times):.1f} / {times[-2]:.1f} ms |", flush=True)


def wait_for_takes(client: Client) -> None:
    """Wait until the pad has both takes."""
    while True:
        client.send("/bridge/pads")
        if client.until("/bridge/pad/1/state")[1][:2] == ["ready", 2.0]:
            return
        time.sleep(0.05)


def underflows(client: Client) -> int:
    """Late blocks so far."""
    client.send("/bridge/status")
    return int(pairs(client.until("/bridge/status")[1], 1)["underflows"])


@contextlib.contextmanager
def crowded(site: Site) -> Iterator[None]:
    """The crowd, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.measure_touch", "--crowd", str(site.port), site.token]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def crowd(site: Site) -> None:
    """Open the sockets, and keep them busy until killed."""
    idle = [site.socket("/", own=f"127.0.0.{2 + number // 50}") for number in range(IDLE)]
    busy = [site.page(own=f"127.0.0.{20 + number // 25}") for number in range(BUSY)]
    for page in (*idle, *busy):
        threading.Thread(target=drain, args=(page,), daemon=True).start()
    print(len(idle), flush=True)
    while True:
        for page in busy:
            page.send("/bridge/status")
            time.sleep(1 / BUSY_HZ / BUSY)


def drain(page: WebSocket) -> None:
    """Read all that comes."""
    with contextlib.suppress(ConnectionError):
        while True:
            with contextlib.suppress(TimeoutError):
                page.receive(60.0)  # and answer pings


if __name__ == "__main__":
    main()
