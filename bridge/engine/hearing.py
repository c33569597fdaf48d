"""What a small checkpoint understands of a prompt. It has a few hundred words, listed in its heard.json: the rest of
the prompt is left out before it can mislead, slips of the fingers are mended, and the reply says what was heard."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import NoModel
from bridge.notes import NOTE, frequency_of, midi_of

LONGEST = 5  # words in a phrase
# A noun after one of these tells where or with what, not what: "riser before the drop", "kick with a crackle".
ASIDE = frozenset(
    """with without before after for like under over into in on at from and of between during through""".split()  # noqa: SIM905
)
# Said about the recording, not about the sound; "low" in "low quality" must not make it deep.
EMPTY = (
    "low quality",
    "average quality",
    "high quality",
    "good quality",
    "lo fi",
    "low end",
    "no noise",
    "no background noise",
)
# Words of their own that look like a slip of one that is known.
REAL_WORDS = frozenset(
    """brass base basic ball bowl rise rice pack path pat cash clash crush spare share stair wing wink rail ruin""".split()  # noqa: SIM905
)
FARTHEST = 12  # semitones that a tone can be moved and still sound like itself


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` is for the encoders, `words` for the musician; `noun` names the sound, or is "".

    `made_hz` is the pitch that the model will make and `wanted_hz` the one that was asked for, both 0.0 if none was.
    `remark` says what could not be followed, or "".
    """

    text: str
    words: str
    noun: str = ""
    made_hz: float = 0.0
    wanted_hz: float = 0.0
    remark: str = ""


class Vocabulary:
    """The words of one checkpoint."""

    def __init__(self, nouns: dict[str, str], words: list[str], octaves: dict[str, list[int]]) -> None:
        self._nouns, self._octaves = nouns, octaves
        self._phrases = {*nouns, *words, *EMPTY}
        self._singles = {single for phrase in self._phrases for single in phrase.split()}

    @classmethod
    def read(cls, folder: Path) -> Vocabulary | None:
        """The one of the checkpoint in `folder`; None if it understands free text. Raises NoModel for a damaged one."""
        file = folder / "heard.json"
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text("utf-8"))
            return cls(dict(content["nouns"]), list(content["words"]), dict(content["octaves"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
            raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error

    def hear(self, prompt: str) -> Heard:
        """What is understood of `prompt`: any text, any script, any length."""
        words = [self._mended(word) for word in plain(prompt).split()]
        noun, note, aside = "", "", False
        kept: list[str] = []
        at = 0
        while at < len(words):
            phrase, size = self._phrase_at(words, at)
            if phrase in self._nouns:
                # The last noun is what it is ("bell pluck"), unless it only tells where or with what.
                if not (aside and noun):
                    kept = [word for word in kept if word != noun] + [phrase]
                    noun = phrase
            elif phrase and phrase not in EMPTY and not (aside and noun):
                kept.append(phrase)
            elif not phrase and NOTE.fullmatch(words[at]):
                note = words[at]
            elif not phrase:
                aside = aside or (noun != "" and words[at] in ASIDE)
            at += size
        return self._with_note(kept, noun, note)

    def _with_note(self, kept: list[str], noun: str, note: str) -> Heard:
        said = " ".join(kept)
        if not note:
            return Heard(said, said, noun)
        octaves = self._octaves.get(self._nouns.get(noun, ""), [])
        wanted = midi_of(note)
        near = min(octaves, key=lambda octave: abs(12 * (octave + 1) - wanted), default=None)
        if near is None:
            return Heard(said, said, noun, remark=f"the note {note} was left out: {noun or 'this'} has no pitch to set")
        if abs(12 * (near + 1) - wanted) > FARTHEST:
            return Heard(said, said, noun, remark=f"the note {note} was left out: it is too far for {noun}")
        return Heard(f"{said} c{near}", f"{said} {note}", noun, frequency_of(12 * (near + 1)), frequency_of(wanted))

    def _phrase_at(self, words: list[str], at: int) -> tuple[str, int]:
        for size in range(min(LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + size])
            for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
                if form in self._phrases:
                    return form, size
        return "", 1

    def _mended(self, word: str) -> str:
        """`word`, or the known one that is a slip away. The first letter is hardly ever slipped: train is not rain."""
        if (
            len(word) < 4
            or word in self._singles
            or word.removesuffix("s") in self._singles
            or word in ASIDE | REAL_WORDS
        ):
            return word
        near = sorted(known for known in self._singles if known[0] == word[0] and is_slip(known, word))
        return near[0] if near else word


def plain(prompt: str) -> str:
    """`prompt` in lower case, its words and numbers only: what the captions of the training look like."""
    text = unicodedata.normalize("NFKC", prompt).lower().replace("♯", "#").replace("♭", "b")
    return " ".join(re.findall(r"[a-z0-9#]+", text))


def is_slip(known: str, typed: str) -> bool:
    """Whether `typed` is `known` with one letter left out, doubled, added, wrong, or two neighbours swapped."""
    if len(known) < 4 or known == typed or abs(len(known) - len(typed)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(known, typed, strict=False)) if a != b), min(len(known), len(typed)))
    rest, other = known[start:], typed[start:]
    if rest[1:] == other or rest == other[1:]:
        return True
    swapped = len(rest) > 1 and len(other) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]
    # One wrong letter makes many a short word another one: boat is no slip of beat.
    return swapped or (len(known) > 4 and rest[1:] == other[1:])
