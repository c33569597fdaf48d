"""Asks that start from audio: what names it, and what is refused, with the real daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.harness import Client, Daemon, pairs

RATE = 48_000


def write(file: Path, samples: Any = None, rate: int = RATE, subtype: str | None = None) -> str:
    """Write a sound, by default a second of noise."""
    noise = 0.2 * np.random.default_rng(1).standard_normal(rate).astype(np.float32)
    soundfile.write(file, noise if samples is None else samples, rate, subtype=subtype)
    return str(file)


def cut_short(file: Path) -> str:
    path = write(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    return path


def text(file: Path) -> str:
    file.write_text("this is not audio")
    return str(file)


def folder(file: Path) -> str:
    file.mkdir()
    return str(file)


def pipe(file: Path) -> str:
    os.mkfifo(file)
    return str(file)


def flawed(file: Path) -> str:
    samples = np.full(RATE, np.float32(0.1))
    samples[100] = np.nan
    return write(file, samples, subtype="FLOAT")


BAD_FILES = [
    ("no-such.wav", lambda file: str(file), "no file"),
    ("text.wav", text, "not audio"),
    ("folder.wav", folder, "is a folder"),
    ("pipe.wav", pipe, "not a regular file"),
    ("cut.wav", cut_short, "ends before it says"),
    ("silent.wav", lambda file: write(file, np.zeros(RATE, np.float32)), "silent"),
    ("nan.wav", flawed, "NaN"),
    ("empty.wav", lambda file: write(file, np.zeros(0, np.float32)), "no samples"),
    ("tiny.wav", lambda file: write(file, np.full(480, np.float32(0.1))), "milliseconds"),
    ("long.wav", lambda file: write(file, np.full(160 * 8_000, np.float32(0.1)), 8_000), "at most 150"),
    ("many.wav", lambda file: write(file, np.full((19_200, 8), np.float32(0.1)), 192_000), "8 channels"),
]


@pytest.mark.parametrize(("name", "make", "why"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_file_that_cannot_be_a_source_is_refused_at_once_with_its_name(
    name: str, make: Any, why: str, daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    path = make(tmp_path / name)
    address, (job_id, code, sentence) = client.ask("/bridge/generate", "", "vary", path, "id", "a")
    assert (address, job_id, code) == ("/bridge/failed", "a", "bad_source")
    assert why in sentence and name in sentence and len(sentence) < 300


BAD_KEYS: list[tuple[list[Any], str]] = [
    (["vary", "{file}", "strength", 1.5], "strength must be 0 to 1"),
    (["vary", "{file}", "strength", "nan"], "strength"),
    (["vary", "{file}", "fill", "{file}"], "two ways"),
    (["strength", 0.5], "belongs to a source"),
    (["vary", "{file}", "more", 2], "does not go with"),
    (["continue", "{file}", "strength", 0.5], "does not go with"),
    (["continue", "{file}", "more", 1.0, "more_bars", 2], "both"),
    (["continue", "{file}", "trim", "onset"], "what is kept"),
    (["continue", "{file}", "lufs", -14], "what is kept"),
    (["continue", "{file}", "loop", 1], "what is kept"),
    (["fill", "{file}"], "needs the gap"),
    (["fill", "{file}", "from", 0.5, "to", 0.2], "greater than from"),
    (["fill", "{file}", "from", 0.5, "to", 0.51], "50 milliseconds"),
    (["fill", "{file}", "from", 0.5, "to", 1.5], "only 1.000 seconds"),
    (["fill", "{file}", "from", 0.2, "to", 0.6, "fade_out_ms", 5], "what is kept"),
    (["vary", "{file}", "from", 3.0], "only 1.000 seconds"),
    (["vary", "{file}", "note", "c4"], "own pitch"),
    (["vary", "last", "parts", "halves"], "parts must be"),
    (["vary", ""], "path of an audio file"),
    (["vary", "a\nb"], "cannot be the path"),
    (["vary", "kick.wav"], "not a whole path"),
    (["vary", "clip:99999999"], "no clip 99999999"),
    (["vary", "voice:99999999"], "no voice 99999999"),
    (["continue", 1], "Only a stream"),
]


@pytest.mark.parametrize(("keys", "why"), BAD_KEYS, ids=[" ".join(map(str, keys[:4])) for keys, _ in BAD_KEYS])
def test_keys_of_a_source_that_make_no_sense_are_refused(
    keys: list[Any], why: str, daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    file = write(tmp_path / "noise.wav")
    sent = [file if key == "{file}" else key for key in keys]
    address, values = client.ask("/bridge/generate", "rain", *sent, "id", 7)
    assert (address, values[0]) == ("/bridge/failed", 7)
    assert why in values[2]


@pytest.mark.parametrize(
    ("ask", "why"), [((), "already"), (("seconds", 0.5), "already"), (("seconds", 200), "0.1 to 150")]
)
def test_a_length_within_the_source_does_not_continue_it(
    ask: tuple[Any, ...], why: str, daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    file = write(tmp_path / "noise.wav")
    length = [ask[1]] if ask else [1.0]
    address, values = client.ask("/bridge/generate", "rain", *length, "continue", file)
    assert address == "/bridge/failed" and why in values[2]


def test_a_source_above_full_scale_is_refused_where_it_would_be_kept_unless_floating_point_holds_it(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    file = write(tmp_path / "loud.wav", np.full(RATE, np.float32(1.4)), subtype="FLOAT")
    address, values = client.ask("/bridge/generate", "", "continue", file)
    assert (address, values[1]) == ("/bridge/failed", "bad_source") and "2.9 dB" in values[2]


def test_a_pad_and_a_stream_refuse_a_bad_source_too(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.wav")
    for address in ("/bridge/pad/3/set", "/bridge/stream/start"):
        answer, values = client.ask(address, "rain", "vary", missing)
        assert (answer, values[0], values[1]) == ("/bridge/error", address, "bad_source")
    answer, values = client.ask("/bridge/stream/start", "rain", "continue", write(tmp_path / "noise.wav"))
    assert answer == "/bridge/error" and "continue 1" in values[2]
    answer, values = client.ask("/bridge/kit", "mine", "kick", "@vary", missing)
    assert (answer, values[0], values[1]) == ("/bridge/kit/failed", "mine", "bad_source")


# ---- clips that are made ----


def test_a_varied_clip_has_the_length_of_its_source_and_is_recalled_byte_for_byte_while_that_is_unchanged(
    daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "My_Deep Kick.wav"
    rate = 44_100
    seconds = np.arange(round(0.613 * rate)) / rate
    kick = 0.7 * np.sin(2 * np.pi * (50 * seconds + 8 * (1 - np.exp(-seconds / 0.03)))) * np.exp(-seconds / 0.2)
    write(file, kick.astype(np.float32), rate)
    address, values = client.ask(
        "/bridge/generate", "vary", str(file), "strength", 0.5, "steps", 4, "seed", 3, "id", "v"
    )
    assert address == "/bridge/queued"
    _, done = client.until("/bridge/done", job="v")
    facts = pairs(done, 3)
    assert facts["method"] == "whole" and facts["frames"] == round(len(kick) * RATE / rate)
    assert "kick" in facts["heard"]  # the words of the file's name
    client.send("/bridge/find", "kick deep", "limit", 1, "order", "newest")
    _, (path, *_) = client.until("/bridge/clip")
    number = pairs(client_clip(client, path), 1)["clip"]
    client.send("/bridge/recall", f"clip:{number}", "id", "again")
    _, again = client.until("/bridge/done", job="again")
    assert Path(again[1]).read_bytes() == Path(done[1]).read_bytes()
    write(file, kick[::-1].astype(np.float32), rate)
    client.send("/bridge/recall", done[1], "id", "changed")
    _, (_, code, why) = client.until("/bridge/failed", job="changed")
    assert code == "bad_source" and "changed" in why
    file.unlink()
    client.send("/bridge/recall", done[1], "id", "gone")
    _, (_, code, why) = client.until("/bridge/failed", job="gone")
    assert code == "bad_source" and "no file" in why


def client_clip(client: Client, path: str) -> list[Any]:
    """The facts of a clip of the library."""
    client.send("/bridge/rate", path, 3)
    return client.until("/bridge/clip")[1]


def test_an_ask_is_not_repeated_when_its_message_comes_twice(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    file = write(tmp_path / "noise.wav")
    for _ in range(2):
        client.send("/bridge/generate", "rain", "vary", file, "steps", 2, "id", "twice")
    _, done = client.until("/bridge/done", job="twice")
    client.silence()
    assert len(list(Path(done[1]).parent.glob(Path(done[1]).name.rpartition("_")[0] + "_*"))) == 1


def test_words_and_no_words_are_both_a_prompt(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    file = write(tmp_path / "rain.wav")
    client.send("/bridge/generate/words", "long", "rain", "@vary", file, "@steps", 2, "@id", "a")
    client.send("/bridge/generate/words", "@vary", file, "@steps", 2, "@id", "b")
    client.send("/bridge/set/vary", file)
    client.send("/bridge/set/steps", 2)
    client.send("/bridge/trigger")
    heard = {pairs(client.until("/bridge/done")[1], 3)["heard"] for _ in range(3)}
    assert heard == {"long rain", "rain"}
    client.send("/bridge/set/vary")
    client.send("/bridge/set/steps")
