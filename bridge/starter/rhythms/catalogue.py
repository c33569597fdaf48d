"""The rhythms that the starter knows: what each is called, and between which tempi it is usual."""

from __future__ import annotations

from bridge.starter.rhythms.drum_styles import DRUMS
from bridge.starter.rhythms.play import PLAYERS
from bridge.starter.sounds.sound import Sound

FITS = "brightness distortion density swing dust"
ENDINGS = ("loop", "beat", "drums", "drum loop", "drum beat", "groove", "pattern", "drum pattern", "rhythm")


def _named(*styles: str) -> tuple[str, ...]:
    """What people call the rhythm of a style: "house loop", "house beat" …"""
    return tuple(f"{style} {ending}" for style in styles for ending in ENDINGS)


_NOUNS: dict[str, tuple[str, ...]] = {
    "four_on_the_floor_loop": ("drum loop", "beat", "drums", "drum beat", "drum pattern", "drum groove", "groove", "backbeat loop", "rhythm", *_named("four on the floor", "pop", "dance", "basic", "edm")),
    "house_loop": _named("house", "deep house", "tech house"),
    "techno_loop": _named("techno", "minimal techno", "industrial"),
    "breakbeat_loop": ("breakbeat", "break", "breaks", "funk break", "drum break", *_named("breakbeat", "break", "funk", "big beat")),
    "hip_hop_loop": ("boom bap", *_named("hip hop", "boom bap", "hiphop", "rap", "lofi hip hop", "chill")),
    "trap_loop": _named("trap", "drill"),
    "drum_and_bass_loop": ("drum and bass", "dnb", "drum n bass", "jungle", "dnb break", "jungle break", *_named("drum and bass", "dnb", "drum n bass", "jungle")),
    "dub_loop": ("one drop", *_named("dub", "reggae", "one drop")),
    "rock_loop": _named("rock", "indie", "punk"),
    "latin_loop": ("tresillo", *_named("latin", "salsa", "bossa nova", "tresillo", "samba", "afro")),
    "reggaeton_loop": ("dembow", *_named("reggaeton", "dembow")),
    "garage_loop": ("two step", "2 step", *_named("garage", "uk garage", "two step", "2 step", "ukg")),
    "disco_loop": _named("disco", "nu disco"),
    "hat_loop": ("hi hat loop", "hat loop", "hihat loop", "hats", "hats loop", "hi hats loop", "top loop", "hat pattern", "hi hat pattern", "closed hat loop", "trap hats", "hat rolls"),
    "shaker_loop": ("shaker loop", "shaker pattern", "shaker groove", "maracas loop", "shakers"),
    "percussion_loop": ("percussion loop", "perc loop", "percussion", "percs", "conga loop", "bongo loop", "percussion groove", "percussion pattern"),
    "bass_line": ("bass line", "bassline", "bass loop", "bass riff", "bass groove", "synth bass line", "bass pattern"),
    "arpeggio": ("arpeggio", "arp", "arpeggiated synth", "synth arp", "arp loop", "arpeggiator", "sequence", "synth sequence"),
    "chord_progression": ("chord progression", "chords", "chord loop", "piano chords", "synth chords", "chord sequence"),
    "melody": ("melody", "melody loop", "tune", "riff", "lead line", "melodic loop", "synth melody", "lead melody", "topline"),
}  # fmt: skip
USUAL_BPM: dict[str, tuple[float, float]] = {
    "four_on_the_floor_loop": (100, 130), "house_loop": (118, 128), "techno_loop": (125, 145), "breakbeat_loop": (95, 140),
    "hip_hop_loop": (78, 100), "trap_loop": (130, 160), "drum_and_bass_loop": (165, 180), "dub_loop": (65, 95),
    "rock_loop": (90, 150), "latin_loop": (90, 130), "reggaeton_loop": (85, 105), "garage_loop": (128, 138),
    "disco_loop": (108, 126), "hat_loop": (90, 150), "shaker_loop": (90, 130), "percussion_loop": (90, 130),
    "bass_line": (90, 140), "arpeggio": (90, 140), "chord_progression": (75, 130), "melody": (80, 140),
}  # fmt: skip
_TONAL = ("bass_line", "arpeggio", "chord_progression", "melody")
_HALF_TIME = tuple(name for name, style in DRUMS.items() if style.back)
RHYTHMS: tuple[Sound, ...] = tuple(
    Sound(
        name,
        player.make,
        _NOUNS[name],
        fits=f"{FITS} half" if name in _HALF_TIME else FITS,
        chords=("major", "minor") if name in _TONAL else (),
        fills=True,
        ring=player.ring,
    )
    for name, player in PLAYERS.items()
)
