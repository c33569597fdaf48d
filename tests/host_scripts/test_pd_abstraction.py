"""Pure Data's [clipbridge~], used headless as its users use it: with the real daemon, and with a stand-in that loses or delays
answers or falls silent."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from bridge.client import encode
from tests.harness import Client, Daemon, free_port, need

FOLDER = Path(__file__).parents[2] / "host_scripts" / "pure_data"
HELP = FOLDER / "clipbridge~-help.pd"
RATE = 48_000
# A patch with two objects, [one] and [two]: their messages are printed, and UDP messages are passed on to them.
PATCH = """#N canvas 0 0 600 400 12;
#X obj 20 20 netreceive -u CONTROL;
#X obj 20 50 route one two record quit;
#X obj 20 100 clipbridge~ PORT;
#X obj 220 100 clipbridge~ PORT;
#X obj 120 140 print one;
#X obj 320 140 print two;
#X obj 20 180 writesf~ 2;
#X msg 420 100 \\; pd quit;
#X obj 420 20 loadbang;
#X msg 420 50 \\; pd dsp 1;
#X obj 520 20 bng;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 1 2 6 0;
#X connect 1 3 7 0;
#X connect 2 0 6 0;
#X connect 2 1 4 0;
#X connect 3 0 6 1;
#X connect 3 1 5 0;
#X connect 8 0 9 0;
"""


class Pd:
    """Pure Data with two objects [clipbridge~] in a patch; `say` sends one of them a message as a message box does."""

    def __init__(self, folder: Path, port: int, rate: int = RATE) -> None:
        self.control = free_port()
        patch = folder / "patch.pd"
        patch.write_text(PATCH.replace("CONTROL", str(self.control)).replace("PORT", str(port)), "utf-8")
        self.capture = folder / "capture.wav"
        self.lines: list[str] = []
        self._changed = threading.Condition()
        options = ["-nogui", "-noaudio", "-noprefs", "-r", str(rate), "-stderr", "-path", str(FOLDER)]
        self.process = subprocess.Popen([need("pd"), *options, str(patch)], stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end = time.monotonic() + 20
        while not self.says("one: nothing", 0.2):  # its answer shows that its port is open
            assert time.monotonic() < end, self.lines
            self.say("one play")
        self.mark = len(self.lines)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    def say(self, message: str) -> None:
        self._udp.sendto(f"{message};\n".encode(), ("127.0.0.1", self.control))

    def says(self, pattern: str, timeout_s: float = 20.0, start: int = 0) -> str | None:
        """The first printed line from number `start` on that begins with `pattern`; None if none comes."""

        def look() -> str | None:
            return next((line for line in self.lines[start:] if re.match(pattern, line)), None)

        with self._changed:
            self._changed.wait_for(look, timeout_s)
            return look()

    def wait(self, pattern: str, timeout_s: float = 30.0) -> str:
        """The first matching line after the last awaited one. Fails if there is none."""
        line = self.says(pattern, timeout_s, self.mark)
        assert line is not None, f"{pattern} not in {self.lines[self.mark :]}"
        self.mark = self.lines.index(line, self.mark) + 1
        return line

    def record(self) -> None:
        self.say(f"record open -wave -bytes 4 {escaped(self.capture)}")
        self.say("record start")

    def heard(self) -> np.ndarray:
        """The sound of the two objects since `record`: (frames, 2)."""
        self.say("record stop")
        time.sleep(0.3)
        return soundfile.read(self.capture, dtype="float32")[0]

    def close(self) -> None:
        self.say("quit bang")
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self._udp.close()


class StandIn:
    """A socket instead of the daemon; the test decides its answers."""

    def __init__(self, port: int = 0) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.port = int(self.udp.getsockname()[1])
        self.asker: Any = None

    def receive(self, timeout_s: float = 10.0) -> tuple[str, list[Any]]:
        self.udp.settimeout(timeout_s)
        data, self.asker = self.udp.recvfrom(65_536)
        message = OscMessage(data)
        return message.address, list(message)

    def ask(self) -> str:
        """Wait for an ask, and return its id."""
        address, values = self.receive()
        assert address == "/bridge/generate/words", (address, values)
        return str(values[values.index("@id") + 1])

    def answer(self, address: str, *values: Any) -> None:
        self.udp.sendto(encode(address, *values), self.asker)

    def done(self, job: str, clip: Path) -> None:
        self.answer("/bridge/done", job, clip.as_posix(), 1.0, "seed", 1)


@pytest.fixture
def open_pd(tmp_path: Path) -> Iterator[Callable[..., Pd]]:
    opened: list[Pd] = []

    def start(port: int, rate: int = RATE) -> Pd:
        folder = tmp_path / f"pd {len(opened)}"
        folder.mkdir()
        opened.append(Pd(folder, port, rate))
        return opened[-1]

    yield start
    for pd in opened:
        pd.close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.udp.close()


def escaped(path: Path) -> str:
    return path.as_posix().replace(" ", "\\ ")


def noise(path: Path, frames: int, seed: int = 0) -> np.ndarray:
    """Write a clip of noise with 24 bits, like ours; returns its samples."""
    path.parent.mkdir(exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, frames).astype(np.float32)
    soundfile.write(path, samples, RATE, subtype="PCM_24")
    return soundfile.read(path, dtype="float32")[0]


def path_of(line: str) -> Path:
    """The path in a printed `done`."""
    return Path(re.match(r"\w+: done ((?:\\ |\S)+)", line)[1].replace("\\ ", " "))  # type: ignore[index]


def begin(heard: np.ndarray) -> int:
    """The first sample that is not silent."""
    return int(np.flatnonzero(heard)[0])


def test_two_objects_ask_at_once_and_each_plays_its_own_clip_sample_by_sample(
    daemon: Daemon, open_pd: Callable[..., Pd]
) -> None:
    pd = open_pd(daemon.port)
    pd.say("one list deep warm kick 0.5 @preset drum @steps 3 @seed 5")
    pd.say("two glassy bell 0.5 @preset note @steps 3 @seed 5")
    pd.wait("two: ready 24000")
    for name in ("one", "two"):
        assert pd.says(f"{name}: queued [01] ")
        assert pd.says(f"{name}: progress 0.5") and pd.says(f"{name}: ready 24000"), pd.lines
    clips = [path_of(str(pd.says(f"{name}: done"))) for name in ("one", "two")]
    assert clips[0].name.startswith("deep-warm-kick_s5") and clips[1].name.startswith("glassy-bell_c4_s5")
    pd.record()
    pd.say("one play")
    pd.say("two play")
    time.sleep(0.9)
    heard = pd.heard()
    for clip, played in zip(clips, heard.T, strict=True):
        wanted = soundfile.read(clip, dtype="float32")[0]
        start = begin(played) - begin(wanted)
        assert np.array_equal(played[start : start + len(wanted)], wanted)
        assert not played[start + len(wanted) :].any()


def test_a_refusal_shows_its_sentence_and_the_next_ask_works(daemon: Daemon, open_pd: Callable[..., Pd]) -> None:
    pd = open_pd(daemon.port)
    pd.say("one list endless rain 4000")
    assert "150" in pd.wait("clipbridge~: ")  # in Pd's window, for patches that connect no outlet
    assert "150" in pd.wait("one: failed bad_argument ")
    pd.say("one deep kick 1 @id mine")
    assert "twice" in pd.wait("one: failed bad_argument ")
    # A length in bars is exact to the frame.
    pd.say("one list drum loop @steps 2 @bars 0.5 @bpm 126")
    assert pd.wait("one: ready") == f"one: ready {round(2 * 60 / 126 * RATE)}"


def test_a_cancelled_ask_ends_as_cancelled_and_a_new_ask_replaces_the_previous_one(
    daemon: Daemon, open_pd: Callable[..., Pd]
) -> None:
    pd = open_pd(daemon.port)
    pd.say("one list endless drone 20 @steps 200")
    pd.wait("one: progress")
    pd.say("one cancel")
    pd.wait("one: cancelled")
    pd.say("one list endless drone 20 @steps 200")
    pd.wait("one: progress")
    start = len(pd.lines)
    pd.say("one list short kick 0.25 @steps 2")
    pd.wait("one: ready 12000")  # at once: the long one does not delay it
    assert not [line for line in pd.lines[start:] if "cancelled" in line]


def test_pads_and_the_tempo_reach_the_daemon_in_its_format(
    stand_in: StandIn, daemon: Daemon, client: Client, open_pd: Callable[..., Pd]
) -> None:
    pd = open_pd(stand_in.port)
    for said, sent in {
        "pad 3 set glassy bell 808 1.5 @preset note @gate 1": (
            "/bridge/pad/3/set", ["glassy bell 808 ", 1.5, "preset", "note", "gate", 1]),
        "pad 3 set kick": ("/bridge/pad/3/set", ["kick "]),
        "pad 3 play 0.5": ("/bridge/pad/3/play", [0.5]),
        "pad 3 clear": ("/bridge/pad/3/clear", []),
        "tempo 126 3": ("/bridge/tempo", [126, 3]),
        "tempo 127": ("/bridge/tempo", [127]),
        "panic": ("/bridge/stop", []),
    }.items():  # fmt: skip
        pd.say(f"one {said}")
        assert stand_in.receive() == sent
    # Words that are commands only before a number.
    pd.say("one pad warm strings 4")
    assert stand_in.receive()[1][:4] == ["pad", "warm", "strings", 4]
    # The real daemon accepts them.
    pd.say(f"one port {daemon.port}")
    pd.say("one pad 3 set glassy bell 0.5 @steps 2")
    pd.wait("one: pad 3 state filling")
    pd.say("one pad 3 clear")
    pd.wait("one: pad 3 state empty")
    pd.say("one pad 3 play")
    assert "/bridge/pad/3/play pad_empty" in pd.wait("one: error")


def test_without_a_daemon_there_is_a_sentence_in_two_seconds_and_with_one_later_it_works(
    open_pd: Callable[..., Pd], tmp_path: Path
) -> None:
    port = free_port()
    pd = open_pd(port)
    begin_s = time.monotonic()
    pd.say("one list deep warm kick 1")
    sentence = f"Clipbridge does not answer on port {port}: start it with: clipbridge run"
    assert pd.wait("clipbridge~: ") == f"clipbridge~: {sentence}"
    assert pd.wait("one: no-answer").replace("\\", "") == f"one: no-answer {sentence}"
    assert 1.5 < time.monotonic() - begin_s < 4
    stand_in = StandIn(port)
    pd.say("one list deep warm kick 1")
    noise(tmp_path / "clips" / "one.wav", 5000)
    stand_in.done(stand_in.ask(), tmp_path / "clips" / "one.wav")
    pd.wait("one: ready 5000")
    stand_in.udp.close()


def test_lost_packets_are_requested_again_and_late_answers_to_an_older_ask_are_ignored(
    stand_in: StandIn, open_pd: Callable[..., Pd], tmp_path: Path
) -> None:
    first, second = tmp_path / "some clips" / "first one.wav", tmp_path / "some clips" / "second one.wav"
    noise(first, 5000), noise(second, 6000)
    pd = open_pd(stand_in.port)
    pd.say("one list kick 1")
    old = stand_in.ask()
    assert stand_in.ask() == old  # silence: the same ask again
    stand_in.answer("/bridge/queued", old, 0, 0.5, "seed", 1)
    pd.wait("one: queued 0")
    pd.say("one list snare 1")
    assert stand_in.receive() == ("/bridge/cancel", [old])
    new = stand_in.ask()
    assert new != old
    stand_in.done(old, first)
    stand_in.answer("/bridge/queued", new, 0, 0.5, "seed", 1)
    pd.wait("one: queued 0")
    # The last event is lost; after some seconds of silence the object requests it.
    assert stand_in.receive() == ("/bridge/job", [new])
    stand_in.done(new, second)
    stand_in.done(new, second)
    assert path_of(pd.wait("one: done")) == second
    pd.wait("one: ready 6000")
    assert pd.says("one: (done|ready)", 0.3, pd.mark) is None
    assert not [line for line in pd.lines if "ready 5000" in line or first.name in line.replace("\\", "")]


def test_waiting_ends_if_the_daemon_falls_silent_or_has_forgotten_the_ask(
    stand_in: StandIn, open_pd: Callable[..., Pd]
) -> None:
    pd = open_pd(stand_in.port)
    asked = {}
    for name in ("one", "two"):
        pd.say(f"{name} list kick 1")
        asked[stand_in.ask()] = name
        stand_in.answer("/bridge/queued", list(asked)[-1], 0, 0.5, "seed", 1)
        pd.wait(f"{name}: queued")
    silent = 0
    while silent < 3:
        address, (job,) = stand_in.receive()
        assert address == "/bridge/job"
        if asked[job] == "two":
            stand_in.answer("/bridge/error", "/bridge/job", "unknown_job", "No job of yours has this id.")
        silent += asked[job] == "one"
    assert pd.says(r"two: failed unknown_job No\\ job", 10)
    assert pd.says("one: no-answer", 10)


def test_a_playing_clip_is_not_disturbed_by_the_next_one_and_a_new_start_fades_it_out(
    stand_in: StandIn, open_pd: Callable[..., Pd], tmp_path: Path
) -> None:
    clips = [tmp_path / "clips" / f"{number}.wav" for number in range(3)]
    first, _, third = (noise(clip, 96_000 + number, number) for number, clip in enumerate(clips))
    pd = open_pd(stand_in.port)

    def load(clip: Path) -> None:
        pd.say("one list kick 1")
        stand_in.done(stand_in.ask(), clip)
        pd.wait("one: ready")

    load(clips[0])
    pd.record()
    pd.say("one play")
    time.sleep(0.1)
    load(clips[1])
    load(clips[2])
    time.sleep(0.3)
    pd.say("one play")
    time.sleep(2.3)
    heard = pd.heard()[:, 0]
    start = begin(heard)
    # The first clip plays until the new start and has faded out 5 ms later; the third clip starts at its first sample.
    after = next(place for place in range(start, len(heard), 64) if not np.array_equal(
        heard[place : place + 64], first[place - start : place - start + 64]))  # fmt: skip
    assert after - start > 0.35 * RATE
    new = heard[after : after + len(third)]
    fading = new - third
    # The difference is the fading old clip; from the fifth millisecond on only the new one is left.
    assert np.abs(fading).max() <= np.abs(first).max() + 1e-6 and np.abs(fading[:32]).max() > 0.1
    assert np.array_equal(new[320:], third[320:])
    assert not heard[after + len(third) :].any()


def test_a_loop_has_no_seam_and_ends_after_its_round_and_stop_and_gain_are_smooth(
    stand_in: StandIn, open_pd: Callable[..., Pd], tmp_path: Path
) -> None:
    clip = tmp_path / "clips" / "loop.wav"
    wanted = noise(clip, 9_637)  # not a multiple of 64
    pd = open_pd(stand_in.port)
    pd.say("one list kick 1")
    stand_in.done(stand_in.ask(), clip)
    pd.wait("one: ready 9637")
    pd.record()
    pd.say("one loop 1")
    pd.say("one play")
    time.sleep(1.2)
    pd.say("one loop 0")
    time.sleep(0.6)
    heard = np.trim_zeros(pd.heard()[:, 0])
    rounds = round(len(heard) / len(wanted))
    assert rounds >= 4 and np.array_equal(heard, np.trim_zeros(np.tile(wanted, rounds)))

    pd.record()
    pd.say("one loop 1")
    pd.say("one play")
    time.sleep(0.4)
    pd.say("one gain 0.5")
    time.sleep(0.3)
    pd.say("one stop")
    time.sleep(0.4)
    heard = np.trim_zeros(pd.heard()[:, 0])
    looped = np.resize(wanted, len(heard))
    level = heard[np.abs(looped) > 0.05] / looped[np.abs(looped) > 0.05]
    assert level[0] == 1 and np.any(level == 0.5) and level[-1] < 0.1
    assert np.abs(np.diff(level)).max() < 0.03  # from sample to sample: no click


def test_the_longest_clip_is_loaded_completely_and_another_rate_is_reported(
    stand_in: StandIn, open_pd: Callable[..., Pd], tmp_path: Path
) -> None:
    clip = tmp_path / "clips" / "long.wav"
    clip.parent.mkdir()
    soundfile.write(clip, np.zeros(150 * RATE, np.int16), RATE, subtype="PCM_16")
    pd = open_pd(stand_in.port, rate=44_100)
    pd.say("one list rain 150")
    stand_in.done(stand_in.ask(), clip)
    assert "48000" in pd.wait("one: rate")
    pd.wait("one: done")
    assert float(pd.wait("one: ready").split()[-1]) == 7_200_000
    # A missing file is reported; the loaded clip stays.
    pd.say("one list rain 150")
    stand_in.done(stand_in.ask(), tmp_path / "not there.wav")
    pd.wait("one: failed cannot_read")
    # Played by the daemon: there is no file to load.
    pd.say("one list rain 1 @sink audio")
    job = stand_in.ask()
    stand_in.answer("/bridge/done", job, "", 1.0, "seed", 1)
    pd.wait("one: done")
    assert pd.says("one: (failed|ready)", 0.3, pd.mark) is None


def test_in_the_help_patch_one_click_makes_a_clip_and_plays_it(daemon: Daemon, tmp_path: Path) -> None:
    before = set(daemon.folder.glob("drums/deep-warm-kick_*.wav"))
    text = HELP.read_text("utf-8").replace("57200", str(daemon.port))
    # Pd numbers objects in order of appearance, wherever the connections stand.
    things = [line for line in text.splitlines() if re.match("#X (obj|msg|text|floatatom)", line)]

    def place(what: str) -> int:
        return next(number for number, line in enumerate(things) if what in line)

    finger = len(things)
    capture = tmp_path / "capture.wav"
    lines = [
        "#X obj 900 20 loadbang;",
        "#X msg 900 50 1;",
        f"#X msg 900 80 open -wave -bytes 4 {capture.as_posix()} \\, start;",
        "#X obj 900 110 writesf~ 1;",
        "#X obj 900 140 del 1500;",
        "#X msg 900 170 stop;",
        "#X obj 900 200 del 200;",
        "#X msg 900 230 \\; pd quit;",
    ]
    bang, one, start, write, after, stop, then, end = range(finger, finger + 8)
    wires = [
        (bang, one), (one, place("tgl")), (bang, start), (start, write), (bang, place("msg 20 115 list deep warm kick")),
        (place("obj 20 600 *~ 0.5"), write), (place("450 550 t b"), after), (after, stop), (stop, write), (after, then), (then, end),
    ]  # fmt: skip
    patch = tmp_path / "patch.pd"
    patch.write_text(text + "\n".join(lines + [f"#X connect {a} 0 {b} 0;" for a, b in wires]) + "\n", "utf-8")
    run = subprocess.run(
        [need("pd"), "-nogui", "-noaudio", "-noprefs", "-r", str(RATE), "-stderr", "-path", str(FOLDER), str(patch)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    (clip,) = set(daemon.folder.glob("drums/deep-warm-kick_*.wav")) - before
    assert "done:" in run.stderr and clip.name in run.stderr, run.stderr
    wanted, played = (soundfile.read(file, dtype="float32")[0] for file in (clip, capture))
    offset = begin(played) - begin(wanted)
    assert np.array_equal(played[offset : offset + len(wanted)], wanted / 2)


@pytest.mark.parametrize("patch", ["clipbridge~.pd", "clipbridge~-help.pd"])
def test_the_shipped_patches_open_without_errors_and_use_vanilla_objects_only(patch: str, tmp_path: Path) -> None:
    (tmp_path / "patch.pd").write_text(
        "#N canvas 0 0 400 300 12;\n#X obj 20 20 loadbang;\n#X obj 20 50 del 300;\n#X msg 20 80 \\; pd quit;\n"
        "#X connect 0 0 1 0;\n#X connect 1 0 2 0;\n",
        "utf-8",
    )
    run = subprocess.run(
        [need("pd"), "-nogui", "-noaudio", "-noprefs", "-nostdpath", "-stderr", str(FOLDER / patch), str(tmp_path / "patch.pd")],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert run.returncode == 0 and run.stderr == ""
