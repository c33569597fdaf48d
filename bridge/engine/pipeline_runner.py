"""PipelineRunner: what families share whose checkpoints run in pipelines of diffusers: loading, noise, steps, decoding, costs."""

from __future__ import annotations

import abc
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import diffusers
import numpy as np
import torch
import transformers

from bridge.checkpoints.families import family_of
from bridge.checkpoints.find import licence
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.engine.loading import check_room, check_tokenizer, load_part, quiet, small_part
from bridge.engine.lora import merge
from bridge.engine.messages import Cost, OnStage, OnStep
from bridge.engine.needs import Needs
from bridge.engine.pipeline_steps import PipelineSteps
from bridge.engine.runner import Runner
from bridge.engine.runtime import memory
from bridge.engine.source_sound import Sound, SourceSound
from bridge.errors import NoModel

MEASURED_S = (1.0, 4.0)  # seconds of sound, whose difference tells what each second needs
AUTOENCODER, NETWORK = "vae", "transformer"
SCHEDULER_KEYS = (
    "stochastic_sampling",
    "shift",
    "num_train_timesteps",
    "sigma_min",
    "sigma_max",
    "sigma_schedule",
    "solver_order",
)


def precision(device: str) -> torch.dtype:
    """That of the networks on one of torch's devices. Never float16: it overflows in these transformers, and is noise on Apple's GPUs
    (diffusers' page on Stable Audio 3)."""
    return torch.bfloat16 if device == "cuda" else torch.float32


class PipelineRunner(Runner):
    """All takes of a prompt run as one batch. Each has noise of its own, drawn on the CPU, so that it equals the same seed alone.

    A family adds CLASSES, the classes of the parts that have weights, LORA_NAMES (see `lora.merge`), and the abstract methods.
    `network`: the part that denoises. `assemble` sets `hop`, the samples of a latent, and `width`, the numbers in one.
    """

    CLASSES: ClassVar[dict[str, Any]]
    LORA_NAMES: ClassVar[dict[str, str]] = {}
    network: torch.nn.Module
    hop: int
    width: int

    @abc.abstractmethod
    def assemble(self, parts: dict[str, Any]) -> None:
        """Build the pipelines of the loaded parts, all of the same ones."""

    @abc.abstractmethod
    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        sound: SourceSound | None,
        steps: PipelineSteps,
    ) -> torch.Tensor:
        """Latents (takes, width, length) from noise (takes, length, width). Calls `steps` after each step."""

    @abc.abstractmethod
    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """The samples (channels, samples) of the latents (1, width, length) of one take, in pieces."""

    @abc.abstractmethod
    def tokens_cut(self, prompt: Prompt) -> int:
        """How many tokens of the prompt the text encoder leaves out."""

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint, each part in its precision. Raises NoModel."""
        quiet()
        memory.limit(self.compute, self._config.memory_gb)
        folder = self.checkpoint.folder
        assert folder is not None
        family = family_of(folder)
        if self.compute == "intel":
            raise NoModel(f"--compute intel runs AudioLDM 2 only so far, not {family.name}: use --compute cpu.")
        dtype = precision(self.device)
        classes = {part: cls for part, cls in self.CLASSES.items() if (folder / part).is_dir()}
        # The noise of bfloat16 would be heard if it decoded.
        types = {part: torch.float32 if part == AUTOENCODER else dtype for part in classes}
        check_room(folder, types, self.compute, self._config.memory_gb)
        parts: dict[str, Any] = {}
        for done, (part, cls) in enumerate(classes.items()):
            on_stage(done, len(classes) + 1, part)
            parts[part] = load_part(folder, part, cls, types[part]).to(self.device)
        on_stage(len(classes), len(classes) + 1, "tokenizer")
        parts["tokenizer"] = small_part(transformers, folder, "tokenizer")
        check_tokenizer(parts["tokenizer"], folder)
        parts["scheduler"] = scheduler = self.scheduler(folder)
        self.abilities, self.network = family.abilities(folder), parts[NETWORK]
        merge(self.network, self.checkpoint.loras, self.LORA_NAMES)
        self.assemble(parts)
        if self._config.compile not in ("auto", "off"):
            self.shortcoming = (
                f"engine.compile = {self._config.compile} is for AudioLDM 2: the network of {family.name} runs as it is"
            )
        self.model = Model(
            name=self.checkpoint.name,
            revision=self.checkpoint.revision,
            abilities=self.abilities,
            compute=self.compute,
            dtype=str(dtype).removeprefix("torch."),
            scheduler=type(scheduler).__name__,
            scheduler_settings=tuple(
                (key, str(scheduler.config[key])) for key in SCHEDULER_KEYS if key in scheduler.config
            ),
            licence=licence(folder),
            threads=f"{self.threads}" if self.on_a_processor else "",
        )
        return self.model

    def scheduler(self, folder: Path) -> Any:
        """The scheduler of a checkpoint. Raises NoModel."""
        return small_part(diffusers, folder, "scheduler")

    @torch.no_grad()
    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """See Runner."""
        started, denoised_s = time.perf_counter(), 0.0
        prompt = replace(prompt, seconds=prompt.made_seconds)
        sound = None if prompt.source is None else SourceSound.read(prompt.source, self.abilities)
        frames = round(prompt.seconds * self.abilities.sample_rate)
        if sound is not None and not sound.source.schedule_share:  # strength 0: the source itself
            on_step(1, 1)
            unchanged = sound.of_length(frames) / np.float32(sound.gain)
            takes: Iterator[Iterator[Sound]] = (iter([unchanged]) for _ in range(prompt.takes))
        else:
            steps = PipelineSteps(on_step, prompt.units)
            generators = [torch.Generator("cpu").manual_seed(prompt.seed_of(n)) for n in range(1, prompt.takes + 1)]
            noise = self.noise(generators, self.latents(prompt.seconds))
            latents = self.denoise(prompt, noise, generators, sound, steps)
            if self.device == "cuda":
                torch.cuda.synchronize()
            denoised_s = steps.seconds
            gain = 1.0 if sound is None else sound.gain
            takes = (self._waves(latent[None], frames, gain) for latent in latents)
        for take, waves in enumerate(takes, 1):
            on_step(prompt.units, prompt.units)
            start = 0
            for wave in waves:
                end = start + wave.shape[1]
                yield Piece(take, start, wave.T.astype("<f4").tobytes(), wave.shape[0], end == frames)
                on_step(prompt.units, prompt.units)
                start = end
        self.scores = ()
        rest_s = time.perf_counter() - started - denoised_s
        self.cost = Cost.of(prompt, denoised_s, rest_s, self.abilities.whole_s)

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """How a source was used, and a sentence on what may not be as it was asked for. See Engine."""
        sentences = self.shortcomings(prompt)
        remarks = {} if prompt.source is None else {"method": "whole"}
        return remarks | ({"remark": "; ".join(sentences)} if sentences else {})

    def shortcomings(self, prompt: Prompt) -> list[str]:
        """What may not be as it was asked for."""
        cut = self.tokens_cut(prompt)
        sentences = (
            [f"the last {cut} tokens of the prompt were too much for the model and were left out"] if cut else []
        )
        return sentences + (
            ["this checkpoint reads the note as a word only and may not follow it"] if prompt.note else []
        )

    @torch.no_grad()
    def measure(self) -> Needs:
        """The memory that a second of sound needs, by two short runs."""
        self.highest_bytes()  # `peak` resets the counter
        if self.abilities.fixed_cost:
            denoise, decode = (needed / self.abilities.whole_s for needed in self._measured(MEASURED_S[0]))
            return Needs(denoise, decode, memory.budget(self.compute, self._config.memory_gb))
        needed = [self._measured(seconds) for seconds in MEASURED_S]
        between = (self.latents(MEASURED_S[1]) - self.latents(MEASURED_S[0])) * self.hop / self.abilities.sample_rate
        denoise, decode = (max(0.0, (long - short) / between) for short, long in zip(*needed, strict=True))
        return Needs(denoise, decode, memory.budget(self.compute, self._config.memory_gb))

    def noise(self, generators: list[torch.Generator], length: int) -> torch.Tensor:
        """Noise (takes, length, width), drawn latent by latent, so that a seed begins with the same for any length."""
        noise = [torch.randn((length, self.width), generator=generator) for generator in generators]
        return torch.stack(noise).to(self.device)

    def latents(self, seconds: float) -> int:
        """The latents of a clip, counted as the pipelines do."""
        return max(1, math.ceil(seconds * self.abilities.sample_rate / self.hop))

    def _measured(self, seconds: float) -> tuple[float, float]:
        """Bytes of denoising, for one evaluation of the network, and of decoding."""
        prompt = replace(self.warm_up(seconds), steps=1)
        generators = [torch.Generator("cpu").manual_seed(0)]
        noise = self.noise(generators, self.latents(seconds))
        with memory.peak_in(self.network, self.device) as denoising:
            latents = self.denoise(prompt, noise, generators, None, PipelineSteps(lambda done, units: None, 1))
        with memory.peak(self.device) as decoding:
            for _ in self.decoded(latents):
                pass
        return denoising.bytes / prompt.evaluations, float(decoding.bytes)

    def _waves(self, latents: torch.Tensor, frames: int, gain: float) -> Iterator[Sound]:
        """The samples of one take (channels, samples), `frames` in all, at the level of the source."""
        left = frames
        for piece in self.decoded(latents):
            wave = piece[:, :left].float().cpu().numpy() / np.float32(gain)
            left -= wave.shape[1]
            yield wave
            if not left:
                return
