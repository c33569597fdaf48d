"""The commands that list, mark and rate clips, and those that list the known sounds and the waiting jobs."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import cli
from bridge.checkpoints.find import STARTER_FOLDER
from bridge.checkpoints.sounds import known_sounds
from bridge.commands import find
from bridge.commands.clip_table import MAX_PROMPT_CELLS, cells, table
from bridge.domain.source import HOWS, Source
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.errors import NoModel
from bridge.library.clips import Clip
from tests.harness import Client, Daemon, clipbridge, free_port, pairs
from tests.library.test_library import make_file, recipe_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a library, and without a daemon."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path


@pytest.fixture
def clips(user: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder of 25 clips that the library knows."""
    folder = user / "clips"
    for number in range(25):
        more: dict[str, Any] = {"bpm": 120.0, "note": "c3"} if number == 7 else {}
        make_file(folder / "drums" / f"{number}.wav", recipe_of(f"kick {number}", number, **more))
    assert cli.main(["import", str(folder)]) == 0
    capsys.readouterr()
    return folder / "drums"


def clip(prompt: str, path: str = "/music/a.wav", **more: object) -> Clip:
    facts = {"seconds": 1.0, "bpm": 0.0, "note": "", "seed": 1, "preset": "", "tags": "", "model": "", "rating": 0}
    return Clip(**{"path": path, "prompt": prompt, **facts, "favourite": False, "added_at": 0.0, **more})  # type: ignore[arg-type]


def test_the_columns_of_the_table_line_up_whatever_the_script() -> None:
    prompts = ["kick", "雨の音", "🔥 crackle", "x" * 200, "雨" * 200, "e\u0301te\u0301", "a\x1b[2Jb\n"]
    lines = list(table([clip(prompt, f"/music/{n}.wav") for n, prompt in enumerate(prompts)]))
    assert lines[0] == "in /music:" and "\x1b" not in "".join(lines)
    places = {cells(line[: re.search(r"  (length|1 s)\b", line).start()]) for line in lines[1:]}  # type: ignore[union-attr]
    assert len(places) == 1 and places.pop() <= MAX_PROMPT_CELLS + 12


def test_the_table_shows_prompt_length_tempo_note_and_star() -> None:
    _, _, first, second = table(
        [
            clip("bell", seconds=2.25, bpm=126.85, note="c3", rating=4, favourite=True),
            clip("kick", "/music/drums/b.wav"),
        ]
    )
    assert first.split() == ["★4", "bell", "2.25", "s", "126.8", "BPM", "c3", "a.wav"]
    assert second.split() == ["kick", "1", "s", "drums/b.wav"]


def test_the_table_tells_a_clip_from_the_sound_that_it_was_made_from() -> None:
    source = Source("/samples/rain.wav", "", "vary", 1.0, 0.0, 1.0)
    made = [clip("rain", f"/music/{how}.wav", number=7, source=replace(source, how=how)) for how in HOWS]
    heading, *rows = list(table([clip("rain", number=12), *made]))[1:]
    assert heading.split() == ["clip", "prompt", "length", "tempo", "note", "made", "file"]
    assert rows[0].split() == ["12", "rain", "1", "s", "a.wav"]
    froms = ["varied from rain.wav", "continued from rain.wav", "filled from rain.wav"]
    assert [row.split("1 s")[1].rsplit(maxsplit=1)[0].strip() for row in rows[1:]] == froms
    assert "made" not in next(itertools.islice(table([clip("rain")]), 1, None)).split()


def test_find_shows_a_table_on_a_terminal_and_says_how_many_more_there_are(
    clips: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "is_terminal", lambda: True)
    assert cli.main(["find", "kick", "--limit", "3"]) == 0
    out, error = capsys.readouterr()
    assert out.splitlines()[0] == f"in {clips.as_posix()}:" and len(out.splitlines()) == 2 + 3
    assert error == "22 more: --limit 25 lists them too.\n"
    assert cli.main(["find", "--note", "c3"]) == 0
    out, error = capsys.readouterr()
    assert out.splitlines()[-1].split()[1:] == ["kick", "7", "2", "s", "120", "BPM", "c3", "7.wav"] and error == ""
    monkeypatch.undo()


def test_find_gives_programs_paths_or_json(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["find", "kick", "--limit", "3"])
    assert all(Path(line).is_file() for line in capsys.readouterr().out.splitlines())
    cli.main(["find", "kick", "--limit", "3", "--json"])
    out, error = capsys.readouterr()
    assert len(json.loads(out)) == 3 and error == ""


def test_clips_are_marked_and_rated_without_a_daemon(
    clips: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clips)
    assert cli.main(["favourite", "1.wav", str(clips / "2.wav")]) == 0
    assert capsys.readouterr().out.count("★") == 2
    assert cli.main(["rate", "1.wav", "4", "--json"]) == 0
    (changed,) = json.loads(capsys.readouterr().out)
    assert (changed["rating"], changed["favourite"]) == (4, True)
    assert cli.main(["favourite", "--off", "../drums/1.wav"]) == 0 and cli.main(["rate", "1.wav", "0"]) == 0
    capsys.readouterr()
    cli.main(["find", "--favourite"])
    assert capsys.readouterr().out == f"{(clips / '2.wav').as_posix()}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["rate", "1.wav", "6"], 2, "The rating must be 0 to 5, not 6"),
        (["rate", "1.wav", "good"], 2, "whole number"),
        (["rate", "nowhere.wav", "3"], 1, "There is no file"),
        (["favourite", "."], 1, "is a folder: name clips in it"),
        (["favourite", "unknown.wav"], 1, "clipbridge import FOLDER"),
    ],
)
def test_what_cannot_be_rated_is_explained(
    arguments: list[str],
    code: int,
    words: str,
    clips: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(clips)
    (clips / "unknown.wav").write_bytes(b"RIFF")
    assert cli.main(arguments) == code and words in capsys.readouterr().err


def test_every_name_of_a_sound_that_is_listed_is_heard_as_that_sound(
    user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary, sounds = Vocabulary.read(STARTER_FOLDER), known_sounds(STARTER_FOLDER)
    assert vocabulary is not None and sounds is not None
    listed = dict(json.loads((STARTER_FOLDER / "heard.json").read_text("utf-8"))["nouns"])
    for name, others in sounds.names.items():
        assert vocabulary.hear(name).noun == name
        assert {listed.pop(other) for other in [name, *others]} == {name.replace(" ", "_")}
    assert not listed and f"knows {len(sounds.names)} sounds" in (ROOT / "README.md").read_text("utf-8")
    assert cli.main(["sounds", "--osc-port", str(free_port())]) == 0
    out = capsys.readouterr().out
    assert "vinyl crackle" in out and "single sounds" in out
    assert cli.main(["sounds", "--json", "--osc-port", str(free_port())]) == 0
    assert json.loads(capsys.readouterr().out)["names"]["kick"] == sounds.names["kick"]
    assert cli.main(["sounds", "--model", "untrained"]) == 0
    assert "any text" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"nouns": {"a": "b"}, "words": 3, "octaves": {"x": [1]}}'])
def test_a_damaged_list_of_sounds_is_reported(text: str, tmp_path: Path) -> None:
    (tmp_path / "heard.json").write_text(text)
    with pytest.raises(NoModel, match="damaged"):
        known_sounds(tmp_path)


def test_the_queue_is_listed_in_order_and_cancelled(daemon: Daemon, client: Client) -> None:
    port = ("--osc-port", str(daemon.port))
    assert clipbridge(daemon.home, "queue", *port).stdout == "Nothing runs or waits.\n"
    for name, seconds in (("long", 20), ("second", 0.5), ("third", 0.5)):
        client.send("/bridge/generate", f"{name} kick", seconds, "steps", 250 if name == "long" else 2, "id", name)
        client.until("/bridge/queued", job=name)
    assert client.ask("/bridge/queue") == ("/bridge/queue/count", [3]) or client.until("/bridge/queue/count")[1] == [3]
    listed = [client.until("/bridge/queue/job")[1] for _ in range(3)]
    assert [values[:3] for values in listed] == [
        ["long", 0, "long kick"],
        ["second", 1, "second kick"],
        ["third", 2, "third kick"],
    ]
    assert all(pairs(values, 4)["yours"] == 1 and pairs(values, 4)["eta_seconds"] >= 0 for values in listed)
    run = clipbridge(daemon.home, "queue", "--json", *port)
    assert [job["prompt"] for job in json.loads(run.stdout)] == ["long kick", "second kick", "third kick"]
    run = clipbridge(daemon.home, "queue", "--cancel", "second", *port)
    assert (run.returncode, run.stdout) == (0, "Cancelled second.\n")
    client.until("/bridge/cancelled", job="second")
    lines = clipbridge(daemon.home, "queue", *port).stdout.splitlines()
    assert [line.split()[0] for line in lines if "in the last minute" not in line] == ["runs", "1.", "Cancel"]
    run = clipbridge(daemon.home, "queue", "--cancel", "second", *port)
    assert run.returncode == 1 and "clipbridge queue lists the jobs" in run.stderr
    assert clipbridge(daemon.home, "queue", "--cancel-all", *port).returncode == 0
    client.until("/bridge/cancelled", job="third")
    assert clipbridge(daemon.home, "queue", "--json", *port).stdout == "[]\n"
