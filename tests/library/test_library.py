"""The library finds, follows and rates clips, and forgets no accepted job."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import unicodedata
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bridge.checkpoints.audioldm2 import USUAL
from bridge.commands.find import span
from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt, TakeFile
from bridge.domain.events import Event, JobEvent
from bridge.domain.job import Job
from bridge.domain.limits import ORDERS, Range
from bridge.domain.model import Model
from bridge.domain.recipe import Recipe, conditions, read, write
from bridge.errors import BadArgument, LibraryError, QueueFull, UnknownClip
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.find import query_of
from bridge.frontends.osc.interrupted import ask_of, resume
from bridge.library import clips, database, records, search
from bridge.library.clips import Clip, File
from bridge.library.following import Follower
from bridge.library.library import Library
from bridge.library.search import Query
from bridge.live.pads import SINK as PAD_SINK
from tests.core.running import Recorder, ask, play, until
from tests.harness import STAND_IN, Client, Daemon, called, pairs

ROOT = Path(__file__).parents[2]
MODEL = Model("fake", "1", replace(USUAL, sample_rate=16_000, seconds=Range(0.1, 10.0)), "cpu", "float32", "none")
DEAD = "4194304:1.00:dead"  # a process number that no system gives
WORDS = ("metal", "rain", "tin", "glass", "bell", "kick", "drone", "Ätherisch", "雨音", "a#4")


def clips_in(library: Library, query: Query) -> list[Clip]:
    return library.find(query)[0]


def recipe_of(text: str = "rain on tin", seed: int = 1, take: int = 1, **more: Any) -> Recipe:
    prompt = Prompt(text, more.pop("full_text", text), more.pop("seconds", 2.0), seed, **more)
    return Recipe(USUAL.settled(prompt), take, conditions(MODEL))


def make_file(path: Path, read: Recipe, samples: bytes | None = None) -> Path:
    """A WAV with its recipe in LIST/INFO, as Clipbridge writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(random.Random(read.prompt.seed).randbytes(2_000) if samples is None else samples)
    text = write(read.prompt, MODEL, read.take).encode() + b"\0"
    comment = b"INFO" + b"ICMT" + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    with path.open("ab") as out:
        out.write(b"LIST" + struct.pack("<I", len(comment)) + comment)
    with path.open("r+b") as out:
        out.seek(4)
        out.write(struct.pack("<I", path.stat().st_size - 8))
    return path


def job_of(serial: int, text: str = "rain on tin", **more: Any) -> Job:
    request = Ask(text, seconds=2.0, **more)
    return Job(serial, f"id {serial}", "127.0.0.1", request, recipe_of(text, seed=serial).prompt, model=MODEL)


def soon(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return value


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / database.FILE


@pytest.fixture
def connection(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(database.connect(file)) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    return tmp_path / "clips"


@pytest.fixture
def library(file: Path, folder: Path) -> Iterator[Library]:
    library = Library(file, folder)
    library.start()
    yield library
    library.close()


def fill(connection: sqlite3.Connection, count: int) -> list[Recipe]:
    chance = random.Random(7)
    recipes = []
    connection.execute("BEGIN")
    for number in range(count):
        text = " ".join(chance.sample(WORDS, 3))
        bpm = chance.choice((0.0, 90.0, 120.0, 128.0))
        recipes.append(
            recipe_of(text, number, seconds=chance.uniform(0.5, 8.0), bpm=bpm, note=chance.choice(("", "c3")))
        )
        clips.add(connection, File(f"/clips/{number}.wav", number, 0, bytes(16)), Path("/clips"), recipes[-1], "{}")
    connection.execute("COMMIT")
    return recipes


def found(connection: sqlite3.Connection, words: str = "", **more: Any) -> list[Clip]:
    return search.find(connection, Query(words, limit=10_000, **more))


# ---- searching ----


@pytest.mark.parametrize("full_text", [True, False])
def test_among_1000_clips_words_and_filters_find_what_they_say(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, full_text: bool
) -> None:
    if not full_text:
        monkeypatch.setattr(database, "has_full_text", lambda connection: False)
    with contextlib.closing(database.connect(file)) as connection:
        assert database.has_index(connection) == full_text
        assert ("full-text" in caplog.text) == (not full_text)
        recipes = fill(connection, 1_000)
        for words in ("metal", "metal rain", "METAL", "雨音", "glass bell kick"):
            expected = {
                recipe.prompt.seed for recipe in recipes if all(w in recipe.prompt.text for w in words.lower().split())
            }
            assert {clip.seed for clip in found(connection, words)} == expected and expected
        prompts = [recipe.prompt for recipe in recipes]
        fitting = [p for p in prompts if "tin" in p.text and 120 <= p.bpm <= 130 and p.note == "c3"]
        clips_found = found(connection, "tin", bpm=Range(120, 130), note="c3")
        assert sorted(clip.seed for clip in clips_found) == sorted(prompt.seed for prompt in fitting) and clips_found
        short = found(connection, seconds=Range(0.0, 1.0))
        assert len(short) == sum(recipe.prompt.seconds <= 1.0 for recipe in recipes)
        assert [clip.seed for clip in search.find(connection, Query(limit=3))] == [999, 998, 997]  # the newest first
        assert (
            found(connection, "nowhere") == [] and found(connection, '"') == [] and len(found(connection, " ")) == 1_000
        )


def test_beginnings_of_words_accents_file_names_presets_and_folders_are_found(connection: sqlite3.Connection) -> None:
    path = "/clips/drums/Dark ones/deep-warm-kick_s42_7f3a.wav"
    read = recipe_of("Ätherische Röhrenglocke", preset="impact", note="a#4", bpm=120.0, loop=True)
    clips.add(connection, File(path, 1, 1, b"x"), Path("/clips"), read, "{}")
    for words in (
        "äther",
        "atherische rohren",
        "deep-warm",
        "7f3a",
        "impact",
        "dark",
        "drums",
        "a#4",
        "120bpm",
        "loop s42",
    ):
        assert [clip.path for clip in found(connection, words)] == [path], words
    assert found(connection, "glocke") == []  # in the middle of a word


@pytest.mark.parametrize("full_text", [True, False])
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("雨の音 rain 🔥", ["雨", "雨の音", "の", "音", "🔥", "音 rain", "🔥 雨", "ra 音", "雨🔥"]),
        ("❤️ kick 👩\u200d🎤 👍🏽", ["❤", "❤️", "👩\u200d🎤", "👩", "🎤", "👍", "👍🏽", "👍🏿", "kick❤"]),
        ("빗소리 패드", ["빗", "소리", "패드"]),
        (unicodedata.normalize("NFD", "빗소리 がらす"), ["소리", "がらす", "らす"]),
        ("เสียงฝนตก", ["ฝน", "เสียง"]),
        ("مطر على السطح", ["سطح", "مطر"]),
        ("дождь на крыше", ["дож", "крыше"]),
        ("深沉的低音鼓 100% a_b", ["低音", "鼓", "深沉 100", "a_b"]),
    ],
)
def test_words_of_every_script_and_emoji_are_found(
    file: Path, monkeypatch: pytest.MonkeyPatch, prompt: str, words: list[str], full_text: bool
) -> None:
    if not full_text:
        monkeypatch.setattr(database, "has_full_text", lambda connection: False)
    with contextlib.closing(database.connect(file)) as connection:
        for number, text in enumerate((prompt, "rain on tin", "kick 雷 ☂ 100", "해")):
            place = File(f"/clips/{number}.wav", number, 0, bytes(16))
            clips.add(connection, place, Path("/clips"), recipe_of(text, number), "{}")
        for query in words:
            assert [clip.seed for clip in found(connection, query)] == [0], query
        for query in ("雪", "💧", "雨 雷", "☂☂ 雨", "音%", "_音"):
            assert found(connection, query) == [], query


def test_clips_are_found_by_their_key(connection: sqlite3.Connection) -> None:
    for number, (text, key, unmet) in enumerate(
        [
            ("riff", "f#m", ()),
            ("riff", "f#", ()),
            ('a "key":"f#m" in words', "c", ()),
            ("riff", "", ()),
            ("riff", "f#m", ("key",)),
            ("riff", "f#m", ("key", "tempo")),
            ("riff", "f#m", ("tempo",)),
        ]
    ):
        read = recipe_of(text, key=key, unmet=unmet)
        comment = write(read.prompt, MODEL, 1)
        clips.add(connection, File(f"/clips/{number}.wav", 1, 1, bytes([number])), Path("/clips"), read, comment)
    assert [clip.path for clip in found(connection, "", key="f#m")] == ["/clips/6.wav", "/clips/0.wav"]


def test_a_clip_is_not_found_by_what_was_requested_and_is_unmet(connection: sqlite3.Connection) -> None:
    read = recipe_of("riff", note="c2", bars=1.0, bpm=120.0, unmet=("note", "tempo"))
    text = write(read.prompt, MODEL, 1)
    clips.add(connection, File("/clips/0.wav", 1, 1, b"0"), Path("/clips"), read, text)
    assert [(clip.note, clip.bpm, clip.tags) for clip in found(connection, "riff")] == [("", 0.0, "")]
    for query in (Query(note="c2"), Query(bpm=Range(119, 121)), Query("120bpm"), Query("c2")):
        assert search.find(connection, query) == []


def test_a_library_of_a_python_without_full_text_search_gets_its_index_later_and_the_other_way_round(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, has in enumerate((False, True, False, True)):
        monkeypatch.setattr(database, "has_full_text", lambda connection, has=has: has)
        with contextlib.closing(database.connect(file)) as connection:
            clips.add(connection, File(f"/{number}.wav", 1, 1, b""), Path("/"), recipe_of("metal"), "{}")
            assert len(found(connection, "metal")) == number + 1


def test_10000_hostile_searches_are_searches_and_no_errors(connection: sqlite3.Connection) -> None:
    fill(connection, 30)
    chance = random.Random(8)
    pieces = [
        *'"*^():-+{}[]\'\\%_;,.|&<>~`@#$!?= \t\n\0', "NEAR(", " AND ", " OR ", " NOT ", "prompt:", '""', "metal", "ra", "--", "/*",
        "\u202e", "\u0301", "\ud800", "雨", "👩\u200d🎤", "é", "DROP TABLE clips",
    ]  # fmt: skip
    for _ in range(10_000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 12)))
        if chance.random() < 0.2:
            text += "".join(chr(chance.randrange(0x110000)) for _ in range(5))
        search.find(connection, Query(text))
    search.find(connection, Query("metal " * 10_000))
    search.find(connection, Query("m" * 1_000_000))
    assert len(found(connection)) == 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["metal", ""]),
        (("x", "note"), ["no value"]),
        (("x", "bpm_form", 3), ["bpm_from"]),
        (("x", [1], 3), ["no key"]),
        (("x", "limit", 51), ["1 to 50"]),
        (("x", "offset", -1), ["0 to"]),
        (("x", "order", "newst"), ["newest"]),
        (("x", "note", "h3"), ["note"]),
        (("x", "favourite", 2), ["0 or 1"]),
        (("x", "rating_from", 1, "rating_from", 1), ["twice"]),
        ((["x"],), ["text"]),
    ],
)
def test_a_search_over_osc_that_cannot_be_is_refused_with_a_sentence(
    arguments: tuple[Any, ...], words: list[str]
) -> None:
    with pytest.raises(BadArgument) as fault:
        query_of(list(arguments))
    assert all(word in str(fault.value) for word in words)


def test_found_clips_come_in_the_order_and_part_that_is_asked_for(connection: sqlite3.Connection) -> None:
    assert tuple(search.BY) == ORDERS
    facts = [("rain", 4.0, 90.0), ("Bell", 1.0, 0.0), ("kick", 2.0, 120.0), ("drone", 8.0, 60.0)]
    for number, (prompt, seconds, bpm) in enumerate(facts):
        made = recipe_of(prompt, bpm=bpm, bars=2.0 if bpm else 0.0)
        clips.add(connection, File(f"/{number}.wav", number, 0, b""), Path("/"), made, "{}", seconds=seconds)
    clips.change(connection, "/2.wav", look=False, rating=5)
    wanted = {
        "newest": "3210", "oldest": "0123", "prompt": "1320", "shortest": "1203", "longest": "3021", "slowest": "3021",
        "fastest": "2031", "rating": "2310", "best": "3210",
    }  # fmt: skip
    assert set(wanted) == set(ORDERS)
    for order, numbers in wanted.items():
        paths = [clip.path for clip in search.find(connection, Query(order=order))]
        assert "".join(path[1] for path in paths) == numbers, order
    pages = [search.find(connection, Query(order="prompt", offset=at, limit=3)) for at in (0, 3, 6)]
    assert [[clip.path[1] for clip in page] for page in pages] == [["1", "3", "2"], ["0"], []]
    for query in (Query(), Query(limit=1, offset=2), Query("kick", limit=1), Query("nothing"), Query("!")):
        whole = search.find(connection, replace(query, limit=100, offset=0))
        assert search.count(connection, query) == len(whole)


def test_a_found_clip_has_the_take_the_bars_and_the_key_of_its_recipe(connection: sqlite3.Connection) -> None:
    prompt = replace(recipe_of("pad", bpm=120.0, bars=2.0, key="f#m", takes=3).prompt, unmet=())
    for take in (1, 3):
        text = write(prompt, MODEL, take)
        clips.add(connection, File(f"/{take}.wav", take, 0, b""), Path("/"), read(text), text)
    for clip in search.find(connection, Query()):
        assert (clip.take, clip.bars, clip.key, clip.model) == (int(clip.path[1]), 2.0, "f#m", "fake")
    text = write(replace(prompt, unmet=("key", "tempo")), MODEL, 1)
    clips.add(connection, File("/1.wav", 1, 0, b""), Path("/"), read(text), text)
    (clip,) = (clip for clip in search.find(connection, Query()) if clip.path == "/1.wav")
    assert (clip.bars, clip.key) == (0.0, "")


def test_a_search_over_osc_becomes_a_query() -> None:
    arguments = [
        "808",
        "bpm_from",
        120.0,
        "note",
        60,
        "key",
        "Gb minor",
        "favourite",
        1,
        "rating_from",
        "3",
        "limit",
        5,
        "order",
        "longest",
        "offset",
        40,
        "preset",
        "drum",
    ]
    assert query_of(arguments) == Query(
        "808", Range(119.9999, 999.0001), None, "c4", "f#m", True, Range(3, 5), "longest", 40, 5, "drum"
    )
    assert query_of([""]) == Query() and query_of([808]).words == "808"


def test_ranges_on_the_command_line() -> None:
    allowed = Range(20, 999)
    near = 1e-6
    assert span("120..130", "--bpm", allowed) == Range(120 - near, 130 + near)
    assert span("120", "--bpm", allowed) == Range(120 - near, 120 + near)
    assert span("120..", "--bpm", allowed) == Range(120 - near, 999 + near)
    assert span("..130.5", "--bpm", allowed) == Range(20 - near, 130.5 + near)
    for text in ("", "..", "a", "130..120", "1..2", "1e3", "nan", "120...130", "12 0", "9" * 400):
        with pytest.raises(BadArgument, match="--bpm"):
            span(text, "--bpm", allowed)


# ---- files and folder ----


def test_a_renamed_a_moved_a_copied_and_a_deleted_clip_are_followed(library: Library, folder: Path) -> None:
    kick = make_file(folder / "kick.wav", recipe_of("deep kick", 1))
    make_file(folder / "bell.wav", recipe_of("glass bell", 2))
    assert soon(lambda: len(clips_in(library, Query())) == 2)
    library.change(kick.as_posix(), rating=4)
    library.change(kick.as_posix(), favourite=True)

    def only(words: str) -> Clip | None:
        clips = clips_in(library, Query(words))
        return clips[0] if len(clips) == 1 else None

    kick = kick.rename(folder / "boom.wav")
    clip = soon(lambda: (clip := only("boom")) and clip.path == kick.as_posix() and clip)
    assert (clip.rating, clip.favourite, clip.prompt) == (4, True, "deep kick") and not clips_in(
        library, Query("kick.wav")
    )
    (folder / "Dark ones").mkdir()
    kick = kick.rename(folder / "Dark ones" / "boom.wav")
    assert soon(lambda: only("dark")).rating == 4
    shutil.copy(kick, folder / "copy.wav")
    assert soon(lambda: len(clips_in(library, Query("deep"))) == 2)
    assert (copy := only("copy")) is not None and copy.rating == 0
    (folder / "copy.wav").unlink()
    kick.unlink()
    assert soon(lambda: not clips_in(library, Query("deep"))) and only("glass")
    with pytest.raises(UnknownClip):
        library.change(kick.as_posix(), rating=1)


def test_another_spelling_of_a_path_is_looked_up_only_for_those_who_may_look(library: Library, folder: Path) -> None:
    kick = make_file(folder / "kick.wav", recipe_of("deep kick", 1))
    assert soon(lambda: clips_in(library, Query()))
    other = (folder / ".." / folder.name / "kick.wav").as_posix()
    with pytest.raises(UnknownClip):
        library.change(other, look=False, rating=3)
    assert library.change(kick.as_posix(), look=False, rating=4).rating == 4
    assert library.change(other, favourite=True).path == kick.as_posix()


def test_looks_tell_copies_edits_and_strangers_apart(
    connection: sqlite3.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(folder)
    same = [make_file(folder / f"{n}.wav", recipe_of(seed=5)) for n in range(3)]  # three times the same bytes
    stranger = folder / "mine.wav"
    stranger.write_bytes(b"RIFF" + bytes(100))
    (folder / "notes.txt").write_text("x")
    make_file(folder / ".clipbridge-staging" / "x.wav", recipe_of(seed=6))
    changes = follower.scan(connection)
    assert (changes.added, changes.moved, changes.gone, changes.present) == (3, 0, 0, 3)
    clips.change(connection, same[1].as_posix(), rating=5)
    same[1].rename(folder / "moved.wav")
    assert follower.scan(connection).moved == 1
    assert [clip.path for clip in found(connection, rating=Range(5, 5))] == [(folder / "moved.wav").as_posix()]
    # An editor that drops what it does not know: still our clip.
    with wave.open(str(same[0]), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        out.writeframes(bytes(5_000))
    follower.scan(connection)
    assert len(found(connection, "rain")) == 3
    same[0].rename(folder / "edited.wav")
    assert follower.scan(connection).moved == 1 and [c.prompt for c in found(connection, "edited")] == ["rain on tin"]
    # One that takes the name of another.
    (folder / "edited.wav").replace(folder / "moved.wav")
    follower.scan(connection)
    assert sorted(Path(clip.path).name for clip in found(connection)) == ["2.wav", "moved.wav"]
    assert found(connection, "moved")[0].rating == 0
    # Nothing is read again, strangers neither.
    monkeypatch.setattr("bridge.library.following.recipe_in", lambda path: pytest.fail(f"{path} was read again"))
    assert follower.scan(connection).added == 0


def test_a_folder_that_is_not_there_loses_nothing_and_clips_that_come_back_keep_their_ratings(
    connection: sqlite3.Connection, folder: Path
) -> None:
    follower = Follower(folder)
    path = make_file(folder / "kick.wav", recipe_of()).as_posix()
    follower.scan(connection)
    clips.change(connection, path, rating=3)
    folder.rename(folder.with_name("unplugged"))
    follower.scan(connection)
    assert len(found(connection)) == 1
    folder.mkdir()  # the empty place where a drive is mounted
    assert follower.scan(connection).gone == 1 and not found(connection)
    folder.rmdir()
    folder.with_name("unplugged").rename(folder)
    follower.scan(connection)
    assert [clip.rating for clip in found(connection)] == [3]


def test_a_clip_is_found_and_rated_once_whichever_link_to_its_folder_was_named(
    file: Path, folder: Path, tmp_path: Path
) -> None:
    make_file(folder / "kick.wav", recipe_of("kick"))
    link = tmp_path / "link"
    link.symlink_to(folder)
    for rating, named in ((4, folder), (0, link), (0, link / ".." / "link")):
        library = Library(file, named)
        library.start()
        try:
            library._scanned()
            (clip,) = clips_in(library, Query("kick"))
            if rating:
                library.change(clip.path, rating=rating)
            assert clips_in(library, Query("kick"))[0].rating == 4 and clip.path == (folder / "kick.wav").as_posix()
        finally:
            library.close()
    with contextlib.closing(database.connect(file)) as connection:
        assert Follower(link).scan(connection).added == 0 and len(found(connection)) == 1


@pytest.mark.parametrize("both", [True, False])
def test_rows_of_an_earlier_version_for_another_spelling_of_a_path_become_one(
    connection: sqlite3.Connection, folder: Path, tmp_path: Path, both: bool
) -> None:
    (tmp_path / "link").symlink_to(folder)
    make_file(folder / "drums" / "kick.wav", recipe_of("kick"))
    make_file(folder / "bell.wav", recipe_of("bell"))
    Follower(folder).scan(connection)
    rows = "name, hash, size, mtime_ns, prompt, preset, tags, seconds, bpm, note, seed, model, recipe, job, added_at, rating"
    connection.execute("UPDATE clips SET rating = 4, job = 'x/1' WHERE name = 'kick'")
    if both:
        connection.execute(
            f"INSERT INTO clips (path, {rows}) SELECT replace(path, ?, ?), {rows} FROM clips",
            (folder.as_posix(), (tmp_path / "link").as_posix()),
        )
        connection.execute("UPDATE clips SET rating = 0, job = '' WHERE path LIKE '%clips/drums/%'")
        connection.execute("UPDATE clips SET favourite = 1 WHERE path LIKE '%link/bell%'")
        assert len(found(connection)) == 4
    else:
        connection.execute("UPDATE clips SET path = replace(path, ?, ?)", (str(folder), str(tmp_path / "link")))
    added = found(connection, "kick")[0].added_at
    changes = Follower(folder).scan(connection)
    assert (changes.added, changes.gone, changes.present) == (0, 0, 2)
    kick, bell = found(connection, "kick"), found(connection, "bell")
    assert [clip.path for clip in kick] == [(folder / "drums" / "kick.wav").as_posix()]
    assert [clip.path for clip in bell] == [(folder / "bell.wav").as_posix()]
    assert (kick[0].rating, kick[0].added_at, bell[0].rating, bell[0].favourite) == (4, added, 0, both)
    assert connection.execute("SELECT job FROM clips WHERE name = 'kick'").fetchone() == ("x/1",)
    assert Follower(tmp_path / "link").scan(connection).added == 0


def test_a_clip_that_lost_its_recipe_is_found_and_recalled_from_the_library(library: Library, folder: Path) -> None:
    def processed(path: Path) -> None:
        """As sox and flac leave it: other samples, no recipe."""
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, 48_000, 0, "NONE", ""))
            out.writeframes(random.Random(path.name).randbytes(1_000))

    made = recipe_of("deep kick", 7)
    path = make_file(folder / "deep-kick_s7_1a2b.wav", made)
    assert soon(lambda: clips_in(library, Query("deep")))
    library.change(path.as_posix(), rating=3)
    processed(path)
    converted = [folder / "deep-kick_s7_1a2b.flac", folder / "mono" / "deep-kick_s7_1a2b-mono.aif"]
    strangers = [folder / "deep-kick.wav", folder / "deep-kick_s8_1a2b.wav"]
    (folder / "mono").mkdir()
    for other in (*converted, *strangers):
        processed(other)
    paths = soon(
        lambda: (names := {clip.path for clip in clips_in(library, Query("deep"))}) and len(names) == 3 and names
    )
    assert paths == {file.as_posix() for file in (path, *converted)}
    for file in (path, *converted, folder / "mono" / ".." / path.name):
        recalled = library.recipe_of(file)
        assert recalled is not None and recalled.prompt == made.prompt
    assert [library.recipe_of(file) for file in strangers] == [None, None]
    assert [clip.rating for clip in clips_in(library, Query(rating=Range(1, 5)))] == [3]


def test_a_clip_in_a_sub_folder_that_is_a_link_stays_in_the_library(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other disk").mkdir()
    (folder / "drums").symlink_to(tmp_path / "other disk")
    path = make_file(folder / "drums" / "kick.wav", recipe_of("kick"))
    library.delivered(job_of(1, "kick"), [TakeFile(1, path.as_posix(), 2.0, 96_000, 48_000, 1, 1, 0.0)])
    library._scanned()
    with contextlib.closing(database.connect(library.file)) as connection:
        Follower(folder).scan(connection)
    assert [clip.path for clip in clips_in(library, Query("kick"))] == [
        (tmp_path / "other disk" / "kick.wav").as_posix()
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text_and_hostile_files_do_no_harm(connection: sqlite3.Connection, folder: Path) -> None:
    good = make_file(folder / "a.wav", recipe_of())
    (folder / "\udcff\udcfe.wav").write_bytes(good.read_bytes())
    (folder / "empty.wav").touch()
    (folder / "dir.wav").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere.wav").symlink_to(folder / "not there")
    make_file(folder / "bad.wav", recipe_of()).write_bytes(good.read_bytes().replace(b'"steps":20', b'"steps":-1'))
    assert (follower := Follower(folder)).scan(connection).added == 1 and follower.scan(connection).added == 0


def test_a_library_that_was_deleted_is_made_again_from_the_recipes_in_the_files(file: Path, folder: Path) -> None:
    for number in range(20):
        make_file(
            folder / f"{number}" / "x.wav", recipe_of(f"sound {number}", number, preset="drum", bpm=120.0, bars=1.0)
        )
    first = Library(file, folder)
    first.start()
    soon(lambda: len(clips_in(first, Query(limit=50))) == 20)
    before = {(c.path, c.prompt, c.seed, c.preset, c.bpm, c.model) for c in clips_in(first, Query(limit=50))}
    first.close()
    shutil.rmtree(file.parent)
    again = Library(file, folder)
    again.start()
    soon(lambda: len(clips_in(again, Query(limit=50))) == 20)
    assert {(c.path, c.prompt, c.seed, c.preset, c.bpm, c.model) for c in clips_in(again, Query(limit=50))} == before
    again.close()


# ---- the database ----


def test_a_damaged_library_is_put_aside_and_a_new_one_begun(
    file: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_file(folder / "a.wav", recipe_of())
    with contextlib.closing(database.connect(file)) as connection:
        fill(connection, 300)
    whole = file.read_bytes()
    for damaged in (b"no database " * 1_000, whole[:8_192] + bytes(4_096 * 8) + whole[8_192 + 4_096 * 8 :]):
        file.write_bytes(damaged)
        library = Library(file, folder)
        library.start()
        assert soon(functools.partial(clips_in, library, Query()))
        assert [clip.prompt for clip in clips_in(library, Query())] == ["rain on tin"]
        library.close()
        assert "damaged" in caplog.text
    asides = [path for path in file.parent.iterdir() if ".damaged-" in path.name and path.suffix == ".db"]
    assert sorted(path.read_bytes()[:11] for path in asides) == [b"SQLite form", b"no database"]


def test_a_newer_library_is_refused_with_a_sentence_left_as_it_is_and_asks_go_on(
    file: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(database.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    library = Library(file, folder)
    library.start()
    assert "newer Clipbridge" in caplog.text
    library.accepted(job := job_of(1))
    library.ended(job)
    with pytest.raises(LibraryError, match="newer Clipbridge"):
        clips_in(library, Query())
    library.close()
    assert file.read_bytes() == before


def test_two_processes_read_while_a_third_writes(file: Path, connection: sqlite3.Connection) -> None:
    read = """
import sys
from pathlib import Path
from bridge.library import database, search
print("here", flush=True)
count = 0
while count < 600:
    with database.opened(Path(sys.argv[1])) as connection:
        now = len(search.find(connection, search.Query("metal", limit=10_000)))
    assert now >= count, (now, count)
    count = now
"""
    readers = [python(read, file) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None and reader.stdout.readline() == "here\n"
    for number in range(600):
        clips.add(connection, File(f"/{number}.wav", number, 0, b""), Path("/"), recipe_of(f"metal {number}"), "{}")
        if number % 100 == 0:
            database.checkpoint(connection)
    for reader in readers:
        assert reader.communicate(timeout=60)[1] == "" and reader.returncode == 0


# ---- accepted jobs ----


def test_kill_9_loses_no_accepted_job(file: Path, folder: Path) -> None:
    record = """
import sys
from pathlib import Path
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.job import Job
from bridge.library.library import Library
library = Library(Path(sys.argv[1]), Path(sys.argv[2]))
library.start()
for serial in range(1, 1_000_000):
    job = Job(serial, "x", "127.0.0.1", Ask("x", seconds=2.0), Prompt("x", "x", 2.0, serial))
    library.accepted(job)
    print(serial, flush=True)
    if serial % 3 == 0:
        library.ended(job)
"""
    chance = random.Random(9)
    acknowledged = 0
    for _ in range(3):
        child = python(record, file, folder)
        assert child.stdout is not None
        for _ in range(chance.randint(20, 400)):
            last = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        last = max([last, *(int(line) for line in child.communicate()[0].split())])
        with database.opened(file) as connection:
            left = records.interrupted(connection)
            serials = {job.ask["seed"] for job in left}
            for job in left:
                records.end(connection, job.key)
        assert {serial for serial in range(1, last + 1) if serial % 3} <= serials
        acknowledged += last
    assert acknowledged > 60


def test_a_busy_database_delays_no_ask(library: Library, file: Path) -> None:
    with contextlib.closing(database.connect(file)) as other:
        library._writer.settle(5.0)
        other.execute("BEGIN IMMEDIATE")
        library.accepted(job_of(1_000))  # returns although another connection holds the lock
        other.execute("COMMIT")
        soon(lambda: other.execute("SELECT ask FROM jobs").fetchall())
        assert json.loads(other.execute("SELECT ask FROM jobs").fetchone()[0])["ask"]["seed"] == 1_000


def test_a_clip_that_was_complete_when_the_daemon_was_killed_is_not_made_again(file: Path, folder: Path) -> None:
    killed = Library(file, folder)
    killed.session = DEAD
    killed._records = database.connect(file)
    killed.accepted(job_of(1, "rain on tin"))
    killed.accepted(job_of(2, "glass bell"))
    killed._records.close()
    make_file(folder / "a.wav", recipe_of("rain on tin", 1))
    make_file(folder / "b.wav", recipe_of("glass bell", 7))  # another seed: another job's
    library = Library(file, folder)
    library.start()
    assert [job.text for job in library.interrupted()] == ["glass bell"]
    (claimed,) = library.claim()
    assert library.claim() == library.interrupted() == []  # claimed once
    library.release([claimed])
    assert [job.text for job in library.interrupted()] == ["glass bell"]
    library.close()


def test_what_is_asked_again_is_what_was_asked_with_the_seed_and_tempo_of_then(connection: sqlite3.Connection) -> None:
    original = Ask(
        "808", bars=2.0, preset="loop", takes=3, deadline_s=2.0, sink="both", then="/x s:{path}", then_port=57110
    )
    prompt = recipe_of("808", 77, bars=2.0, bpm=123.0).prompt
    records.accept(connection, records.row_of(Job(1, 7.5, "127.0.0.1", original, prompt), DEAD, 1.0))
    (job,) = records.interrupted(connection)
    again = Ask(
        "808", bars=2.0, bpm=123.0, preset="loop", takes=3, sink="both", then="/x s:{path}", then_port=57110, seed=77
    )
    assert job.id == 7.5 and ask_of(job) == again and not job.seed_drawn
    records.accept(connection, records.row_of(Job(2, 8, "127.0.0.1", original, prompt, seed_drawn=True), DEAD, 2.0))
    assert [job.seed_drawn for job in records.interrupted(connection)] == [False, True]


def test_a_record_that_somebody_tampered_with_is_refused_or_left_out(connection: sqlite3.Connection) -> None:
    request = {"text": "x", "seed": 1, "steps": 10**9}
    facts = {"id": 1, "full_text": "x", "seconds": 1.0, "takes": 1, "ask": request}
    for number, text in enumerate((json.dumps(facts), "", "[]", "{}", "[" * 100_000, '{"ask": {"text": 1}}')):
        connection.execute("INSERT INTO jobs VALUES (?, ?, 1, ?)", (str(number), DEAD, text))
    (job,) = records.interrupted(connection)
    with pytest.raises(BadArgument, match="steps"):
        ask_of(job)


# ---- the core ----


def test_the_bridge_records_jobs_before_it_says_so_and_ends_them_after_their_clips(tmp_path: Path, file: Path) -> None:
    def rows() -> list[str]:
        with database.opened(file) as connection:
            return [row[0] for row in connection.execute("SELECT key FROM jobs ORDER BY key")]

    seen: list[int] = []

    class Watcher(Recorder):
        def on_event(self, event: Event) -> None:
            if isinstance(event, JobEvent) and event.kind == "queued":
                seen.append(len(rows()))

    async def story(core: Core, recorder: Recorder) -> None:
        recorded.start()
        core.listeners.append(Watcher())
        jobs = [ask(core, "rain on tin", takes=2), ask(core), ask(core)]
        core.cancel("127.0.0.1", jobs[2].id)
        with_no_file = core.generate(Ask("heard", seconds=0.2, sink=PAD_SINK), "pad")[0]
        await until(lambda: all(job.state.ended for job in [*jobs, with_no_file]))
        recorded.close()

    (tmp_path / "clips").mkdir()
    recorded = Library(file, tmp_path / "clips")
    play(tmp_path, "well", story, library=recorded)
    assert seen == [1, 2, 3] and rows() == []
    with database.opened(file) as connection:
        assert sorted(clip.prompt for clip in found(connection)) == ["rain on tin", "rain on tin", "x"]
        keys = connection.execute("SELECT job FROM clips").fetchall()
        assert all(key for (key,) in keys) and len(set(keys)) == 2


def test_resumed_jobs_that_find_no_place_stay_interrupted_and_refused_ones_are_reported(
    file: Path, library: Library
) -> None:
    with contextlib.closing(database.connect(file)) as connection:
        for serial, more in enumerate(({}, {"preset": "gone"}, {}, {}), 1):
            records.accept(connection, records.row_of(job_of(serial, f"sound {serial}", **more), DEAD, float(serial)))
    replies: list[tuple[Any, ...]] = []
    generated: list[Ask] = []

    class NoSocket(Osc):
        def send(self, target: Any, address: str, *values: Any) -> None:
            replies.append((address, *values))

        def off_loop(self, read: Any, answer: Any, target: Any, address: str, refuse: Any = None) -> None:
            answer(read())

    class Almost:
        """A core that takes one job, and knows no source."""

        sources = SimpleNamespace(find=lambda ask, owner, is_local, answer, *_: answer(ask))

        def generate(self, ask: Ask, *_: Any, seed_drawn: bool) -> None:
            if ask.preset:
                raise BadArgument("There is no preset 'gone'.")
            if len(generated) == 1:
                raise QueueFull("64 jobs are waiting.")
            generated.append(ask)

    osc = NoSocket(Almost())  # type: ignore[arg-type]
    osc.core.library = library

    async def ask_again() -> None:
        resume(osc, Request("/bridge/resume", [], ("127.0.0.1", 1)))
        while not replies or replies[-1][0] != "/bridge/resumed":
            await asyncio.sleep(0)

    asyncio.run(ask_again())
    assert [ask.text for ask in generated] == ["sound 1"] and generated[0].seed == 1
    assert (
        replies[0][0] == "/bridge/failed"
        and replies[0][2] == "bad_argument"
        and replies[1] == ("/bridge/resumed", 1, 2)
    )
    assert [job.text for job in library.interrupted()] == ["sound 3", "sound 4"]


# ---- through the doors ----


def test_a_clip_that_is_done_is_found_rated_and_a_favourite_over_osc_and_on_the_command_line(
    daemon: Daemon, client: Client
) -> None:
    client.send("/bridge/generate", "quince metal", 0.5, "steps", 2, "seed", 11)
    path = client.until("/bridge/done")[1][1]
    assert client.ask("/bridge/find", "quin", "seconds_to", 0.5) == ("/bridge/found", [1, "total", 1])
    address, (clip_path, *facts) = client.receive()
    assert (address, clip_path) == ("/bridge/clip", path)
    named = client.ask("/bridge/find", "quince", "preset", "", "id", "page 1")
    assert named == ("/bridge/found", [1, "total", 1, "id", "page 1"])
    assert client.receive() == ("/bridge/clip", [path, *facts, "id", "page 1"])
    assert client.ask("/bridge/find", "quince", "preset", "drum") == ("/bridge/found", [0, "total", 0])
    known = pairs(facts, 0)
    added_at = datetime.fromisoformat(known.pop("added_at"))
    assert abs(added_at.timestamp() - time.time()) < 60
    assert known == {
        "prompt": "quince metal", "seconds": 0.5, "bpm": 0.0, "note": "", "seed": 11, "rating": 0, "favourite": 0,
        "take": 1, "bars": 0.0, "key": "", "loop": 0, "preset": "", "model": known["model"], "clip": known["clip"],
    }  # fmt: skip
    assert pairs(client.ask("/bridge/rate", path, 4)[1], 1)["rating"] == 4
    assert pairs(client.ask("/bridge/favourite", path)[1], 1)["favourite"] == 1
    assert client.ask("/bridge/find", "quince", "rating_from", 5) == ("/bridge/found", [0, "total", 0])
    values: list[Any]
    for address, *values in (("/bridge/rate", "/no/where.wav", 3), ("/bridge/favourite", "x")):
        assert client.ask(address, *values)[1][:2] == [address, "unknown_clip"]
    for address, *values in (
        ("/bridge/rate", path, 6),
        ("/bridge/rate", path),
        ("/bridge/find",),
        ("/bridge/favourite", 1),
    ):
        assert client.ask(address, *values)[1][:2] == [address, "bad_argument"]
    run = called(daemon.home, "find", "quince", "--favourite", "--rating", "3..5", "--seconds", "0.5")
    assert (run.returncode, run.stdout) == (0, f"{path}\n"), run.stderr
    Path(path).rename(renamed := Path(path).with_name("renamed.wav"))

    def paths() -> list[str]:
        return [clip["path"] for clip in json.loads(called(daemon.home, "find", "quince", "--json").stdout)]

    soon(lambda: paths() == [renamed.as_posix()])
    run = called(daemon.home, "find", "quince", "--bpm", "90..100")
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "clipbridge: no clip found.\n")


def test_a_clip_is_rated_and_recalled_over_osc_by_any_of_its_paths_even_without_its_recipe(
    client: Client, tmp_path: Path
) -> None:
    client.send("/bridge/generate", "medlar 雨の音 🔥", 0.5, "steps", 2, "seed", 12)
    path = Path(client.until("/bridge/done")[1][1])
    assert path.name.startswith("medlar-yuno-yin-fire_s12_")
    assert (
        client.ask("/bridge/find", "音 🔥") == ("/bridge/found", [1, "total", 1])
        and client.receive()[0] == "/bridge/clip"
    )
    (tmp_path / "link").symlink_to(path.parent)
    spellings = [path, tmp_path / "link" / path.name, path.parent / ".." / path.parent.name / path.name]
    for rating, spelling in enumerate(spellings, 1):
        address, facts = client.ask("/bridge/rate", str(spelling), rating)
        assert (address, facts[0], pairs(facts, 1)["rating"]) == ("/bridge/clip", path.as_posix(), rating)
    samples = path.read_bytes()
    with wave.open(str(path), "wb") as out:  # as an editor saves it
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        out.writeframes(bytes(5_000))
    shutil.copy(path, mono := path.with_name(f"{path.stem}-mono.wav"))
    for spelling in (*spellings, mono, tmp_path / "link" / mono.name):
        client.send("/bridge/recall", str(spelling))
        address, done = client.until("/bridge/done", "/bridge/error", "/bridge/failed")
        assert address == "/bridge/done", done
        assert Path(done[1]).read_bytes() == samples
    client.send("/bridge/recall", str(mono.with_name("gone_s12_0000.wav")))
    assert client.until("/bridge/done", "/bridge/error", "/bridge/failed")[0] != "/bridge/done"


def test_find_and_import_need_no_daemon(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert called(home, "find", "rain").returncode == 1
    make_file(tmp_path / "old" / "drums" / "a.wav", recipe_of())
    run = called(home, "import", str(tmp_path / "old"))
    assert (run.returncode, run.stdout) == (0, f"1 clip in {tmp_path / 'old'}: 1 new, 0 moved, 0 gone\n"), run.stderr
    assert called(home, "find", "rain", "dru").stdout == f"{tmp_path / 'old' / 'drums' / 'a.wav'}\n"
    for arguments in (
        ("import", "nowhere"),
        ("find", "--bpm", "x"),
        ("find", "--note", "h9"),
        ("find", "--limit", "0"),
    ):
        run = called(home, *arguments)
        assert run.returncode == 2 and run.stderr.startswith("clipbridge: ") and len(run.stderr.splitlines()) == 1


@pytest.mark.daemon
def test_jobs_of_a_daemon_that_is_killed_are_listed_and_resumed_with_one_command(tmp_path: Path) -> None:
    own = tmp_path / "home"  # with a library of its own
    first = Daemon(tmp_path / "clips", own, "--model", "untrained", wait=False)
    client = first.client()
    seeds = {}
    for text in ("rain on tin", "glass bell"):
        client.send("/bridge/generate", text, 0.5, "steps", 2, "id", text)
        seeds[text] = pairs(client.until("/bridge/queued")[1], 3)["seed"]
    parts = psutil.Process(first.process.pid).children(recursive=True)
    for process in (first.process, *parts):
        process.kill()
    first.stop()
    second = Daemon(tmp_path / "clips", own, run=STAND_IN)
    try:
        client, port = second.client(), str(second.port)
        assert client.ask("/bridge/interrupted") == ("/bridge/interrupted/count", [2])
        jobs = [client.receive()[1] for _ in range(2)]
        assert jobs == [[text, text, 0.5, "seed", seed] for text, seed in seeds.items()]
        run = called(own, "resume", "--list", "--osc-port", port)
        assert run.stdout.splitlines() == [f"{text}  0.5 s  seed {seed}" for text, seed in seeds.items()], run.stderr
        client.send("/bridge/resume")
        assert client.until("/bridge/resumed")[1] == [2, 0]
        seeds_made = {pairs(client.until("/bridge/done")[1], 3)["seed"] for _ in range(2)}
        assert seeds_made == set(seeds.values())
        run = called(own, "resume", "--osc-port", port)
        assert (run.returncode, run.stdout) == (0, "Nothing was interrupted.\n"), run.stderr
        assert len(list((tmp_path / "clips").glob("*.wav"))) == 2
    finally:
        second.stop()
