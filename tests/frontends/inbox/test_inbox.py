"""The inbox: lists and clips dropped into a folder, and other files in such folders."""

from __future__ import annotations

import asyncio
import os
import random
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

from bridge.checkpoints.audioldm2 import USUAL
from bridge.config import InboxConfig
from bridge.core.core import Core
from bridge.core.jobs import QUEUE_LIMIT
from bridge.domain import recipe
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.events import Event, InboxChanged
from bridge.domain.job import Job
from bridge.domain.limits import MAX_LIST_BYTES, SECONDS, SEED, Range
from bridge.domain.model import Model
from bridge.domain.recipe import Recipe
from bridge.errors import BadArgument
from bridge.frontends.inbox import folder as inbox_folder
from bridge.frontends.inbox import inbox as inbox_frontend
from bridge.frontends.inbox.asking import INBOX_JOBS, OWNER, Asker
from bridge.frontends.inbox.dropped import Dropped, Result
from bridge.frontends.inbox.folder import InboxFolder
from bridge.frontends.inbox.inbox import serve_inbox
from bridge.frontends.inbox.journal import JOURNAL
from bridge.frontends.inbox.lists import MAX_PROMPTS, Entry, parse
from bridge.frontends.inbox.reading import is_for_us
from tests.core.running import Recorder, play, until
from tests.harness import Client, Daemon

# ---- the content of a list ----


def lines(text: str) -> list[Entry]:
    return parse(".txt", text.encode())


def tables(text: str) -> list[Entry]:
    return parse(".toml", text.encode())


def ask_in(line: str) -> Ask:
    (entry,) = lines(line)
    assert isinstance(entry.what, Ask), entry.why
    return entry.what


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rain on tin", Ask("rain on tin", sink="folder")),
        ("808", Ask("808", sink="folder")),
        ("rain on tin 4", Ask("rain on tin 4", sink="folder")),
        ("  deep   kick seconds=2 ", Ask("deep kick", seconds=2.0, sink="folder")),
        ("kick seconds=2 preset=drum takes=2 seed=7", Ask("kick", seconds=2.0, preset="drum", takes=2, seed=7, sink="folder")),
        ("loop bars=2 bpm=126", Ask("loop", bars=2.0, bpm=126.0, sink="folder")),
        ("loop Seconds = 2 least", Ask("loop Seconds = 2 least", sink="folder")),
        ("kick Seconds = 2", Ask("kick", seconds=2.0, sink="folder")),
        ('pad negative="drums, voice" seconds=3', Ask("pad", negative="drums, voice", seconds=3.0, sink="folder")),
        ("pad negative=“drums, voice”", Ask("pad", negative="drums, voice", sink="folder")),
        ('"quoted, as in a table" seed=1', Ask("quoted, as in a table", seed=1, sink="folder")),
        ("A=440 drone", Ask("A=440 drone", sink="folder")),
        ("bell note=a#4", Ask("bell", note="a#4", sink="folder")),
        ("雨が降る seconds=1", Ask("雨が降る", seconds=1.0, sink="folder")),
        ("a kick deadline-s=5", Ask("a kick", deadline_s=5.0, sink="folder")),
    ],
)  # fmt: skip
def test_a_line_is_a_prompt_with_its_keys_at_the_end(line: str, expected: Ask) -> None:
    assert ask_in(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("kick secnods=2", "There is no key 'secnods'"),
        ("kick seconds=long", "seconds must be a number"),
        ("kick seconds=2,5", "seconds must be a number"),
        ("kick seconds=1e9", "0.1 to 150"),
        ("kick seconds=nan", "must be a number"),
        ("kick takes=17", "1 to 16"),
        ("kick seed=1 seed=2", "twice"),
        ("kick seed=", "has no value"),
        ("seconds=2", "There is no prompt"),
        ('""', "There is no prompt"),
        ("kick sink=audio", "no use in a list"),
        ("kick id=7", "no use in a list"),
        ("kick then=/x", "no use in a list"),
        ("kick reply_port=9", "no use in a list"),
        ("kick gate=1", "no use in a list"),
        ("kick quantize=bar", "no use in a list"),
        ("bell\u0007", "control characters"),
        ("x" * 5_000, "4,000 characters"),
        ("x " * 20_000, "20,000 characters"),
    ],
)
def test_a_faulty_line_is_reported_and_the_others_stay(line: str, reason: str) -> None:
    first, fault, last = lines(f"one\n{line}\nthree")
    assert fault.what is None and reason in fault.why and fault.where == "line 2" and len(fault.text) <= 120
    assert isinstance(first.what, Ask) and isinstance(last.what, Ask)


def test_comments_empty_lines_byte_order_marks_and_windows_line_ends_are_skipped() -> None:
    entries = parse(".txt", b"\xef\xbb\xbfone seed=1\r\n\r\n   \r\n# a comment seed=2\r\n\ttwo\rthree\n")
    assert [(entry.where, entry.what.text) for entry in entries if isinstance(entry.what, Ask)] == [
        ("line 1", "one"),
        ("line 5", "two"),
        ("line 6", "three"),
    ]


def test_a_toml_list_has_a_table_for_each_prompt_and_defaults_before_the_first() -> None:
    first, second, third, fourth = tables(
        'seconds = 2\npreset = "drum"\n\n[[clip]]\nprompt = "kick"\n\n[[clip]]\nprompt = 808\nseconds = 1.5\n'
        'note = 60\n[[clip]]\nprompt = "x"\nsecnods = 1\n[[clip]]\nnegative = "y"\n'
    )
    assert first.what == Ask("kick", seconds=2.0, preset="drum", sink="folder")
    assert second.what == Ask("808", seconds=1.5, preset="drum", note="c4", sink="folder")
    assert third.what is None and "did you mean" in third.why and third.where == "line 11"
    assert fourth.what is None and "no prompt" in fourth.why and fourth.where == "line 14"
    (inline,) = tables('clip = [{prompt = "x", seconds = 1}]')
    assert inline.where == "clip 1" and isinstance(inline.what, Ask)


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "[1]",
        "{a = 1}",
        "1979-05-27",
        "nan",
        "-inf",
        "1e400",
        "9" * 400,
        "0x" + "f" * 6_000,
        "{a=0x" + "f" * 6_000 + "}",
    ],
)
@pytest.mark.parametrize("key", ["seconds", "seed", "negative", "preset", "note", "takes", "prompt", "guidance"])
def test_a_value_of_a_wrong_type_is_refused_with_a_sentence(key: str, value: str) -> None:
    prompt = "" if key == "prompt" else 'prompt = "x"\n'
    (entry,) = tables(f"[[clip]]\n{prompt}{key} = {value}")
    if key == "prompt" and entry.what is not None:
        assert value in ("nan", "-inf", "1e400", "9" * 400, "0x" + "f" * 6_000)  # numbers are prompts too
    else:
        assert entry.what is None and entry.why.endswith(".") and len(entry.why) < 300


@pytest.mark.parametrize(
    ("suffix", "data", "reason"),
    [
        (".txt", b"a" * (MAX_LIST_BYTES + 1), "larger than 256 kB"),
        (".toml", b"#" * (MAX_LIST_BYTES + 1), "larger than 256 kB"),
        (".txt", b"kick\n" * (MAX_PROMPTS + 1), "has 201 prompts"),
        (".txt", b"k\n" * (MAX_LIST_BYTES // 2), "prompts"),
        (".toml", b'[[clip]]\nprompt = "x"\n' * (MAX_PROMPTS + 1), "has 201 prompts"),
        (".txt", b"# nothing\n\n", "no prompts"),
        (".txt", b"kick\0snare", "Line 1 is not UTF-8"),
        (".txt", b"RIFF\x24\0\0\0WAVE", "Line 1 is not UTF-8"),
        (".txt", b"kick\nGer\xe4usch", "Line 2 is not UTF-8"),
        (".toml", b'[[clip]]\nprompt = "x', "not valid TOML"),
        (".toml", b'prompt = "x"', "no [[clip]]"),
        (".toml", b"clip = 3", "no [[clip]]"),
        (".toml", b"clip = []", "no [[clip]]"),
        (".toml", b"a = " + b"[" * 50_000 + b"]" * 50_000, "not valid TOML"),
        (".toml", b"a." * 60_000 + b"a = 1", "dots in a row"),
        (".toml", b"''." * 60_000 + b"a = 1", "dots in a row"),
        (".toml", b"[" + b"a." * 60_000 + b"a]", "dots in a row"),
        (".toml", b"x = {" + b"a." * 60_000 + b"a = 1}", "dots in a row"),
    ],
)
@pytest.mark.timeout(30)  # a parser that is quadratic in these takes minutes
def test_a_file_that_is_not_a_list_is_refused_at_once(suffix: str, data: bytes, reason: str) -> None:
    with pytest.raises(BadArgument, match="(?s)" + reason.replace("[", r"\[")):
        parse(suffix, data)


def hostile(chance: random.Random) -> tuple[str, bytes]:
    """A hostile file: a list mixed with parts of others, bytes, keys and quotes."""
    suffix = chance.choice([".txt", ".toml"])
    pieces = [
        b"kick seconds=2\n", b"[[clip]]\n", b'prompt = "x"\n', b"seed=", b"=", b'"', b"'''", b'"""', b"#", b"\\", b"\0", b"\xff\xfe",
        b"\r", b"\n" * 300, b"[", b"]" * 900, b"{", b"." * 40, b"clip", b" = ", b"takes=99999999999999999999", b"0x" + b"f" * 5_000,
        "雨\u202e\u2028\x85".encode(), b"%s%n{}", b"negative=\xe2\x80\x9cx", b"a=" * 2_000, b" a=b" * 3_000, b"[[clip]]\n" * 250,
        b"\xed\xa0\x80", chance.randbytes(chance.randrange(2_000)), b"x" * 30_000, b" " * 30_000, b"9" * 5_000, b"prompt = 1\n",
        b'a b="' * 3_000, b"[[clip.clip]]\n", b"clip = [1]\n", b"steps=1e308 ", b"guidance=-0 ", b"../../etc/passwd", b"$(reboot)",
    ]  # fmt: skip
    return suffix, b"".join(chance.choice(pieces) for _ in range(chance.randrange(1, 40)))


@pytest.mark.timeout(30)
def test_a_thousand_hostile_lists_become_asks_that_are_in_range_or_sentences() -> None:
    chance, asks = random.Random(8), 0
    for _ in range(1_000):
        suffix, data = hostile(chance)
        try:
            entries = parse(suffix, data)
        except BadArgument as error:
            assert 10 < len(str(error)) < 400
            continue
        assert 1 <= len(entries) <= MAX_PROMPTS
        for entry in entries:
            if entry.what is None:
                assert entry.why and len(entry.why) < 600
                continue
            assert isinstance(entry.what, Ask) and entry.what.sink == "folder" and entry.what.text
            assert entry.what.seconds is None or entry.what.seconds in SECONDS
            assert entry.what.seed is None or entry.what.seed in SEED
            asks += 1
    assert asks > 100


# ---- files in the folder ----


UNCHANGED_S = 0.15


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every inbox in this process reads files sooner."""
    for module in (inbox_folder, inbox_frontend):
        monkeypatch.setattr(module, "UNCHANGED_S", UNCHANGED_S)


@pytest.fixture
def folder(tmp_path: Path) -> InboxFolder:
    (tmp_path / "clips").mkdir()
    inbox = InboxFolder(tmp_path / "inbox", tmp_path / "clips")
    assert inbox.ready() == ""
    return inbox


def settled(folder: InboxFolder, seconds: float = 5.0) -> Dropped | None:
    """The next file, as soon as no file is being written."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        dropped, writing = folder.next()
        if dropped is not None or not writing:
            return dropped
        time.sleep(0.05)
    raise AssertionError("still being written")


def finished(folder: InboxFolder, dropped: Dropped) -> Path:
    dropped.results |= {place: Result(True, "/a/clip.wav") for place in dropped.unfinished}
    return folder.finish(dropped)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "desktop.ini", "~lock.pads.txt", "~$pads.txt", ".~lock.pads.txt#", "pads.txt~", ".pads.txt.swp", "pads.txt.part",
        "pads.txt.crdownload", "pads.txt.download", ".syncthing.pads.txt.tmp", "pads", "pads.report.txt", "pads.md", ".txt", "done",
    ],
)  # fmt: skip
def test_hidden_and_partial_files_and_our_reports_are_ignored(name: str) -> None:
    assert not is_for_us(name)


def test_a_file_is_read_only_when_it_has_stopped_growing(folder: InboxFolder) -> None:
    with (folder.folder / "pads.txt").open("w") as opened:
        for _ in range(8):
            opened.write("kick\n")
            opened.flush()
            last = time.monotonic()
            assert folder.next() == (None, True)
            time.sleep(0.05)
    dropped = settled(folder)
    assert dropped is not None and len(dropped.entries) == 8 and time.monotonic() - last > UNCHANGED_S


def test_an_empty_file_waits_for_its_content(folder: InboxFolder) -> None:
    (folder.folder / "New Text Document.txt").touch()
    assert settled(folder) is None
    (folder.folder / "New Text Document.txt").write_text("kick")
    dropped = settled(folder)
    assert dropped is not None and dropped.unfinished == [0]


def test_links_folders_and_pipes_with_names_of_lists_are_ignored(folder: InboxFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("secret")
    (folder.folder / "folder.txt").mkdir()
    try:
        (folder.folder / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
        (folder.folder / "dangling.txt").symlink_to(tmp_path / "nothing.txt")
    except OSError:
        assert sys.platform == "win32"  # where links need a permission
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder.folder / "pipe.txt")  # opening it would block for ever
    assert folder.next() == (None, False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name",
    [
        b"a\nb.txt",
        b"\x1b[2J.txt",
        b"tab\t.txt",
        b"x" * 251 + b".txt",
        b"...txt",
        b"a:b?.txt",
        b"$(reboot).txt",
        "雨\u202e.TXT".encode(),
    ],
)
def test_a_list_of_any_name_is_moved_and_its_report_has_a_printable_name(folder: InboxFolder, name: bytes) -> None:
    place = os.fsencode(folder.folder) + b"/" + name
    with open(place, "wb") as opened:
        opened.write(b"kick\n")
    dropped = settled(folder)
    if name == b"...txt":  # hidden
        assert dropped is None
        return
    assert dropped is not None
    report = finished(folder, dropped)
    assert report.is_file() and report.name.isprintable() and report.name.endswith(".report.txt")
    assert not os.path.exists(place) and len(list(report.parent.iterdir())) == 2
    assert "1 of 1 made" in report.read_text("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes exist on Linux")
def test_a_name_that_is_not_utf_8_does_no_harm(folder: InboxFolder) -> None:
    with open(os.fsencode(folder.folder) + b"/m\xfcsik.txt", "wb") as opened:
        opened.write(b"kick\n")
    dropped = settled(folder)
    assert dropped is not None
    folder.journal.record(dropped, [])
    report = finished(folder, dropped)
    assert report.name == "m_sik.report.txt" and "\\udcfc" in report.read_text("utf-8")


def test_names_in_done_are_never_overwritten(folder: InboxFolder) -> None:
    for number in range(3):
        (folder.folder / "pads.txt").write_text(f"kick {number}")
        dropped = settled(folder)
        assert dropped is not None
        finished(folder, dropped)
    done = folder.folder / "done"
    assert sorted(file.name for file in done.iterdir()) == [
        "pads 2.report.txt", "pads 2.txt", "pads 3.report.txt", "pads 3.txt", "pads.report.txt", "pads.txt",
    ]  # fmt: skip
    assert (done / "pads.txt").read_text() == "kick 0" and "kick 2" in (done / "pads 3.report.txt").read_text("utf-8")


def test_a_file_of_another_kind_is_moved_to_failed_with_advice(folder: InboxFolder) -> None:
    (folder.folder / "pads.rtf").write_text(r"{\rtf1 kick}")
    dropped = settled(folder)
    assert dropped is not None and dropped.unfinished == []
    report = folder.finish(dropped)
    assert report.parent.name == "failed" and "plain text (.txt)" in report.read_text("utf-8")


def test_a_file_that_cannot_be_moved_is_not_read_again_until_it_changes(folder: InboxFolder) -> None:
    (folder.folder / "done").write_text("a file in the way")
    (folder.folder / "pads.txt").write_text("kick")
    dropped = settled(folder)
    assert dropped is not None
    with pytest.raises(OSError):
        finished(folder, dropped)
    assert settled(folder) is None and (folder.folder / "pads.txt").is_file()
    (folder.folder / "pads.txt").write_text("kick and snare")
    assert settled(folder) is not None
    (folder.folder / "done").unlink()
    assert folder.state_of(dropped) == "changed"


def test_a_file_that_cannot_be_read_is_given_up_after_a_while(
    folder: InboxFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: Path) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bridge.system.portable.open_plain", refuse)
    monkeypatch.setattr(inbox_folder, "UNREADABLE_S", 1.0)
    (folder.folder / "pads.txt").write_text("kick")
    began = time.monotonic()
    dropped = settled(folder)
    assert dropped is not None and "Permission denied" in dropped.fault and time.monotonic() - began > 0.9


def test_on_windows_a_file_that_another_program_writes_is_read_later(
    folder: InboxFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SharingViolation(PermissionError):
        winerror = 32

    def refuse(_file: Path) -> int:
        raise SharingViolation(13, "The process cannot access the file")

    monkeypatch.setattr(inbox_folder, "UNREADABLE_S", 0.0)
    (folder.folder / "pads.txt").write_text("kick")
    with monkeypatch.context() as patch:
        patch.setattr("bridge.system.portable.open_plain", refuse)
        with pytest.raises(AssertionError, match="still being written"):
            settled(folder, 3 * UNCHANGED_S)
    assert settled(folder) is not None


def test_two_daemons_do_not_make_the_same_list(folder: InboxFolder, tmp_path: Path) -> None:
    other = InboxFolder(folder.folder, tmp_path / "clips")
    assert "another Clipbridge" in other.ready()
    folder.close()
    other._retry_at = 0.0
    assert other.ready() == ""
    other.close()


def test_the_sample_folder_cannot_be_the_inbox(tmp_path: Path) -> None:
    assert "sample folder itself" in InboxFolder(tmp_path, tmp_path).ready()


@pytest.mark.parametrize("place", ["file/inbox", "file", "x" * 300, "nul\0"])
def test_an_inbox_that_cannot_be_created_is_reported(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    assert InboxFolder(tmp_path / place, tmp_path).ready()


@pytest.mark.parametrize(
    "journal", ["", "[]", "{", '{"pads.txt": 3}', '{"../x": {"a": {}}}', "[" * 100_000, '{"' + "x" * 5_000 + '": {}}']
)
def test_a_damaged_journal_costs_only_its_content(tmp_path: Path, journal: str) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / JOURNAL).write_text(journal)
    (tmp_path / "inbox" / "pads.txt").write_text("kick")
    folder = InboxFolder(tmp_path / "inbox", tmp_path)
    assert folder.ready() == ""
    dropped = settled(folder)
    assert dropped is not None and dropped.unfinished == [0]
    folder.close()


# ---- clips with a recipe ----

MODEL = Model("starter", "1", replace(USUAL, sample_rate=44_100, seconds=Range(0.1, 20.0)), "cpu", "float32", "DPM")


def wav_with(text: str) -> bytes:
    """An empty WAV whose comment is `text`."""
    comment = text.encode() + b"\0"
    comment += b"\0" * (len(comment) % 2)
    body = b"INFOICMT" + struct.pack("<I", len(comment)) + comment
    form = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 0)
    chunks += b"LIST" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def test_a_dropped_clip_is_asked_for_by_its_recipe(folder: InboxFolder) -> None:
    prompt = Prompt("glassy bell", "glassy bell", 1.0, 42, takes=2)
    (folder.folder / "bell.WAV").write_bytes(wav_with(recipe.write(prompt, MODEL, 2)))
    dropped = settled(folder)
    assert dropped is not None and dropped.fault == ""
    what = dropped.entries[0].what
    assert isinstance(what, Recipe) and (what.prompt.text, what.prompt.seed, what.take) == ("glassy bell", 42, 2)
    asked: list[Any] = []

    class Recalling:
        """A core that is idle, and only recalls."""

        state, jobs = "ready", SimpleNamespace(current=None, slots=1)
        stage = SimpleNamespace(pads=SimpleNamespace(need_takes=lambda: False))

        def recall(self, recipe: Recipe, owner: str, job_id: Any = None, reply_to: Any = None) -> tuple[Job, bool]:
            asked.append((recipe, owner, job_id, reply_to))
            return Job(1, "x", owner, Ask("glassy bell"), recipe.prompt), True

    async def begin() -> None:
        core: Any = Recalling()
        Asker(core, lambda *_: None).begin(dropped, dropped.unfinished)

    asyncio.run(begin())
    assert asked == [(what, OWNER, None, None)]
    assert "bell.WAV -> /a/clip.wav" in finished(folder, dropped).read_text("utf-8")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wav_with("a comment"), "It has no recipe of Clipbridge."),
        (wav_with('{"clipbridge":'), "Its recipe is damaged."),
        (wav_with('{"clipbridge": "1", "seconds": 1e9}'), "Its recipe"),
        (b"MZ" + b"\0" * 500, "It is not a WAV, FLAC, AIFF, MP3, Ogg or M4A file"),
        (b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff", "It has no recipe of Clipbridge."),
    ],
)
def test_a_sound_without_a_recipe_is_moved_to_failed(folder: InboxFolder, data: bytes, reason: str) -> None:
    (folder.folder / "found.wav").write_bytes(data)
    dropped = settled(folder)
    assert dropped is not None
    report = folder.finish(dropped)
    assert report.parent.name == "failed" and reason in report.read_text("utf-8")


def test_a_sound_that_lost_its_recipe_is_made_again_if_the_library_knows_it(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    known = Recipe(Prompt("kick", "kick", 1.0, 7), 1, {})
    inbox = InboxFolder(
        tmp_path / "inbox", tmp_path / "clips", lambda file: known if file.name == "kick_s7_1a2b.mp3" else None
    )
    assert inbox.ready() == ""
    (inbox.folder / "kick_s7_1a2b.mp3").write_bytes(b"\xff\xfb" + bytes(500))
    dropped = settled(inbox)
    assert dropped is not None and not dropped.fault and [entry.what for entry in dropped.entries] == [known]


# ---- with a core and a fake engine ----


class Watching(Recorder):
    """Also records the events of the inbox, and the largest number of its unfinished jobs."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.inbox_events: list[tuple[str, str]] = []
        self.most = 0
        self._core = core
        core.listeners.append(self)

    def on_event(self, event: Event) -> None:
        super().on_event(event)
        if isinstance(event, InboxChanged):
            self.inbox_events.append((event.state, event.what))
        self.most = max(self.most, len(self.ours()))

    def ours(self) -> list[Job]:
        return [job for job in self._core.jobs.unfinished.values() if job.owner == OWNER]

    def count(self, state: str) -> int:
        return sum(seen == state for seen, _ in self.inbox_events)


Tale = Callable[[Core, Watching, Path], Awaitable[None]]


def with_inbox(tmp_path: Path, behaviour: str, *tales: Tale) -> None:
    """Run each tale with a new core and inbox, one after the other, as after a restart."""
    for tale in tales:

        async def story(core: Core, _recorder: Recorder, tale: Tale = tale) -> None:
            inbox, watching = tmp_path / "inbox", Watching(core)
            async with serve_inbox(core, InboxConfig(str(inbox)), tmp_path / "clips"):
                await until(lambda: watching.count("open") == 1)
                await tale(core, watching, inbox)
                await core.stop(asyncio.Event())

        play(tmp_path, behaviour, story)


def clips(tmp_path: Path) -> list[str]:
    return sorted(file.name.split("_")[0] for file in (tmp_path / "clips").glob("*.wav"))


def test_a_long_list_does_not_block_other_jobs(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        (inbox / "many.txt").write_text("".join(f"kick {n} seconds=0.1 steps=1\n" for n in range(30)))
        await until(lambda: len(watching.ours()) == INBOX_JOBS)
        job = core.generate(Ask("live", seconds=0.1, steps=1), "127.0.0.1")[0]
        assert job not in core.jobs.queue or core.jobs.ahead_of(job) <= INBOX_JOBS
        await until(lambda: watching.count("done") == 1)
        assert watching.most == INBOX_JOBS and watching.inbox_events[1] == ("begun", "many.txt")

    with_inbox(tmp_path, "well", tale)
    assert len(clips(tmp_path)) == 31
    report = (tmp_path / "inbox" / "done" / "many.report.txt").read_text("utf-8")
    assert "30 of 30 made" in report and report.count("/clips/kick-") == 30


def test_pads_that_need_takes_come_before_a_list(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        await until(lambda: core.state == "ready")
        (inbox / "many.txt").write_text("kick seconds=0.1 steps=2\n" * 30)
        await until(lambda: len(watching.ours()) == INBOX_JOBS)
        core.stage.pads.set(3, Ask("bell", seconds=0.1, steps=2))
        await until(lambda: core.stage.pads.states()[0][1:3] == ("ready", 2.0))
        assert watching.count("done") == 0 and len(clips(tmp_path)) < 15
        await until(lambda: watching.count("done") == 1)

    with_inbox(tmp_path, "slow", tale)
    assert len(clips(tmp_path)) == 30


def test_a_list_waits_for_room_in_a_full_queue(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        await until(lambda: core.state == "ready")
        asks = [Ask("other", seconds=0.1, steps=1) for _ in range(QUEUE_LIMIT + 1)]
        jobs = [core.generate(ask, "127.0.0.1")[0] for ask in asks]
        (inbox / "pads.txt").write_text("kick seconds=0.1 steps=1\n")
        await until(lambda: watching.count("done") == 1)
        assert all(job.state == "done" for job in jobs)

    with_inbox(tmp_path, "well", tale)


def test_after_a_restart_a_list_continues_and_no_clip_is_made_twice(tmp_path: Path) -> None:
    names = [f"sound{n}" for n in range(8)]

    async def first(core: Core, watching: Watching, inbox: Path) -> None:
        (inbox / "pads.txt").write_text("".join(f"{name} seconds=0.1 steps=2\n" for name in names))
        await until(lambda: len(watching.ends()) >= 3)

    async def second(core: Core, watching: Watching, inbox: Path) -> None:
        assert 2 < len(clips(tmp_path)) < 8 and (inbox / "pads.txt").is_file()
        await until(lambda: watching.count("done") == 1)

    with_inbox(tmp_path, "slow", first, second)
    assert clips(tmp_path) == names
    assert "8 of 8 made" in (tmp_path / "inbox" / "done" / "pads.report.txt").read_text("utf-8")


def test_removing_a_list_ends_it(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        (inbox / "pads.txt").write_text("kick seconds=0.1 steps=4\n" * 40)
        await until(lambda: len(watching.ends()) >= 1)
        (inbox / "pads.txt").unlink()
        await until(lambda: watching.count("withdrawn") == 1 and not watching.ours())
        assert not (inbox / "done").exists()
        (inbox / "next.txt").write_text("snare seconds=0.1 steps=1")
        await until(lambda: watching.count("done") == 1)

    with_inbox(tmp_path, "slow", tale)
    assert len(clips(tmp_path)) < 10 and "snare" in clips(tmp_path)


def test_a_list_that_is_edited_in_progress_is_made_as_edited(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        (inbox / "pads.txt").write_text("one seconds=0.1 steps=2\ntwo seconds=0.1 steps=250\n")
        await until(lambda: "done" in str(watching.ends()))
        (inbox / "pads.txt").write_text("one seconds=0.1 steps=2\nthree seconds=0.1 steps=1\n")
        await until(lambda: watching.count("done") == 1)

    with_inbox(tmp_path, "slow", tale)
    assert clips(tmp_path) == ["one", "three"]


def test_a_list_waits_without_an_engine(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        (inbox / "early.txt").write_text("kick\n")
        await until(lambda: core.state == "failed")
        (inbox / "late.txt").write_text("kick\n")
        await until(lambda: watching.count("begun") == 1)
        await asyncio.sleep(0.6)  # longer than an inbox waits for anything
        assert watching.count("failed") == 0 and not watching.ours()

    with_inbox(tmp_path, "unloadable", tale)
    assert sorted(file.name for file in (tmp_path / "inbox").glob("*.txt")) == ["early.txt", "late.txt"]


def test_a_failed_job_is_in_the_report_and_its_file_in_failed(tmp_path: Path) -> None:
    async def tale(core: Core, watching: Watching, inbox: Path) -> None:
        await until(lambda: core.state == "ready")
        (inbox / "pads.txt").write_text(
            "too long seconds=11\nkick seconds=0.1 preset=none\ngood seconds=0.1 takes=2 steps=1\n"
        )
        await until(lambda: watching.count("failed") == 1)

    with_inbox(tmp_path, "well", tale)
    report = (tmp_path / "inbox" / "failed" / "pads.report.txt").read_text("utf-8").splitlines()
    assert report[0] == "pads.txt: 1 of 3 made"
    assert "line 1: too long seconds=11 -> not made: fake makes at most 10 seconds" in report[2]
    assert "not made: There is no preset 'none'" in report[3] and report[4].endswith("(the best of 2)")


# ---- the real daemon ----


def test_a_dropped_list_becomes_clips_and_moves_to_done_with_a_report(daemon: Daemon) -> None:
    opened = daemon.wait_for(lambda line: line["event"] == "inbox" and line["state"] == "open")
    assert opened["what"] == str(daemon.inbox)
    start = len(daemon.lines)
    text = "# my pads\ndeep kick seconds=0.5 preset=drum steps=2 seed=7\nglassy bell seconds=0.25 steps=2 seed=8\n"
    (daemon.inbox / "pads.txt").write_text(text)
    (daemon.inbox / "the same.txt").write_text(text)  # the same content at the same time
    (daemon.inbox / "table.toml").write_text(
        'steps = 2\n[[clip]]\nprompt = "snare"\nseconds = 0.2\n[[clip]]\nprompt = ""\n'
    )

    def end(name: str, state: str) -> Path:
        said = daemon.wait_for(
            lambda line: line["event"] == "inbox" and line["state"] == state and name in line["what"], 60, start
        )
        return Path(said["what"])

    ends = [end("pads.report", "done"), end("the same.report", "done"), end("table.report", "failed")]
    paths = []
    for report, count in zip(ends, (2, 2, 1), strict=True):
        clips = [line.partition(" -> ")[2] for line in report.read_text("utf-8").splitlines() if line.endswith(".wav")]
        assert len(clips) == count
        paths += clips
    assert len(set(paths)) == 5
    assert [soundfile.info(path).frames for path in paths] == [24_000, 12_000, 24_000, 12_000, 9_600]
    assert Path(paths[0]).parent == daemon.folder / "drums"
    assert "line 5:  -> not made: There is no prompt" in ends[2].read_text("utf-8")
    assert not list(daemon.inbox.glob("*.t*"))


def test_subscribers_get_the_events_of_the_inbox_and_live_asks_go_on(daemon: Daemon, client: Client) -> None:
    client.send("/bridge/subscribe")
    client.until("/bridge/state")
    (daemon.inbox / "two.txt").write_text("kick seconds=0.2 steps=2\nsnare secnods=1\n")
    assert client.until("/bridge/inbox")[1] == ["begun", "two.txt"]
    client.send("/bridge/generate", "live", 0.2, "steps", 2, "id", "live")
    live, report = "", ""
    while not (live and report):  # they come in any order
        address, values = client.until("/bridge/inbox", "/bridge/done", "/bridge/failed")
        if address == "/bridge/inbox":
            assert values[0] == "failed"
            report = values[1]
        elif values[0] == "live":
            live = address
    assert live == "/bridge/done"
    assert "There is no key 'secnods'; did you mean seconds?" in Path(report).read_text("utf-8")
    client.send("/bridge/unsubscribe")
