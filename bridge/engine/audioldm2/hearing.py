"""What a small checkpoint understands of a prompt. It has a few hundred words, listed in its heard.json: the rest of
the prompt is left out before it can mislead, slips of the fingers are mended, and the reply says what was heard."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.domain.notes import NOTE, c_of, frequency_of, midi_of
from bridge.domain.words import folded, words_of
from bridge.errors import NoModel

LONGEST = 5  # words in a phrase
# A noun after one of these tells where or with what, not what: "riser before the drop", "kick with a crackle".
ASIDE = frozenset(
    """with without before after for like under over into in on at from and of between during through""".split()  # noqa: SIM905
)
DENIED = frozenset(("no", "not", "minus", "without"))
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
    """base basic ball beast bloom bowl brass broom cash cave clamp clash clipping crime crush going guest jungle later layer
    loser pack pat path rail rice rise ruin scare shape share snake snore spare stair stars table wing wink""".split()  # noqa: SIM905
)
FARTHEST = 12  # semitones that a tone can be moved and still sound like itself


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` is for the encoders, `words` for the musician; `noun` names the sound, or is "". `fills`: the sound goes on
    until the clip ends.

    `made_hz` is the pitch that the model will make and `wanted_hz` the one that was asked for, both 0.0 if none was.
    `remark` says what could not be followed, or "".
    """

    text: str
    words: str
    noun: str = ""
    fills: bool = False
    made_hz: float = 0.0
    wanted_hz: float = 0.0
    remark: str = ""


class Vocabulary:
    """The words of one checkpoint: `nouns` with the sound that each means, other `words`, the `octaves` in which a sound
    is made (C of each), and the sounds that fill a clip."""

    def __init__(
        self, nouns: dict[str, str], words: list[str], octaves: dict[str, list[int]], fills: Sequence[str] = ()
    ) -> None:
        self._nouns, self._octaves, self._fills = nouns, octaves, frozenset(fills)
        self._phrases = {*nouns, *words, *EMPTY}
        self._in_adjectives = {single for phrase in words for single in phrase.split()}
        self._singles = self._in_adjectives | {single for noun in nouns for single in noun.split()}

    @classmethod
    def read(cls, folder: Path) -> Vocabulary | None:
        """The one of the checkpoint in `folder`; None if it understands free text. Raises NoModel for a damaged one."""
        file = folder / "heard.json"
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text("utf-8"))
            nouns, words, octaves = dict(content["nouns"]), list(content["words"]), dict(content["octaves"])
            fills = list(content["fills"])
            if not all(isinstance(text, str) for text in (*nouns.values(), *words, *fills)):
                raise ValueError("a word that is no text")
            if not all(type(n) is int and 0 <= n <= 9 for several in octaves.values() for n in several):
                raise ValueError("an octave that is none")
            return cls(nouns, words, octaves, fills)
        except (OSError, ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
            raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error

    def hear(self, prompt: str, mend: bool = True) -> Heard:
        """What is understood of `prompt`: any text, any script, any length. `mend` slips of the fingers: of adjectives
        always, of nouns where none is spelt right or where it completes one ("clsoed hat"): "layer" beside a snare is no
        laser."""
        parts = [words_of(part) for part in re.split(r"[,.;:!?()]+", folded(prompt))]
        if not mend:
            return self._hear(parts)
        heard = self._hear([[self._mended(word, self._in_adjectives) for word in part] for part in parts])
        guessed = self._hear([[self._mended(word, self._singles) for word in part] for part in parts])
        return guessed if set(heard.noun.split()) < set(guessed.noun.split()) else heard

    def _hear(self, parts: list[list[str]]) -> Heard:
        noun, note, kept = "", "", list[str]()
        for words in parts:
            named, said, spoken_note = self._hear_part(words, noun)
            # The first part that names a sound says what it is: "deep kick, vinyl crackle".
            noun, note = noun or named, spoken_note or note
            kept += said
        return self._with_note(kept, noun, note)

    def _hear_part(self, words: list[str], noun_before: str) -> tuple[str, list[str], str]:
        """The noun, all that counts, and the note of one part between commas."""
        noun, note, aside, denied = "", "", False, False
        kept: list[str] = []
        held: list[str] = []  # adjectives after a preposition: they count if no noun follows that they could belong to
        at = 0
        while at < len(words):
            phrase, size = self._phrase_at(words, at)
            if phrase in self._nouns:
                if denied or noun_before or (aside and noun):
                    held = []
                else:
                    # The last noun is what it is: a "bell pluck" is plucked.
                    kept = [word for word in kept if word != noun] + held + [phrase]
                    noun, held = phrase, []
            elif phrase and phrase not in EMPTY:
                (held if aside or denied else kept).append(phrase)
            elif not phrase and NOTE.fullmatch(words[at]):
                note = words[at]
            elif not phrase:
                aside = aside or words[at] in ASIDE
                denied = denied or words[at] in DENIED
            at += size
        return noun, kept if denied else kept + held, note

    def _with_note(self, kept: list[str], noun: str, note: str) -> Heard:
        said = " ".join(kept)
        sound = self._nouns.get(noun, "")
        fills = sound in self._fills
        if not note:
            return Heard(said, said, noun, fills)
        octaves = self._octaves.get(sound, [])
        wanted = midi_of(note)
        near = min(octaves, key=lambda octave: abs(c_of(octave) - wanted), default=None)
        if near is None:
            why = f"{noun or 'this'} cannot be tuned"
        elif abs(c_of(near) - wanted) > FARTHEST:
            why = f"it is too far for {noun}"
        else:
            made, asked = frequency_of(c_of(near)), frequency_of(wanted)
            return Heard(f"{said} c{near}", f"{said} {note}", noun, fills, made, asked)
        return Heard(said, said, noun, fills, remark=f"the note {note} was left out: {why}")

    def _phrase_at(self, words: list[str], at: int) -> tuple[str, int]:
        for size in range(min(LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + size])
            for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es"), phrase + "s"):
                if form in self._phrases:
                    return form, size
        return "", 1

    def _mended(self, word: str, known: set[str]) -> str:
        """`word`, or the known one that is a slip away. The first letter is hardly ever slipped: train is not rain."""
        right = word in self._singles or word.removesuffix("s") in self._singles
        if len(word) < 4 or right or word in ASIDE or word in REAL_WORDS:
            return word
        near = sorted(other for other in known if other[0] == word[0] and is_slip(other, word))
        return near[0] if near else word


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
