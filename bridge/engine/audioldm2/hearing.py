"""Reduce a prompt to the words that a small checkpoint knows: a few hundred, listed in its heard.json.

Other words are left out, because they would mislead it, and typing errors are corrected. The reply lists the words heard.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from bridge.domain.limits import LORA_STRENGTH
from bridge.domain.notes import NOTE, c_of, frequency_of, midi_of
from bridge.domain.words import folded, words_of
from bridge.errors import NoModel

MAX_PHRASE_WORDS = 5
# A noun after one of these does not name the sound: "riser before the drop", "kick with a crackle".
PREPOSITIONS = frozenset(
    """with without before after for like under over into in on at from and of between during through""".split()  # noqa: SIM905
)
PERCENT = "percent"
NEGATIONS = frozenset(("no", "not", "minus", "without"))
# About the recording, not the sound: "low" in "low quality" must not make it deep.
IGNORED_PHRASES = (
    "low quality",
    "average quality",
    "high quality",
    "good quality",
    "lo fi",
    "low end",
    "no noise",
    "no background noise",
)
# Words that look like a typing error in a known one.
REAL_WORDS = frozenset(
    """base basic ball beast bloom bowl brass broom cash cave clamp clash clipping crime crush going guest jungle later layer
    loser pack pat path rail rice rise ruin scare shape share snake snore spare stair stars table wing wink""".split()  # noqa: SIM905
)
HARMONICS = tuple(float(number) for number in range(1, 201))
REACH = (-12, 12)  # semitones by which a tone can be shifted and still sound like itself; some sounds have their own


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` is for the encoders, `words` for the musician; `noun` names the sound, or is "". `fills`: the sound lasts until the
    clip ends. `steady`: it sounds alike all along; None if nobody knows. `model_hz`: the pitch that the model will make,
    `target_hz`: the requested one; both 0.0 without a note. `partials`: multiples of the pitch that sound in it. `remark`: what
    was left out and why, or "". `note`: the requested one, "" for none; `usual_bpm`: the usual range of a rhythm's tempo, None for
    other sounds. `own`: the words of LoRA files among them, which are not in `text`,
    each with the share of it that was asked for, 0 to 2.
    """

    text: str
    words: str
    noun: str = ""
    fills: bool = False
    steady: bool | None = None
    model_hz: float = 0.0
    target_hz: float = 0.0
    partials: tuple[float, ...] = ()
    remark: str = ""
    note: str = ""
    usual_bpm: tuple[float, float] | None = None
    own: tuple[tuple[str, float], ...] = ()


class Vocabulary:
    """The words of one checkpoint: `nouns` with the sound that each means, other `words`, the `octaves` that it knows of each
    sound (by their C), the sounds that fill a clip, those that are `steady`, and the `partials` (multiples of the pitch) of sounds
    that do not have all harmonics, also by sound and chord ("stab minor"). `rhythms`: their usual tempi; `reach`: the semitones by
    which low sounds can be shifted, `plays`: the notes that they play unless another is requested."""

    def __init__(
        self,
        nouns: dict[str, str],
        words: list[str],
        octaves: dict[str, list[int]],
        fills: Sequence[str] = (),
        steady: Sequence[str] | None = None,
        partials: Mapping[str, Sequence[float]] = MappingProxyType({}),
        rhythms: Mapping[str, Sequence[float]] = MappingProxyType({}),
        reach: Mapping[str, Sequence[int]] = MappingProxyType({}),
        plays: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._nouns, self._octaves = nouns, octaves
        self._words = frozenset(words)
        self._fills, self._steady = frozenset(fills), None if steady is None else frozenset(steady)
        self._partials = {sound: tuple(multiples) for sound, multiples in partials.items()}
        self._rhythms = {sound: (low, high) for sound, (low, high) in rhythms.items()}
        self._reach = {sound: (down, up) for sound, (down, up) in reach.items()}
        self._plays = dict(plays)
        self._own: dict[str, str] = {}
        self._phrases = {*nouns, *words, *IGNORED_PHRASES}
        self._in_adjectives = {single for phrase in words for single in phrase.split()}
        self._singles = self._in_adjectives | {single for noun in nouns for single in noun.split()}

    @classmethod
    def read(cls, folder: Path) -> Vocabulary | None:
        """The vocabulary of the checkpoint in `folder`; None if it understands free text. Raises NoModel if it is damaged."""
        file = folder / "heard.json"
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text("utf-8"))
            nouns, words, octaves = dict(content["nouns"]), list(content["words"]), dict(content["octaves"])
            fills, partials = list(content["fills"]), dict(content.get("partials", {}))
            # Checkpoints trained by earlier versions do not say which sounds are steady.
            steady = list(content["steady"]) if "steady" in content else None
            if not all(isinstance(text, str) for text in (*nouns.values(), *words, *fills, *(steady or []))):
                raise ValueError("a word is not text")
            if not all(type(n) is int and 0 <= n <= 9 for numbers in octaves.values() for n in numbers):
                raise ValueError("an octave is not a number from 0 to 9")
            if not all(type(n) in (int, float) and 0.1 <= n <= 1_000 for numbers in partials.values() for n in numbers):
                raise ValueError("a partial is not a number from 0.1 to 1000")
            more = {name: dict(content.get(name, {})) for name in ("rhythms", "reach", "plays")}
            for pair in (*more["rhythms"].values(), *more["reach"].values()):
                if len(pair) != 2 or not all(type(n) in (int, float) and -60 <= n <= 400 for n in pair):
                    raise ValueError("a range is not two numbers")
            if not all(isinstance(note, str) and NOTE.fullmatch(note) for note in more["plays"].values()):
                raise ValueError("what a sound plays is not a note")
            return cls(nouns, words, octaves, fills, steady, partials, **more)
        except (OSError, ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
            raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error

    def with_own(self, words: Mapping[str, str]) -> Vocabulary:
        """This vocabulary, with the words of LoRA files, in lower case, and the sound of this vocabulary that each is if no other is
        named; "" for none."""
        twin = copy.copy(self)
        twin._own = {phrase: words[phrase] for phrase in sorted(words, key=lambda phrase: -phrase.count(" "))}
        return twin

    def knows(self, phrase: str) -> bool:
        """Whether a phrase in lower case is a word of the checkpoint, or a note."""
        return phrase in self._phrases or phrase in self._singles or NOTE.fullmatch(phrase) is not None

    def noun_of(self, sound: str) -> str:
        """A noun that means `sound`, its own name if possible; "" if there is none."""
        name = sound.replace("_", " ")
        return (
            name if name in self._nouns else next((noun for noun, means in self._nouns.items() if means == sound), "")
        )

    def hear(self, prompt: str, correct: bool = True) -> Heard:
        """The known words of a prompt of any script and length. `correct` typing errors: always in adjectives, in nouns only if
        none is spelt right or if it completes one ("clsoed hat"). So "layer" beside a snare does not become a laser."""
        text = folded(prompt)
        text = text.replace("%", f" {PERCENT} ") if self._own else text
        parts = [words_of(part) for part in re.split(r"[,.;:!?()]+", text)]
        own = tuple(dict(one for part in parts for one in self._take_own(part)).items())
        heard = self._hear_parts(parts, correct)
        if not own:
            return heard
        said = [phrase if share == 1 else f"{phrase} {100 * share:.0f}%" for phrase, share in own]
        words = " ".join(filter(None, [*said, heard.words]))
        if not heard.noun and (usual := self._own[own[0][0]]):
            heard = self._hear_parts([*parts, words_of(usual)], correct)
        return replace(heard, own=own, words=words)

    def _take_own(self, words: list[str]) -> list[tuple[str, float]]:
        """The words of LoRA files among these, with their shares, which are taken out: `my kicks`, `my kicks 70 percent`, and the
        percent before the word."""
        taken = []
        for phrase in self._own:
            size = len(own := phrase.split())
            while (at := next((n for n in range(len(words) - size + 1) if words[n : n + size] == own), -1)) >= 0:
                end, share = at + size, 1.0
                if (stated := _percent(words[end : end + 2])) is not None:
                    end, share = end + 2, stated
                elif (stated := _percent(words[max(0, at - 2) : at])) is not None:
                    at, share = at - 2, stated
                if at == 0 or words[at - 1] not in NEGATIONS:
                    taken.append((phrase, share))
                del words[at:end]
        return taken

    def _hear_parts(self, parts: list[list[str]], correct: bool) -> Heard:
        if not correct:
            return self._hear(parts)
        heard = self._hear([[self._corrected(word, self._in_adjectives) for word in part] for part in parts])
        guess = self._hear([[self._corrected(word, self._singles) for word in part] for part in parts])
        return guess if set(heard.noun.split()) < set(guess.noun.split()) else heard

    def tones_of(self, noun: str) -> tuple[list[int], tuple[float, ...]]:
        """The octaves that the checkpoint knows of a sound, and the multiples of the pitch that sound in it."""
        sound = self._nouns.get(noun, "")
        return self._octaves.get(sound, []), self._partials.get(sound, HARMONICS)

    def _hear(self, parts: list[list[str]]) -> Heard:
        noun, note, words = "", "", list[str]()
        for part in parts:
            part_noun, part_words, part_note = self._hear_part(part, noun)
            # The first part that names a sound decides: "deep kick, vinyl crackle".
            noun, note = noun or part_noun, part_note or note
            words += part_words
        return self._with_note(words, noun, note)

    def _hear_part(self, words: list[str], noun_before: str) -> tuple[str, list[str], str]:
        """The noun, all known words, and the note of one part between commas."""
        noun, note, aside, negated = "", "", False, False
        known: list[str] = []
        pending: list[str] = []  # adjectives after a preposition: they count unless a noun follows
        at = 0
        while at < len(words):
            phrase, size = self._phrase_at(words, at)
            if phrase in self._nouns:
                if negated or noun_before or (aside and noun):
                    pending = []
                else:
                    # The last noun names the sound: a "bell pluck" is a pluck.
                    known = [word for word in known if word != noun or word in self._words] + pending + [phrase]
                    noun, pending = phrase, []
            elif phrase and phrase not in IGNORED_PHRASES:
                (pending if aside or negated else known).append(phrase)
            elif not phrase and NOTE.fullmatch(words[at]):
                note = words[at]
            elif not phrase:
                aside = aside or words[at] in PREPOSITIONS
                negated = negated or words[at] in NEGATIONS
            at += size
        return noun, known if negated else known + pending, note

    def _with_note(self, words: list[str], noun: str, note: str) -> Heard:
        text = " ".join(words)
        sound = self._nouns.get(noun, "")
        fills, steady = sound in self._fills, sound in self._steady if sound and self._steady is not None else None
        heard = Heard(text, text, noun, fills, steady, note=note, usual_bpm=self._rhythms.get(sound))
        played = note or self._plays.get(sound, "")
        if not played:
            return heard
        octaves = self._octaves.get(sound, [])
        midi = midi_of(played)
        nearest = min(octaves, key=lambda octave: abs(c_of(octave) - midi), default=None)
        down, up = self._reach.get(sound, REACH)
        if nearest is None:
            why = f"{noun or 'this'} cannot be tuned"
        elif not down <= midi - c_of(nearest) <= up:
            why = f"it is too far for {noun}"
        else:
            chord = self._chord_of(sound, words)
            return replace(
                heard,
                text=" ".join(filter(None, (text, "" if chord in words else chord, f"c{nearest}"))),
                words=f"{text} {note}" if note else text,
                model_hz=frequency_of(c_of(nearest)),
                target_hz=frequency_of(midi),
                partials=self._partials.get(f"{sound} {chord}" if chord else sound, HARMONICS),
            )
        return replace(heard, remark=f"the note {note} was left out: {why}")

    def _chord_of(self, sound: str, words: list[str]) -> str:
        """The chord among the words of a sound that plays chords; "major" if none is and the sound has no partials of its own."""
        chords = [name.removeprefix(f"{sound} ") for name in self._partials if name.startswith(f"{sound} ")]
        said = [chord for chord in chords if any(chord in word.split() for word in words)]
        return said[0] if said else "major" if "major" in chords and sound not in self._partials else ""

    def _phrase_at(self, words: list[str], at: int) -> tuple[str, int]:
        for size in range(min(MAX_PHRASE_WORDS, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + size])
            for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es"), phrase + "s"):
                if form in self._phrases:
                    return form, size
        return "", 1

    def _corrected(self, word: str, known: set[str]) -> str:
        """`word`, or the known word of which it is a typo. The first letter must be right: train is not rain."""
        right = word in self._singles or word.removesuffix("s") in self._singles
        if len(word) < 4 or right or word in PREPOSITIONS or word in REAL_WORDS:
            return word
        return min((other for other in known if other[0] == word[0] and is_typo(other, word)), default=word)


def _percent(words: list[str]) -> float | None:
    """The share that two words state, such as `70 percent`; None for others."""
    if len(words) == 2 and words[1] == PERCENT and words[0].isdecimal() and len(words[0]) <= 3:
        return min(int(words[0]) / 100, LORA_STRENGTH.high)
    return None


def without_notes(text: str) -> str:
    """The words of a plain text that are not the names of notes."""
    return " ".join(word for word in text.split() if not NOTE.fullmatch(word))


def is_typo(known: str, typed: str) -> bool:
    """Whether `typed` is `known` with one letter missing, doubled, added or wrong, or with two neighbours swapped."""
    if len(known) < 4 or known == typed or abs(len(known) - len(typed)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(known, typed, strict=False)) if a != b), min(len(known), len(typed)))
    rest, other = known[start:], typed[start:]
    if rest[1:] == other or rest == other[1:]:
        return True
    swapped = len(rest) > 1 and len(other) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]
    # In short words a wrong letter often makes another word: boat is not a typo of beat.
    return swapped or (len(known) > 4 and rest[1:] == other[1:])
