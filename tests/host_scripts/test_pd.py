"""Pure Data with the open patch that we ship: asks, loads, plays; the recording equals the file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.harness import Daemon, need

PATCH = Path(__file__).parents[2] / "host_scripts" / "pure_data" / "clipbridge-first-clip.pd"


def place(patch: str, text: str) -> int:
    """The number of the object whose line contains `text`, as in `#X connect`."""
    objects = [line for line in patch.splitlines() if re.match(r"#X (obj|msg|text|floatatom)", line)]
    return next(number for number, line in enumerate(objects) if text in line)


def automated(patch: str, port: int, message: str, capture: Path) -> str:
    """The patch with the daemon's port, objects that click `message` and record the output, and an end."""
    patch = patch.replace("57200", str(port))
    first = len(re.findall(r"^#X (?:obj|msg|text|floatatom)", patch, re.MULTILINE))
    lines = [
        "#X obj 900 20 loadbang;",
        f"#X msg 900 50 \\; pd dsp 1;",  # noqa: F541
        "#X obj 900 80 del 300;",
        "#X obj 900 110 t b b;",
        f"#X msg 900 140 open -wave -bytes 3 {capture.as_posix()} \\, start;",
        "#X obj 900 170 writesf~ 1;",
        "#X obj 900 200 del 1500;",
        "#X msg 900 230 stop;",
        "#X obj 900 260 del 200;",
        "#X msg 900 290 \\; pd quit;",
    ]
    bang, dsp, wait, both, start, write, after, stop, then, end = range(first, first + 10)
    wires = [
        (bang, 0, dsp), (bang, 0, wait), (wait, 0, both), (both, 1, start), (start, 0, write),
        (both, 0, place(patch, message)), (place(patch, "tabplay~"), 0, write),
        (place(patch, "t b f"), 0, after), (after, 0, stop), (stop, 0, write), (after, 0, then), (then, 0, end),
    ]  # fmt: skip
    # Pd numbers objects in order of appearance; connections do not count.
    return patch + "\n".join(lines + [f"#X connect {a} {outlet} {b} 0;" for a, outlet, b in wires]) + "\n"


@pytest.mark.parametrize(
    ("message", "slug"),
    [("deep warm kick", "drums/deep-warm-kick_*.wav"), ("glassy bell", "notes/glassy-bell_c4_s7_*.wav")],
)
def test_pure_data_asks_loads_and_plays_a_clip_sample_exactly(
    daemon: Daemon, tmp_path: Path, message: str, slug: str
) -> None:
    before = set(daemon.folder.glob(slug))
    capture = tmp_path / "capture.wav"
    patch = tmp_path / "patch.pd"
    text = PATCH.read_text("utf-8")
    if "glassy" in message:
        text = text.replace("glassy bell 2 @preset note @seed 7", "glassy bell 1 @preset note @seed 7 @steps 5")
    patch.write_text(automated(text, daemon.port, message, capture), "utf-8")
    run = subprocess.run(
        [need("pd"), "-nogui", "-noaudio", "-noprefs", "-r", "48000", "-stderr", str(patch)],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    (clip,) = set(daemon.folder.glob(slug)) - before
    wanted, _rate = soundfile.read(clip, dtype="int32")
    assert f"frames: {len(wanted)}" in run.stderr, run.stderr
    played, rate = soundfile.read(capture, dtype="int32")
    assert rate == 48_000
    # Align at the loudest sample: fades begin in silence.
    offset = int(np.argmax(np.abs(played))) - int(np.argmax(np.abs(wanted)))
    assert offset > 0
    difference = np.abs(played[offset : offset + len(wanted)] - wanted) / 2**8  # in steps of 24 bits
    assert len(difference) == len(wanted) and difference.max() <= 1


def test_the_shipped_patch_opens_without_errors(tmp_path: Path) -> None:
    patch = tmp_path / "patch.pd"
    quit_soon = "#X obj 900 20 loadbang;\n#X obj 900 50 del 300;\n#X msg 900 80 \\; pd quit;\n"
    text = PATCH.read_text("utf-8")
    first = len(re.findall(r"^#X (?:obj|msg|text|floatatom)", text, re.MULTILINE))
    wires = f"#X connect {first} 0 {first + 1} 0;\n#X connect {first + 1} 0 {first + 2} 0;\n"
    patch.write_text(text + quit_soon + wires, "utf-8")
    run = subprocess.run(
        [need("pd"), "-nogui", "-noaudio", "-noprefs", "-stderr", str(patch)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    complaints = [line for line in run.stderr.splitlines() if "couldn't create" in line or "error" in line.lower()]
    assert complaints == []
