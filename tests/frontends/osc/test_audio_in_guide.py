"""The example messages of the section Audio in of OSC.md are accepted as they are written."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.frontends.osc.test_sources import write
from tests.harness import Client, Daemon, pairs

GUIDE = Path(__file__).parents[3] / "host_scripts" / "OSC.md"


def test_the_messages_of_the_section_audio_in_are_accepted(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    client.send("/bridge/generate", "deep kick", 1.0, "steps", 2, "id", "first")
    _, done = client.until("/bridge/done", job="first")
    client.send("/bridge/find", "", "limit", 1)
    _, clip = client.until("/bridge/clip")
    files = {name: write(tmp_path / name) for name in ("beat.wav", "rain.wav")}
    section = GUIDE.read_text("utf-8").split("## Audio in")[1].split("## ")[0]
    lines = section.split("```")[1].strip().splitlines()
    assert len(lines) == 5
    for line in lines:
        address, *values = shlex.split(
            line.replace("clip:12", f"clip:{pairs(clip[1:], 0)['clip']}").replace("1.6", "0.9")
        )
        for name, path in files.items():
            values = [path if value == f"/home/anna/{name}" else value for value in values]
        values = ["0.2" if value == "1.0" else value for value in values]
        answer, _ = client.ask(address, *values)
        assert answer == ("/bridge/queued" if "generate" in address else "/bridge/stream/state"), line
        client.send("/bridge/cancel")
        client.send("/bridge/stream/stop")
        client.until("/bridge/cancelled")
