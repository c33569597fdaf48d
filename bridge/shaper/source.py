"""Inspect a file that a clip should start from, as far as is needed to refuse it in time, and to know its length and its tempo."""

from __future__ import annotations

import contextlib
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soxr

from bridge.audio.beats import measure, mono
from bridge.audio.conform import MIN_TEMPO_CONFIDENCE
from bridge.audio.shape import SILENT_DBFS
from bridge.domain import recipe
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.limits import SECONDS
from bridge.domain.source import SHORTEST_SOURCE_S
from bridge.domain.words import words_in_name
from bridge.errors import BadArgument, BadAudio, BadRecipe, BadSource
from bridge.files.audio_file import AudioFile
from bridge.files.same_file import check_size, hash_of
from bridge.files.tags import recipe_in
from bridge.shaper.messages import InspectSource

MAX_CHANNELS = 2
TOLERANCE_S = 0.001  # what a 32-bit float may lose of the length of a file
SAME_LENGTH_S = 0.001  # a part this close to the whole clip is the clip
# Of a recorder that was switched off, or a stream; libsndfile reads to the end of the file.
UNKNOWN_SIZES = (0, 0xFFFFFFFF)
MAX_CHUNKS = 1_000
LOOSE_BEATS, LOOSE_TEMPO = 0.01, 0.001  # what a measured tempo may be off whole beats in all, and as a share


def inspect(ask: InspectSource) -> dict[str, Any]:
    """The facts of the part that is used, or for `fill` of the whole file: `seconds`, `from_s`, `to_s`, `words`, `bpm`, `sha256`, by how
    much its peaks are `over_db` full scale, and whether the whole of it `loop`s. Raises BadSource."""
    path, whole = Path(ask.path), ask.how == "fill"
    check_size(path)  # first: libsndfile looks through all of some files for their length
    try:
        file = AudioFile(path, 0.0 if whole else ask.from_s, None if whole else ask.to_s, longest_s=SECONDS.high + 1)
    except (BadAudio, BadArgument) as error:  # BadArgument: it ends before the part begins
        raise BadSource(str(error)) from error
    rate, total_s = file.sample_rate, file.total / file.sample_rate
    end_s = total_s if ask.to_s is None else ask.to_s
    if end_s > total_s + TOLERANCE_S:
        raise BadSource(f"{path.name} is only {total_s:.3f} seconds long, and to is {end_s:g}.")
    _check_form(path, file, whole, ask.to_s is not None)
    try:
        samples = file.read(file.frames)
    except BadAudio as error:
        raise BadSource(str(error)) from error
    if len(samples) < file.frames or _is_cut_short(path):
        raise BadSource(f"{path.name} is damaged: it ends before it says. Copy it again.")
    if not np.isfinite(samples).all():
        raise BadSource(f"{path.name} has samples that are not numbers (NaN or infinity): write it again.")
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < 10 ** (SILENT_DBFS / 20):
        raise BadSource(f"{path.name} is silent{'' if whole or ask.to_s is None else ' there'}.")
    used_s = file.frames / rate
    begin_s = file.first / rate
    made = _prompt_of(path)
    is_clip = made is not None and abs(made.claimed.seconds - used_s) < SAME_LENGTH_S and not file.first
    bpm = made.claimed.bpm if made is not None and made.claimed.bars and is_clip else 0.0
    return {
        "sha256": hash_of(path),
        "over_db": 20 * math.log10(peak) if peak > 1 else 0.0,
        "seconds": used_s,
        "from_s": ask.from_s if whole else begin_s,
        "to_s": min(end_s, total_s) if whole else begin_s + used_s,
        "words": (made.text if made is not None else "") or words_in_name(path.name),
        "bpm": bpm or whole_beats(_tempo(samples, rate, ask.bpm), used_s),
        "loop": made is not None and made.claimed.loop and is_clip,
    }


def _check_form(path: Path, file: AudioFile, whole: bool, chosen: bool) -> None:
    """Raises BadSource for a file that has too many channels, or too much or too little sound."""
    if file.channels > MAX_CHANNELS:
        raise BadSource(f"{path.name} has {file.channels} channels, and a source has one or two: mix it down first.")
    used_s = file.frames / file.sample_rate
    if used_s > SECONDS.high:
        total_s, part = file.total / file.sample_rate, chosen and not whole
        how = "cut it first" if whole else "choose a shorter part with from and to"
        raise BadSource(
            f"{'That part of ' if part else ''}{path.name} has {used_s if part else total_s:.0f} seconds, and a source "
            f"at most {SECONDS.high:g}: {how}."
        )
    if used_s < SHORTEST_SOURCE_S:
        raise BadSource(
            f"{path.name} has only {1000 * used_s:.0f} milliseconds there; a source needs {1000 * SHORTEST_SOURCE_S:g}."
        )


def _prompt_of(path: Path) -> Prompt | None:
    """The prompt in the recipe of a clip."""
    with contextlib.suppress(BadRecipe, OSError):
        return recipe.read(recipe_in(path)).prompt
    return None


def _tempo(samples: Any, rate: int, near_bpm: float) -> float:
    """The measured tempo, 0 if there is no steady beat; of tempi that fit equally well the one nearest to `near_bpm`."""
    wave = mono(samples)
    if rate != OUTPUT_RATE:
        wave = soxr.resample(wave, rate, OUTPUT_RATE, "HQ")
    beats = measure(wave[:, None], near_bpm)
    return round(beats.bpm, 3) if beats.confidence >= MIN_TEMPO_CONFIDENCE else 0.0


def whole_beats(bpm: float, seconds: float) -> float:
    """The tempo at which `seconds` are exactly a whole number of beats, if `bpm` is that but for what measuring is off: a loop of two
    seconds that is measured as 120.002 BPM goes on at 120. Any other tempo, and 0, is returned as it is."""
    beats = seconds * bpm / 60
    whole = round(beats)
    near = min(LOOSE_BEATS, LOOSE_TEMPO * whole)
    return 60 * whole / seconds if whole and abs(beats - whole) <= near else bpm


def _is_cut_short(path: Path) -> bool:
    """Whether a WAV or AIFF file states more samples than it has; libsndfile passes over that. A copy that was interrupted."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            return _lacks(file, b"data", "<")
        return head[:4] == b"FORM" and _lacks(file, b"SSND", ">")


def _lacks(file: BinaryIO, chunk: bytes, order: str) -> bool:
    size_of_file = Path(file.name).stat().st_size
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return False
        name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        if name == chunk:
            return size not in UNKNOWN_SIZES and file.tell() + size > size_of_file
        file.seek(size + size % 2, 1)
    return False
