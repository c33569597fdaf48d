"""`clipbridge render`: long lists, what is kept of an interrupted one, and lists that are none."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.domain.ask import Ask
from bridge.errors import BadArgument, FolderError
from bridge.frontends.inbox import batch as batches
from bridge.frontends.inbox.batch import JOURNAL, Batch, opened
from bridge.frontends.inbox.dropped import Result
from bridge.frontends.inbox.lists import Limits
from tests.cluster.boxes import Box
from tests.harness import START_S, environment

STAND_IN = [sys.executable, "-m", "tests.stand_in", "render"]


def begun(home: Path, file: Path, out: Path, *options: str, behaviour: str = "well") -> subprocess.Popen[str]:
    """`clipbridge render`, with the stand-in engine unless the options name another one."""
    return subprocess.Popen(
        [*STAND_IN, str(file), "--folder", str(out), *options],
        env={**environment(home), "STAND_IN_ENGINE": behaviour},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = run.communicate(timeout=START_S)
    return run.returncode, output, errors


def clips(out: Path) -> list[Path]:
    return sorted(out.glob("*.wav"))


def until_made(out: Path, count: int) -> None:
    end = time.monotonic() + START_S
    while len(clips(out)) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


# ---- whole runs ----


def test_a_list_becomes_clips_and_what_is_made_is_not_made_again(home: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "pack.txt", tmp_path / "out"
    file.write_text("\n".join([*(f"kick {n} seconds=0.2" for n in range(5)), "bell secnods=2", "kick seconds=99"]))
    code, output, errors = ended(begun(home, file, out))
    assert code == 1 and "5 of 7 made" in output and "2 not made; the same command asks for these again" in errors
    assert "line 6: There is no key 'secnods'" in errors and "line 7: " in errors and "at most 10 seconds" in errors
    first = clips(out)
    assert len(first) == 5
    report = (out / "pack.report.txt").read_text("utf-8")
    assert f"line 1: kick 0 seconds=0.2 -> {first[0].name}" in report and "line 6: bell secnods=2 -> not made" in report

    first[2].unlink()  # the user wants another one
    file.write_text("\n".join(["bell seconds=0.2", *(f"kick {n} seconds=0.2" for n in range(5))]))
    code, output, _ = ended(begun(home, file, out))
    assert code == 0 and "6 of 6 made" in output and "4 of them were there already" in output
    assert len(clips(out)) == 6 and {*first} - {first[2]} < {*clips(out)}

    before = time.monotonic()
    code, output, _ = ended(begun(home, file, out))  # without an engine
    assert code == 0 and "6 of them were there already" in output and time.monotonic() - before < 20


def test_a_killed_run_keeps_what_is_made_and_the_next_one_makes_the_rest(home: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "pack.toml", tmp_path / "out"
    file.write_text("seconds = 0.2\nsteps = 4\n" + "".join(f'[[clip]]\nprompt = "kick {n}"\n' for n in range(12)))
    for made in (3, 6):
        run = begun(home, file, out, behaviour="slow")
        until_made(out, made)
        run.kill()
        ended(run)
    kept = len(clips(out))
    assert kept < 12
    code, output, _ = ended(begun(home, file, out))
    # A clip that became visible in the very moment of a kill is made a second time.
    assert code == 0 and "12 of 12 made" in output and 12 <= len(clips(out)) <= 14


def test_ctrl_c_ends_with_what_is_made_and_the_same_command_goes_on(home: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "pack.txt", tmp_path / "out"
    file.write_text("\n".join(f"kick {n} seconds=0.2 steps=4" for n in range(12)))
    run = begun(home, file, out, behaviour="slow")
    until_made(out, 2)
    run.send_signal(signal.SIGINT)
    code, _, errors = ended(run)
    made = len(clips(out))
    assert code == 130 and f"stopped. {made} of 12 are made; the same command goes on" in errors and 2 <= made < 12
    code, output, _ = ended(begun(home, file, out))
    assert code == 0 and f"{made} of them were there already" in output and len(clips(out)) == 12


def test_a_box_makes_the_clips_over_all_slots(home: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "pack.txt", tmp_path / "out"
    file.write_text("\n".join(f"kick {n} seconds=0.2" for n in range(20)))
    box = Box(home)
    try:
        box.wait_ready()
        code, output, errors = ended(begun(home, file, out, "--engine", box.url, "--set", "engine.slots=3"))
        assert code == 0 and "20 of 20 made" in output and "Ready: fake on cpu" in errors and len(clips(out)) == 20
    finally:
        box.stop()


def test_an_engine_that_cannot_run_ends_it_with_its_sentence(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "pack.txt"
    file.write_text("kick")
    code, _, errors = ended(begun(home, file, tmp_path / "out", behaviour="unloadable"))
    assert code == 7 and "The checkpoint is broken." in errors


# ---- the list and the folder ----


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", b"", "has no prompts"),
        ("a.txt", b"kick\nbell\n\xff", "Line 3 is not UTF-8 text"),
        ("a.toml", b"[[clip]]\nprompt = 'x'\n[[clip]\n", "(at line 3, "),
        ("a.toml", b"prompt = 'x'", "has no [[clip]]"),
        ("a.toml", b"x = 1\n" + b"a." * 40 + b"b = 1", "Line 2 has more than 30 dots"),
        ("a.toml", b"[" * 100_000, "not valid TOML"),
        ("a.txt", b"kick\n" * 20_001, "It has 20,001 prompts, and a list may have 20,000: split it"),
        ("a.txt", b"x" * 10_000_001, "larger than 10,000 kB"),
        ("a.wav", b"RIFF", "A list is plain text (.txt) or .toml, not 'a.wav'"),
    ],
)
def test_a_file_that_is_no_list_gets_a_sentence(tmp_path: Path, name: str, text: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(BadArgument) as error, opened(tmp_path / name, tmp_path / "out"):
        pass
    assert words in str(error.value) and not (tmp_path / "out").exists()


def test_a_list_that_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    for name, words in (
        ("none.txt", "does not exist"),
        ("folder.txt", "is not a file"),
        ("nul\0.txt", "cannot be read"),
    ):
        with pytest.raises(BadArgument, match=words), opened(tmp_path / name, tmp_path / "out"):
            pass


def test_a_folder_is_for_one_run_at_a_time_and_may_not_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pack.txt"
    file.write_text("kick")
    with (
        opened(file, tmp_path / "out"),
        pytest.raises(FolderError, match="Another clipbridge render writes into"),
        opened(file, tmp_path / "out"),
    ):
        pass
    with opened(file, tmp_path / "out"):
        pass
    with pytest.raises(FolderError, match="is a file, not a folder"), opened(file, file):
        pass


def kept(batch: Batch, place: int) -> Path:
    """Make the clip of an entry."""
    clip = batch.folder / f"clip {place}.wav"
    clip.write_bytes(b"RIFF")
    batch.keep(place, Result(True, str(clip), "the best of 4"))
    return clip


def test_a_folder_that_is_moved_knows_its_clips(tmp_path: Path) -> None:
    file = tmp_path / "pack.txt"
    file.write_text("kick\nkick\nbell")
    with opened(file, tmp_path / "out") as batch:
        kept(batch, 0)
        kept(batch, 2)
        batch.keep(1, Result(False, "It was lost."))
        assert batch.made == 2 and batch.dropped.unfinished == []
        assert "line 3: bell -> clip 2.wav (the best of 4)" in batch.report().read_text("utf-8")
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    with opened(file, tmp_path / "elsewhere") as batch:
        assert batch.dropped.unfinished == [1] and batch.dropped.results[0] == (True, "clip 0.wav", "the best of 4")


def test_each_clip_adds_one_line_to_the_journal_and_a_line_that_was_cut_costs_only_itself(tmp_path: Path) -> None:
    file, out = tmp_path / "pack.txt", tmp_path / "out"
    file.write_text("\n".join(f"kick {number}" for number in range(1_000)))
    with opened(file, out) as batch:
        kept(batch, 0)
        sizes = [(out / JOURNAL).stat().st_size for place in range(1, 100) if kept(batch, place)]
    grown = [after - before for before, after in itertools.pairwise(sizes)]
    assert max(grown) < 150
    whole = (out / JOURNAL).read_bytes()
    (out / JOURNAL).write_bytes(whole[:-20])  # as a full disk or a power cut leaves it
    with opened(file, out) as batch:
        assert batch.made == 99 and batch.dropped.unfinished[0] == 99
        kept(batch, 99)
    with opened(file, out) as batch:
        assert batch.made == 100
    lines = [json.loads(line) for line in (out / JOURNAL).read_text().splitlines()]
    assert len(lines) == 1 and len(lines[0]["pack.txt"]) == 100


def test_a_long_list_keeps_the_places_of_its_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pack.txt"
    file.write_text("\n".join(f"kick {number} seed={number}" for number in range(10_000)))
    with opened(file, tmp_path / "out") as batch:
        assert len(batch.dropped.entries) == 10_000 and len({*batch.dropped.keys}) == 10_000
        assert batch.dropped.entries[9_999].what == Ask("kick 9999", seed=9_999, sink="folder")
    monkeypatch.setattr(batches, "OF_BATCH", Limits(9_999, 10_000_000))
    with pytest.raises(BadArgument, match="10,000 prompts"), opened(file, tmp_path / "out"):
        pass
