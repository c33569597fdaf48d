"""Clips that start from a source: what is kept of it is in the written file as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from bridge.audio.beats import Samples
from bridge.audio.keep import JOIN
from bridge.audio.levels import loud_rms
from bridge.domain.ask import Shape
from bridge.domain.clip import Crop, Piece, Prompt
from bridge.domain.model import Model
from bridge.domain.source import How, Source
from bridge.errors import BadAudio, BadSource
from bridge.files import same_file, source_file
from bridge.files.folder import FolderSink
from bridge.files.reading import recipe_from_file
from bridge.shaper import process
from bridge.shaper.crop import crop
from bridge.shaper.make import make
from bridge.shaper.messages import Deliver, Delivered, Save, Undelivered
from bridge.shaper.pasted import paste, source_of
from bridge.shaper.steady import Steady
from bridge.system import portable
from tests.files.test_clip_file import MODEL as ANY_MODEL
from tests.rhythms import clicks

RATE = 48_000
ENGINE_RATE = 16_000
MODEL: Model = replace(ANY_MODEL, abilities=replace(ANY_MODEL.abilities, sample_rate=ENGINE_RATE))
FROM_S, TO_S = 0.4, 0.7
NO_FADES = Shape(0.0, 0.0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "cache_folder", lambda: tmp_path / "cache")


def noise(seconds: float, channels: int = 1, seed: int = 1, level: float = 0.15, rate: int = RATE) -> Samples:
    wave = np.random.default_rng(seed).normal(0, level, (round(seconds * rate), channels))
    return np.asarray(np.clip(wave, -0.99, 0.99), np.float32)


def source(
    folder: Path, how: How, samples: Samples | None = None, rate: int = RATE, subtype: str = "PCM_24", **keys: Any
) -> Source:
    """A file with `samples`, or with a second of noise, as a source."""
    file = folder / f"source.{keys.pop('suffix', 'wav')}"
    samples = noise(1.0, rate=rate) if samples is None else samples
    soundfile.write(file, samples, rate, subtype=subtype)
    seconds = len(samples) / rate
    from_s, to_s = (FROM_S, TO_S) if how == "fill" else (0.0, seconds)
    return replace(Source(file.as_posix(), same_file.hash_of(file), how, seconds, from_s, to_s), **keys)


def prompt(origin: Source, seconds: float | None = None, shape: Shape = NO_FADES, **keys: Any) -> Prompt:
    length = origin.seconds + (0.5 if origin.how == "continue" else 0.0) if seconds is None else seconds
    return MODEL.abilities.settled(Prompt("x", "x", length, 1, shape=shape, source=origin, **keys))


def rendered(asked: Prompt, seed: int = 9, level: float = 0.05) -> Samples:
    """What an engine sends for it: another sound at its own rate."""
    return noise(asked.seconds, seed=seed, level=level, rate=ENGINE_RATE)


def delivered(folder: Path, asked: Prompt, scores: tuple[float, ...] = ()) -> Delivered | Undelivered:
    pieces = [
        Piece(take, 0, rendered(asked, 8 + asked.seed_of(take)).tobytes(), 1, True)
        for take in range(1, asked.takes + 1)
    ]
    folder.mkdir(exist_ok=True)
    sink = FolderSink(folder)
    try:
        return process.deliver(Deliver(3, asked, MODEL, scores), pieces, sink, lambda: None, folder, Steady())
    finally:
        sink.close()


def written(folder: Path, asked: Prompt) -> Path:
    result = delivered(folder, asked)
    assert isinstance(result, Delivered), result
    return Path(result.takes[0].path)


def kept(samples: Samples, asked: Prompt) -> Samples:
    """What of a clip, or of its source, is kept: (frames, channels) at RATE."""
    assert asked.source is not None
    if asked.source.how == "fill":
        return np.concatenate([samples[: round(FROM_S * RATE)], samples[round(TO_S * RATE) :]])
    return samples[: round(asked.source.seconds * RATE) - JOIN]


@pytest.mark.parametrize("how", ["continue", "fill"])
@pytest.mark.parametrize("format", ["wav", "flac", "aiff"])
@pytest.mark.parametrize(("subtype", "bits"), [("PCM_24", 24), ("PCM_16", 24), ("PCM_16", 16)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_holds_the_very_numbers_of_its_source(
    tmp_path: Path, how: How, format: str, subtype: str, bits: int, channels: int
) -> None:
    whole = noise(1.0, channels, level=0.4)
    whole[100:110], whole[200:210] = 1.0, -1.0  # full scale as well
    asked = prompt(source(tmp_path, how, whole, subtype=subtype), shape=replace(NO_FADES, format=format, bits=bits))
    assert asked.source is not None
    numbers, _ = soundfile.read(asked.source.path, dtype="int32", always_2d=True)
    made, rate = soundfile.read(written(tmp_path, asked), dtype="int32", always_2d=True)
    assert rate == RATE and made.shape == (round(asked.seconds * RATE), channels)
    assert np.array_equal(kept(made, asked), kept(numbers, asked))


@pytest.mark.parametrize("how", ["continue", "fill"])
@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("format", ["wav", "aiff"])
def test_a_source_at_another_rate_is_kept_as_it_is_resampled(tmp_path: Path, how: How, rate: int, format: str) -> None:
    asked = prompt(
        source(tmp_path, how, noise(1.0, 2, rate=rate), rate, "FLOAT"), shape=replace(NO_FADES, format=format, bits=32)
    )
    assert asked.source is not None
    whole, _ = soundfile.read(asked.source.path, dtype="float32", always_2d=True)
    expected = whole if rate == RATE else soxr.resample(whole, rate, RATE, "HQ")
    made, _ = soundfile.read(written(tmp_path, asked), dtype="float32", always_2d=True)
    assert len(made) == round(asked.seconds * RATE) and np.array_equal(kept(made, asked), kept(expected, asked))


@pytest.mark.parametrize("how", ["continue", "fill"])
@pytest.mark.parametrize("frames", [96_000, 96_001, 96_002, 96_003])
def test_a_source_of_half_a_frame_more_at_48_khz_gives_a_clip_of_the_right_length(
    tmp_path: Path, how: How, frames: int
) -> None:
    asked = prompt(source(tmp_path, how, noise(1.1, rate=96_000)[:frames], 96_000))
    assert soundfile.info(written(tmp_path, asked)).frames == round(asked.seconds * RATE)


def test_the_part_of_a_file_that_is_continued_is_kept(tmp_path: Path) -> None:
    part = replace(source(tmp_path, "continue"), from_s=0.25, to_s=0.75, seconds=0.5)
    asked = prompt(part)
    whole, _ = soundfile.read(part.path, dtype="int32", always_2d=True)
    made, _ = soundfile.read(written(tmp_path, asked), dtype="int32", always_2d=True)
    assert np.array_equal(made[: 24_000 - JOIN], whole[12_000 : 36_000 - JOIN])


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_nothing_that_shapes_a_clip_touches_what_is_kept(tmp_path: Path, how: How) -> None:
    shape = Shape(200.0, 400.0, trim="free", reverse=1, lufs=-30.0, bits=32)
    asked = prompt(source(tmp_path, how), shape=shape, key="d", bars=1.0, bpm=97.0)
    samples = source_of(asked)
    assert samples is not None
    clip = paste(rendered(asked), ENGINE_RATE, asked, samples)
    assert np.array_equal(kept(clip.samples, asked), kept(samples, asked))
    assert clip.on_the_grid and clip.unmet == ("key",) and clip.measured == {}


def test_the_end_of_a_continuation_fades_out_and_so_do_the_ends_of_a_gap_that_are_ends_of_the_clip(
    tmp_path: Path,
) -> None:
    shape = Shape(50.0, 100.0)

    def made(origin: Source) -> Samples:
        asked = prompt(origin, shape=shape)
        samples = source_of(asked)
        assert samples is not None
        return np.abs(paste(rendered(asked), ENGINE_RATE, asked, samples).samples)

    longer = made(source(tmp_path, "continue"))
    assert longer[-48:].max() < 0.01 < longer[-4_800:-3_600].max() and longer[:48].max() > 0.1
    begin = made(source(tmp_path, "fill", from_s=0.0, to_s=0.3))
    assert begin[:48].max() < 0.01 and begin[-48:].max() > 0.1
    end = made(source(tmp_path, "fill", from_s=0.6, to_s=1.0))
    assert end[-48:].max() < 0.01 and end[:48].max() > 0.1


def test_a_source_is_read_once_for_all_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Source] = []
    read = source_file.read

    def counted(origin: Source) -> tuple[Samples, int]:
        reads.append(origin)
        return read(origin)

    monkeypatch.setattr(source_file, "read", counted)
    result = delivered(tmp_path, prompt(source(tmp_path, "continue"), takes=3), (0.1, 0.3, 0.2))
    assert isinstance(result, Delivered) and [take.take for take in result.takes] == [2, 3, 1] and len(reads) == 1


def test_a_source_that_is_gone_fails_the_job_with_its_sentence(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "fill"))
    assert asked.source is not None
    Path(asked.source.path).unlink()
    result = delivered(tmp_path, asked)
    assert isinstance(result, Undelivered) and result.code == "bad_source" and "source.wav" in result.why


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_peaks_beyond_full_scale_are_refused_unless_the_file_can_hold_them(tmp_path: Path, how: How) -> None:
    hot = noise(1.0)
    hot[1_000:1_010] = 1.26
    asked = prompt(source(tmp_path, how, hot, subtype="FLOAT"))
    with pytest.raises(BadSource, match=r"source\.wav .*full scale by 2 dB.*bits 32"):
        source_of(asked)
    made, _ = soundfile.read(written(tmp_path, replace(asked, shape=replace(NO_FADES, bits=32))), dtype="float32")
    assert np.array_equal(made[:2_000], hot[:2_000, 0])


def test_peaks_in_the_gap_do_not_matter(tmp_path: Path) -> None:
    hot = noise(1.0)
    hot[round(0.5 * RATE)] = 4.0
    asked = prompt(source(tmp_path, "fill", hot, subtype="FLOAT"))
    assert np.abs(soundfile.read(written(tmp_path, asked))[0]).max() < 1.0


def test_peaks_that_only_resampling_raised_are_cut_off_with_a_remark(tmp_path: Path) -> None:
    square = np.sign(np.sin(np.arange(44_100) / 10)).astype(np.float32)[:, None]
    result = delivered(tmp_path, prompt(source(tmp_path, "continue", square, 44_100)))
    assert isinstance(result, Delivered) and "bits 32" in result.takes[0].remark


def test_invalid_samples_and_many_channels_are_refused(tmp_path: Path) -> None:
    broken = noise(1.0)
    broken[7] = np.nan
    with pytest.raises(BadSource, match="invalid samples"):
        source_of(prompt(source(tmp_path, "vary", broken, subtype="FLOAT")))
    with pytest.raises(BadSource, match="4 channels"):
        source_of(prompt(source(tmp_path, "vary", noise(1.0, 4))))


@pytest.mark.parametrize(
    ("how", "keys", "seconds", "why"),
    [
        ("continue", {}, 1.0, "not longer"),
        ("fill", {"from_s": 5.0, "to_s": 6.0}, 1.0, "after the end"),
    ],
)
def test_a_clip_without_anything_new_is_refused(tmp_path: Path, how: How, keys: Any, seconds: float, why: str) -> None:
    asked = prompt(source(tmp_path, how, **keys), seconds)
    samples = source_of(asked)
    assert samples is not None
    with pytest.raises(BadSource, match=why):
        paste(rendered(asked), ENGINE_RATE, asked, samples)


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_a_new_part_without_sound_is_refused(tmp_path: Path, how: How) -> None:
    asked = prompt(source(tmp_path, how))
    samples, rendering = source_of(asked), rendered(asked)
    assert samples is not None
    silent = rendering.copy()
    silent[round(FROM_S * ENGINE_RATE) if how == "fill" else ENGINE_RATE :] = 0
    with pytest.raises(BadAudio, match="silence"):
        paste(silent, ENGINE_RATE, asked, samples)
    with pytest.raises(BadAudio, match="no valid sound"):
        paste(rendering * np.float32(np.nan), ENGINE_RATE, asked, samples)


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_a_rendering_that_holds_the_samples_of_the_source_joins_without_a_step(tmp_path: Path, how: How) -> None:
    t = np.arange(3 * RATE) / RATE
    # Its halves are unlike: the median is 0.2 below the mean.
    lopsided = np.exp(1.5 * np.sin(2 * np.pi * 440 * t))
    whole = (0.15 * (lopsided - lopsided.mean())).astype(np.float32)[:, None]
    gap: dict[str, Any] = {"from_s": 1.0, "to_s": 1.5} if how == "fill" else {}
    holed = whole.copy()
    holed[RATE : RATE * 3 // 2] = 0
    origin = source(tmp_path, how, holed if how == "fill" else whole[:RATE], **gap)
    asked = prompt(origin, 3.0)
    rendering = soxr.resample(whole, RATE, 44_100, "HQ")
    used = source_of(asked)
    assert used is not None
    clip = paste(rendering, 44_100, asked, used).samples
    assert np.abs(clip - whole)[: -RATE // 10].max() < 0.003


@pytest.mark.parametrize("how", ["continue", "fill"])
def test_channels_mix_the_finished_clip_down_or_double_it(tmp_path: Path, how: How) -> None:
    stereo = np.repeat(noise(1.0), 2, axis=1)
    asked = prompt(source(tmp_path, how, stereo), shape=replace(NO_FADES, channels=1))
    numbers, _ = soundfile.read(written(tmp_path, asked), dtype="int32", always_2d=True)
    assert asked.source is not None
    before, _ = soundfile.read(asked.source.path, dtype="int32", always_2d=True)
    assert numbers.shape[1] == 1 and np.array_equal(kept(numbers, asked), kept(before[:, :1], asked))
    asked = prompt(source(tmp_path, how), shape=replace(NO_FADES, channels=2))
    numbers, _ = soundfile.read(written(tmp_path, asked), dtype="int32", always_2d=True)
    assert numbers.shape[1] == 2 and np.array_equal(numbers[:, 0], numbers[:, 1])


def test_a_continuation_says_how_far_its_new_part_is_off_its_note(tmp_path: Path) -> None:
    def tone(cents: float, seconds: float, rate: int) -> Samples:
        hz = 261.63 * 2 ** (cents / 1200)
        return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)[:, None]

    asked = prompt(source(tmp_path, "continue", tone(0, 1.0, RATE)), 2.0, note="c4")
    samples = source_of(asked)
    assert samples is not None
    clip = paste(tone(20, 2.0, ENGINE_RATE), ENGINE_RATE, asked, samples)
    assert clip.measured["off_cents"] == pytest.approx(20, abs=3)


# ---- vary ----
@pytest.mark.parametrize("level", [0.003, 0.05, 0.2])
def test_a_varied_clip_has_the_level_of_its_source(tmp_path: Path, level: float) -> None:
    quiet = np.concatenate([noise(0.4, level=level), np.zeros((28_800, 1), np.float32)])
    asked = prompt(source(tmp_path, "vary", quiet))
    clip = make(rendered(asked, level=0.1), ENGINE_RATE, asked, source_of(asked))
    assert loud_rms(clip.samples) == pytest.approx(loud_rms(quiet), rel=0.1)


def test_a_varied_clip_peaks_at_minus_one_decibel_at_most_and_obeys_a_loudness(tmp_path: Path) -> None:
    square = np.sign(np.sin(np.arange(RATE) / 30)).astype(np.float32)[:, None] * 0.9
    asked = prompt(source(tmp_path, "vary", square))
    clip = make(rendered(asked), ENGINE_RATE, asked, source_of(asked))
    assert np.abs(clip.samples).max() == pytest.approx(10 ** (-1 / 20), rel=1e-5)
    asked = replace(asked, shape=replace(NO_FADES, lufs=-40.0))
    assert make(rendered(asked), ENGINE_RATE, asked, source_of(asked)).measured["lufs"] == pytest.approx(-40, abs=0.2)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("format", ["wav", "flac", "aiff"])
def test_at_strength_0_the_clip_is_the_source(tmp_path: Path, channels: int, format: str) -> None:
    offset = noise(1.0, channels, level=0.1) + np.float32(0.25)
    asked = prompt(source(tmp_path, "vary", offset, strength=0.0), shape=Shape(format=format))
    numbers, _ = soundfile.read(written(tmp_path, asked), dtype="int32", always_2d=True)
    assert asked.source is not None
    assert np.array_equal(numbers, soundfile.read(asked.source.path, dtype="int32", always_2d=True)[0])


def test_a_source_that_is_cut_at_strength_0_fades_out_there(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "vary", strength=0.0), 0.5, Shape())
    samples = source_of(asked)
    assert samples is not None
    clip = make(rendered(asked), ENGINE_RATE, asked, samples).samples
    assert np.array_equal(clip[:23_000], samples[:23_000]) and np.abs(clip[-5:]).max() < 1e-3


def test_at_strength_0_what_was_asked_for_is_still_done(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "vary", noise(1.0, 2), strength=0.0), shape=Shape(reverse=1))
    samples = source_of(asked)
    assert samples is not None
    assert np.array_equal(make(rendered(asked), ENGINE_RATE, asked, samples).samples, samples[::-1])
    loud = replace(asked, shape=replace(NO_FADES, lufs=-30.0))
    assert make(rendered(asked), ENGINE_RATE, loud, samples).measured["lufs"] == pytest.approx(-30, abs=0.2)


def test_bars_conform_a_varied_clip_and_without_bars_nothing_is_stretched(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "vary", clicks(118, 4.2)), 4.0, bars=2.0, bpm=120.0)
    beat = soxr.resample(clicks(118, 4.2), RATE, ENGINE_RATE, "HQ")
    samples = source_of(asked)
    conformed = make(beat, ENGINE_RATE, asked, samples)
    assert conformed.on_the_grid and conformed.measured["ratio"] == pytest.approx(118 / 120, abs=1e-3)
    assert "ratio" not in make(beat, ENGINE_RATE, replace(asked, bars=0.0, bpm=0.0), samples).measured


def test_a_varied_clip_without_sound_is_refused(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "vary"))
    with pytest.raises(BadAudio, match="silence"):
        make(rendered(asked) * 0, ENGINE_RATE, asked, source_of(asked))


# ---- again ----
@pytest.mark.parametrize("how", ["vary", "continue", "fill"])
@pytest.mark.parametrize("part", [None, Crop(0.25, 0.8)])
def test_a_clip_is_made_again_byte_for_byte_from_its_recipe(tmp_path: Path, how: How, part: Crop | None) -> None:
    path = written(tmp_path / "one", prompt(source(tmp_path, how, noise(1.0, 2, rate=44_100), 44_100), shape=Shape()))
    if part is not None:
        sink = FolderSink(path.parent)
        path = Path(crop(path, part.from_s, part.to_s, sink)["new_path"])
        sink.close()
    again = written(tmp_path / "three", recipe_from_file(path).prompt)
    assert again.read_bytes() == path.read_bytes()


def test_a_pad_saves_its_clip_without_reading_the_source(tmp_path: Path) -> None:
    asked = prompt(source(tmp_path, "continue"))
    samples = source_of(asked)
    assert samples is not None and asked.source is not None
    clip = paste(rendered(asked), ENGINE_RATE, asked, samples).samples
    np.save(tmp_path / "pad.npy", clip)
    Path(asked.source.path).unlink()
    sink = FolderSink(tmp_path)
    saved = process.save(Save(1, str(tmp_path / "pad.npy"), asked, MODEL), sink, {})
    sink.close()
    assert saved.why == "" and len(soundfile.read(saved.path)[0]) == len(clip)
