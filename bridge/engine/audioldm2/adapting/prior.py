"""What must not change: the checkpoint's own sounds, by what its network predicted before.

N. Ruiz et al., "DreamBooth: Fine Tuning Text-to-Image Diffusion Models for Subject-Driven Generation", CVPR 2023: prior preservation. The
target is the prediction of the network as it was instead of the noise, which says the same with far less variance.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch

from bridge.engine.audioldm2.adapting.sounds import Batch, Group, clock_of
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.engine.audioldm2.text import stacked

MOST_CLIPS = 96
SHORT_S, RHYTHM_S, RHYTHM_BPM = 1.0, 2.0, 120.0
AT_ONCE = 12  # clips made in a batch
DESCRIBED = 0.5  # share of sounds that are made with an adjective
WORDLESS = 0.15  # share of clips for which nothing is asked, by which guidance steers


class Prior:
    """Clips of a checkpoint's sounds, made when this begins, by the network as it is. `learned`: the texts of the sounds that should be
    learned, whose own meaning is most in danger, so that they come twice."""

    def __init__(self, engine: AudioLDM2, vocabulary: Vocabulary, learned: Collection[str], seed: int = 0) -> None:
        rng = np.random.default_rng((seed, 7))
        named = [vocabulary.hear(noun) for noun in vocabulary.sounds]
        again = [vocabulary.hear(text) for text in sorted(set(learned)) if text]
        heard = [*named, *again]
        chosen = rng.permutation(len(heard))[:MOST_CLIPS]
        texts: dict[float, list[str]] = {SHORT_S: [], RHYTHM_S: []}
        for at in chosen:
            one = heard[int(at)]
            adjective = f"{rng.choice(vocabulary.adjectives)} " if vocabulary.adjectives and at < len(named) else ""
            text = vocabulary.hear(f"{adjective}{one.noun}").text if rng.random() < DESCRIBED else one.text
            texts[RHYTHM_S if one.usual_bpm is not None else SHORT_S].append(text)
        self._keeps_time = engine.pipe.keeps_time
        self._groups = [_made(engine, seconds, some, seed) for seconds, some in texts.items() if some]
        self._shares = np.array([len(group.z) for group in self._groups], float)

    def batch(self, rng: np.random.Generator, seconds: float) -> Batch:
        """Clips of `seconds` in all, or a little more."""
        group = self._groups[int(rng.choice(len(self._groups), p=self._shares / self._shares.sum()))]
        chosen = rng.integers(0, len(group.z), max(1, round(seconds / group.seconds)))
        batch = group.batch([int(at) for at in chosen], self._keeps_time)
        texts = ["" if rng.random() < WORDLESS else text for text in batch.texts]
        return Batch(batch.z, batch.clock, texts)


@torch.no_grad()
def _made(engine: AudioLDM2, seconds: float, texts: Sequence[str], seed: int) -> Group:
    """A clip for each text."""
    rows, able = engine.geometry.rows_for(seconds), engine.abilities
    clock = clock_of(engine, rows, RHYTHM_BPM if seconds == RHYTHM_S else 0.0)
    negative, group = engine.texts.encoded(""), Group(seconds)
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        generators = [torch.Generator().manual_seed(seed + start + number) for number in range(len(some))]
        latents = engine.denoiser.run(
            engine.noise(generators, rows),
            stacked([engine.texts.encoded(text) for text in some]),
            negative,
            able.least_steps,
            able.usual_guidance,
            generators,
            lambda step, steps: None,
            clock=clock if engine.pipe.keeps_time else None,
        )
        for z, text in zip(latents.float(), some, strict=True):
            group.add(z, clock, text)
    return group
