"""Give each sound of a kit its key: the one in its entry, else that of the drum in General MIDI, else a free one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from bridge.domain.kit import MAX_SOUNDS, Sound
from bridge.domain.notes import HIGHEST, NOTE, midi_of, name_of
from bridge.errors import BadArgument

FREE_FROM = 60  # first key for sounds that General MIDI does not know
HAT = re.compile(r"\b((hi|high)[ -]?hats?|hihats?|hats?|hh)\b")

OPEN, PEDAL = re.compile(r"\bopen(ed)?\b"), re.compile(r"\b(pedal|foot)\b")

# General MIDI's percussion (and the shaker of GM 2), without hats. The first match counts, so exact names come before general
# ones; a second kick goes to General MIDI's second kick. No pattern has a wildcard: prompts may be long.
DRUMS = tuple(
    (re.compile(words), notes)
    for words, notes in (
        (r"\b(side[ -]?stick|cross[ -]?stick|rim([ -]?shots?)?)\b", (37,)),
        (r"\b(hand)?claps?\b", (39,)),
        (r"\bsnares?\b", (38, 40)),
        (r"\b(kicks?|kick ?drums?|bass ?drums?)\b", (36, 35)),
        (r"\bfloor toms?\b", (41, 43)),
        (r"\b(low|deep) toms?\b", (45, 43, 41)),
        (r"\bmid(dle)? toms?\b", (47, 48)),
        (r"\b(hi|high) toms?\b", (50, 48)),
        (r"\btoms?\b", (47, 45, 48, 50, 43, 41)),
        (r"\bcrash(es)?\b", (49, 57)),
        (r"\bride bell\b", (53,)),
        (r"\brides?\b", (51, 59)),
        (r"\b(china|chinese)\b", (52,)),
        (r"\bsplash\b", (55,)),
        (r"\btambourines?\b", (54,)),
        (r"\bcow ?bells?\b", (56,)),
        (r"\bvibra ?slap\b", (58,)),
        (r"\blow bongos?\b", (61,)),
        (r"\bbongos?\b", (60, 61)),
        (r"\bmuted? congas?\b", (62,)),
        (r"\b(low|deep) congas?\b", (64,)),
        (r"\bcongas?\b", (63, 64, 62)),
        (r"\blow timbales?\b", (66,)),
        (r"\btimbales?\b", (65, 66)),
        (r"\blow agogos?\b", (68,)),
        (r"\bagogos?\b", (67, 68)),
        (r"\bcabasas?\b", (69,)),
        (r"\bmaracas?\b", (70,)),
        (r"\bg[uü]iros?\b", (73, 74)),
        (r"\bclaves?\b", (75,)),
        (r"\blow wood ?blocks?\b", (77,)),
        (r"\bwood ?blocks?\b", (76, 77)),
        (r"\btriangles?\b", (81, 80)),
        (r"\bshakers?\b", (82,)),
        (r"\b808s?\b", (36, 35)),
    )
)


def parse(entry: str) -> tuple[int | None, str, str]:
    """(key or None, pitch or "", prompt) of `36:deep warm kick`, `c4:glassy bell` or `deep warm kick`. Raises BadArgument."""
    head, colon, words = (part.strip() for part in entry.partition(":"))
    is_number = re.fullmatch(r"[0-9]{1,3}", head) is not None
    if not colon or not (is_number or NOTE.fullmatch(head.lower())):
        return None, "", entry
    if not words:
        raise BadArgument(f"{entry[:40]!r} names a key and no sound: write, for example, 36:deep warm kick.")
    if is_number:
        if int(head) > HIGHEST:
            raise BadArgument(f"{head} in {entry[:40]!r} is not a MIDI note: use 0 to {HIGHEST}.")
        return int(head), "", words
    key = _midi(head)
    return key, name_of(key), words


def spread(notes: str) -> list[int]:
    """The MIDI numbers of `c4..g4` (each semitone) or `c4 e4 g4`. Raises BadArgument."""
    low, dots, high = notes.partition("..")
    if dots:
        keys = list(range(_midi(low), _midi(high) + 1))
        if not keys:
            raise BadArgument(f"notes {notes[:40]!r}: the lower note comes first, as in c4..g4.")
        return keys
    keys = [_midi(note) for note in notes.replace(",", " ").split()[: MAX_SOUNDS + 1]]
    if not keys:
        raise BadArgument("notes is empty; write c4..g4, or c4 e4 g4.")
    return keys


def lay_out(prompts: Sequence[str], notes: str = "") -> tuple[Sound, ...]:
    """Give each prompt its key. With `notes`, a prompt without a key of its own becomes a tone on each of them. Raises
    BadArgument."""
    if not prompts:
        raise BadArgument("A kit needs at least one sound: name one.")
    tones = spread(notes) if notes else []
    entries: list[tuple[int | None, str, str, int]] = []
    for number, prompt in enumerate(prompts):
        key, note, words = parse(prompt)
        if key is None and tones:
            entries += [(tone, name_of(tone), words, number) for tone in tones]
        else:
            entries.append((key, note, words, number))
        if len(entries) > MAX_SOUNDS:
            raise BadArgument(f"A kit may have {MAX_SOUNDS} sounds, one on each MIDI note.")
    used: set[int] = set()
    for key, _, words, _ in entries:
        if key in used:
            raise BadArgument(
                f"Two sounds have MIDI note {key} ({name_of(key)}): give the second, {words[:40]!r}, another."
            )
        if key is not None:
            used.add(key)
    sounds = []
    for key, note, words, number in entries:
        if key is None:
            key = next(place for place in _places(words) if place not in used)
            used.add(key)
        sounds.append(Sound(key, words, note, number))
    return tuple(sounds)


def is_hat(words: str) -> bool:
    """Whether this is a hi-hat; only one of them sounds at a time."""
    return HAT.search(words.lower()) is not None


def _places(words: str) -> Iterable[int]:
    """The keys for a sound, best first."""
    plain = words.lower()
    if HAT.search(plain):
        drum_keys: tuple[int, ...] = (46,) if OPEN.search(plain) else (44, 42) if PEDAL.search(plain) else (42, 44)
    else:
        drum_keys = next((notes for pattern, notes in DRUMS if pattern.search(plain)), ())
    return itertools.chain(drum_keys, range(FREE_FROM, HIGHEST + 1), range(FREE_FROM - 1, -1, -1))


def _midi(note: str) -> int:
    """The MIDI number of a note's name or number. Raises BadArgument."""
    text = note.strip()
    if re.fullmatch(r"[0-9]{1,3}", text) and int(text) <= HIGHEST:
        return int(text)
    try:
        return midi_of(text)
    except ValueError as error:
        raise BadArgument(f"{error}, or a MIDI number from 0 to {HIGHEST}.") from error
