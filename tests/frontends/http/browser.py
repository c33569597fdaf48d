"""A headless Chromium, driven by its DevTools protocol: pages are opened as on a tablet, and touched with several fingers."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.frontends.http.visitors import TEXT, Site, WebSocket
from tests.harness import skip_or_fail

START_S = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome")


class ScriptError(Exception):
    """What the page, or the browser, says to a call."""


class Tablet:
    """A page in a browser of its own size. `fingers` are (x, y) in its pixels."""

    def __init__(self, browser: Site, url: str, width: int, height: int) -> None:
        made = browser.get(f"/json/new?{url}", "PUT").json
        self._socket = WebSocket(browser, f"/devtools/page/{made['id']}", "", {})
        self._numbers = itertools.count(1)
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=10)
        self.call("Page.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and wait for what it returns."""
        number = next(self._numbers)
        self._socket.frame(TEXT, json.dumps({"id": number, "method": method, "params": parameters}).encode())
        while True:
            kind, data = self._socket.receive(30.0)
            answer = json.loads(data) if kind == TEXT else {}
            if answer.get("id") == number:
                if "error" in answer:
                    raise ScriptError(answer["error"])
                return dict(answer["result"])

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise ScriptError(result["exceptionDetails"])
        return result["result"].get("value")

    def until(self, expression: str, wait_s: float = 15.0) -> Any:
        """Wait until an expression is true in the page, which may still be loading."""
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            with contextlib.suppress(ScriptError):
                if value := self.value(expression):
                    return value
            time.sleep(0.05)
        raise AssertionError(f"{expression}; the page says {self.value('document.body.innerText')!r}")

    def middle(self, selector: str, down: float = 0.5) -> tuple[float, float]:
        """A point in an element, `down` of its height from its upper edge."""
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        x, y, width, height = (self.value(f"{box}.{name}") for name in ("x", "y", "width", "height"))
        return x + width / 2, y + height * down

    def touch(self, *fingers: tuple[float, float], hold_s: float = 0.03) -> None:
        """Put these fingers down at once, and lift them."""
        self.call("Page.bringToFront")  # a page behind another one, which a tablet does not have, gets no touches
        self.down(*fingers)
        time.sleep(hold_s)
        self.up()

    def down(self, *fingers: tuple[float, float]) -> None:
        """Put these fingers down."""
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=points)

    def up(self) -> None:
        """Lift all fingers."""
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, file: Path) -> None:
        """Write what it shows as a PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """Close the page."""
        self.call("Page.close")
        self._socket.close()


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Site]:
    """Chromium, with a new profile in `folder`. Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        skip_or_fail("chromium is not installed (see .ci/run for the Debian package)")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += ["--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port, end = folder / "DevToolsActivePort", time.monotonic() + START_S
        while not port.exists() or not port.read_text().strip():
            assert process.poll() is None and time.monotonic() < end, "chromium did not start"
            time.sleep(0.1)
        yield Site(None, "127.0.0.1", int(port.read_text().split()[0]), "")  # type: ignore[arg-type]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
