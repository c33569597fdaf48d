"""Reading a folder of sounds: every format, and everything that can be wrong with it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import BadArgument, FolderError
from bridge.learn import folder as reading
from bridge.learn import listing
from bridge.learn.course import RATE
from bridge.learn.folder import Sounds, read_folder
from bridge.learn.sound import LONGEST_S, PEAK, WINDOW_S, read_sound
from tests.learn.sounds import make_folder, tone

FORMATS = ("wav", "aiff", "flac", "mp3", "ogg")


def why(sounds: Sounds) -> dict[str, str]:
    return {one.file: one.why for one in sounds.left_out}


def test_any_mix_of_formats_rates_bits_and_channels_is_read(tmp_path: Path) -> None:
    number = 0
    for suffix in FORMATS:
        for rate in (22_050, 44_100, 48_000):
            number += 1
            soundfile.write(
                tmp_path / f"sound{number}.{suffix}", tone(number, rate=rate, channels=1 + number % 2), rate
            )
    for number, subtype in enumerate(("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"), 30):
        soundfile.write(tmp_path / f"sound{number}.wav", tone(number, rate=96_000), 96_000, subtype=subtype)
    sounds = read_folder(tmp_path)
    assert sounds.files == len(sounds.samples) == 21 and not sounds.left_out
    for sample in sounds.samples:
        assert sample.samples.dtype == np.float32 and sample.samples.ndim == 1
        assert float(np.abs(sample.samples).max()) == pytest.approx(PEAK, abs=1e-3)
        assert 0.15 * RATE < len(sample.samples) <= 0.4 * RATE, sample.file
    assert {sample.held_out for sample in sounds.samples} == {True, False}


def test_what_comes_before_and_after_the_sound_is_cut(tmp_path: Path) -> None:
    silence = np.zeros((RATE, 1), np.float32)
    soundfile.write(tmp_path / "late.wav", np.concatenate([silence, tone(1), silence]), RATE)
    (window,) = read_sound(tmp_path / "late.wav")
    assert len(window) <= 0.31 * RATE and np.abs(window[: round(0.003 * RATE)]).max() > 0.01


def test_channels_that_cancel_each_other_are_heard(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "wide.wav", tone(1) * np.array([[1, -1]], np.float32), RATE)
    assert float(np.abs(read_sound(tmp_path / "wide.wav")[0]).max()) == pytest.approx(PEAK, abs=1e-3)


def test_a_long_file_is_cut_into_windows_without_its_silence(tmp_path: Path) -> None:
    part = tone(1, 3.0)
    soundfile.write(tmp_path / "loop.wav", np.concatenate([part, np.zeros((9 * RATE, 1), np.float32), part]), RATE)
    windows = read_sound(tmp_path / "loop.wav")
    assert all(len(window) <= WINDOW_S * RATE for window in windows) and len(windows) == 2
    assert max(float(np.abs(window).max()) for window in windows) == pytest.approx(PEAK, abs=1e-3)


def test_what_cannot_be_learned_from_is_named_and_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "broken.wav").write_bytes(b"RIFF....WAVE nothing")
    (tmp_path / "empty.flac").write_bytes(b"")
    (tmp_path / "page.mp3").write_text("<html>" * 1_000)
    (tmp_path / "picture.jpg").write_bytes(b"x")
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(tmp_path / "click.wav", tone(1, 0.005), RATE)
    soundfile.write(tmp_path / "long.wav", np.zeros(round((LONGEST_S + 1) * 8_000), np.float32) + 0.1, 8_000)
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    shutil.copy(tmp_path / "Kick00.wav", tmp_path / "Kick00 copy.wav")
    whole = tmp_path / "Kick00.wav"
    (tmp_path / "cut.wav").write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    (tmp_path / "folder.wav").mkdir()
    sounds = read_folder(tmp_path)
    reasons = why(sounds)
    assert "damaged" in reasons["broken.wav"] and "empty.flac" in reasons and "page.mp3" in reasons
    assert reasons["silent.wav"] == "it is silent" and "10 milliseconds" in reasons["click.wav"]
    assert "5 minutes" in reasons["long.wav"] and "NaN" in reasons["nan.wav"]
    assert any(reason.startswith("it is the same as Kick00") for reason in reasons.values())
    assert sounds.others == 1 and "folder.wav" not in reasons
    assert {"Kick02.wav", "Snare07.wav"} <= {sample.file for sample in sounds.samples}


def test_words_come_from_names_a_list_or_a_text_beside_the_file(tmp_path: Path) -> None:
    make_folder(tmp_path / "Kit", 6)
    (tmp_path / "words.csv").write_text(
        "file;words\nKit/Kick00.wav;deep boom\nKit\\Snare01;sharp\nnothing.wav;x\n", "utf-16"
    )
    (tmp_path / "Kit" / "words.csv").write_text("Snare01.wav,dusty,old\n", "utf-8")
    (tmp_path / "Kit" / "Kick02.txt").write_text("A Round one", "utf-8")
    (tmp_path / "Kit" / "readme.txt").write_text("no sound of this name", "utf-8")
    (tmp_path / "Kit" / "Kick04.txt").write_bytes(b"\xff\xfe\xfd")
    sounds = read_folder(tmp_path)
    words = {sample.file: " ".join(sample.words) for sample in sounds.samples}
    assert words["Kit/Kick00.wav"] == "deep boom" and words["Kit/Snare01.wav"] == "dusty old"
    assert words["Kit/Kick02.wav"] == "a round one" and words["Kit/Snare03.wav"].startswith("snare kit")
    assert words["Kit/Kick04.wav"].startswith("kick kit") and len(sounds.faults) == 1


@pytest.mark.parametrize(("count", "said"), [(0, "no sound"), (1, "1 sound"), (4, "4 sounds")])
def test_a_folder_that_is_too_small_says_what_to_do_instead(tmp_path: Path, count: int, said: str) -> None:
    make_folder(tmp_path, count)
    with pytest.raises(BadArgument, match=said) as refused:
        read_folder(tmp_path)
    assert count == 0 or "--vary" in str(refused.value)


def test_a_folder_of_text_says_that_it_has_no_sound(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text("kick")
    with pytest.raises(BadArgument, match="none of its files is WAV"):
        read_folder(tmp_path)


def test_a_folder_whose_sounds_are_all_broken_is_too_small(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.wav").write_bytes(b"no")
    with pytest.raises(BadArgument, match="no sound"):
        read_folder(tmp_path)


def test_ten_thousand_files_are_refused_before_one_is_read(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.wav").touch()
    with pytest.raises(BadArgument, match="10,000 sounds"):
        read_folder(tmp_path)


def test_a_folder_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_FOLDERS", 20)
    (tmp_path / "/".join(["deep"] * 30)).mkdir(parents=True)
    (tmp_path / "/".join(["deep"] * 30) / "a.txt").touch()
    with pytest.raises(BadArgument, match="choose one in it"):
        read_folder(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_links_that_lead_back_and_pipes_do_no_harm(tmp_path: Path) -> None:
    make_folder(tmp_path / "kit", 6)
    (tmp_path / "kit" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "kit" / "linked.wav").symlink_to(tmp_path / "kit" / "Kick00.wav")
    (tmp_path / "kit" / "nowhere.wav").symlink_to(tmp_path / "gone.wav")
    os.mkfifo(tmp_path / "kit" / "pipe.wav")
    os.mkfifo(tmp_path / "kit" / "Kick02.txt")
    sounds = read_folder(tmp_path / "kit")
    reasons = why(sounds)
    assert sounds.files == 6 and {"nowhere.wav", "pipe.wav"} <= set(reasons)
    assert ("linked.wav" in reasons) != ("Kick00.wav" in reasons)


def test_files_and_folders_that_vanish_while_they_are_read(tmp_path: Path) -> None:
    make_folder(tmp_path / "kit", 12)

    def lose(done: int, total: int) -> None:
        if done == 2:
            for name in ("Kick00.wav", "Snare01.wav", "Kick02.wav", "Snare03.wav"):
                (tmp_path / "kit" / name).unlink(missing_ok=True)

    sounds = read_folder(tmp_path / "kit", on_file=lose)
    assert set(why(sounds).values()) <= {"it is gone"} and sounds.files + len(sounds.left_out) == 12
    with pytest.raises(FolderError, match="is gone"):
        read_folder(tmp_path / "kit", on_file=lambda done, total: shutil.rmtree(tmp_path / "kit", ignore_errors=True))
    with pytest.raises(FolderError, match="is gone"):
        read_folder(tmp_path / "kit")


def test_of_more_sound_than_fits_some_of_everything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, 30)
    monkeypatch.setattr(reading, "MOST_SECONDS", 2.0)
    sounds = read_folder(tmp_path)
    assert 5 <= sounds.files < 12 and {sample.file[:4] for sample in sounds.samples} == {"Kick", "Snar"}
    assert len(sounds.left_out) == 30 - sounds.files


def test_the_clips_of_this_learning_are_not_learned_from(tmp_path: Path) -> None:
    make_folder(tmp_path, 6)
    make_folder(tmp_path / "my-drums", 3)
    assert read_folder(tmp_path, tmp_path / "my-drums").files == 6
