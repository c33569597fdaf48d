"""Records, takes, searches that lose parts, waveforms of hostile files, names of files."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from bridge.client import decode, encode
from bridge.errors import BadArgument
from tests.panel.clips import open_pane, paths_of  # noqa: F401
from tests.panel.conftest import Wait

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane


def test_wrong_types_in_a_reply_are_ignored(application: object) -> None:
    from bridge.panel.clips import Clip, clip_of

    good = ["/a/b.wav", "prompt", "rain\non tin", "seconds", 2, "bpm", 120.0, "favourite", 1, "take", 2, "seed", 8]
    good += ["added_at", "1970-01-01T00:01:00Z"]
    clip = clip_of(good)
    assert clip == Clip("/a/b.wav", "rain\non tin", 2.0, 120.0, favourite=1, take=2, seed=8, added_at=60.0)
    assert clip is not None and clip.job[1] == 7
    hostile = [
        "/a/b.wav", "prompt", 7, "seconds", math.nan, "bpm", math.inf, "note", None, "seed", "x", "take", -1, "bars", True,
        ["key"], 5, "path", "/else", "added_at", "yesterday", "unknown", 1, "key",
    ]  # fmt: skip
    assert clip_of(hostile) == Clip("/a/b.wav")
    for first in (None, "", "relative.wav", 5, "/nul\0", "/" + "x" * 5_000, ["/a"]):
        assert clip_of([first, "seconds", 1.0]) is None
    assert clip_of([]) is None


def test_a_clip_has_the_words_of_its_prompt_as_its_title_until_it_is_renamed(application: object) -> None:
    from bridge.panel.clips import Clip

    made = Clip("/a/rain-on-tin_s8_1a2b.wav", "rain\non tin", 2.0)
    assert (made.title, made.facts) == ("rain on tin", ["2 s"])
    renamed = replace(made, path="/a/roof.wav")
    assert (renamed.title, renamed.facts) == ("roof", ["2 s", "rain on tin"])
    assert Clip("/a/from elsewhere.wav").title == "from elsewhere"


def test_the_takes_of_a_job_are_together_and_the_best_is_first(application: object) -> None:
    from bridge.panel.clips import Clip
    from bridge.panel.takes import Row, rows_of

    job = [Clip(f"/{take}", "bell", seed=10 + take, take=take) for take in (2, 3, 1)]  # the library's order: best last
    again = Clip("/again", "bell", seed=11, take=1, added_at=60.0)
    other = Clip("/other", "kick", seed=11)
    clips = [again, *job, other]
    rows = rows_of(clips, {}, best_last=True)
    assert rows == [Row("/again"), Row("/1", 3), Row("/3", 3, False), Row("/2", 3, False), Row("/other")]
    scores = {"/1": 0.1, "/2": 0.9, "/3": 0.5}
    assert [row.path for row in rows_of(clips, scores, best_last=True, best_only=True)] == ["/again", "/2", "/other"]


def test_a_range_that_is_the_wrong_way_round_is_turned(application: object) -> None:
    from bridge.panel.query import ClipQuery

    query = ClipQuery("rain", bpm_from=140, bpm_to=120, seconds_from=0.01, favourite=True, preset="")
    assert query.arguments() == [
        "rain", "order", "newest", "bpm_from", 120.0, "bpm_to", 140.0, "seconds_from", 0.1, "seconds_to", 150.0,
        "favourite", 1, "preset", "",
    ]  # fmt: skip
    assert not ClipQuery(order="oldest").is_narrow and ClipQuery(" x").is_narrow


# ---- a daemon that answers as this test says ----


class Impostor:
    """A UDP socket in the place of a daemon, read by the event loop's turns. `answer(arguments)`: what /bridge/find gets."""

    def __init__(self, answer: Callable[[list[Any]], list[tuple[Any, ...]]]) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.port = self.udp.getsockname()[1]
        self.asked: list[list[Any]] = []
        self._answer = answer

    def turn(self) -> bool:
        """Answer what has come; False, so that a condition can begin with it."""
        while True:
            try:
                datagram, sender = self.udp.recvfrom(65_536)
            except BlockingIOError:
                return False
            message = decode(datagram)
            assert message is not None
            replies: list[tuple[Any, ...]] = []
            if message[0] == "/bridge/subscribe":
                replies = [("/bridge/state", "ready", "")]
            elif message[0] == "/bridge/find":
                self.asked.append(message[1])
                replies = self._answer(message[1])
            for reply in replies:
                self.udp.sendto(encode(*reply), sender)


@pytest.fixture
def impostor() -> Iterator[Callable[..., Impostor]]:
    made: list[Impostor] = []

    def make(answer: Callable[[list[Any]], list[tuple[Any, ...]]]) -> Impostor:
        made.append(Impostor(answer))
        return made[-1]

    yield make
    for one in made:
        one.udp.close()


def keys(arguments: list[Any]) -> dict[str, Any]:
    return dict(zip(arguments[1::2], arguments[2::2], strict=True))


def page(arguments: list[Any], total: int, lost: int = -1) -> list[tuple[Any, ...]]:
    """The answer of a library of `total` clips; the clip number `lost` of it is missing."""
    asked = keys(arguments)
    numbers = range(asked["offset"], min(asked["offset"] + asked["limit"], total))
    clips = [
        ("/bridge/clip", f"/c/{number}.wav", "prompt", f"sound {number}", "seed", number, "id", asked["id"])
        for number in numbers
    ]
    found = ("/bridge/found", len(clips), "total", total, "id", asked["id"])
    return [found, *(clip for number, clip in enumerate(clips) if number != lost)]


def test_a_page_that_loses_a_clip_is_asked_for_again_and_other_messages_do_not_disturb(
    impostor: Callable[..., Impostor],
    open_pane: Callable[[int], ClipPane],  # noqa: F811
    wait: Wait,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bridge.panel import finder

    monkeypatch.setattr(finder, "ANSWER_MS", 100)
    noise = [
        ("/bridge/clip", "/else.wav", "prompt", "of a favourite"), ("/bridge/found", "x"), ("/bridge/clip",), ("/bridge/clip", 5),
        ("/bridge/found", 1, "total", 1, "id", "of another search"), ("/bridge/take", 1, 2, 3, "x"), ("/bridge/voice", "x"),
    ]  # fmt: skip

    def answer(arguments: list[Any]) -> list[tuple[Any, ...]]:
        sent = page(arguments, 70, lost=3 if len(daemon.asked) == 1 else -1)
        return [*sent[:5], *noise, *sent[5:], *sent[5:9], *noise]

    daemon = impostor(answer)
    pane = open_pane(daemon.port)
    wait(lambda: daemon.turn() or pane.model.rowCount() == 50)
    assert [keys(asked)["offset"] for asked in daemon.asked] == [0, 0]
    assert paths_of(pane) == [f"/c/{number}.wav" for number in range(50)]
    pane.model.loader.load_all()
    wait(lambda: daemon.turn() or pane.model.rowCount() == 70)


def test_a_daemon_that_cannot_search_says_why(
    impostor: Callable[..., Impostor],
    open_pane: Callable[[int], ClipPane],  # noqa: F811
    wait: Wait,
) -> None:
    daemon = impostor(lambda _: [("/bridge/error", "/bridge/find", "library", "This Clipbridge keeps no library.")])
    pane = open_pane(daemon.port)
    said: list[str] = []
    pane.said.connect(said.append)
    wait(lambda: daemon.turn() or said)
    assert said == ["This Clipbridge keeps no library."]


def test_of_10000_clips_only_those_on_the_screen_are_looked_at(
    open_pane: Callable[[int], ClipPane],  # noqa: F811
    wait: Wait,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtTest import QTest

    from bridge.panel.clips import Clip
    from bridge.panel.finder import PAGE, Finder, Page

    clips = [Clip(f"/c/{number}.wav", f"sound {number}", 1.0, seed=number) for number in range(10_000)]

    def answer(_finder: Finder, _arguments: list[Any], offset: int, use: Callable[[Page], None]) -> None:
        QTimer.singleShot(0, lambda: use(Page(offset, clips[offset : offset + PAGE], len(clips))))

    monkeypatch.setattr(Finder, "ask", answer)
    looked: set[str] = set()
    pane = open_pane(9)
    pane.peaks.missing.connect(lambda path, why: looked.add(path))
    pane.model.loader.reload()
    wait(lambda: pane.model.rowCount() == 50)
    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_End)
    wait(lambda: pane.model.rowCount() == 10_000)
    QTest.keyClick(pane.view, Qt.Key.Key_End)
    assert pane.view.currentIndex().row() == 9_999
    wait(lambda: "/c/9999.wav" in looked)
    assert len(looked) < 100 and paths_of(pane) == [clip.path for clip in clips]
    assert pane.count.text() == "10,000 clips"


# ---- waveforms ----


def test_a_waveform_has_the_lowest_and_the_highest_sample_of_each_column(application: object, tmp_path: Path) -> None:
    from bridge.panel.waveform import waveform_of

    samples = np.zeros((1_000, 2), np.float32)
    samples[150, 0], samples[990, 1] = 1.0, -0.5
    soundfile.write(tmp_path / "a.wav", samples, 48_000, "PCM_24")
    waveform = waveform_of(str(tmp_path / "a.wav"), 10)
    left, right = ([np.frombuffer(side, np.int8).tolist() for side in lane] for lane in waveform.lanes)
    assert left == [[0] * 10, [0, 127, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert right == [[0, 0, 0, 0, 0, 0, 0, 0, 0, -64], [0] * 10]
    (both,) = ([np.frombuffer(side, np.int8).tolist() for side in lane] for lane in waveform.together.lanes)
    assert both == [right[0], left[1]] and waveform.together.serial == waveform.serial
    assert [len(side) for lane in waveform.part(2, 5).lanes for side in lane] == [3, 3, 3, 3]
    assert waveform.seconds == pytest.approx(1_000 / 48_000) and waveform.why == ""
    soundfile.write(tmp_path / "short.wav", samples[150:153], 48_000)
    assert len(waveform_of(str(tmp_path / "short.wav"), 10).low) == 3


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_only_two_channels_that_differ_are_drawn_below_each_other(
    application: object, tmp_path: Path, channels: int
) -> None:
    from PySide6.QtGui import QColor

    from bridge.panel.drawing import waveform_picture
    from bridge.panel.waveform import waveform_of

    file, colour = tmp_path / "a.wav", QColor("red")
    soundfile.write(file, np.full((1_000, channels), 0.5, np.float32), 48_000)
    assert len(waveform_of(str(file), 10).lanes) == 1
    if channels == 2:
        sides = np.zeros((1_000, 2), np.float32)
        sides[::2, 1], sides[1::2, 1] = 0.9, -0.9
        soundfile.write(file, sides, 48_000)
        picture = waveform_picture(waveform_of(str(file), 10), 10, 40, 1.0, colour).toImage()
        drawn = [y for y in range(40) if picture.pixelColor(5, y).alpha()]
        assert len([y for y in drawn if y < 20]) <= 2 and len([y for y in drawn if y >= 20]) >= 8


def test_a_file_of_hours_is_read_in_samples_and_a_broken_one_gets_a_sentence(
    application: object, tmp_path: Path
) -> None:
    from bridge.panel.waveform import waveform_of

    long = tmp_path / "long.wav"
    header = encode_header(hours=3)
    with long.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 3 * 3_600 * 48_000 * 2)
        file.seek(len(header) + 3_600 * 48_000 * 2)
        file.write(np.full(48_000, 2**14, "<i2").tobytes())
    waveform = waveform_of(str(long), 12)
    assert np.frombuffer(waveform.high, np.int8).tolist() == [0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0]
    assert waveform.seconds == 3 * 3_600
    for name, content in (("broken.wav", b"RIFF\x00\x00"), ("empty.wav", b""), ("text.flac", b"hello" * 100)):
        (tmp_path / name).write_bytes(content)
        assert waveform_of(str(tmp_path / name), 8).why.startswith("This file cannot be read as sound (")
    assert waveform_of(str(tmp_path), 8).why and waveform_of(str(tmp_path / "none.wav"), 8).why
    (tmp_path / "cut.wav").write_bytes(header + bytes(10_000))  # its header promises three hours
    assert waveform_of(str(tmp_path / "cut.wav"), 8).why == ""


def encode_header(hours: int) -> bytes:
    """The header of a 16-bit WAV with one channel."""
    data = hours * 3_600 * 48_000 * 2
    size, chunk = (36 + data).to_bytes(4, "little"), data.to_bytes(4, "little")
    form = bytes.fromhex("1000000001000100") + (48_000).to_bytes(4, "little") + (96_000).to_bytes(4, "little")
    return b"RIFF" + size + b"WAVEfmt " + form + bytes.fromhex("02001000") + b"data" + chunk


# ---- names ----


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        ".wav",
        ".hidden",
        "a/b",
        "a\\b",
        "what?",
        "a:b",
        "con",
        "LPT1.wav",
        "nul.x",
        "tab\there",
        "end.",
        "x" * 300,
    ],
)
def test_a_name_that_some_system_refuses_is_refused_everywhere(application: object, tmp_path: Path, name: str) -> None:
    from bridge.panel.rename import rename

    file = tmp_path / "a.wav"
    file.write_bytes(b"x")
    with pytest.raises(BadArgument):
        rename(str(file), name)
    assert [other.name for other in tmp_path.iterdir()] == ["a.wav"]


def test_a_rename_keeps_the_suffix_and_never_replaces_a_file(application: object, tmp_path: Path) -> None:
    from bridge.panel.rename import rename

    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "b.wav").write_bytes(b"b")
    with pytest.raises(BadArgument, match=r"already a file b\.wav"):
        rename(str(tmp_path / "a.wav"), "b")
    assert rename(str(tmp_path / "a.wav"), " 50% wet & röhre.WAV ") == (tmp_path / "50% wet & röhre.wav").as_posix()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        "50% wet & röhre.wav": b"a",
        "b.wav": b"b",
    }
    with pytest.raises(BadArgument, match="cannot be renamed"):
        rename(str(tmp_path / "gone.wav"), "c")
    assert not (tmp_path / "c.wav").exists()
