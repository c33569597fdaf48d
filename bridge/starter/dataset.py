"""The training data, synthesised on the fly: spectrograms grouped by length, the same for the same seed."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.starter.catalogue import BY_NAME, SOUNDS, draw, render
from bridge.starter.sounds.parts import Attributes

HOP = 512
ROW_SAMPLES = 8 * HOP  # per row of latents: 93 ms
# Rows → share of the clips. Most prompts are one-shots; a few long clips teach which sounds end and which go on.
LENGTHS = {4: 0.03, 8: 0.14, 12: 0.33, 20: 0.20, 28: 0.20, 44: 0.07, 88: 0.03}
# A short clip does not show the length of a sound that rings for seconds.
RINGING = {"crash", "ride", "open_hat", "bell", "808", "thunder", "impact"}
RINGING_LENGTHS = {12: 0.15, 20: 0.25, 28: 0.35, 44: 0.25}
CHUNK = 180  # clips that a worker makes per seed


@dataclass(frozen=True, slots=True)
class Labelled:
    """The source of a clip: the index of its sound, and its attributes."""

    sound: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Group:
    """Clips of one length. `mels` is float16 of shape (clips, rows × 8, 128)."""

    rows: int
    mels: NDArray[np.float16]
    labels: tuple[Labelled, ...]


def make_chunk(seed: tuple[int, int], extra: tuple[str, ...] = ()) -> list[tuple[int, Labelled, NDArray[np.float16]]]:
    """CHUNK clips, cycling through the sounds: (rows, label, mel). The same for the same seed. `extra`: names of sounds that
    get another turn per mention; with them, ringing sounds come in lengths that show how long they ring."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    front_end = MelVocoder(MelVocoderConfig())
    turns = (*SOUNDS, *(BY_NAME[name] for name in extra))
    clips = []
    for number in range(CHUNK):
        sound = turns[(seed[1] * CHUNK + number) % len(turns)]
        lengths = RINGING_LENGTHS if extra and sound.name in RINGING else LENGTHS
        rows = int(rng.choice(list(lengths), p=list(lengths.values())))
        attributes = draw(rng, sound)
        wave = torch.from_numpy(render(rng, sound, attributes, rows * ROW_SAMPLES))
        mel = front_end.mel(wave[None])[0].numpy().astype(np.float16)
        clips.append((rows, Labelled(SOUNDS.index(sound), attributes), mel))
    return clips


def make(seed: int, chunks: int, workers: int = 2, extra: tuple[str, ...] = ()) -> list[Group]:
    """`chunks` × CHUNK clips, grouped by length. The result does not depend on the number of worker processes."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        made = pool.starmap(make_chunk, [((seed, chunk), extra) for chunk in range(chunks)], chunksize=1)
    clips = [clip for chunk in made for clip in chunk]
    groups = []
    for rows in LENGTHS:
        of_length = [(label, mel) for r, label, mel in clips if r == rows]
        if of_length:
            groups.append(Group(rows, np.stack([mel for _, mel in of_length]), tuple(label for label, _ in of_length)))
    return groups
