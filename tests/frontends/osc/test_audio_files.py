"""Files that are measured and cropped by their paths, with a real shaper."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from bridge.domain.recipe import read
from bridge.errors import BadRecipe
from bridge.files.reading import recipe_from_file
from bridge.files.tags import recipe_in
from tests.harness import STAND_IN, Client, Daemon, pairs
from tests.rhythms import clicks

pytestmark = pytest.mark.daemon
RATE = 48_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    place = tmp_path_factory.mktemp("files")
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    yield daemon
    daemon.stop()


@pytest.fixture
def client(desk: Daemon) -> Client:
    return desk.client()


def generated(client: Client, *values: object) -> Path:
    """A clip of the stand-in engine."""
    client.send("/bridge/generate", *values, "steps", 2, "id", "clip")
    address, done = client.end_of("clip")
    assert address == "/bridge/done", done
    return Path(done[1])


def refusal(client: Client, address: str, *values: object) -> tuple[str, str]:
    """The code and the sentence with which a message is refused."""
    reply, (about, code, why) = client.ask(address, *values)
    assert (reply, about) == ("/bridge/error", address) and why.endswith(".")
    return str(code), str(why)


def test_any_file_of_this_machine_is_measured(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "beat ä.flac"
    beat = clicks(97, 12.0)
    soundfile.write(file, np.repeat(beat, 2, axis=1), RATE)
    _, (path, *rest) = client.ask("/bridge/measure", str(file))
    facts = pairs(rest, 0)
    info = soundfile.info(file)
    assert path == str(file) and facts["seconds"] == pytest.approx(info.duration)
    assert [facts[name] for name in ("sample_rate", "channels", "frames")] == [RATE, 2, info.frames]
    assert facts["bpm"] == pytest.approx(97, abs=0.1) and facts["confidence"] > 0.8 and "prompt" not in facts


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_tempo_is_measured_at_any_rate_and_half_or_double_follows_the_tempo_that_runs(
    client: Client, tmp_path: Path, rate: int
) -> None:
    file = tmp_path / "beat.wav"
    soundfile.write(file, soxr.resample(clicks(170, 10.0), RATE, rate), rate)
    for running, measured in ((120, 85), (175, 170)):
        client.send("/bridge/tempo", running)
        assert pairs(client.ask("/bridge/measure", str(file))[1], 1)["bpm"] == pytest.approx(measured, abs=0.1)
    client.send("/bridge/tempo", 120)


def test_a_clip_is_measured_with_its_prompt_and_a_sound_without_a_beat_has_no_tempo(client: Client) -> None:
    facts = pairs(client.ask("/bridge/measure", str(generated(client, "rain on tin", 2.0)))[1], 1)
    assert facts["prompt"] == "rain on tin" and facts["bpm"] == 0.0 and facts["seconds"] == 2.0


def test_a_file_that_cannot_be_measured_is_refused_with_the_reason(
    client: Client, desk: Daemon, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no audio " * 50)
    soundfile.write(empty, np.zeros((0, 1)), RATE)
    for path, expected in (
        (tmp_path / "missing.wav", "No such file or directory"),
        (tmp_path, "it is a folder"),
        (text, "it is not audio, or damaged"),
        (empty, "it has no samples"),
    ):
        code, why = refusal(client, "/bridge/measure", str(path))
        assert code == "bad_audio" and expected in why
    for values in ((), (7,), ("",), ("clip.wav",), (str(text), 1), (str(text), "bpm", 3)):
        assert refusal(client, "/bridge/measure", *values)[0] == "bad_argument"


@pytest.mark.skipif(sys.platform != "linux", reason="makes a pipe and reads a sparse file")
def test_a_pipe_is_not_waited_for_and_of_a_huge_file_only_the_beginning_is_read(client: Client, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in refusal(client, "/bridge/measure", str(tmp_path / "pipe.wav"))[1]
    file = tmp_path / "huge.wav"
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16", format="RF64") as opened:
        opened.write(np.repeat(clicks(100, 31.0), 2, axis=1))
    size, frames = file.stat().st_size, 1_500_000_000
    data = bytearray(file.read_bytes()[:200])
    at = data.index(b"ds64") + 8
    data[at : at + 24] = b"".join(number.to_bytes(8, "little") for number in (size + 4 * frames, 4 * frames, frames))
    with file.open("r+b") as raw:
        raw.write(data)
        raw.truncate(size + 4 * frames)
    facts = pairs(client.ask("/bridge/measure", str(file))[1], 1)
    assert facts["frames"] == frames and facts["bpm"] == pytest.approx(100, abs=0.1)


# ---- parts of files ----


def cropped(client: Client, path: Path, from_s: float, to_s: float) -> Path:
    """The new file with a part of another."""
    client.send("/bridge/crop", str(path), from_s, to_s)
    address, (asked, new, *rest) = client.until("/bridge/cropped", "/bridge/error")
    assert address == "/bridge/cropped" and asked == str(path), (asked, new)
    info, facts = soundfile.info(new), pairs(rest, 0)
    assert [facts[name] for name in ("frames", "sample_rate", "channels")] == [
        info.frames,
        info.samplerate,
        info.channels,
    ]
    assert facts["seconds"] == pytest.approx(info.duration)
    return Path(new)


def recalled(client: Client, path: Path) -> Path:
    """The file that is made again from a recipe."""
    client.send("/bridge/recall", str(path), "id", "again")
    address, done = client.end_of("again")
    assert address == "/bridge/done", done
    return Path(done[1])


SHAPES = [
    {},
    {"format": "flac", "bits": 16},
    {"format": "aiff"},
    {"bits": 32, "channels": 2},
    {"loop": 1, "lufs": -20},
    {"bars": 1.0, "bpm": 140.0, "fade_in_ms": 0},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_part_of_a_clip_has_its_samples_and_is_made_again_byte_for_byte(
    client: Client, shape: dict[str, object]
) -> None:
    length = () if "bars" in shape else (1.5,)
    whole = generated(client, "part", *length, *(one for pair in shape.items() for one in pair))
    part = cropped(client, whole, 0.25, 1.0)
    kind = "float32" if shape.get("bits") == 32 else "int32"
    (before, _), (after, _) = (soundfile.read(file, dtype=kind, always_2d=True) for file in (whole, part))
    assert len(after) == 36_000 and np.array_equal(after[96:-96], before[12_000:48_000][96:-96])
    assert not after[0].any() and not after[-1].any()  # faded over 2 ms
    assert soundfile.info(part).subtype == soundfile.info(whole).subtype and part.suffix == whole.suffix
    assert recalled(client, part).read_bytes() == part.read_bytes()


def test_an_edge_at_the_end_of_the_sound_is_not_faded(client: Client) -> None:
    whole = generated(client, "edges", 1.0, "fade_out_ms", 0, "fade_in_ms", 0)
    before, _ = soundfile.read(whole, dtype="int32")
    begin, end = cropped(client, whole, 0.0, 0.5), cropped(client, whole, 0.5, 1.0)
    assert np.array_equal(soundfile.read(begin, dtype="int32")[0][:-96], before[: 24_000 - 96])
    assert np.array_equal(soundfile.read(end, dtype="int32")[0][96:], before[24_000 + 96 :])


def test_a_part_of_a_part_is_made_again_from_the_whole(client: Client) -> None:
    whole = generated(client, "parts", 2.0)
    outer = cropped(client, whole, 0.5, 1.75)
    for place in ((0.1, 0.9), (0.0, 0.5), (0.5, 1.25)):
        inner = cropped(client, outer, *place)
        kept = recipe_from_file(inner).prompt.crop
        assert kept is not None
        assert [kept.from_s, kept.to_s] == pytest.approx([0.5 + place[0], 0.5 + place[1]])
        assert recalled(client, inner).read_bytes() == inner.read_bytes()


def test_a_part_is_a_clip_of_the_library_that_claims_no_bars_and_no_loop(client: Client) -> None:
    made = generated(client, "claims", "bars", 2.0, "bpm", 120.0, "loop", 1)
    whole = made.parent / "parts of loops" / made.name
    whole.parent.mkdir()
    made.rename(whole)
    part = cropped(client, whole, 1.0, 2.5)
    assert part.parent == whole.parent and part.name.startswith("claims_crop_s") and "bar" not in part.name
    client.send("/bridge/favourite", str(part), 1)
    _, (path, *rest) = client.until("/bridge/clip")
    facts = pairs(rest, 0)
    assert path == part.as_posix() and facts["prompt"] == "claims" and facts["favourite"] == 1
    assert facts["seconds"] == 1.5 and facts["bars"] == 0.0 and facts["bpm"] == 120.0
    data = part.read_bytes()
    assert b"smpl" not in data and b"acid" not in data and b"smpl" in whole.read_bytes()
    assert recipe_from_file(part).prompt.bars == 2.0  # the whole one has them


def test_a_part_of_a_file_without_a_recipe_is_a_file_without_one(client: Client, desk: Daemon) -> None:
    sub = desk.folder / "field recordings"
    sub.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    for name, rate, channels, subtype in (
        ("Wind & Röhre.wav", 96_000, 2, "PCM_16"),
        ("loud.wav", 44_100, 1, "FLOAT"),
        ("six.aiff", 48_000, 6, "PCM_24"),
        ("lossy.mp3", 44_100, 2, None),
    ):
        file = sub / name
        soundfile.write(
            file, rng.uniform(-0.9, 0.9, (rate, channels)) * (3 if subtype == "FLOAT" else 1), rate, subtype
        )
        part = cropped(client, file, 0.25, 0.75)
        before, after = (soundfile.read(one, dtype="float32", always_2d=True)[0] for one in (file, part))
        assert part.parent == sub and part.suffix == ".wav" and soundfile.info(part).samplerate == rate
        ramp, accuracy = round(0.002 * rate), 0 if subtype else 2**-22
        expected = np.clip(before, -1, 1) if name == "lossy.mp3" else before
        assert np.abs(after - expected[rate // 4 : rate * 3 // 4])[ramp:-ramp].max() <= accuracy
        with pytest.raises(BadRecipe):
            recipe_from_file(part)
    assert (sub / part.name).name.startswith("lossy_crop_")


def test_a_clip_that_another_program_cut_gives_a_part_without_a_recipe(client: Client) -> None:
    whole = generated(client, "cut elsewhere", 1.0)
    text = recipe_in(whole)
    samples, rate = soundfile.read(whole)
    with soundfile.SoundFile(whole, "w", rate, 1, "PCM_24") as opened:
        opened.comment = text
        opened.write(samples[:24_000])
    assert recipe_in(whole) == text
    with pytest.raises(BadRecipe):
        recipe_from_file(cropped(client, whole, 0.1, 0.4))


def test_a_part_that_a_file_does_not_have_is_refused_with_a_sentence(
    client: Client, desk: Daemon, tmp_path: Path
) -> None:
    whole, outside = generated(client, "refused", 1.0), tmp_path / "outside.wav"
    soundfile.write(outside, np.zeros((RATE, 1)), RATE)
    long = desk.folder / "long.flac"
    soundfile.write(long, np.zeros((500 * RATE, 2), np.int16), RATE)
    before = set(desk.folder.rglob("*.wav"))
    for values, code, expected in (
        ((str(whole), 0.5, 0.5), "bad_argument", "to must be greater than from"),
        ((str(whole), 0.5, 0.2), "bad_argument", "to must be greater than from"),
        ((str(whole), 0.5, 0.504), "bad_argument", "At least 5 milliseconds"),
        ((str(whole), 0.5, 1.1), "bad_argument", "is only 1.000 seconds long"),
        ((str(whole), 1.0, 2.0), "bad_argument", "is only 1.000 seconds long"),
        ((str(whole), -0.1, 0.5), "bad_argument", "from must be"),
        ((str(whole), float("nan"), 0.5), "bad_argument", "from must be"),
        ((str(whole), 0.0, float("inf")), "bad_argument", "to must be"),
        ((str(whole), "start", 0.5), "bad_argument", "from must be"),
        ((str(long), 0.0, 400.0), "bad_argument", "At most 300 seconds of long.flac"),
        ((str(whole),), "bad_argument", "then from and to"),
        ((), "bad_argument", "the path of a clip"),
        ((str(whole), 0.0, 0.5, 1), "bad_argument", "then from and to"),
        ((str(outside), 0.0, 0.5), "unknown_clip", "neither a clip of the library nor"),
        ((str(whole.with_name("missing.wav")), 0.0, 0.5), "unknown_clip", "does not exist"),
    ):
        actual, why = refusal(client, "/bridge/crop", *values)
        assert actual == code and expected in why, (values, why)
    assert set(desk.folder.rglob("*.wav")) == before


@pytest.mark.parametrize(
    "crop", ["x", 5, [], {"from": 1}, {"from": 2, "to": 1}, {"from": 0, "to": 1e9}, {"from": "a", "to": 1}]
)
def test_a_damaged_crop_in_a_recipe_is_a_damaged_recipe(crop: object) -> None:
    text = '{"clipbridge":"1","text":"x","seconds":1.0,"steps":2,"guidance":1.0,"crop":%s}'
    assert read(text % '{"from":0.25,"to":0.5}').prompt.claimed.seconds == 0.25
    with pytest.raises(BadRecipe, match="its recipe is damaged"):
        read(text % json.dumps(crop))
