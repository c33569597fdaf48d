"""The range of every value, and the allowed names of sub-folders."""

from __future__ import annotations

import re
from typing import NamedTuple


class Range(NamedTuple):
    """A closed range of numbers; `low` and `high` are both allowed."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high  # NaN is in no range

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:.12g}"


SECONDS = Range(0.1, 150.0)
STEPS = Range(1, 250)
EFFORT = Range(0.1, 10.0)
STRENGTH = Range(0.0, 1.0)
GUIDANCE = Range(0.0, 30.0)
TAKES = Range(1, 16)
LORA_STRENGTH = Range(0.0, 2.0)
SEED = Range(0, 2**31 - 1)  # fits into an OSC int32
GAIN = Range(0.0, 4.0)  # a factor; the limiter catches peaks
PAN = Range(-1.0, 1.0)
BPM = Range(20.0, 999.0)
BARS = Range(1 / 16, 256.0)
BEATS_PER_BAR = Range(1, 32)
QUANTIZE = ("off", "beat", "bar")
PADS = Range(0, 127)  # one for each MIDI note
PAD_SECONDS = Range(SECONDS.low, 30.0)  # all takes of all pads stay in memory: at most 2.2 GB per channel
PAD_FILE_KEYS = ("gain", "pan", "loop", "quantize", "gate")  # the keys of a pad that plays a file
CHOKES = Range(0, 16)  # groups of pads of which one sounds at a time; 0: none
VOICE_FADE_MS = Range(5.0, 60_000.0)
DEADLINE_S = Range(0.05, 3_600.0)
FADE_MS = Range(0.0, 10_000.0)
LUFS = Range(-40.0, -6.0)
TRIMS = ("off", "onset", "free")
FORMATS = ("wav", "flac", "aiff")
WIDTHS = (16, 24, 32)  # bits; 32 are floating point
CHANNELS = Range(0, 2)  # 0: as the checkpoint makes them
RATING = Range(0, 5)
SINKS = ("folder", "audio", "both")
ORDERS = ("best", "newest", "oldest", "prompt", "shortest", "longest", "slowest", "fastest", "rating")  # of clips found
PORT = Range(1, 65_535)
MINUTES = Range(0.1, 600.0)  # of learning a folder
MAX_PROMPT_CHARACTERS = 4_000
MAX_PATH_CHARACTERS = 4_096
MAX_LIST_BYTES = 256_000  # of a list of prompts in the inbox

# Sub-folder names that every system allows, and the device names of Windows.
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}(/[A-Za-z0-9][A-Za-z0-9 _-]{0,39}){0,2}")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)

# A drawn seed must survive Pd, which has only 32-bit floats and prints six digits of them.
DRAWN_SEEDS = 1_000_000


def seed_after(seed: int, count: int) -> int:
    """The seed `count` after `seed`, wrapped so that it stays a positive 31-bit number."""
    return (seed + count) % (int(SEED.high) + 1)


def is_sub_folder(text: str) -> bool:
    """Whether a text names a folder below the sample folder that every system can have."""
    return bool(FOLDER.fullmatch(text)) and not any(RESERVED.fullmatch(part) for part in text.split("/"))
