"""The panel as a real window of a real program, on a screen of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.panel.screen import Point, Screen

TITLE = "Clipbridge"
PLACE = 1100, 380, 460, 560  # right below of the other program: see Screen.drag


class Panel:
    """The panel on a screen. `told`: what it said last about its parts."""

    def __init__(
        self,
        shown: Screen,
        port: int,
        colours: str = "system",
        scale: int = 1,
        place: tuple[int, int, int, int] = PLACE,
    ) -> None:
        self.screen, self._scale = shown, scale
        settings = Path(shown.environment["XDG_CONFIG_HOME"]) / "clipbridge" / "panel.ini"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(f"[look]\ncolours={colours}\n")
        command = [sys.executable, "-m", "tests.panel.window_places", "--osc-port", str(port)]
        environment = {
            **shown.environment,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "QT_SCALE_FACTOR": str(scale),
        }
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.told: dict[str, Any] = {"places": {}, "texts": {}, "state": ""}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        x, y, width, height = place
        shown.place(TITLE, x, y, width * scale, height * scale)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told = json.loads(line)

    def where(self, name: str) -> Point:
        """The middle of a row or a field on the screen."""
        self.screen.wait(lambda: name in self.told["places"], f"the panel does not show {name}: {self.told}", 20)
        x, y = self.told["places"][name]  # Qt's pixels, which are larger at a larger scale
        return x * self._scale, y * self._scale

    def wait_ready(self) -> None:
        """Wait until the panel sees a daemon that is ready."""
        self.screen.wait(lambda: self.told["state"] == "ready", f"the panel sees no daemon: {self.told}", 20)

    def open_page(self, name: str) -> None:
        """Show one of the pages."""
        self.screen.click(*self.where(f"page {name}"))
        time.sleep(0.3)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
