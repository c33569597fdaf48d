"""The sounds that the starter knows: what each is called, which adjectives fit it, and what makes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.starter.rhythms.catalogue import RHYTHMS
from bridge.starter.sounds import (
    drums,
    effects,
    foley,
    keys,
    machines,
    nature,
    noises,
    percussion,
    strings_plucked,
    synths,
    tones,
    winds,
)
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave
from bridge.starter.sounds.sound import SOFT, TONE, Sound, sound

LEAD_IN = 882  # samples of silence before the attack: 20 ms, so that a frame of the spectrogram can hold it alone
PEAK = 0.89


_FIRST = (
    sound("kick", drums.kick, "kick, kick drum, bass drum, bd, kickdrum, kik, four on the floor kick", force=SOFT),
    sound("808", drums.bass_808, "808, 808 bass, 808 kick, sub kick, trap bass, 808 sub, 808 boom", fits=TONE, force=SOFT, octaves=(3,)),
    sound("snare", drums.snare, "snare, snare drum, sd, snare hit, backbeat", force=(("soft", "gentle", "light"), ("punchy", "hard", "snappy"))),
    sound("clap", drums.clap, "clap, hand clap, handclap, claps, clapping, applause hit", fits=TONE),
    sound("rim", drums.rim, "rimshot, rim, rim shot, rim click"),
    sound("closed_hat", drums.closed_hat, "closed hi hat, closed hat, closed hihat, hi hat, hihat, hat, hh, tick hat"),
    sound("open_hat", drums.open_hat, "open hi hat, open hat, open hihat, washy hat"),
    sound("ride", drums.ride, "ride, ride cymbal, ride bell, rides, bell of the ride", force=SOFT),
    sound("crash", drums.crash, "crash, crash cymbal, cymbal, cymbal crash, splash, splash cymbal, china cymbal"),
    sound("tom", drums.tom, "tom, tom drum, floor tom, tom tom, toms, rack tom"),
    sound("cowbell", drums.cowbell, "cowbell, cow bell, 808 cowbell, agogo"),
    sound("clave", drums.clave, "clave, claves, wood block, woodblock, wooden stick, sticks"),
    sound("conga", drums.conga, "conga, congas, bongo, bongos, hand drum, djembe, tabla", fits="pitch brightness length distortion", force=SOFT),
    sound("tambourine", drums.tambourine, "tambourine, tamb, jingles, sleigh bells, sleigh bell, jingle", fits=TONE),
    sound("shaker", drums.shaker, "shaker, maraca, maracas, egg shaker, cabasa, shake", fits=TONE),
    sound("bass", tones.bass, "bass, bass note, synth bass, bass synth, bass guitar", fits=TONE, octaves=(3,), waves=("saw", "square")),
    sound("sub", tones.sub, "sub, sub bass, subbass, sine bass, sub tone, low sine", fits=TONE, octaves=(3,)),
    sound("pluck", tones.pluck, "pluck, plucked string, synth pluck, pizzicato, plucked", fits=TONE, octaves=(3, 4, 5)),
    sound("pad", tones.pad, "pad, synth pad, ambient pad, warm pad, string pad, drone, pads, ambient drone, soundscape", fits="brightness distortion", octaves=(3, 4, 5), chords=("single", "fifth", "major", "minor"), fills=True),
    sound("lead", tones.lead, "lead, synth lead, lead synth, solo lead, solo synth, chiptune lead, synth note", fits=TONE, octaves=(4, 5, 6), waves=("saw", "square"), fills=True),
    sound("organ", tones.organ, "organ, organ note, hammond organ, church organ, hammond, pipe organ", fits=TONE, octaves=(3, 4, 5), fills=True),
    sound("bell", tones.bell, "bell, bells, church bell, chime, chimes, glass bell, tubular bell", fits=TONE, octaves=(4, 5, 6)),
    sound("mallet", tones.mallet, "mallet, marimba, xylophone, vibraphone, kalimba, glockenspiel, mallets, music box", fits="brightness length", force=(("soft", "gentle"), ("hard", "punchy")), octaves=(4, 5, 6)),
    sound("string", tones.strings, "strings, string, violin, cello, bowed string, string section, string ensemble, orchestra strings, fiddle, viola", fits=TONE, octaves=(3, 4, 5), fills=True),
    sound("stab", tones.stab, "chord stab, stab, synth stab, house stab, rave stab, chord hit, house chord, stabs", fits=TONE, octaves=(3, 4), chords=("major", "minor")),
    sound("riser", effects.riser, "riser, build up, uplifter, rising sweep, buildup, sweep up, upsweep, tension riser", waves=("saw", "noise"), fills=True),
    sound("downlifter", effects.downlifter, "downlifter, falling sweep, down sweep, sweep down, downer, fall down sweep, drop sweep", waves=("saw", "noise"), fills=True),
    sound("impact", effects.impact, "impact, boom, cinematic hit, cinematic boom, cinematic impact, slam"),
    sound("laser", effects.laser, "laser, zap, laser zap, pew, blaster, laser gun, ray gun, laser shot"),
    sound("siren", effects.siren, "siren, alarm, police siren, ambulance, ambulance siren, air raid siren, fire alarm", fits="pitch brightness distortion", force=(("slow",), ("fast",)), waves=("saw", "sine"), fills=True),
    sound("wind", effects.wind, "wind, wind noise, howling wind, breeze, gust, storm wind, gale, windy", fits="brightness", fills=True),
    sound("rain", effects.rain, "rain, rainfall, raining, rain shower, downpour, rain on a window, drizzle", fits="brightness", force=(("light", "gentle", "soft"), ("heavy", "hard", "dense")), fills=True),
    sound("thunder", effects.thunder, "thunder, thunder roll, thunderclap, rumble, thunderstorm, distant thunder", fits="brightness length", force=(("soft", "gentle"), ("hard", "heavy"))),
    sound("fire", effects.fire, "fire, crackle, vinyl crackle, fire crackle, campfire, fireplace, record noise, crackling, vinyl noise, burning", fits="brightness", force=(("sparse", "gentle"), ("dense", "heavy")), fills=True),
    sound("water_drop", effects.water_drop, "water drop, drip, droplet, water droplet, dripping, drop of water, water drip, blip", fits="pitch brightness length"),
    sound("glitch", effects.glitch, "glitch, digital glitch, stutter, glitch noise, malfunction, data noise, computer glitch, bitcrushed noise", fits="pitch brightness length distortion"),
)  # fmt: skip
SINGLES = (*_FIRST, *percussion.SOUNDS, *foley.SOUNDS, *nature.SOUNDS, *machines.SOUNDS, *noises.SOUNDS, *keys.SOUNDS, *winds.SOUNDS,
           *strings_plucked.SOUNDS, *synths.SOUNDS)  # fmt: skip
SOUNDS = (*SINGLES, *RHYTHMS)
NAMES = tuple(sound.name for sound in SOUNDS)
BY_NAME = {sound.name: sound for sound in SOUNDS}
# Tones that are made at C3, which a spectrogram of 21 Hz per bin holds, and the notes that they play unless another is asked for.
LOW = {"808": "g1", "bass": "c2", "sub": "g1", "reese": "c2", "acid": "c2", "wobble": "g1"}
LOW_REACH = (-24, 12)  # semitones from C3: C1 to C4


def _of_chord(*semitones: int) -> list[float]:
    """The partials of a chord of tones with all harmonics, as multiples of its root."""
    return sorted({round(number * 2 ** (pitch / 12), 5) for pitch in semitones for number in range(1, 41)})


_CHORDS = {
    **dict.fromkeys(("major", "happy"), _of_chord(0, 4, 7)),
    **dict.fromkeys(("minor", "sad"), _of_chord(0, 3, 7)),
}
_FIFTHS = dict.fromkeys(("fifth", "power"), _of_chord(0, 7))
# Multiples of the pitch, of the sounds that do not have all harmonics, also by the words for chords.
PARTIALS: dict[str, list[float]] = {
    "bell": list(tones.BELL),
    "mallet": list(tones.MALLET),
    "organ": list(tones.DRAWBARS),
    "pad": _of_chord(0),
    **{f"pad {word}": partials for word, partials in (_CHORDS | _FIFTHS).items()},
    **{f"stab {word}": partials for word, partials in _CHORDS.items()},
    "piano": list(keys.PIANO),
    "felt_piano": list(keys.PIANO),
    "electric_guitar": _of_chord(0, 7, 12),
    "hoover": [number / 2 for number in range(1, 41)],  # one of its voices is an octave below
}
# Sounds that can be tuned: made at C3 or above, with partials that are known.
TUNED = tuple(
    sound.name
    for sound in SINGLES
    if sound.octaves
    and min(sound.octaves) >= 3
    and (not sound.chords or "single" in sound.chords or f"{sound.name} major" in PARTIALS)
)
# They sound alike all along, or in each turn, so that they can be made on a circle.
STEADY = (
    "sub", "pad", "lead", "organ", "string", "siren", "wind", "rain", "fire", "brass", "choir", "flute", "whistle", "reed", "supersaw",
    "reese", "wobble", "hoover", "machine_hum", "engine", "helicopter", "static", "tape_hiss", "room_tone", "white_noise", "ocean",
    "water", "bubbles", *(rhythm.name for rhythm in RHYTHMS),
)  # fmt: skip
DUSTY, SWINGING, HALF = 0.12, 0.35, 0.15  # shares of the clips that are


def draw(rng: np.random.Generator, sound: Sound) -> Attributes:
    """Attributes for one clip of `sound`, each as likely low as high; one in five that can be is distorted."""
    position: dict[str, Any] = {key: float(rng.uniform(-1, 1)) for key in ("pitch", "brightness", "length", "force")}
    fits = sound.fits.split()
    rough = "distortion" in fits and rng.random() < 0.2
    dusty = rng.random() < DUSTY
    swings = "swing" in fits and rng.random() < SWINGING
    return Attributes(
        **position,
        distortion=float(rng.uniform(0.5, 1.0)) if rough else float(rng.uniform(0.0, 0.3)),
        octave=int(rng.choice(sound.octaves)) if sound.octaves else 0,
        wave=str(rng.choice(sound.waves)) if sound.waves else "saw",
        chord=str(rng.choice(sound.chords)) if sound.chords else "single",
        density=float(rng.uniform(-1, 1)) if "density" in fits else 0.0,
        swing=float(rng.uniform(0.6, 1.0)) if swings else 0.0,
        dust=float(rng.uniform(0.5, 1.0)) if dusty and "dust" in fits else 0.0,
        half="half" in fits and rng.random() < HALF,
    )


def render(rng: np.random.Generator, sound: Sound, attributes: Attributes, n: int) -> Wave:
    """`n` samples at 44.1 kHz: LEAD_IN of silence, then the sound; its peak at 0.89; the last 5 ms fade out."""
    y = sound.make(rng, attributes, n - LEAD_IN)
    y = np.concatenate([np.zeros(LEAD_IN), y]).astype(np.float32)
    fade = SAMPLE_RATE // 200
    y[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return at_peak(y)


def at_peak(wave: Wave) -> Wave:
    """The wave, its peak at 0.89."""
    return (wave * (PEAK / (np.abs(wave).max() + 1e-9))).astype(np.float32)
