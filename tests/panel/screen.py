"""A real X server without a monitor, with a window manager, and a hand that moves the mouse and types."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import need

SIZE = "1600x1000x24"
START_S = 60.0  # Audacity on two busy cores
Point = tuple[int, int]


class Screen:
    """`environment`: programs started with it show their windows here, and keep their settings in `home`."""

    def __init__(self, home: Path, size: str = SIZE) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self._programs: list[subprocess.Popen[Any]] = []
        reader, writer = os.pipe()
        command = [need("Xvfb"), "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp"]
        self._programs.append(subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL))
        os.close(writer)
        with os.fdopen(reader) as opened:
            display = f":{opened.readline().strip()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")},
            "DISPLAY": display,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_RUNTIME_DIR": str(home),
            "NO_AT_BRIDGE": "1",  # no accessibility bus
        }
        self.start(need("openbox"))
        self.wait(lambda: self._run("wmctrl", "-m").startswith("Name: Openbox"), "openbox does not start")

    def close(self) -> None:
        """End the programs, the last one first, and the server."""
        for program in reversed(self._programs):
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def start(self, *command: str | Path, **environment: str) -> subprocess.Popen[Any]:
        """Start a program."""
        program = subprocess.Popen(
            list(map(str, command)),
            env={**self.environment, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
        )
        self._programs.append(program)
        return program

    def windows(self) -> list[str]:
        """The titles of all windows."""
        return [line.split(None, 3)[-1] for line in self._run("wmctrl", "-l").splitlines()]

    def place(self, title: str, x: int, y: int, width: int, height: int) -> None:
        """Wait for the window whose title contains `title`, move it there, and raise it."""
        self.wait(lambda: any(title in window for window in self.windows()), f"no window {title}: {self.windows}")
        self._run("wmctrl", "-r", title, "-b", "remove,maximized_vert,maximized_horz")
        self._run("wmctrl", "-r", title, "-e", f"0,{x},{y},{width},{height}")
        self.focus(title)  # and time for it to draw itself at its new place

    def wait(self, condition: Callable[[], object], fault: str, timeout_s: float = START_S) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, f"{fault}; windows: {self.windows()}"
            time.sleep(0.1)

    def focus(self, title: str) -> None:
        """Give a window the keyboard."""
        self._run("wmctrl", "-a", title)
        time.sleep(0.5)

    # ---- a hand ----

    def drag(self, start: Point, end: Point) -> None:
        """Press at `start`, glide to `end`, release. Come from the right and below: Qtractor's own tooltip hangs there, and it takes
        no drops."""
        (x, y), (end_x, end_y) = start, end
        steps = [f"mousemove {x} {y} sleep 0.2 mousedown 1 sleep 0.2"]
        steps += [f"mousemove {x + by} {y + by // 2} sleep 0.04" for by in (4, 8, 12, 16)]  # beyond the drag distance
        x, y = x + 16, y + 8
        steps += [
            f"mousemove {x + (end_x - x) * part // 20} {y + (end_y - y) * part // 20} sleep 0.02" for part in range(21)
        ]
        # A drop is refused until the other program has answered to the drag, which takes a while on busy cores.
        steps += ["sleep 1 mouseup 1 sleep 0.1"]
        self._run("xdotool", *" ".join(steps).split())

    def click(self, x: int, y: int) -> None:
        """Click."""
        self._run("xdotool", *f"mousemove {x} {y} sleep 0.1 click 1 sleep 0.1".split())

    def type(self, text: str) -> None:
        """Type into the window that has the focus."""
        self._run("xdotool", "type", "--delay", "20", text)

    def key(self, *keys: str) -> None:
        """Press keys, such as `ctrl+s`, one after the other."""
        self._run("xdotool", "key", *keys)

    def shot(self, file: Path, title: str = "") -> None:
        """Save a picture of a window, or of the screen, to be looked at."""
        window = "root"
        if title:
            window = self._run("xdotool", "search", "--onlyvisible", "--name", f"^{title}$").split()[-1]
        self._run("import", "-window", window, str(file))

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [need(program), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout


@contextlib.contextmanager
def screen(home: Path, size: str = SIZE) -> Iterator[Screen]:
    """A screen. Without the programs the test is skipped (in CI it fails)."""
    if sys.platform != "linux":
        pytest.skip("drags on X11; macOS and Windows need a person")
    for program in ("Xvfb", "openbox", "wmctrl", "xdotool"):
        need(program)
    shown = Screen(home, size)
    try:
        yield shown
    finally:
        shown.close()
