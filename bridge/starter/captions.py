"""Captions as people write them: synonyms, adjectives in any order, fillers, unrelated words and typing errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.starter.catalogue import SOUNDS, Sound
from bridge.starter.sounds.parts import Attributes

ADJECTIVES = {
    "pitch": (("deep", "low", "low pitched"), ("high", "high pitched")),
    "brightness": (
        ("dark", "muffled", "dull", "warm", "mellow", "muted"),
        ("bright", "crisp", "sharp", "shiny", "metallic", "glassy", "sizzling"),
    ),
    "length": (
        ("short", "tight", "quick", "brief", "damped"),
        ("long", "sustained", "ringing", "long decay", "long tail"),
    ),
    "distortion": (("clean",), ("distorted", "gritty", "overdriven", "saturated", "dirty", "crunchy", "fuzzy")),
    "density": (("sparse", "minimal", "simple"), ("busy", "complex", "full")),
    "swing": (("straight",), ("swing", "swinging", "shuffled", "swung")),
    "dust": ((), ("dusty", "lofi", "vintage", "old school")),
    "half": ((), ("half time", "halftime")),
}
# Words that only some sounds know by: what is dark in a rhythm was filtered.
FILTERED = ("filtered", "low passed")
WAVES = {
    "saw": ("saw", "sawtooth"),
    "square": ("square", "square wave"),
    "sine": ("sine",),
    "noise": ("noise", "noisy", "white noise"),
}
CHORDS = {
    "single": (),
    "fifth": ("fifth", "power chord"),
    "major": ("major", "major chord", "happy"),
    "minor": ("minor", "minor chord", "sad"),
}
BEFORE = (
    "",
    "",
    "",
    "",
    "a",
    "a",
    "the",
    "one",
    "my",
    "some",
    "give me a",
    "i want a",
    "make a",
    "please a",
    "very",
    "really",
    "an old",
    "the sound of a",
)
AFTER = (
    "", "", "", "", "", "", "sound", "sample", "one shot", "hit", "note", "for a beat", "for techno", "for hip hop", "for my track",
    "please", "effect", "sfx", "in a big room", "with reverb", "loop", "120 bpm", "before the chorus", "in the distance", "from above",
    "for house music", "for drum and bass", "no background noise", "close mic", "high quality",
)  # fmt: skip
UNRELATED = """
huge tiny big small fat thin wet analog digital modern classic electronic acoustic trap house
dubstep techno cinematic eerie spooky loud quiet very really super extra slightly with without no in the of for to
make give me an old new wooden smooth rough retro 8 bit 80s hit tone key bpm loop beautiful weird summer night space
spaceship game dreamy floating recorded studio room tape cheap expensive nasty sweet angry lonely little giant ancient
modular beat song track intro chorus breakdown texture background chill beats movie trailer horror nature forest tin
roof city street alien dusty vintage busy sparse simple swing straight filtered full
""".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Meaning:
    """The content of a caption as numbers that the text stack learns to predict: the index of the sound; −1, 0 or 1 for each
    of ADJECTIVES and for force; octave (0: unstated); wave and chord as index + 1 (0: unstated)."""

    sound: int
    adjectives: tuple[int, ...]
    octave: int
    wave: int
    chord: int


def caption(rng: np.random.Generator, sound: Sound, a: Attributes, keep: float = 0.7) -> tuple[str, Meaning]:
    """A caption in lower case for a clip of `sound` with attributes `a`, and its meaning. Each adjective that applies is
    mentioned with probability `keep`."""
    said, words = [0] * (len(ADJECTIVES) + 1), []
    for number, (key, value) in enumerate(adjective_values(a).items()):
        low, high = ADJECTIVES[key]
        if key == "brightness" and sound.ring is not None:
            low = low + FILTERED
        spoken = high if value > 0 else low
        chance = 0.15 if key in ("distortion", "swing") and value < 0 else keep
        if spoken and key in sound.fits.split() and abs(value) > 0.25 and rng.random() < chance:
            said[number] = 1 if value > 0 else -1
            words.append(str(rng.choice(spoken)))
    if sound.force and abs(a.force) > 0.25 and rng.random() < keep:
        said[-1] = 1 if a.force > 0 else -1
        words.append(str(rng.choice(sound.force[1] if a.force > 0 else sound.force[0])))
    octave = wave = chord = 0
    if sound.waves and rng.random() < keep * 0.6:
        wave = list(WAVES).index(a.wave) + 1
        words.append(str(rng.choice(WAVES[a.wave])))
    after = ""
    if sound.chords and CHORDS[a.chord] and rng.random() < keep:
        chord = list(CHORDS).index(a.chord) + 1
        word = str(rng.choice(CHORDS[a.chord]))
        after = f" {word}" if rng.random() < 0.4 else ""
        if not after:
            words.append(word)
    if sound.octaves and rng.random() < keep:
        octave = a.octave
        after += f" {rng.choice(['', '', 'in ', 'note ', 'at '])}c{a.octave}"
    elif len(sound.octaves) > 1 and rng.random() < 0.5 and a.octave in (sound.octaves[0], sound.octaves[-1]):
        up = a.octave == sound.octaves[-1]
        said[0] = 1 if up else -1
        words.append(str(rng.choice(ADJECTIVES["pitch"][up])))
    rng.shuffle(words)
    # The plainest names half of the time: most people type those.
    noun = sound.nouns[0] if rng.random() < 0.35 else str(rng.choice(sound.nouns))
    behind = len(words) > 0 and rng.random() < 0.2
    text = " ".join([noun + after, *words] if behind else [*words, noun + after])
    return text, Meaning(SOUNDS.index(sound), tuple(said), octave, wave, chord)


def adjective_values(a: Attributes) -> dict[str, float]:
    """The attributes that ADJECTIVES are about, each −1 to 1."""
    return {
        "pitch": a.pitch,
        "brightness": a.brightness,
        "length": a.length,
        "distortion": a.distortion * 2 - 0.8,
        "density": a.density,
        "swing": a.swing * 2 - 0.8,
        "dust": a.dust * 2 - 0.8,
        "half": 1.0 if a.half else -1.0,
    }


def as_typed(rng: np.random.Generator, text: str) -> str:
    """A variant of the caption as someone might type it: with fillers, unrelated words, a typing error or a noun used as an
    adjective."""
    text = f"{rng.choice(BEFORE)} {text} {rng.choice(AFTER)}".strip() if rng.random() < 0.4 else text
    words = text.split()
    if rng.random() < 0.25:
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice(UNRELATED)))
    if rng.random() < 0.1:
        words.insert(
            int(rng.integers(0, len(words) + 1)),
            "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 9))),
        )
    if rng.random() < 0.1:
        at = int(rng.integers(0, len(words)))
        if len(words[at]) > 4:
            words[at] = _slip(rng, words[at])
    text = " ".join(words)
    if rng.random() < 0.1:
        text = text.replace(" ", ", ", 1) if rng.random() < 0.5 else text + "."
    return text


def _slip(rng: np.random.Generator, word: str) -> str:
    at = int(rng.integers(1, len(word) - 1))
    kind = rng.integers(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at] + word[at:]
