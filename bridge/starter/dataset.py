"""The training data, synthesised on the fly: spectrograms grouped by length, the same for the same seed."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.starter import rings
from bridge.starter.catalogue import BY_NAME, LEAD_IN, LOW, RHYTHMS, SINGLES, SOUNDS, STEADY, draw, render
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave
from bridge.starter.sounds.sound import Sound

HOP = 256
ROW_FRAMES = 8
ROW_SAMPLES = ROW_FRAMES * HOP  # per row of latents: 46 ms
ROWS_UNIT = 4  # the UNet halves the rows twice
# Rows → share of the clips. Most prompts are one-shots; a few long clips teach which sounds end and which go on.
LENGTHS = {8: 0.05, 16: 0.16, 24: 0.30, 40: 0.22, 56: 0.18, 88: 0.06, 176: 0.03}
# A short clip does not show the length of a sound that rings for seconds.
RINGING = {"crash", "ride", "open_hat", "bell", "thunder", "impact", "gong", "piano", "explosion", "triangle"}
RINGING_LENGTHS = {24: 0.15, 40: 0.30, 56: 0.35, 88: 0.20}
# Low tones are made at C3, and are played at a half or a quarter of the speed.
LOW_LENGTHS = {8: 0.15, 16: 0.35, 24: 0.30, 40: 0.20}
RHYTHM_LENGTHS = {44: 0.40, 88: 0.45, 172: 0.15}
BARS = {1: 0.4, 2: 0.4, 4: 0.2}  # of a rhythm that is a ring
MOST_ROWS = 176
BPM = (60.0, 180.0)
UNUSUAL = 0.3  # share of the rhythms in any tempo
RHYTHM_RINGS, STEADY_RINGS = 0.45, 0.3  # shares that are made on a ring
RHYTHM_TURNS = 2  # for each turn of a single sound
CHUNK = 180  # clips that a worker makes per seed


@dataclass(frozen=True, slots=True)
class Labelled:
    """The source of a clip: the index of its sound, its attributes, and whether its end runs into its beginning."""

    sound: int
    attributes: Attributes
    ring: bool = False

    @property
    def bpm(self) -> float:
        """Beats a minute of a rhythm, 0 of a single sound."""
        return self.attributes.bpm if SOUNDS[self.sound].ring is not None else 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Clips of one length, all rings or none. `mels` is float16 of shape (clips, rows × ROW_FRAMES, 128)."""

    rows: int
    ring: bool
    mels: NDArray[np.float16]
    labels: tuple[Labelled, ...]


def spectrogram() -> MelVocoder:
    """The starter's spectrogram, and its way back to sound."""
    return MelVocoder(MelVocoderConfig(upsample_rates=(HOP,), phase_steps=5))


def make_chunk(seed: tuple[int, int], extra: tuple[str, ...] = ()) -> list[tuple[int, Labelled, NDArray[np.float16]]]:
    """CHUNK clips, cycling through the sounds: (rows, label, mel). The same for the same seed. `extra`: names of sounds that
    get another turn per mention."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    front_end = spectrogram()
    turns = (*SINGLES, *RHYTHMS * RHYTHM_TURNS, *(BY_NAME[name] for name in extra))
    clips = []
    for number in range(CHUNK):
        sound = turns[(seed[1] * CHUNK + number) % len(turns)]
        rows, ring, attributes = _plan(rng, sound)
        wave = _wave(rng, sound, attributes, rows * ROW_SAMPLES, ring)
        label = Labelled(SOUNDS.index(sound), attributes, ring)
        clips.append((rows, label, mel_of(front_end, wave, ring).astype(np.float16)))
    return clips


def _plan(rng: np.random.Generator, sound: Sound) -> tuple[int, bool, Attributes]:
    """The rows of a clip, whether it is a ring, and its attributes."""
    attributes = draw(rng, sound)
    if sound.ring is None:
        lengths = LOW_LENGTHS if sound.name in LOW else RINGING_LENGTHS if sound.name in RINGING else LENGTHS
        rows = int(rng.choice(list(lengths), p=list(lengths.values())))
        ring = sound.name in STEADY and rows >= 16 and rng.random() < STEADY_RINGS
        return (
            rows,
            ring,
            replace(attributes, length=1.0) if ring else attributes,
        )  # a short note would end on its way round
    usual = BPM if rng.random() < UNUSUAL else USUAL_BPM[sound.name]
    bpm = float(rng.uniform(*usual))
    if rng.random() >= RHYTHM_RINGS:
        return (
            int(rng.choice(list(RHYTHM_LENGTHS), p=list(RHYTHM_LENGTHS.values()))),
            False,
            replace(attributes, bpm=bpm),
        )
    bars = int(rng.choice(list(BARS), p=list(BARS.values())))
    while (rows := ring_rows(bars, bpm)) > MOST_ROWS:
        bars //= 2
    return rows, True, replace(attributes, bpm=bars * 240 * SAMPLE_RATE / (rows * ROW_SAMPLES))


def ring_rows(bars: int, bpm: float) -> int:
    """Rows of latents for `bars` bars of four beats: the multiple of ROWS_UNIT whose tempo is nearest to `bpm`."""
    return round(bars * 240 / bpm * SAMPLE_RATE / ROW_SAMPLES / ROWS_UNIT) * ROWS_UNIT


def _wave(rng: np.random.Generator, sound: Sound, attributes: Attributes, n: int, ring: bool) -> Wave:
    if not ring:
        return render(rng, sound, attributes, n)
    return np.roll(rings.make(rng, sound, attributes, n), LEAD_IN)


def mel_of(front_end: MelVocoder, wave: Wave, ring: bool) -> NDArray[np.float32]:
    """The spectrogram (frames, 128) of a wave, around which a ring goes on."""
    around = 8 * HOP if ring else 0
    wave = np.concatenate([wave[len(wave) - around :], wave, wave[:around]])
    mel = front_end.mel(torch.from_numpy(wave)[None])[0].numpy()
    return np.asarray(mel[around // HOP : len(mel) - around // HOP], dtype=np.float32)


def make(seed: int, chunks: int, workers: int = 2, extra: tuple[str, ...] = ()) -> list[Group]:
    """`chunks` × CHUNK clips, grouped by length. The result does not depend on the number of worker processes."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        made = pool.starmap(make_chunk, [((seed, chunk), extra) for chunk in range(chunks)], chunksize=1)
    grouped: dict[tuple[int, bool], list[tuple[Labelled, NDArray[np.float16]]]] = {}
    for rows, label, mel in (clip for chunk in made for clip in chunk):
        grouped.setdefault((rows, label.ring), []).append((label, mel))
    return [
        Group(rows, ring, np.stack([mel for _, mel in clips]), tuple(label for label, _ in clips))
        for (rows, ring), clips in sorted(grouped.items(), key=lambda item: item[0])
    ]
