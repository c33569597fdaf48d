"""What the base model learns from: the starter's sounds as tokens, with the words for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine import beat_clock
from bridge.engine.audioldm2.encoding import resampled
from bridge.engine.audiolm.codec import MelCodec
from bridge.engine.audiolm.coding import Coder
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.words import Words
from bridge.starter.captions import ADJECTIVES, CHORDS, FILTERED, WAVES, adjective_values
from bridge.starter.catalogue import LEAD_IN, SOUNDS, STEADY
from bridge.starter.dataset import Group, Labelled, spectrogram
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.sounds.parts import SAMPLE_RATE

AUDIBLE = 0.25  # what is nearer to the middle has no adjective
SAID = 0.7  # share of the words that a clip is learned with
UNASKED = 0.1  # share of the clips that are learned without words
AROUND = 8  # frames of tokens that go on at each end of a ring while it is encoded
ENCODED_AT_ONCE = 3_000  # frames of tokens


@dataclass(frozen=True, slots=True)
class Tokens:
    """Clips of one length: tokens (clips, frames, books) and their labels. `ring`: their ends run into their beginnings."""

    ring: bool
    tokens: NDArray[np.int16]
    labels: tuple[Labelled, ...]

    @property
    def frames(self) -> int:
        """Frames of each clip."""
        return int(self.tokens.shape[1])


def words() -> Words:
    """The words of the base model: its tokens are the sounds and what can be said of them, whatever people call it."""
    means: dict[str, list[str]] = {}
    for key, ends in ADJECTIVES.items():
        for end, phrases in zip(("low", "high"), ends, strict=True):
            for phrase in phrases:
                means.setdefault(phrase, []).append(f"{key} {end}")
    for phrase in FILTERED:
        means.setdefault(phrase, []).append("brightness low")
    for table, name in ((WAVES, "wave"), (CHORDS, "chord")):
        for kind, phrases in table.items():
            for phrase in phrases:
                means.setdefault(phrase, []).append(f"{name} {kind}")
    for sound in SOUNDS:
        for end, phrases in zip(("low", "high"), sound.force or (), strict=False):
            for phrase in phrases:
                if f"force {end}" not in means.setdefault(phrase, []):
                    means[phrase].append(f"force {end}")
    nouns = {noun: sound.name for sound in SOUNDS for noun in sound.nouns}
    octaves = [f"octave {octave}" for octave in sorted({octave for sound in SOUNDS for octave in sound.octaves})]
    tokens = [*(sound.name for sound in SOUNDS), *dict.fromkeys(t for said in means.values() for t in said), *octaves]
    means = {phrase: said for phrase, said in means.items() if phrase not in nouns} | {
        noun: [name] for noun, name in nouns.items()
    }
    return Words(tokens, means, list(nouns), {name: list(bpm) for name, bpm in USUAL_BPM.items()}, STEADY)


def tokens_of(label: Labelled) -> list[str]:
    """The tokens of everything that can be said of a clip, its sound first."""
    sound, attributes = SOUNDS[label.sound], label.attributes
    said = [sound.name]
    for key, value in adjective_values(attributes).items():
        end = "low" if value < 0 else "high"
        if key in sound.fits.split() and abs(value) > AUDIBLE and ADJECTIVES[key][end == "high"]:
            said.append(f"{key} {end}")
    if sound.force and abs(attributes.force) > AUDIBLE:
        said.append(f"force {'low' if attributes.force < 0 else 'high'}")
    if sound.waves:
        said.append(f"wave {attributes.wave}")
    if sound.chords and CHORDS[attributes.chord]:
        said.append(f"chord {attributes.chord}")
    if sound.octaves:
        said.append(f"octave {attributes.octave}")
    return said


def asked(rng: np.random.Generator, known: Words, labels: list[Labelled]) -> torch.Tensor:
    """Rows (clips, words) for the network: the sound and some of what can be said of it, or nothing."""
    rows = []
    for label in labels:
        sound, *others = tokens_of(label)
        said = [sound, *(other for other in others if rng.random() < SAID)]
        rows.append(known.shares([] if rng.random() < UNASKED else said))
    return torch.stack(rows)


def clocks(coder: Coder, labels: list[Labelled], ring: bool, frames: int) -> torch.Tensor:
    """The clocks (clips, CHANNELS, frames) of some clips."""
    frame_s, lead_in_s = coder.frame_samples / coder.sample_rate, LEAD_IN / SAMPLE_RATE
    return torch.stack([beat_clock.rows_of(frames, frame_s, lead_in_s, label.bpm, ring) for label in labels])


@torch.no_grad()
def encoded(coder: Coder, groups: list[Group]) -> list[Tokens]:
    """The tokens of groups of spectrograms: of those of another codec than ours, by way of our vocoder."""
    tokens = [
        _of_mels(coder.codec, group) if isinstance(coder, MelCoder) else _of_waves(coder, group) for group in groups
    ]
    return [Tokens(group.ring, part, group.labels) for group, part in zip(groups, tokens, strict=True)]


def _of_mels(codec: MelCodec, group: Group) -> NDArray[np.int16]:
    """The tokens (clips, frames, books) of a group. A ring goes on around its ends."""
    around = AROUND * codec.config.stride if group.ring else 0
    batch = max(1, ENCODED_AT_ONCE * codec.config.stride // group.mels.shape[1])
    parts = []
    for start in range(0, len(group.labels), batch):
        mel = torch.from_numpy(group.mels[start : start + batch].astype(np.float32))
        mel = torch.cat([mel[:, mel.shape[1] - around :], mel], 1)
        parts.append(codec.tokens(mel)[:, around // codec.config.stride :].numpy().astype(np.int16))
    return np.concatenate(parts)


def _of_waves(coder: Coder, group: Group) -> NDArray[np.int16]:
    vocoder, parts = spectrogram().eval(), []
    for mel in group.mels:
        wave = resampled(vocoder(torch.from_numpy(mel.astype(np.float32))).numpy(), SAMPLE_RATE, coder.sample_rate)
        parts.append(coder.tokens(wave, coder.frames(len(wave))).numpy().astype(np.int16))
    return np.stack(parts)
