from __future__ import annotations

import errno
import io
import json
import os
import random
import re
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wavinfo

from bridge.checkpoints.audioldm2 import USUAL
from bridge.domain.ask import Shape
from bridge.domain.clip import Prompt
from bridge.errors import FolderError
from bridge.files import clip_file
from bridge.files.folder import DOT_FOLDER, FolderSink
from bridge.files.names import clip_names, slug
from bridge.system import portable
from tests.files.test_clip_file import MODEL
from tests.harness import need, skip_or_fail, small_disk


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(portable, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


CALLS = ((os, "stat"), (os, "mkdir"), (io, "open"), (os, "fsync"), (os, "replace"), (os, "unlink"))


def clip(seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(np.arange(round(seconds * 48_000)) / 20)).astype(np.float32)[:, None]


def deliver(sink: FolderSink, text: str = "rain on tin", sub_folder: str = "", seconds: float = 0.5) -> Path:
    samples = clip(seconds)
    data = clip_file.encode(samples, 48_000, USUAL.settled(Prompt(text, text, seconds, 7)), MODEL, 1)
    return sink.deliver(
        data, lambda file: clip_file.check(file, len(samples)), sub_folder, clip_names(Prompt(text, text, 1.0, 7), 7)
    )


def visible(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def staged(*roots: Path) -> list[Path]:
    return [p for root in roots for p in root.rglob("*.wav")]


# ---- names ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rain on tin!", "rain-on-tin"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\Windows\\con.wav", "c-windows-con-wav"),
        ("CON", "con"),
        ("é è ü ñ", "e-e-u-n"),
        ("雨の音", "yuno-yin"),
        ('<>:"/\\|?*', ""),
        ("a\u202eb\x07c", "ab-c"),
        ("---", ""),
        ("x" * 500, "x" * 60),
        ("word " * 50, "word-" * 11 + "word"),
        ("дождь на крыше", "dozhd-na-kryshe"),
        ("مطر على السطح", "mtr-la-lsth"),
        ("빗소리", "bis-so-li"),
        ("κύμα, ØRE", "kyma-ore"),
        ("🌧️🔔", "cloud-rain-bell"),
        ("e\u0301te\u0301 de\u0301ja\u0300", "ete-deja"),
        ("dub 126.85 BPM", "dub-127bpm"),
        ("9" * 400 + " bpm", "9" * 60),
    ],
)
def test_a_slug_is_plain_ascii_whatever_the_prompt(text: str, expected: str) -> None:
    assert slug(text) == expected


READERS = (  # rules by which hosts read a tempo from a name
    r".*(?:^|[-_. ])(\d+)[-_. ]?bpm(?:[-_. ].*)?",  # Audacity: whole numbers
    r".*?(\d{2,3})[-_ ]?bpm.*",  # digits anywhere, the first
    r".*?(\d+(?:\.\d+)?)[-_ ]?bpm.*",  # the first number, with its fraction
)


@pytest.mark.parametrize("text", ["kick", "kick 85.5 bpm", "140bpm kick", "9-bpm kick", "85 BPM 86bpm"])
@pytest.mark.parametrize(("bpm", "expected"), [(126.85, 127), (120.0, 120), (97.3, 97), (126.5, 127), (33.333, 33)])
def test_every_host_reads_the_tempo_of_the_clip_from_its_name(bpm: float, expected: int, text: str) -> None:
    for bars, note, how in ((1.0, "", "flac"), (0.25, "c#4", "wav"), (4.0, "", "aiff")):
        prompt = Prompt(text, text, 1.0, 7, bars=bars, bpm=bpm, note=note, shape=Shape(format=how, bits=24))
        name = next(clip_names(prompt, 85))
        for reader in READERS:
            match = re.fullmatch(reader, name, re.IGNORECASE)
            assert match and float(match[1]) == expected, (reader, name)


def test_what_is_unmet_is_not_in_the_name() -> None:
    prompt = Prompt("loop 140 bpm", "loop", 1.0, 7, bars=1.0, bpm=120.0, note="c2")
    assert re.fullmatch(r"loop_c2_120bpm_1bar_s7_....\.wav", next(clip_names(prompt, 7)))
    assert re.fullmatch(r"loop_c2_s7_....\.wav", next(clip_names(prompt.lacking(["tempo"]), 7)))
    assert re.fullmatch(r"loop_s7_....\.wav", next(clip_names(prompt.lacking(["note", "tempo"]), 7)))
    keyed = Prompt("riff", "riff", 1.0, 7, key="f#m").lacking(["key"])
    assert re.fullmatch(r"riff_s7_....\.wav", next(clip_names(keyed, 7)))


@pytest.mark.parametrize("text", ["雨の音", "дождь", "مطر", "🔥", "빗소리", "ฝนตก", "בית", "हिन्दी"])
def test_prompts_in_other_scripts_have_names_and_bext_descriptions_of_their_own(text: str) -> None:
    name = next(clip_names(Prompt(text, text, 1.0, 7), 7))
    assert name.isascii() and re.fullmatch(r"[a-z-]{2,}_s7_[0-9a-f]{4}\.wav", name) and not name.startswith("clip")
    data = clip_file.encode(clip(0.5), 48_000, USUAL.settled(Prompt(text, text, 0.5, 7)), MODEL, 1)
    described = data[data.index(b"bext") + 8 :][:256].rstrip(b"\0").decode("ascii")
    assert slug(described) == slug(text)


@pytest.mark.parametrize("text", ["CON", "nul", "", "x" * 4_000, "...", "com1", "雨"])
def test_a_name_is_legal_everywhere_and_at_most_120_bytes(text: str) -> None:
    name = next(clip_names(Prompt(text, text, 1.0, 7), 2**31 - 1))
    assert len(name.encode()) <= 120 and name.endswith(".wav") and not name.startswith((".", "-", " "))
    assert name.split(".")[0].lower() not in {"con", "nul", "prn", "aux", "com1"}


FORBIDDEN = set('<>:"/\\|?*')
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")}


def test_10_000_hostile_prompts_make_names_that_windows_macos_and_linux_accept() -> None:
    rng = random.Random(4)
    awkward = [
        *DEVICES,
        "..",
        ".",
        "~",
        "$HOME",
        "%TEMP%",
        "CON.wav",
        "a" * 300,
        "\u202e",
        "\u200d",
        "ﬀ",
        "İ",
        "ß",
        "\0",
        "\n",
        "  ",
        "-rf",
    ]
    letters = [chr(code) for code in (*range(0x250), *range(0x2000, 0x2070), *range(0x4E00, 0x4E20), 0x1F600, 0xFEFF)]
    for number in range(10_000):
        text = "".join(rng.choices(awkward if number % 2 else letters, k=rng.randrange(1, 12)))
        how = Shape(format=rng.choice(("wav", "flac", "aiff")))
        note, bars = rng.choice(("", "c#4", "g-1")), rng.choice((0.0, 4.0, 0.0625))
        prompt = Prompt(text, text, 1.0, 7, shape=how, note=note, bars=bars, bpm=123.456 if bars else 0.0)
        name = next(clip_names(prompt, rng.randrange(2**31)))
        assert len(name.encode()) <= 120 and name.isascii() and name.isprintable() and not FORBIDDEN & set(name), name
        assert name[0] not in ".-~ $%" and name[-1] not in ". " and name.split(".")[0].casefold() not in DEVICES, name
        assert name == unicodedata.normalize("NFC", name) == unicodedata.normalize("NFD", name)
        assert name.endswith(f".{how.format}")


# ---- complete or not at all ----


def test_a_thousand_clips_of_one_prompt_at_once_are_a_thousand_files(tmp_path: Path) -> None:
    data = clip_file.encode(clip(0.1), 48_000, Prompt("x", "x", 0.1, 7), MODEL, 1)
    paths: list[Path] = []

    def work() -> None:
        sink = FolderSink(tmp_path / "clips")
        for _ in range(250):
            names = clip_names(Prompt("x", "x", 0.1, 7), 7)
            paths.append(sink.deliver(data, lambda file: None, "", names))
        sink.close()

    (tmp_path / "clips").mkdir()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == len(visible(tmp_path / "clips")) == 1_000
    assert {path.read_bytes() for path in paths} == {data}


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only")])
def test_a_disk_that_fails_at_any_call_leaves_a_complete_clip_or_none_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    left, failed = [0], [False]

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                failed[0] = True
                raise OSError(number, os.strerror(number))
            return real(*args, **kwargs)

        return call

    real = {(place, name): getattr(place, name) for place, name in CALLS}
    for call in range(1, 100):
        before = set(visible(tmp_path / "clips"))
        left[0], failed[0] = call, False
        for (place, name), function in real.items():
            monkeypatch.setattr(place, name, failing(function))
        try:
            path = deliver(sink)
        except FolderError as error:
            path = None
            assert words in str(error), call
        for (place, name), function in real.items():
            monkeypatch.setattr(place, name, function)
        new = set(visible(tmp_path / "clips")) - before
        assert new == ({path} if path else set()), call
        assert all(soundfile.info(file).frames == 24_000 for file in new)
        if not failed[0]:
            break
    assert call > len(CALLS) and not failed[0]  # every call failed once, then none
    sink.close()
    assert staged(tmp_path / "cache") == []


def test_a_clip_is_read_by_libsndfile_and_soxi_alike(tmp_path: Path) -> None:
    path = deliver(FolderSink(tmp_path))
    info = soundfile.info(path)
    assert (info.frames, info.samplerate, info.subtype, info.channels) == (24_000, 48_000, "PCM_24", 1)
    output = subprocess.run([need("soxi"), path], capture_output=True, text=True, check=True).stdout
    assert "24000 samples" in output and "24-bit" in output


def test_the_recipe_is_in_the_file_and_long_or_foreign_prompts_survive(tmp_path: Path) -> None:
    for text in ("rain on tin", "雨の音 🌧️ “quoted”", "word " * 700):
        path = deliver(FolderSink(tmp_path), text)
        chunks = dict(_info_chunks(path.read_bytes()))
        title = chunks[b"INAM"].rstrip(b"\0").decode()
        assert text.startswith(title) and (title == text or len(title) > 1_990)
        recipe = json.loads(chunks[b"ICMT"].rstrip(b"\0"))
        assert (
            recipe["text"] == text and recipe["seed"] == 7 and recipe["model"] == "test" and recipe["revision"] == "r1"
        )
        assert recipe["scheduler_settings"] == {"solver_order": "2"} and recipe["steps"] == 20
        read = wavinfo.WavInfoReader(str(path))
        assert json.loads(read.info.comment)["text"] == text
    short = deliver(FolderSink(tmp_path), "rain on tin")
    with soundfile.SoundFile(short) as file:
        assert file.title == "rain on tin" and json.loads(file.comment)["seed"] == 7


def _info_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert data[:4] == b"RIFF" and struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    place = data.index(b"LIST")
    end = place + 8 + struct.unpack_from("<I", data, place + 4)[0]
    place += 12
    while place < end:
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "taken.wav").write_bytes(b"mine")
    data = clip_file.encode(clip(), 48_000, Prompt("x", "x", 0.5, 7), MODEL, 1)
    path = FolderSink(tmp_path).deliver(data, lambda file: None, "", iter(["taken.wav", "free.wav"]))
    assert path.name == "free.wav" and (tmp_path / "taken.wav").read_bytes() == b"mine"


def test_a_file_that_does_not_read_back_never_becomes_visible(tmp_path: Path, cache: Path) -> None:
    data = clip_file.encode(clip(), 48_000, Prompt("x", "x", 0.5, 7), MODEL, 1)
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    for damaged in (data[:2_000], b"", b"RIFF" + data[4:100]):
        with pytest.raises(FolderError):
            sink.deliver(
                damaged, lambda file: clip_file.check(file, 24_000), "", clip_names(Prompt("x", "x", 1.0, 7), 7)
            )
    assert visible(tmp_path / "clips") == [] and staged(cache) == []


def test_staging_is_outside_the_watched_folder_when_it_is_on_the_same_volume(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    seen: list[Path] = []
    names = clip_names(Prompt("x", "x", 1.0, 1), 1)
    sink.deliver(clip_file.encode(clip(), 48_000, Prompt("x", "x", 0.5, 1), MODEL, 1), seen.append, "", names)
    assert tmp_path / "clips" not in seen[0].parents
    assert len(visible(tmp_path / "clips")) == 1
    sink.close()


def test_staging_moves_into_a_dot_folder_if_renaming_across_folders_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def replace(source: Path, target: Path) -> None:  # as on a bind mount of the same volume
        if DOT_FOLDER not in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    path = deliver(sink)
    assert visible(tmp_path / "clips") == [path]
    assert not (tmp_path / "clips" / DOT_FOLDER).exists()


def test_a_reader_that_opens_every_visible_file_at_once_never_sees_a_partial_one(tmp_path: Path) -> None:
    folder, done = tmp_path / "clips", threading.Event()
    wrong: list[tuple[str, object]] = []
    read: set[str] = set()
    sink = FolderSink(folder)
    sink.open()

    def reader() -> None:
        while not done.is_set():
            for entry in os.scandir(folder):
                if entry.path in read or not entry.name.endswith(".wav"):
                    continue
                try:
                    samples, _rate = soundfile.read(entry.path)
                    if len(samples) != 5 * 48_000:
                        wrong.append((entry.name, len(samples)))
                except Exception as error:  # noqa: BLE001 - any failure to read is what we look for
                    wrong.append((entry.name, error))
                read.add(entry.path)

    thread = threading.Thread(target=reader, daemon=True)
    thread.start()
    for _ in range(40):
        deliver(sink, seconds=5.0)
    deadline = time.monotonic() + 30
    while len(read) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    done.set()
    thread.join()
    assert wrong == [] and len(read) == 40


def test_a_sub_folder_that_links_to_another_disk_is_written(tmp_path: Path) -> None:
    other = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    if other is None or os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        skip_or_fail("there is no second volume")
    with tempfile.TemporaryDirectory(dir=other) as elsewhere:
        sink = FolderSink(tmp_path / "clips")
        sink.open()
        (tmp_path / "clips" / "drums").symlink_to(elsewhere)
        path = deliver(sink, sub_folder="drums")
        assert soundfile.info(path).frames == 24_000 and os.listdir(elsewhere) == [path.name]


def test_a_volume_that_cannot_sync_folders_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:  # as on CIFS and some FUSE volumes
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert deliver(FolderSink(tmp_path)).is_file()


def test_without_a_usable_cache_folder_clips_are_staged_in_a_dot_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portable, "cache_folder", lambda: Path(os.devnull))
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    assert deliver(sink).is_file()
    sink.close()
    assert os.listdir(tmp_path / "clips") and DOT_FOLDER not in os.listdir(tmp_path / "clips")


def test_clips_have_one_path_whichever_link_to_the_folder_was_named(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for named in ("link", "real", "link/../link", "new"):
        sink = FolderSink(tmp_path / named)
        sink.open()
        assert deliver(sink).parent == (tmp_path / ("new" if named == "new" else "real")).resolve()
        sink.close()


def test_other_files_in_the_staging_folder_are_left_alone(tmp_path: Path, cache: Path) -> None:
    (cache / "staging" / "somebody's").mkdir(parents=True)
    (cache / "staging" / ".DS_Store").write_bytes(b"finder")
    (cache / "staging" / "somebody's" / "take.wav").write_bytes(b"mine")
    FolderSink(tmp_path / "clips").open()
    assert (cache / "staging" / "somebody's" / "take.wav").is_file() and (cache / "staging" / ".DS_Store").is_file()


# ---- faults of the disk ----


def test_a_folder_that_vanishes_fails_with_a_sentence_and_works_again_when_it_is_back(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "clips")
    sink.open()
    (tmp_path / "clips").rename(tmp_path / "unplugged")
    with pytest.raises(FolderError, match="gone"):
        deliver(sink)
    assert not (tmp_path / "clips").exists()  # never created again: it may be a mount point
    (tmp_path / "unplugged").rename(tmp_path / "clips")
    assert deliver(sink).is_file()


def test_a_full_or_read_only_disk_fails_with_a_sentence_leaves_nothing_and_recovers(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 30) as disk:
        sink = FolderSink(disk / "clips")
        sink.open()
        filler = disk / "filler"
        filler.write_bytes(b"\0" * (29 << 20))
        with pytest.raises(FolderError, match="full"):
            deliver(sink, seconds=10.0)
        assert [p for p in visible(disk / "clips") if p.suffix == ".wav"] == []
        with pytest.raises(FolderError, match="full"):
            FolderSink(disk / "clips").open()
        filler.unlink()
        assert deliver(sink, seconds=10.0).is_file()
        assert len([p for p in visible(disk / "clips") if p.suffix == ".wav"]) == 1
        sink.close()  # its lock is an open file, which keeps the disk from becoming read-only
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for attempt in (FolderSink(disk / "clips").open, lambda: deliver(sink)):
            with pytest.raises(FolderError, match="read-only"):
                attempt()
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert deliver(sink).is_file()
        sink.close()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
def test_a_folder_without_permission_fails_with_a_sentence(cache: Path) -> None:
    with tempfile.TemporaryDirectory() as place:  # not tmp_path: root's is closed to others
        os.chmod(place, 0o755)
        folder = Path(place) / "clips"
        folder.mkdir(mode=0o555)
        folder.chmod(0o555)
        as_root = os.geteuid() == 0
        if as_root:
            os.setresuid(65534, 65534, 0)  # root may write everywhere
        try:
            for sink in (FolderSink(folder), FolderSink(folder / "new")):
                with pytest.raises(FolderError, match="permission"):
                    sink.open()
        finally:
            if as_root:
                os.setresuid(0, 0, 0)


def test_a_folder_that_is_a_file_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("not a folder")
    with pytest.raises(FolderError):
        FolderSink(tmp_path / "clips").open()


# ---- remains of dead processes ----


def test_the_staging_area_of_a_killed_process_beside_a_clip_is_removed_too(tmp_path: Path) -> None:
    area = tmp_path / "clips" / "drums" / "kicks" / DOT_FOLDER / "0123"
    area.mkdir(parents=True)
    (area / "lock").touch()
    (area / "half.wav").write_bytes(b"RIFF")
    FolderSink(tmp_path / "clips").open()
    assert visible(tmp_path / "clips") == [] and not area.parent.exists()


def test_staging_of_a_dead_process_is_removed_and_that_of_a_living_one_is_kept(tmp_path: Path, cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bridge.system import portable; portable.cache_folder = lambda: Path(sys.argv[2])\n"
        "from bridge.files.folder import FolderSink\n"
        "sink = FolderSink(Path(sys.argv[1])); sink.open(); (sink._stage() / 'half.wav').write_bytes(b'RIFF')\n"
        "print('staged', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "clips", cache],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None and other.stdout.readline() == "staged\n"
    FolderSink(tmp_path / "clips").open()
    assert len(staged(cache)) == 1
    other.kill()
    other.communicate()
    FolderSink(tmp_path / "clips").open()
    assert staged(cache) == []
