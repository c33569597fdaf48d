"""The picture of the touch page in host_scripts/README.md: `python -m tests.frontends.http.picture`. Needs Chromium and JACK. The
engine is a stand-in."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.frontends.http.browser import Tablet, browser
from tests.frontends.http.conftest import ON
from tests.frontends.http.visitors import Site
from tests.harness import STAND_IN, Daemon
from tests.jack_device import jack

ASSETS = Path(__file__).parents[3] / ".assets"
PADS = (
    "deep warm kick", "snare", "closed hi-hat", "open hi-hat", "clap", "rimshot", "tom", "crash", "sub", "pluck", "glassy bell",
    "rain on tin", "riser", "impact",
)  # fmt: skip
CLIPS = ("vinyl crackle", "chord stab", "rain on a tent", "glassy bell", "deep warm kick")


def main() -> None:
    """Make it: fourteen pads, of which two are held, and some clips; and the same on a phone, to be looked at."""
    with jack() as server, tempfile.TemporaryDirectory() as place:
        os.environ.update(server.environment)
        home = Path(place)
        daemon = Daemon(home / "clips", home / "home", *ON, "--audio-device", "system", run=STAND_IN)
        site, client = Site.of(daemon), daemon.client()
        try:
            for number, prompt in enumerate(PADS):
                client.send(f"/bridge/pad/{number}/set", prompt, 0.5)
            for number, prompt in enumerate(CLIPS):
                client.send("/bridge/generate", prompt, 1.0 + number / 2, "id", number)
                client.end_of(number)
            with browser(home / "chromium") as chromium:
                link = f"http://{site.host}:{site.port}/touch%23{site.token}"
                shots = {"touch-page": (1024, 700), "touch-phone": (390, 780), "touch-phone-wide": (780, 360)}
                for name, (width, height) in shots.items():
                    tablet = Tablet(chromium, link, width, height)
                    tablet.until(f"document.querySelectorAll('.pad.ready').length === {len(PADS)}", 40.0)
                    tablet.until("document.querySelectorAll('#clips li').length >= 5")
                    tablet.down(*(tablet.middle(f"[data-pad='{pad}']") for pad in (0, 10)))
                    time.sleep(0.15)
                    tablet.picture((ASSETS if name == "touch-page" else Path(tempfile.gettempdir())) / f"{name}.png")
                    tablet.up()
                    tablet.close()
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
