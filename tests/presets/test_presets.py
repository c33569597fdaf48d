from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from bridge.errors import BadArgument, ConfigError
from bridge.presets.files import Change, Presets, read, shipped_folder
from bridge.presets.watching import serve_presets
from tests.harness import Client, Daemon

SHIPPED = sorted(shipped_folder().glob("*.toml"))


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_at_least_ten_presets_ship_and_the_usual_ones_are_among_them() -> None:
    presets = Presets(shipped_folder())
    assert len(presets.all()) >= 10 and presets.faults == []
    assert {"drum", "note", "loop", "bass", "pad", "texture", "ambience", "foley", "impact", "riser", "glitch"} <= set(
        presets.all()
    )


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_each_shipped_preset_is_complete(file: Path) -> None:
    preset = read(file)
    assert preset.description and preset.example and "brass" in preset.words_around("brass")
    if (
        preset.strength or preset.more or preset.more_bars
    ):  # for a source, which says how long it is and where it belongs
        assert preset.description.endswith(("(vary)", "(continue)"))
        return
    assert preset.negative and preset.seconds and preset.effort in (1.0, 1.25) and preset.guidance
    assert preset.shape.folder


def test_a_users_preset_shadows_ours_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, "drum.toml", 'template = "my {prompt}"')
    assert Presets(shipped_folder(), tmp_path).get("drum").words_around("kick") == "my kick"
    assert "pad" in Presets(shipped_folder(), tmp_path).all()


def test_a_preset_that_changes_is_read_again(tmp_path: Path) -> None:
    file = write(tmp_path, "mine.toml", "seconds = 1.0")
    presets = Presets(tmp_path)
    assert presets.get("mine").seconds == 1.0
    file.write_text("seconds = 2.5 ", "utf-8")
    assert presets.get("Mine").seconds == 2.5
    file.unlink()
    with pytest.raises(BadArgument):
        presets.get("mine")


def test_only_the_prompt_is_put_into_a_template(tmp_path: Path) -> None:
    file = write(tmp_path, "braces.toml", 'template = "{prompt} and {0} {prompt.text} {{x}}"')
    assert read(file).words_around("{seconds} $HOME") == "{seconds} $HOME and {0} {prompt.text} {{x}}"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("seconds = ", 1, "Invalid value"),
        ('description = "x"\nsecnods = 4', 2, "did you mean seconds"),
        ('description = "x"\n\nseconds = "long"', 3, "seconds must be a number"),
        ("seconds = -1", 1, "0.1 to 150"),
        ("seconds = nan", 1, "must be a number"),
        ("seconds = " + "9" * 400, 1, "must be a number"),
        ("seconds = " + "9" * 5_000, 1, "digits"),
        ("steps = 2.5", 1, "whole"),
        ("steps = true", 1, "must be a whole number"),
        ("guidance = inf", 1, "must be a number"),
        ('template = "no place for it"', 1, "exactly once"),
        ('template = "{prompt} {prompt}"', 1, "exactly once"),
        ('folder = "../../etc"', 1, "sub-folder"),
        ('folder = "/etc"', 1, "sub-folder"),
        ('folder = "C:\\\\Windows"', 1, "sub-folder"),
        ('folder = "drums/con"', 1, "sub-folder"),
        ('folder = "a\\u202eb"', 1, "sub-folder"),
        ('negative = "bell\\u0007"', 1, "control characters"),
        ("[shape]\nfade = 1", 1, "unknown key 'shape'"),
        ("fade_in_ms = 20000", 1, "0 to 10000"),
    ],
)
def test_a_broken_preset_is_named_with_file_line_and_reason_and_the_others_work(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    file = write(tmp_path, "broken.toml", text)
    write(tmp_path, "fine.toml", "seconds = 1")
    presets = Presets(tmp_path)
    assert list(presets.all()) == ["fine"]
    (fault,) = presets.faults
    assert fault.startswith(str(file)) and reason in fault
    assert f":{line}:" in fault or f"line {line}" in fault
    with pytest.raises(BadArgument, match="broken"):
        presets.get("broken")


def test_other_files_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.toml").write_bytes(b"#" * 100_000)
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5_000 + "]" * 5_000)
    (tmp_path / "bad name.toml").write_text("seconds = 1")
    (tmp_path / "folder.toml").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")  # opening it would block for ever
    presets = Presets(tmp_path)
    assert presets.all() == {} and len(presets.faults) == 4


def test_a_users_broken_preset_is_not_silently_replaced_by_ours(tmp_path: Path) -> None:
    write(tmp_path, "drum.toml", "secnods = 2")
    write(tmp_path, "mydrum.toml", "secnods = 2")
    presets = Presets(shipped_folder(), tmp_path)
    with pytest.raises(BadArgument, match="/drum.toml:1"):
        presets.get("drum")
    with pytest.raises(BadArgument, match="there is|did you mean|There is"):
        presets.get("rum")


def test_a_preset_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbfseconds = 2\r\n")
    assert Presets(tmp_path).get("bom").seconds == 2


def test_an_unknown_preset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadArgument, match="did you mean texture"):
        Presets(shipped_folder()).get("textur")
    with pytest.raises(BadArgument, match="there are: ambience"):
        Presets(shipped_folder()).get("../../etc/passwd")


def test_reading_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "gone.toml")


# ---- live: edited while the daemon runs ----


def test_a_broken_edit_keeps_the_last_good_version_and_a_corrected_one_is_used(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    file = write(tmp_path, "mine.toml", "seconds = 1")
    assert presets.take(presets.look()) == [Change("mine", "ready", "")]
    file.write_text("seconds = 2\nsecnods = 3", "utf-8")
    ((name, state, why),) = presets.take(presets.look())
    assert (name, state) == ("mine", "broken") and why.startswith(f"{file}:2: unknown key 'secnods'")
    assert why.endswith("The version before it stays in use.")
    assert presets.get("mine").seconds == 1 and list(presets.all()) == ["mine"] and len(presets.faults) == 1
    assert presets.take(presets.look()) == []  # reported once
    file.write_text("seconds = ", "utf-8")
    ((name, state, why),) = presets.take(presets.look())
    assert state == "broken" and f"{file}:1:" in why and presets.get("mine").seconds == 1
    file.write_text("seconds = 1", "utf-8")  # as it was
    assert presets.take(presets.look()) == [Change("mine", "ready", "")] and presets.faults == []
    file.unlink()
    assert presets.take(presets.look()) == [Change("mine", "gone", "")]
    with pytest.raises(BadArgument, match="There is no preset 'mine'"):
        presets.get("mine")


def test_a_preset_that_was_never_good_is_refused_and_ours_of_that_name_is_back_when_it_is_gone(tmp_path: Path) -> None:
    presets = Presets(shipped_folder(), tmp_path)
    presets.take(presets.look())
    file = write(tmp_path, "drum.toml", "secnods = 1")
    assert [change[:2] for change in presets.take(presets.look())] == [("drum", "broken")]
    with pytest.raises(BadArgument, match="drum.toml:1"):
        presets.get("drum")
    file.unlink()
    assert presets.take(presets.look()) == [Change("drum", "ready", "")]
    assert presets.get("drum").file.parent == shipped_folder()


def test_a_file_that_an_editor_removes_and_writes_again_keeps_its_last_good_version(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    file = write(tmp_path, "mine.toml", "seconds = 1")
    presets.take(presets.look())
    file.unlink()
    presets.take(presets.look())
    file.write_text("secnods = 1", "utf-8")
    presets.take(presets.look())
    assert presets.get("mine").seconds == 1
    file.write_text("", "utf-8")  # for a moment
    assert presets.take(presets.look()) == []


def test_a_new_file_counts_as_soon_as_it_is_written_and_one_that_stays_empty_is_a_fault(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    file = write(tmp_path, "mine.toml", "")
    assert presets.take(presets.look()) == []
    file.write_text("seconds = 1", "utf-8")
    assert [change[:2] for change in presets.take(presets.look())] == [("mine", "ready")]
    (other := write(tmp_path, "empty.toml", "")).touch()
    os.utime(other, (1.0, 1.0))
    assert [change[:2] for change in presets.take(presets.look())] == [("empty", "broken")]


def test_an_edit_of_the_same_length_within_a_tick_of_the_disks_clock_is_noticed(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    file = write(tmp_path, "mine.toml", "seconds = 1")
    stamp = file.stat()
    presets.take(presets.look())
    file.write_text("seconds = 2", "utf-8")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    presets.take(presets.look())
    assert presets.get("mine").seconds == 2


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    file = write(tmp_path, "mine.toml", "seconds = 1")
    os.utime(file, (time.time() - 60, time.time() - 60))
    before = presets.look().presets["mine"]
    assert presets.look().presets["mine"] is before


def test_looking_up_a_preset_reads_no_disk_once_a_catalogue_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = Presets(tmp_path)
    write(tmp_path, "mine.toml", "seconds = 1")
    presets.take(presets.look())
    monkeypatch.setattr(presets, "look", lambda: pytest.fail("looked at the disk"))
    assert presets.get("mine").seconds == 1
    with pytest.raises(BadArgument):
        presets.get("other")


def test_a_folder_that_is_created_later_is_watched_too(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    presets = Presets(shipped_folder(), folder)
    changes: list[tuple[str, str, str]] = []

    async def story() -> None:
        async with serve_presets(presets, lambda *change: changes.append(change)):
            assert "drum" in presets.all() and changes == []
            for number, (text, state) in enumerate(
                [("seconds = 1", "ready"), ("seconds =", "broken"), ("seconds = 2", "ready")]
            ):
                write(folder, "mine.toml", text)
                async with asyncio.timeout(5.0):  # a second, and more on a busy machine
                    while len(changes) <= number:
                        await asyncio.sleep(0.01)
                assert changes[number][:2] == ("mine", state)
            assert presets.get("mine").seconds == 2

    asyncio.run(story())


def test_a_running_daemon_uses_an_edit_and_keeps_the_last_good_version(daemon: Daemon, client: Client) -> None:
    folder = daemon.home / "config" / "clipbridge" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    client.send("/bridge/subscribe")
    client.until("/bridge/state")

    def seconds() -> float:
        job = f"edited {time.monotonic_ns()}"
        client.send("/bridge/generate", "kick", "preset", "edited", "steps", 1, "id", job)
        address, values = client.end_of(job)
        return float(values[2]) if address == "/bridge/done" else -1.0

    file = folder / "edited.toml"
    try:
        file.write_text("seconds = 0.2\n", "utf-8")
        assert client.until("/bridge/preset", timeout_s=5)[1] == ["edited", "ready", ""]
        assert seconds() == pytest.approx(0.2)
        start = len(daemon.lines)
        file.write_text('seconds = 0.3\nsteps = "many"\n', "utf-8")
        name, state, why = client.until("/bridge/preset", timeout_s=5)[1]
        assert (name, state) == ("edited", "broken") and f"{file}:2: steps must be a whole number" in why
        said = daemon.wait_for(lambda line: line["event"] == "preset", start=start)
        assert said["why"] == why
        assert seconds() == pytest.approx(0.2)
        file.write_text("seconds = 0.3\n", "utf-8")
        assert client.until("/bridge/preset", timeout_s=5)[1] == ["edited", "ready", ""]
        assert seconds() == pytest.approx(0.3)
    finally:
        file.unlink()
    assert client.until("/bridge/preset", timeout_s=5)[1] == ["edited", "gone", ""]
    client.send("/bridge/unsubscribe")
