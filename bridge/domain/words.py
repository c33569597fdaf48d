"""Split prompts into words, as the captions of small checkpoints are."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from bridge.domain.limits import SECONDS

LENGTH = re.compile(
    r"(?<=\S)\s+(?P<number>[0-9]{1,4}([.,][0-9]{1,6})?|[.,][0-9]{1,6})(\s*(s|secs?|seconds?))?\s*$", re.IGNORECASE
)
MAX_NAME_CHARACTERS = 80
# Of the name of a clip: that it is a part, its tempo and bars, its seed, a random tag.
OUR_ENDING = re.compile(r"(_crop)?(_\d+bpm_[\d.]+bars?)?_s\d+_[0-9a-f]{4}(-\d+)?$")

# The remark about a clip of a small checkpoint whose prompt names no sound that it knows.
UNHEARD = (
    "this small checkpoint knows no sound by these words, and guessed; clipbridge sounds lists the sounds that it knows"
)


def plain(prompt: str) -> str:
    """`prompt` in lower case, with only words and numbers, like the captions of the training."""
    return " ".join(words_of(folded(prompt)))


def split_length(prompt: str) -> tuple[str, str]:
    """Split a prompt that ends with what looks like a length, such as "snare 0.3", "rain 4 s" or "rain 2,5", into its words and the
    number, written with a point. The number is "" if there is none. A number alone, such as 808, is a prompt."""
    match = LENGTH.search(prompt)
    return (prompt[: match.start()], match["number"].replace(",", ".")) if match else (prompt, "")


def length_in(prompt: str) -> str:
    """The number at the end of a prompt if it may be a length in seconds, otherwise "". A number above the longest clip is not:
    "kick 909"."""
    number = split_length(prompt)[1]
    return number if number and float(number) in SECONDS else ""


def words_in_name(path: str) -> str:
    """What a sound in a file of this name may be called; of the names of clips, the words of the prompt and the pitch. "" if there are
    none."""
    words, ours = OUR_ENDING.subn("", PurePosixPath(path).stem)
    stem = "".join(one if one.isprintable() else " " for one in (re.sub("[-_]", " ", words) if ours else words))
    return " ".join(stem.split())[:MAX_NAME_CHARACTERS]


def words_of(text: str) -> list[str]:
    """Words, numbers and notes of a text in lower case."""
    return re.findall(r"\b[a-g][#bs]?-1\b|\b[a-g]#\d\b|[a-z0-9]+", text)


def folded(prompt: str) -> str:
    """`prompt` in lower case, with one spelling of each letter, sharp and flat."""
    return unicodedata.normalize("NFKC", prompt).lower().replace("♯", "#").replace("♭", "b")
