"""Learn a few hundred sounds: both networks of a base go on with them. Nothing learns the codec, which carries sounds it never heard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridge.engine import beat_clock
from bridge.engine.audioldm2.tempo import tempo_of
from bridge.engine.audiolm import model_folder, uses
from bridge.engine.audiolm.choosing import Sampling
from bridge.engine.audiolm.coding import Wave
from bridge.engine.audiolm.losses import causal_losses, masked_losses
from bridge.engine.audiolm.model_folder import ORDERS, TokenModel
from bridge.engine.audiolm.network import TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.engine.learning_state import Reached, averaging, read_state, write_state

BATCH, FRAMES = 16, 64  # sounds a step, frames of each: 1.5 s
RATE, WARM_UP = 6e-4, 20
AVERAGED = 0.97  # decay of the averaged weights for each step, which are what is kept
SAID, UNASKED = (
    0.7,
    0.15,
)  # share of its words that a sound is learned with, and of the sounds that are learned without any
LISTENED = 64  # held-out sounds that are listened to at a time
HEARD = Sampling(guidance=2.0, temperature=0.8)


@dataclass(frozen=True, slots=True)
class Learned:
    """A sound as tokens (frames, books), at least FRAMES of them; the tokens of its words; its tempo, 0 without one."""

    tokens: torch.Tensor
    words: tuple[str, ...]
    bpm: float


class Learning:
    """Both networks of the base in `folder`, learning sounds. `sounds`: waves (samples,) at the codec's rate with what they may be called;
    `held_out`: others, by which it is told whether learning still helps. Raises NoModel."""

    def __init__(
        self,
        folder: Path,
        sounds: Sequence[tuple[Wave, Sequence[str]]],
        held_out: Sequence[tuple[Wave, Sequence[str]]],
        seed: int = 0,
    ) -> None:
        base = model_folder.load(folder)
        self._seed, self.steps, self._best = seed, 0, float("inf")
        self._coder = base.coder
        said = [word for _, words in (*sounds, *held_out) for word in words]
        self._words = base.words.with_more([word for word in said if not base.words.hear(word).heard])
        torch.manual_seed(seed)
        self._networks = {order: grown(getattr(base, order), self._words) for order in ORDERS}
        self._averages = {order: grown(network, self._words) for order, network in self._networks.items()}
        self._kept = {order: grown(network, self._words) for order, network in self._networks.items()}
        parameters = [p for network in self._networks.values() for p in network.parameters()]
        self._optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.1, betas=(0.9, 0.95))
        self._sounds, self._held_out = self._coded(sounds), self._coded(held_out)

    def step(self) -> float:
        """Learn from BATCH sounds in both orders; the loss of the causal one."""
        rng = np.random.default_rng((self._seed, self.steps))
        chosen = [self._sounds[at] for at in rng.integers(0, len(self._sounds), BATCH)]
        losses = self._losses(rng, self._networks, chosen, SAID)
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (self.steps + 1) / WARM_UP)
        self._optimiser.zero_grad()
        (losses["causal"].mean() + losses["masked"].sum()).backward()
        torch.nn.utils.clip_grad_norm_([p for n in self._networks.values() for p in n.parameters()], 1.0)
        self._optimiser.step()
        self.steps += 1
        decay = averaging(self.steps, AVERAGED)
        with torch.no_grad():
            for order, network in self._networks.items():
                for mean, value in zip(self._averages[order].parameters(), network.parameters(), strict=True):
                    mean.lerp_(value, 1 - decay)
        return float(losses["causal"].detach().mean())

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """The loss of the causal network, its averaged weights, over held-out sounds; those with the lowest so far are kept."""
        rng, losses = np.random.default_rng(1), []
        for start in range(0, min(LISTENED, len(self._held_out)), BATCH):
            part = self._held_out[start : start + BATCH]
            losses += [float(self._losses(rng, self._averages, part, 1.0)["causal"].mean())] * len(part)
        loss = float(np.mean(losses))
        if loss < self._best:
            self._best = loss
            for order, network in self._averages.items():
                self._kept[order].load_state_dict(network.state_dict())
        return loss

    def hear(self, words: Sequence[str], seed: int) -> NDArray[np.float32]:
        """A clip of 1.5 s of the best state, with the words of a sound."""
        model = self._model()
        request = uses.Request(
            model,
            self._words.shares(self._tokens_of(words))[None],
            0.0,
            [torch.Generator().manual_seed(seed)],
            HEARD,
        )
        tokens = uses.new(request, FRAMES, lambda done, frames: None)[0]
        return self._coder.sound(tokens, FRAMES * self._coder.frame_samples - 2 * self._coder.lead_in)

    def save_model(self, folder: Path) -> None:
        """Write the best state into a folder. Raises OSError."""
        model_folder.save(self._model(), folder)

    def save_state(self, file: Path) -> None:
        """Write all that is needed to go on, whole or not at all. Raises OSError."""
        write_state(file, self._state(), self._optimiser, Reached(self._base, self.steps, self._best))

    def load_state(self, file: Path) -> None:
        """Go on from a state. Raises Unsupported if it is of another base, of other sounds, or damaged."""
        reached = read_state(file, self._state(), self._optimiser, self._base, "it is of other sounds")
        self.steps, self._best = reached.steps, reached.best

    @property
    def _base(self) -> str:
        """What a state must fit: the words, and with them the sizes of the networks."""
        return hashlib.sha256("\n".join(self._words.tokens).encode()).hexdigest()

    def _state(self) -> dict[str, torch.Tensor]:
        groups = {"now": self._networks, "mean": self._averages, "best": self._kept}
        return {
            f"{kind} {order} {name}": value
            for kind, networks in groups.items()
            for order, network in networks.items()
            for name, value in network.state_dict().items()
        }

    def _model(self) -> TokenModel:
        return TokenModel(self._coder, self._kept["causal"].eval(), self._kept["masked"].eval(), self._words)

    def _coded(self, sounds: Sequence[tuple[Wave, Sequence[str]]]) -> list[Learned]:
        return [
            Learned(self._tokens(wave), self._tokens_of(words), tempo_of(wave, self._coder.sample_rate))
            for wave, words in sounds
        ]

    def _tokens(self, wave: Wave) -> torch.Tensor:
        """The tokens of a sound, and of the silence after it."""
        frames = max(FRAMES, self._coder.frames(len(wave)))
        return self._coder.tokens(wave * np.float32(self._coder.gain(wave)), frames)

    def _tokens_of(self, words: Sequence[str]) -> tuple[str, ...]:
        """The tokens that stand for the words of a sound, each once: what the base hears in all of them together, and in each alone."""
        heard = [phrase for text in (" ".join(words), *words) for phrase in self._words.hear(text).heard]
        return tuple(dict.fromkeys(token for phrase in heard for token in self._words.means[phrase]))

    def _losses(
        self, rng: np.random.Generator, networks: dict[str, TokenNetwork], sounds: Sequence[Learned], said: float
    ) -> dict[str, torch.Tensor]:
        """The losses of each order for FRAMES frames of some sounds, from their beginning or, of long ones, from anywhere."""
        starts = [0 if rng.random() < 0.5 else int(rng.integers(0, len(s.tokens) - FRAMES + 1)) for s in sounds]
        tokens = torch.stack([s.tokens[at : at + FRAMES] for s, at in zip(sounds, starts, strict=True)])
        words = torch.stack([self._words.shares(self._some(rng, s.words, said)) for s in sounds])
        rate = self._coder.sample_rate
        frame_s, lead_in_s = self._coder.frame_samples / rate, self._coder.lead_in / rate
        more = tokens.shape[2] - 1
        clock = torch.stack(
            [
                beat_clock.rows_of(FRAMES + more, frame_s, lead_in_s, s.bpm, False, at)
                for s, at in zip(sounds, starts, strict=True)
            ]
        )
        return {
            "causal": causal_losses(networks["causal"], tokens, words, clock),
            "masked": masked_losses(rng, networks["masked"], tokens, words, clock[:, :, :FRAMES]),
        }

    def _some(self, rng: np.random.Generator, words: tuple[str, ...], said: float) -> list[str]:
        if said < 1 and rng.random() < UNASKED:
            return []
        return [word for word in words if rng.random() < said] or list(words[:1])


def grown(network: TokenNetwork, words: Words) -> TokenNetwork:
    """A copy of a network with rows for the words behind those that it knows."""
    copy = TokenNetwork(replace(network.config, words=len(words.tokens)))
    state = {name: value.clone() for name, value in network.state_dict().items()}
    table = copy.words.weight.detach().clone()
    table[: network.config.words] = state["words.weight"][: len(table)]
    copy.load_state_dict({**state, "words.weight": table})
    assert isinstance(copy.words, nn.Embedding)
    return copy.train().requires_grad_(True)
