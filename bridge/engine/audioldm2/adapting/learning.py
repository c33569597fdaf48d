"""Learn a few sounds by adapters of a checkpoint's UNet. They run only where the word for these sounds is heard: see adapted.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bridge.checkpoints import adapted
from bridge.domain.words import plain
from bridge.engine.audioldm2 import clock
from bridge.engine.audioldm2.adapting import keeping
from bridge.engine.audioldm2.adapting.adapters import Adapters, Tensors
from bridge.engine.audioldm2.adapting.sounds import Batch, Sound, grouped
from bridge.engine.audioldm2.denoising import states
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.engine.audioldm2.text import Embeddings, stacked
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.learning_state import Reached, averaging, read_state, write_state
from bridge.errors import Unsupported

BATCH_S = 8.0  # seconds of sound in a step
RATE, WARM_UP = 1.5e-3, 20
AVERAGED = 0.97  # decay of the averaged tensors for each step, which are what is kept
SAID = 0.85  # share of the sounds that are learned with words; the others without, by which guidance steers
LISTENED = 24  # predictions for the loss of the held-out sounds
HEARD_STEPS = 10  # of a clip that is made meanwhile
SHORTEST_WORD = 3  # characters


class Adapting:
    """The UNet of `engine`, which runs it as it is, learning `sounds`; it is told by `held_out` whether that still helps. Raises
    Unsupported for a checkpoint without a vocabulary."""

    def __init__(
        self, engine: AudioLDM2, sounds: Sequence[Sound], held_out: Sequence[Sound], base: str, seed: int = 0
    ) -> None:
        vocabulary = engine.texts.vocabulary
        if vocabulary is None:
            raise Unsupported("Only a checkpoint with a list of its words can be adapted.")
        self._engine, self._vocabulary, self._base, self._seed = engine, vocabulary, base, seed
        self.steps, self._best = 0, float("inf")
        self._network = Unet(engine.pipe.unet).eval()
        self._groups = grouped(engine, vocabulary, sounds)
        self._held_out = grouped(engine, vocabulary, held_out, padded=False)
        self._adapters = Adapters(engine.pipe.unet, seed=seed)
        self._tensors = self._adapters.tensors
        self._average = {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
        self._kept = {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
        self._optimiser = torch.optim.AdamW(self._tensors.values(), lr=RATE, weight_decay=0.0)
        self._signal = engine.pipe.scheduler.alphas_cumprod.float().cpu()

    def step(self) -> float:
        """Learn from BATCH_S seconds; the loss."""
        rng = np.random.default_rng((self._seed, self.steps))
        shares = np.array([group.share for group in self._groups])
        group = self._groups[int(rng.choice(len(self._groups), p=shares / shares.sum()))]
        chosen = rng.integers(0, len(group.z), max(2, round(BATCH_S / group.seconds)))
        batch = group.batch([int(at) for at in chosen], self._engine.pipe.keeps_time)
        texts = [text if rng.random() < SAID else "" for text in batch.texts]
        for part in self._optimiser.param_groups:
            part["lr"] = RATE * min(1.0, (self.steps + 1) / WARM_UP)
        self._optimiser.zero_grad()
        loss = self._loss(rng, Batch(batch.z, batch.clock, texts), self._tensors)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._tensors.values(), 1.0)
        self._optimiser.step()
        self.steps += 1
        decay = averaging(self.steps, AVERAGED)
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                self._average[name].lerp_(tensor, 1 - decay)
        return float(loss.detach())

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """The loss of the averaged tensors over held-out sounds, always with the same noise; those with the lowest so far are kept."""
        rng, losses = np.random.default_rng(1), []
        count = sum(len(group.z) for group in self._held_out)
        for group in self._held_out:
            for at in range(min(len(group.z), LISTENED)):
                times = max(4, LISTENED // count)
                batch = group.batch([at] * times, self._engine.pipe.keeps_time)
                losses.append(float(self._loss(rng, batch, self._average)))
        loss = float(np.mean(losses))
        if loss < self._best:
            self._best = loss
            for name, tensor in self._average.items():
                self._kept[name].copy_(tensor)
        return loss

    @torch.no_grad()
    def hear(self, words: Sequence[str], seed: int) -> tuple[NDArray[np.float32], int]:
        """A clip of the best state, with the words of a sound, and its rate in Hz."""
        engine, heard = self._engine, self._vocabulary.hear(" ".join(words))
        seconds = max(self._groups, key=lambda group: group.share).seconds
        needed, frames = engine.geometry.needed(seconds, heard), engine.geometry.frames(seconds)
        generators = [torch.Generator().manual_seed(seed)]
        text = engine.texts.encoded(heard.text if heard.noun else "")
        with self._adapters.using(self._kept):
            latents = engine.denoiser.run(
                engine.noise(generators, engine.geometry.rows(needed)),
                text,
                engine.texts.encoded(""),
                HEARD_STEPS,
                engine.abilities.usual_guidance,
                generators,
                lambda step, steps: None,
            )
        pieces = list(engine.decoder.pieces(latents, heard, needed, frames))
        return np.concatenate(pieces), engine.geometry.sample_rate

    def save_model(self, folder: Path, word: str) -> None:
        """Write the best state into a folder, as a LoRA file that knows its word. Raises OSError."""
        facts = adapted.Facts(word, self._base, self._usual())
        keeping.write_model(folder, self._kept, self._adapters.rank, facts)

    def save_state(self, file: Path) -> None:
        """Write all that is needed to go on, whole or not at all. Raises OSError."""
        write_state(file, self._state(), self._optimiser, Reached(self._base, self.steps, self._best))

    def load_state(self, file: Path) -> None:
        """Go on from a state. Raises Unsupported if it is of another checkpoint, or damaged."""
        reached = read_state(file, self._state(), self._optimiser, self._base, "it is of another checkpoint")
        self.steps, self._best = reached.steps, reached.best

    def _state(self) -> dict[str, torch.Tensor]:
        groups = {"now": self._tensors, "mean": self._average, "best": self._kept}
        return {f"{kind} {name}": tensor for kind, tensors in groups.items() for name, tensor in tensors.items()}

    def _usual(self) -> str:
        """What most of the sounds are by the words of the checkpoint; "" for nothing that it knows."""
        counts = Counter(text for group in self._groups for text in group.texts)
        return max(counts, key=lambda text: (counts[text], text))

    def _loss(self, rng: np.random.Generator, batch: Batch, tensors: Tensors) -> torch.Tensor:
        """The squared error of what is predicted of sounds that are learned."""
        noisy, times, target = self._noisy(rng, batch)
        with self._adapters.using(tensors):
            return F.mse_loss(self._predicted(noisy, times, self._encoded(batch.texts), batch.clock), target)

    def _encoded(self, texts: Sequence[str]) -> Embeddings:
        return stacked([self._engine.texts.encoded(text) for text in texts])

    def _noisy(self, rng: np.random.Generator, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents with noise, the times that say how much, one from each equal part of the schedule, and what should be predicted."""
        count, total = len(batch.z), len(self._signal)
        times = torch.from_numpy((np.arange(count) + rng.random(count)) / count * total).long()
        noise = torch.from_numpy(rng.standard_normal(batch.z.shape, np.float32))
        kept = self._signal[times][:, None, None, None]
        signal, level = kept.sqrt(), (1 - kept).sqrt()
        kinds = {"v_prediction": signal * noise - level * batch.z, "sample": batch.z}
        return (
            signal * batch.z + level * noise,
            times,
            kinds.get(self._engine.pipe.scheduler.config.prediction_type, noise),
        )

    def _predicted(
        self, noisy: torch.Tensor, times: torch.Tensor, text: Embeddings, when: torch.Tensor | None
    ) -> torch.Tensor:
        inputs = noisy if when is None else clock.beside(noisy, when)
        predicted: torch.Tensor = self._network(inputs, times, *states((text,), len(noisy)))
        return predicted


def word_for(name: str, vocabulary: Vocabulary | None) -> str:
    """The word for what is learned as a model of this name: the name, or `my` and the name if the checkpoint means something else by it."""
    word = plain(name)
    is_free = len(word) >= SHORTEST_WORD and any(letter.isalpha() for letter in word)
    if is_free and not (vocabulary is not None and vocabulary.knows(word)):
        return word
    return f"my {word or 'sounds'}"
