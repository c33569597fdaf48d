"""Pure Data's vary, continue and fill in real Pd: what may be their source, and what reaches the daemon."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.domain import recipe
from bridge.files.tags import recipe_in
from tests.harness import Daemon, need
from tests.host_scripts.answering import RATE, Answering, answering, noise

FOLDER = Path(__file__).parents[2] / "host_scripts" / "pure_data"
HEAD = """#N canvas 0 0 600 400 12;
#X obj 20 20 loadbang;
#X obj 20 50 del 100;
#X obj 20 100 clipbridge~ PORT;
#X obj 20 130 print out;
#X obj 200 100 array define -k kick SIZE;
"""
WIRES = "#X connect 0 0 1 0;\n#X connect 2 1 3 0;\n"
WRITTEN = "clipbridge-*-*-*"  # the folders of arrays, in /tmp
FIRST = 5  # the number of the first object of a test


def pd(folder: Path, port: int, *messages: str, array: np.ndarray | None = None, ends: int = 0) -> str:
    """What Pd prints of a patch in `folder` that sends the messages to [clipbridge~], until it has printed as many ends of asks."""
    boxes = [f"#X msg 20 {200 + 20 * number} {message};" for number, message in enumerate(messages)]
    values = [] if array is None else array.tolist()
    chunks = [values[start : start + 500] for start in range(0, len(values), 500)]
    arrays = [
        f"#X msg 300 200 \\; kick {500 * number} {' '.join(f'{value:.7g}' for value in chunk)};"
        for number, chunk in enumerate(chunks)
    ]
    order = f"#X obj 20 170 t {'b ' * (len(boxes) + len(arrays))};"
    first = FIRST + 1
    wires = f"#X connect 1 0 {FIRST} 0;\n"
    count = len(boxes) + len(arrays)
    for number in range(count):  # trigger works from right to left: first the samples, then the messages
        box = first + len(boxes) + number if number < len(arrays) else first + number - len(arrays)
        wires += f"#X connect {FIRST} {count - 1 - number} {box} 0;\n"
        if number >= len(arrays):
            wires += f"#X connect {box} 0 2 0;\n"
    patch = folder / "patch.pd"
    text = (
        HEAD.replace("PORT", str(port)).replace("SIZE", str(len(values) or 100))
        + "\n".join([order, *boxes, *arrays])
        + "\n"
        + WIRES
        + wires
    )
    patch.write_text(text, "utf-8")
    command = [
        need("pd"),
        "-nogui",
        "-noaudio",
        "-noprefs",
        "-r",
        str(RATE),
        "-stderr",
        "-path",
        str(FOLDER),
        str(patch),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    limit = threading.Timer(60, process.kill)
    limit.start()
    assert process.stderr is not None
    printed = ""
    try:
        for line in process.stderr:
            printed += line
            if len(re.findall(r"^out: (?:ready|failed|no-answer)", printed, re.MULTILINE)) >= ends:
                break
    finally:
        limit.cancel()
        process.kill()
        process.wait()
        process.stderr.close()
    return printed


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """Remove the folders of arrays that a test leaves."""
    before = set(Path("/tmp").glob(WRITTEN))
    yield
    for folder in set(Path("/tmp").glob(WRITTEN)) - before:
        shutil.rmtree(folder)


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    with answering() as stand_in:
        yield stand_in


CASES = [
    ("vary kick.wav @strength 0.25", "", {"vary": "{here}/kick.wav", "strength": 0.25}),
    (
        "vary loops/a\\ beat.wav darker kick @parts hits",
        "darker kick",
        {"vary": "{here}/loops/a beat.wav", "parts": "hits"},
    ),
    ("continue ../up.wav rain 8", "rain", {"continue_": "{here}/../up.wav", "seconds": 8}),
    ("fill /music/Söhne\\ &\\ Co.wav @from 1 @to 1.5", "", {"fill": "/music/Söhne & Co.wav", "from_": 1, "to": 1.5}),
    ("vary last @takes 3", "", {"vary": "last", "takes": 3}),
    ("vary clip:12", "", {"vary": "clip:12"}),
    ("vary voice:7 glassy bell", "glassy bell", {"vary": "voice:7"}),
    ("vary C:/music/kick.wav", "", {"vary": "C:/music/kick.wav"}),
    ("vary 808 deep kick", "deep kick", {"vary": "{here}/808"}),
    ("list vary the mood 2", "vary the mood", {"vary": None, "seconds": 2}),
]


@pytest.mark.parametrize(("message", "words", "keys"), CASES, ids=[case[0] for case in CASES])
def test_a_path_reaches_the_daemon_whole(
    message: str, words: str, keys: dict[str, object], stand_in: Answering, tmp_path: Path
) -> None:
    here = tmp_path / "my patches"
    here.mkdir()
    printed = pd(here, stand_in.port, message, ends=1)
    assert "failed bad_source" in printed
    (ask,) = stand_in.asked
    assert ask.text == words
    for name, value in keys.items():
        assert getattr(ask, name) == (value.format(here=here) if isinstance(value, str) else value), name


def test_an_array_is_written_to_a_file_of_its_own_for_each_ask(stand_in: Answering, tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    noise(clip, 0.1)
    stand_in.make = lambda _ask: [clip]
    samples = np.random.default_rng(3).uniform(-1.5, 1.5, 4_800).astype(np.float32)
    printed = pd(
        tmp_path, stand_in.port, "vary array kick", "continue array kick deep kick @more 0.5", array=samples, ends=1
    )
    first, second = stand_in.asked
    assert first.vary and second.continue_ and first.vary != second.continue_, printed
    assert (first.text, second.text, second.more) == ("", "deep kick", 0.5)
    for path in (Path(first.vary), Path(second.continue_)):
        written, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE and path.name == "kick.wav" and np.allclose(written, samples, rtol=1e-6)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("vary", "source is missing"),
        ("fill array", "source is missing"),
        ("vary array nothing", "array nothing cannot be written"),
    ],
)
def test_a_missing_path_or_array_is_a_sentence(message: str, words: str, stand_in: Answering, tmp_path: Path) -> None:
    printed = pd(tmp_path, stand_in.port, message, ends=1).replace("\\", "")
    assert re.search(f"^out: failed bad_source .*{words}", printed, re.MULTILINE), printed
    assert re.search(f"^clipbridge~: .*{words}", printed, re.MULTILINE)
    assert stand_in.asked == []


@pytest.mark.parametrize(
    ("message", "frames"),
    [
        ("vary array kick glassy bell @strength 0.3", 24_000),
        ("continue array kick glassy bell @more 0.25", 36_000),
        ("fill array kick glassy bell @from 0.2 @to 0.3", 24_000),
    ],
)
def test_the_real_daemon_starts_from_an_array(message: str, frames: int, daemon: Daemon, tmp_path: Path) -> None:
    place = np.arange(24_000) / RATE
    samples = (0.4 * np.sin(2 * np.pi * 220 * place) * np.exp(-3 * place)).astype(np.float32)
    printed = pd(tmp_path, daemon.port, f"{message} @steps 3", array=samples, ends=1)
    (path,) = re.findall(r"^out: done ((?:\\ |\S)+)", printed, re.MULTILINE)
    assert " method " in printed and f"ready {frames}" in printed
    file = Path(path.replace("\\ ", " "))
    source = recipe.read(recipe_in(file)).prompt.source
    assert source is not None and source.words == "kick"
    assert np.allclose(soundfile.read(source.path, dtype="float32")[0], samples, rtol=1e-6, atol=1e-7)
    clip = soundfile.read(file, dtype="float32")[0]
    kept = {"vary": 0, "continue": 22_000, "fill": 9_600}[message.split()[0]]
    assert np.allclose(clip[:kept], samples[:kept], atol=1e-6) and not np.array_equal(clip[:24_000], samples)


def test_the_help_patch_varies_continues_and_fills_what_it_has_just_made(daemon: Daemon, tmp_path: Path) -> None:
    text = (FOLDER / "clipbridge~-help.pd").read_text("utf-8").replace("57200", str(daemon.port))
    things = [line for line in text.splitlines() if re.match("#X (obj|msg|text|floatatom)", line)]

    def number(what: str) -> int:
        return next(place for place, line in enumerate(things) if what in line)

    clicks = ["list rain on a tin roof 4", "vary last", "continue last", "fill last", "vary array"]
    finger = len(things)
    lines = ["#X obj 900 20 loadbang;", "#X obj 900 50 f;", "#X obj 900 80 + 1;", "#X obj 900 110 sel 0 1 2 3 4 5;"]
    lines += ["#X obj 900 140 del 200;", "#X msg 900 170 \\; pd quit;"]
    bang, count, more, which, wait, end = range(finger, finger + 6)
    wires = [(bang, 0, count, 0), (number("450 550 t b"), 0, count, 0), (count, 0, more, 0), (more, 0, count, 1)]
    wires += [(count, 0, which, 0), *((which, place, number(f" {click}"), 0) for place, click in enumerate(clicks))]
    wires += [(which, 5, wait, 0), (wait, 0, end, 0)]
    patch = tmp_path / "patch.pd"
    patch.write_text(text + "\n".join(lines + [f"#X connect {a} {b} {c} {d};" for a, b, c, d in wires]) + "\n", "utf-8")
    command = [
        need("pd"),
        "-nogui",
        "-noaudio",
        "-noprefs",
        "-r",
        str(RATE),
        "-stderr",
        "-path",
        str(FOLDER),
        str(patch),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert len(re.findall("^done: ", run.stderr, re.MULTILINE)) == 5 and "failed" not in run.stderr, run.stderr
    frames = [int(frames) for frames in re.findall(r"frames (\d+)", run.stderr)]
    assert frames == [192_000, 192_000, 240_000, 240_000, 240_000]
