"""Files that converters made of our clips still have the recipe. Those in `converted/` were made of a clip of 0.01 s by ffmpeg 9.0
and 5.1, sox 14.4 and flac 1.4 (`--keep-foreign-metadata`), each named after its source."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from bridge.domain.ask import Shape
from bridge.domain.clip import Prompt, clip_name_in
from bridge.domain.recipe import read
from bridge.errors import BadRecipe
from bridge.files import chunks, clip_file
from bridge.files.tags import recipe_in
from tests.files.test_clip_file import MODEL, PROMPT, samples

CONVERTED = sorted((Path(__file__).parent / "converted").iterdir())


def test_files_of_every_converter_are_here() -> None:
    assert {file.name.partition("-")[0] for file in CONVERTED} == {"ffmpeg", "ffmpeg5", "sox", "flackeep"}
    assert {file.suffix for file in CONVERTED} == {".wav", ".flac", ".aiff", ".mp3", ".ogg", ".opus", ".m4a"}


@pytest.mark.parametrize("file", CONVERTED, ids=lambda file: file.name)
def test_a_converted_clip_has_its_recipe(file: Path) -> None:
    recipe = read(recipe_in(file))
    assert (recipe.prompt.text, recipe.prompt.seed, recipe.prompt.note, recipe.take) == ("rain on tin", 7, "c#4", 1)


def test_chunks_before_the_samples_are_no_obstacle(tmp_path: Path) -> None:
    wav = clip_file.encode(samples(480), 48_000, PROMPT, MODEL, 1)
    parts = [(name, data) for name, data in chunks._chunks(wav, "<") if name in (b"fmt ", b"data", b"LIST")]
    parts.insert(1, (b"FLLR", bytes(3_001)))  # afconvert puts the samples at a round offset
    body = b"WAVE" + b"".join(chunks._chunk(name, data, "<") for name, data in parts)
    (tmp_path / "padded.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert read(recipe_in(tmp_path / "padded.wav")).prompt.text == "rain on tin"
    aiff = clip_file.encode(samples(480), 48_000, Prompt("x", "x", 0.5, 7, shape=Shape(format="aiff")), MODEL, 1)
    parts = [(b"FVER", bytes(4)), (b"FLLR", bytes(3_001)), *chunks._chunks(aiff, ">")]
    body = b"AIFC" + b"".join(chunks._chunk(name, data, ">") for name, data in parts)
    (tmp_path / "padded.aif").write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)
    assert '"text":"x"' in recipe_in(tmp_path / "padded.aif")


@pytest.mark.parametrize("field", ["CLIPBRIDGE", "Comment", "DESCRIPTION"])
def test_vorbis_comments_of_earlier_versions_and_of_converters_are_read(tmp_path: Path, field: str) -> None:
    prompt = Prompt("x", "x", 0.5, 7, shape=Shape(format="flac", bits=24))
    flac = clip_file.encode(samples(480), 48_000, prompt, MODEL, 1)
    at = flac.index(b"COMMENT=")
    size = struct.unpack_from("<I", flac, at - 4)[0] + len(field) - len("COMMENT")
    block = 4 + 4 + 34  # the header of the comments, after that of the file and STREAMINFO
    length = int.from_bytes(flac[block + 1 : block + 4], "big") + len(field) - len("COMMENT")
    data = flac[: block + 1] + length.to_bytes(3, "big") + flac[block + 4 : at - 4] + struct.pack("<I", size)
    (tmp_path / "clip.flac").write_bytes(data + field.encode() + flac[at + len("COMMENT") :])
    assert '"text":"x"' in recipe_in(tmp_path / "clip.flac")


@pytest.mark.parametrize("file", [file for file in CONVERTED if file.suffix in (".mp3", ".ogg", ".m4a")], ids=str)
def test_damaged_compressed_files_are_refused_or_read_but_never_crash(tmp_path: Path, file: Path) -> None:
    chance, data = random.Random(3), file.read_bytes()
    for _ in range(150):
        damaged = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.5 else data)
        for _ in range(chance.randrange(1, 20)):
            if damaged:
                damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
        (tmp_path / file.name).write_bytes(damaged)
        try:
            read(recipe_in(tmp_path / file.name))
        except BadRecipe:
            pass


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("kick_s7_1a2b", "kick_s7_1a2b"),
        ("kick_s7_1a2b-conv", "kick_s7_1a2b"),
        ("kick_127bpm_1bar_s7_1a2b (2)", "kick_127bpm_1bar_s7_1a2b"),
        ("kick_s7_1a2b_s8_00ff_mono", "kick_s7_1a2b_s8_00ff"),
        ("kick_s7_1a2bc", ""),
        ("kick_s7", ""),
        ("kick", ""),
        ("_s7_1a2b", ""),
    ],
)
def test_the_name_of_the_clip_is_read_from_the_name_of_a_file_made_of_it(stem: str, expected: str) -> None:
    assert clip_name_in(stem) == expected
