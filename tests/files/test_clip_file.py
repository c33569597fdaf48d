"""Clip files read back by other programs; and recipes that anyone may have written."""

from __future__ import annotations

import dataclasses
import json
import random
import struct
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
import wavinfo

from bridge.checkpoints.audioldm2 import USUAL
from bridge.domain import recipe
from bridge.domain.ask import Shape
from bridge.domain.clip import Prompt
from bridge.domain.limits import Range
from bridge.domain.model import Model
from bridge.errors import BadRecipe
from bridge.files import clip_file, tags
from bridge.files.reading import recipe_from_file
from tests.harness import need

MODEL = Model(
    "test",
    "r1",
    replace(USUAL, sample_rate=16_000, seconds=Range(0.1, 150.0)),
    "cpu",
    "float32",
    "DPMSolverMultistepScheduler",
    (("solver_order", "2"),),
)
PROMPT = Prompt("rain on tin", "A steady rain on tin", 0.5, 7, note="c#4", bars=2.0, bpm=126.0, loop=True)
TEXTS = [
    "rain on tin",
    "雨の音 🌧️ “quoted” <&> ]]>",
    "word " * 799 + "last",
    "👨‍👩‍👧 family",
    '{"clipbridge": 1}',
    "</USER>",
]


def samples(frames: int = 24_000) -> np.ndarray:
    return (0.5 * np.sin(np.arange(frames) / 20)).astype(np.float32)[:, None]


def written(folder: Path, prompt: Prompt = PROMPT, lufs: float | None = None) -> Path:
    file = folder / f"clip{clip_file.suffix(prompt.shape)}"
    file.write_bytes(clip_file.encode(samples(), 48_000, prompt, MODEL, 1, lufs))
    clip_file.check(file, 24_000)
    return file


def shaped(**shape: object) -> Prompt:
    return dataclasses.replace(PROMPT, shape=Shape(**shape))  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "bits", "subtype"),
    [
        ("wav", 16, "PCM_16"), ("wav", 24, "PCM_24"), ("wav", 32, "FLOAT"), ("flac", 16, "PCM_16"),
        ("flac", 24, "PCM_24"), ("aiff", 16, "PCM_16"), ("aiff", 24, "PCM_24"), ("aiff", 32, "FLOAT"),
    ],
)  # fmt: skip
def test_every_format_is_read_by_libsndfile_and_sox_and_holds_the_recipe(
    tmp_path: Path, kind: str, bits: int, subtype: str, channels: int
) -> None:
    prompt = shaped(format=kind, bits=bits, channels=channels)
    file = written(tmp_path, prompt)
    info = soundfile.info(file)
    assert (info.format, info.subtype, info.channels) == (kind.upper(), subtype, channels or 1)
    assert (info.frames, info.samplerate) == (24_000, 48_000)
    read, _ = soundfile.read(file, always_2d=True)
    assert np.abs(read - samples()).max() < 2.0 ** -(bits - 2) and (read[:, 0] == read[:, -1]).all()
    output = subprocess.run([need("soxi"), file], capture_output=True, text=True, check=True)
    assert "24000 samples" in output.stdout and "WARN" not in output.stderr and "FAIL" not in output.stderr
    assert recipe_from_file(file).prompt == prompt


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["wav", "flac", "aiff"])
def test_long_and_foreign_prompts_survive_in_every_format(tmp_path: Path, kind: str, text: str) -> None:
    prompt = dataclasses.replace(shaped(format=kind), text=text, full_text=text, negative=text)
    assert recipe_from_file(written(tmp_path, prompt)).prompt == prompt


def test_the_ixml_has_the_recipe_too(tmp_path: Path) -> None:
    for text in TEXTS:
        read = wavinfo.WavInfoReader(str(written(tmp_path, dataclasses.replace(PROMPT, text=text))))
        fields = {element.tag: element.text for element in ElementTree.fromstring(read.ixml.source).iter()}
        assert fields["NOTE"] == text and json.loads(str(fields["USER"]))["text"] == text
    file = written(tmp_path)
    without = file.read_bytes().replace(b"ICMT", b"ICMX").replace(b"CLBR", b"CLBX")  # as hosts drop chunks
    file.write_bytes(without)
    assert recipe_from_file(file).prompt == PROMPT


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\ufdd0"])
def test_the_ixml_is_well_formed_whatever_the_prompt(tmp_path: Path, character: str) -> None:
    prompt = dataclasses.replace(PROMPT, text=f"kick {character} <")
    file = written(tmp_path, prompt)
    fields = {
        element.tag: element.text
        for element in ElementTree.fromstring(wavinfo.WavInfoReader(str(file)).ixml.source).iter()
    }
    allowed = character if character not in "\ufffe\uffff" else "\ufffd"
    assert fields["NOTE"] == f"kick {allowed} <" and recipe_from_file(file).prompt == prompt


@pytest.mark.parametrize("kind", ["wav", "flac", "aiff"])
@pytest.mark.parametrize("text", ["x" * 1_001, "x" * 2_046, "x" * 4_000, "雨" * 4_000])
def test_a_long_prompt_is_cut_where_libsndfile_would_show_no_title(tmp_path: Path, kind: str, text: str) -> None:
    prompt = dataclasses.replace(shaped(format=kind), text=text)
    with soundfile.SoundFile(written(tmp_path, prompt)) as opened:
        title = opened.title
        assert len(title.encode()) > 990 and text.startswith(title)
        assert kind != "wav" or opened.software.startswith("Clipbridge")  # it follows the title


@pytest.mark.parametrize(("bits", "first"), [(16, "fmt data"), (24, "fmt data"), (32, "fmt fact data")])
def test_format_and_samples_come_first_in_a_wav_for_readers_that_expect_nothing_else(
    tmp_path: Path, bits: int, first: str
) -> None:
    data = written(tmp_path, shaped(bits=bits)).read_bytes()
    names, at = [], 12
    while at < len(data):
        names.append(data[at : at + 4].decode().strip())
        size = struct.unpack_from("<I", data, at + 4)[0]
        at += 8 + size + size % 2
    assert " ".join(names) == f"{first} LIST bext smpl acid iXML"


def test_bext_has_title_seed_and_loudness(tmp_path: Path) -> None:
    bext = wavinfo.WavInfoReader(str(written(tmp_path, lufs=-18.25))).bext
    assert (bext.description, bext.originator, bext.originator_ref) == ("rain on tin", "Clipbridge", "seed 7")
    assert bext.loudness_value == pytest.approx(-18.25) and bext.coding_history.startswith("A=PCM,F=48000,W=24,M=mono")


@pytest.mark.parametrize(("second", "mode"), [(1.0, "dual-mono"), (0.999, "stereo"), (-1.0, "stereo"), (0.0, "stereo")])
def test_bext_compares_the_channels_of_a_checkpoint_that_makes_two(tmp_path: Path, second: float, mode: str) -> None:
    sound = np.repeat(samples(), 2, axis=1) * np.array([1.0, second], np.float32)
    (tmp_path / "clip.wav").write_bytes(clip_file.encode(sound, 48_000, shaped(), MODEL, 1))
    assert f",M={mode},T=" in wavinfo.WavInfoReader(str(tmp_path / "clip.wav")).bext.coding_history


@pytest.mark.parametrize(
    ("made", "requested", "mode"), [(1, 0, "mono"), (1, 1, "mono"), (1, 2, "dual-mono"), (2, 0, "stereo"), (2, 2, "stereo")]
)  # fmt: skip
def test_bext_tells_true_stereo_from_the_same_signal_twice(
    tmp_path: Path, made: int, requested: int, mode: str
) -> None:
    sound = np.repeat(samples(), made, axis=1) * np.array([1.0, 0.5], np.float32)[:made]
    file = tmp_path / "clip.wav"
    file.write_bytes(clip_file.encode(sound, 48_000, shaped(channels=requested), MODEL, 1))
    assert f",M={mode},T=" in wavinfo.WavInfoReader(str(file)).bext.coding_history


def test_a_loop_has_its_points_and_root_in_the_sampler_chunk(tmp_path: Path) -> None:
    smpl = wavinfo.WavInfoReader(str(written(tmp_path))).smpl
    assert (smpl.midi_note, len(smpl.sample_loops)) == (61, 1)
    loop = smpl.sample_loops[0]
    assert (loop.start, loop.end, loop.repetition_count) == (0, 23_999, 0)
    output = subprocess.run(
        [need("sox"), "-V4", written(tmp_path, shaped(format="aiff")), "-n"], capture_output=True, text=True
    )
    shown = " ".join(output.stderr.replace("/usr/bin/sox INFO aiff:", "").split())
    assert "Loop 0: start: 0 end: 24000" in shown and "Unity MIDI Note: 61" in shown, output.stderr


def test_a_clip_without_root_and_loop_has_no_sampler_chunk(tmp_path: Path) -> None:
    data = written(tmp_path, Prompt("rain", "rain", 0.5, 7)).read_bytes()
    assert b"smpl" not in data and b"acid" not in data


def test_what_is_unmet_is_only_in_the_recipe(tmp_path: Path) -> None:
    bare = written(tmp_path, PROMPT.lacking(["tempo", "note"])).read_bytes()
    assert b"acid" not in bare
    smpl = wavinfo.WavInfoReader(str(tmp_path / "clip.wav")).smpl
    assert smpl.midi_note == 60 and len(smpl.sample_loops) == 1
    read = recipe_from_file(tmp_path / "clip.wav").prompt
    assert read == PROMPT.lacking(["note", "tempo"]) and (read.note, read.bars, read.unmet) == (
        "c#4",
        2.0,
        ("note", "tempo"),
    )
    keyed = replace(PROMPT, note="", key="f#m", loop=False)
    assert b"smpl" in written(tmp_path, keyed).read_bytes()
    assert b"smpl" not in written(tmp_path, keyed.lacking(["key"])).read_bytes()


def test_the_tempo_is_in_the_acid_chunk(tmp_path: Path) -> None:
    data = written(tmp_path).read_bytes()
    at = data.index(b"acid") + 8
    flags, root, _, _, beats, below, above, bpm = struct.unpack_from("<IHHfIHHf", data, at)
    assert (flags, root, beats, below, above, bpm) == (2, 61, 8, 4, 4, 126.0)


def test_the_same_clip_gives_the_same_bytes_at_any_time() -> None:
    ways = [("wav", 24), ("wav", 32), ("flac", 24), ("aiff", 24), ("aiff", 32)]

    def all_of_them() -> list[bytes]:
        return [clip_file.encode(samples(), 48_000, shaped(format=kind, bits=bits), MODEL, 1) for kind, bits in ways]

    first = all_of_them()
    time.sleep(1.05)  # libsndfile's PEAK chunk holds the second
    assert all_of_them() == first


def test_a_recipe_lists_the_conditions_that_differ_now() -> None:
    read = recipe.read(recipe.write(PROMPT, MODEL, 1))
    assert read.differences(MODEL) == [] and read.prompt == PROMPT and read.take == 1
    other = dataclasses.replace(MODEL, name="audioldm2", compute="cuda")
    assert [words.split(" is ")[0] for words in read.differences(other)] == ["the checkpoint", "the compute"]


def test_each_take_of_a_batch_is_recalled_from_the_whole_batch() -> None:
    prompt = dataclasses.replace(PROMPT, takes=4)
    read = recipe.read(recipe.write(prompt, MODEL, 3))
    assert (read.take, read.prompt.takes, read.prompt.seed) == (3, 4, 7)


GOOD = recipe.make(PROMPT, MODEL, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": 1e9}, {"seconds": None}, {"seconds": True}, {"seconds": float("nan")}, {"seconds": "1"},
        {"steps": 2.5}, {"steps": 0}, {"takes": 99}, {"take": 2}, {"text": "a\x00b"}, {"text": "x" * 4_001}, {"text": 7},
        {"text": "\ud800"}, {"batch_seed": -1}, {"shape": []}, {"shape": {"format": "exe"}}, {"shape": {"bits": 20}},
        {"shape": {"folder": "../up"}}, {"shape": {"folder": "con"}}, {"shape": {"fade_in_ms": -1}}, {"bars": -2},
        {"bpm": [1]}, {"guidance": {}}, {"beats_per_bar": 0}, {"note": "c" * 9}, {"unmet": 3},
    ],
)  # fmt: skip
def test_an_impossible_recipe_is_refused_with_the_reason(changed: dict[str, object]) -> None:
    with pytest.raises(BadRecipe, match="recipe"):
        recipe.read(json.dumps({**GOOD, **changed}))


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '"x"', "[" * 100_000, "{" + " " * 300_000])
def test_a_text_without_a_recipe_is_refused(text: str) -> None:
    with pytest.raises(BadRecipe):
        recipe.read(text)


@pytest.mark.parametrize("kind", ["wav", "flac", "aiff"])
def test_damaged_and_truncated_files_are_refused_or_read_but_never_hang_or_crash(tmp_path: Path, kind: str) -> None:
    data = written(tmp_path, shaped(format=kind)).read_bytes()
    rng, file, refused = random.Random(3), tmp_path / "hostile", 0
    for _ in range(1_000):
        bad = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.5 else data)
        for _ in range(rng.randrange(1, 60)):
            if bad:
                place = rng.choice((rng.randrange(len(bad)), rng.randrange(min(900, len(bad)))))
                bad[place] = rng.randrange(256)
        file.write_bytes(bad)
        try:
            recipe_from_file(file)
        except BadRecipe as error:
            assert str(error).startswith("hostile cannot be recalled: ")
            refused += 1
    assert refused > 300


def test_files_of_other_programs_and_paths_without_a_file_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.wav"
    soundfile.write(plain, samples(), 48_000)
    for file in (plain, tmp_path, tmp_path / "missing.wav", Path(__file__)):
        with pytest.raises(BadRecipe, match=f"{file.name} cannot be recalled"):
            recipe_from_file(file)
    assert len(recipe.write(dataclasses.replace(PROMPT, text="雨" * 4_000), MODEL, 1)) < tags.MAX_RECIPE_BYTES


def test_whatever_the_conditions_of_a_recipe_are_their_remark_is_short_and_printable() -> None:
    for value in (["x" * 90] * 1_500, {"a": "x" * 100_000}, "x" * 100_000, "a\nb\x1b[2J", "\ud800", "", 7, True):
        for name, words in recipe.CONDITIONS[1:]:
            made = recipe.read(json.dumps({**GOOD, name: value}))
            (remark,) = made.differences(replace(MODEL, threads="1")) or ("",)
            assert len(remark) < 500 and remark.isprintable() and (remark.startswith(words) or value == "")
