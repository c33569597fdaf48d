"""Take the pictures of the panel that the pages show: `python -m tests.panel.pictures .assets`. Takes about two minutes.

A real daemon with the starter makes the clips, and a real mouse drags one into Audacity. Needs ffmpeg and ImageMagick besides what
.ci/run installs. Look at the pictures afterwards.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.harness import RUN, Client, Daemon, need
from tests.jack_device import jack
from tests.panel import programs
from tests.panel.screen import Screen, screen
from tests.panel.window import TITLE, Panel

CLIPS = (
    ("deep warm kick", 1.0, "drum"), ("punchy snare", 0.5, "drum"), ("rain on tin", 4.0, ""), ("glassy bell c5", 2.0, "note"),
    ("vinyl crackle", 4.0, ""), ("closed hi-hat", 0.3, "drum"), ("soft pad e3", 4.0, ""), ("dark impact", 2.0, ""),
    ("plucky bass a1", 1.0, "note"),
)  # fmt: skip
PADS = ("deep kick", "punchy snare", "closed hi-hat", "clap", "glassy bell c5", "soft pad e3", "dark impact", "rain")
KIT = ("night drums", "deep kick", "tight snare", "42:closed hi-hat", "46:open hi-hat", "39:clap")
VARIED = "dark impact"
TALL = (20, 20, 460, 640)
LARGE = "2200x1700x24"  # for a window at twice the size
SHOWN_WIDTH = 800  # pixels of the moving picture


def main(folder: Path) -> None:
    """Write the pictures."""
    place = Path(tempfile.mkdtemp())
    with jack() as server:
        os.environ.update(server.environment)
        daemon = Daemon(place / "clips", place / "home", "--audio-device", "default", run=RUN)
        client = daemon.client()
        _fill(client)
        with screen(place / "large", LARGE) as shown:
            for colours in ("light", "dark"):
                panel = Panel(shown, daemon.port, colours, scale=2)
                panel.wait_ready()
                for page in ("Clips", "Pads", "Kit"):
                    panel.open_page(page)
                    if page == "Clips":
                        shown.click(*panel.where("Clips"))
                    if page == "Kit":
                        shown.click(*panel.where("Name of the kit"))
                        shown.type(KIT[0])
                    time.sleep(1.5)
                    file = folder / f"panel-{page.lower()}-{colours}.png"
                    _shot(shown, file)
                panel.close()
            for colours in ("light", "dark"):
                _vary(shown, daemon, colours, folder / f"panel-vary-{colours}.png")
        with screen(place / "small") as shown:
            _drag(shown, daemon, folder / "panel-drag.gif")
        daemon.stop()


def _fill(client: Client) -> None:
    """Make what the pages show."""
    for number, (prompt, seconds, preset) in enumerate(CLIPS):
        client.send("/bridge/generate", prompt, seconds, "id", number, *(("preset", preset) if preset else ()))
        client.end_of(number)
    client.send("/bridge/kit", *KIT)
    client.until("/bridge/kit/done", timeout_s=120)
    for number, prompt in enumerate(PADS):
        client.send(f"/bridge/pad/{number}/set", prompt, 1.0)
    time.sleep(40)


def _vary(shown: Screen, daemon: Daemon, colours: str, file: Path) -> None:
    """A clip is chosen and varied: the form with its source, and the result below its source."""
    panel = Panel(shown, daemon.port, colours, scale=2, place=TALL)
    panel.wait_ready()
    panel.open_page("Clips")
    client = daemon.client()
    client.send("/bridge/find", VARIED, "order", "oldest")
    shown.click(*panel.where(client.until("/bridge/clip")[1][0]))
    shown.key("v")
    panel.where(f"Source: {VARIED}, 2 s")
    begun = len(daemon.lines)
    shown.key("Return")
    daemon.wait_for(lambda line: line["event"] == "done" and str(line.get("id")).startswith("panel-"), 120, begun)
    panel.where(f"Varied at 0.5 from {VARIED}")
    time.sleep(3)
    _shot(shown, file)
    panel.close()


def _shot(shown: Screen, file: Path) -> None:
    shown.shot(file, TITLE)
    subprocess.run([need("convert"), file, "-colors", "128", f"png8:{file}"], check=True)


def _drag(shown: Screen, daemon: Daemon, file: Path) -> None:
    """A moving picture: words are typed, and the clip is dragged into Audacity."""
    programs.audacity(shown, (0, 0, 900, 620))
    panel = Panel(shown, daemon.port, "dark", place=(700, 300, 440, 540))
    panel.wait_ready()
    raw = file.with_suffix(".mkv")
    grab = ["-f", "x11grab", "-framerate", "12", "-video_size", "1160x870", "-i", shown.environment["DISPLAY"]]
    command = [need("ffmpeg"), "-y", "-loglevel", "error", *grab, "-c:v", "ffv1", str(raw)]
    recording = subprocess.Popen(command, env=shown.environment, stdin=subprocess.DEVNULL)
    time.sleep(1)
    shown.click(*panel.where("Prompt"))
    shown.type("glassy bell c5")
    shown.key("Return")
    path = daemon.wait_for(lambda line: line["event"] == "done", 120, len(daemon.lines))["path"]
    panel.where(path)
    time.sleep(1.5)
    shown.drag(panel.where(path), (420, 300))
    time.sleep(3)
    recording.send_signal(signal.SIGINT)
    recording.wait(30)
    filters = f"fps=8,scale={SHOWN_WIDTH}:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse=dither=none"
    subprocess.run([need("ffmpeg"), "-y", "-loglevel", "error", "-i", raw, "-vf", filters, file], check=True)
    raw.unlink()
    panel.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
