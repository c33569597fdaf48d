"""The engine: a warmed AudioLDM 2 pipeline. Text is encoded alone and cached, noise is drawn per take on the CPU."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.checkpoints import find as checkpoints
from bridge.config import EngineConfig
from bridge.domain.clip import Model, Piece, Prompt
from bridge.domain.limits import SECONDS
from bridge.engine.audioldm2.decoding import Decoder
from bridge.engine.audioldm2.denoising import Denoiser, states
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.hearing import Heard, Vocabulary
from bridge.engine.audioldm2.loading import load_pipeline, quiet, scheduler_facts
from bridge.engine.audioldm2.ranking import by_ear
from bridge.engine.audioldm2.text import TextSide
from bridge.engine.audioldm2.untrained import build
from bridge.engine.messages import Engine, OnStage, OnStep, Timing
from bridge.engine.needs import Needs
from bridge.engine.runtime import memory, ways
from bridge.engine.runtime.graphs import Captured
from bridge.engine.runtime.network import Eager, Example
from bridge.engine.runtime.threads import Threads
from bridge.errors import NoModel, OutOfMemory
from bridge.system.portable import cache_folder

log = logging.getLogger("clipbridge")

# Warm-up runs, in seconds of sound: a one-shot, and what an unspecific ask gets. Between the two, time grows straight.
WARM_SECONDS = (0.5, 4.0)
WARM_STEPS = 4
# Lengths for which CUDA graphs are captured while warming: what a checkpoint makes by itself is 10.24 s long.
GRAPHS_TO_SECONDS = 10.24
# The starter is guided while the noise is louder than the sound; guided to the end it exaggerates what rings.
GUIDED_ABOVE = 1.0
SILENT = 1e-3  # a peak below which nothing was made


def open_engine(config: EngineConfig, cache: Path | None = None) -> Engine:
    """The engine for a configuration; nothing is loaded yet. `cache`: where what it makes for itself is kept, by default
    the user's cache folder. Raises NoModel."""
    compute = _choose_compute(config.compute)
    checkpoint = checkpoints.find(config.model) if config.model else checkpoints.default(compute != "cpu")
    return AudioLDM2Engine(checkpoint, compute, config, cache or cache_folder())


class AudioLDM2Engine:
    """Holds the pipeline on one compute ("cuda", "mps" or "cpu"). See the Engine protocol."""

    def __init__(self, checkpoint: checkpoints.Checkpoint, compute: str, config: EngineConfig, cache: Path) -> None:
        self.checkpoint, self.compute, self._config, self._cache = checkpoint, compute, config, cache
        self.sample_rate, self.max_seconds = 0, SECONDS.high
        self._timing: Timing | None = None
        self._scores: tuple[float, ...] = ()
        self._unranked = ""
        self._needs = Needs()
        self.way, self.shortcoming, self._highest_bytes = "off", "", 0

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint: fp16 on a GPU, fp32 on a CPU (where fp16 is slower). Raises NoModel, ConfigError."""
        quiet()
        memory.limit(self.compute, self._config.memory_gb)
        dtype = torch.float32 if self.compute == "cpu" else torch.float16
        folder = self.checkpoint.folder or build(self._cache)
        try:
            pipe = load_pipeline(folder, self.compute, dtype, self._config.scheduler, on_stage)
        except NoModel:
            if self.checkpoint.folder is not None:
                raise
            folder = build(self._cache, anew=True)  # ours, and damaged: a cleaner of caches was here
            pipe = load_pipeline(folder, self.compute, dtype, self._config.scheduler, on_stage)
        # The untrained one is so small that a second thread costs more than it gives.
        self._threads = Threads(torch.get_num_threads() if self.checkpoint.folder is not None else 1)
        if self.checkpoint.folder is None and self.compute == "cpu":
            torch.set_num_threads(1)
        self.pipe = pipe
        self.geometry = Geometry.of(pipe)
        self.sample_rate = self.geometry.sample_rate
        self.decoder = Decoder(pipe, self.geometry)
        vocabulary = Vocabulary.read(folder)
        self.texts = TextSide(pipe, self.compute, vocabulary)
        on_stage(99, 100, "network")
        opened = self._open_network()
        self.way, self.shortcoming = opened.way, opened.shortcoming
        guided_above = GUIDED_ABOVE if vocabulary is not None else 0.0
        self.denoiser = Denoiser(pipe, opened.network, self.compute, guided_above)
        return Model(
            name=self.checkpoint.name,
            revision=self.checkpoint.revision,
            sample_rate=self.sample_rate,
            max_seconds=self.max_seconds,
            compute=self.compute,
            dtype=str(dtype).removeprefix("torch."),
            scheduler=type(pipe.scheduler).__name__,
            scheduler_settings=scheduler_facts(pipe.scheduler),
            licence=checkpoints.licence(folder),
            untrained=self.checkpoint.folder is None,
            speech=self.texts.speaks,
            compiled=self.way,
        )

    def warm(self, on_stage: OnStage) -> list[Timing]:
        """Run short and long once each, so that the first ask is as fast as the next; returns what they took."""
        if isinstance(self.denoiser.network, Captured):
            self._prepare_graphs(self.denoiser.network, on_stage)
        on_stage(0, len(WARM_SECONDS) + 1, "memory")
        # The very first run pays for what is initialised once, so it is the one to be slowed by being looked at.
        self._measure_needs()
        timings = []
        for done, seconds in enumerate(WARM_SECONDS, 1):
            on_stage(done, len(WARM_SECONDS) + 1, f"{seconds:g} s")
            for _ in self.generate(_warm_up(seconds), lambda step, steps: None):
                pass
            timings.append(self.last_timing())
        return timings

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """All takes as one batch, each with a seed of its own. The pieces of a take come in order, the first of a second.

        Raises JobCancelled from `on_step`, and OutOfMemory, after which the engine works on.
        """
        network = self.denoiser.network
        for again in (False, True):
            out_of_memory, began = "", False
            try:
                for piece in self._generate(prompt, on_step):
                    began = True
                    yield piece
                return
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                out_of_memory = str(error)
            # Outside the except block: only now are the frames that hold tensors gone.
            gc.collect()
            held = isinstance(network, Captured) and network.holds
            if isinstance(network, Captured):
                network.forget()
            if self.compute != "cpu":
                getattr(torch, self.compute).empty_cache()
            if again or began or not held:
                break  # else once more, with the memory that the graphs held
        log.info("out of memory: %s", out_of_memory)
        lower = "fewer takes" if prompt.takes > 1 else "a shorter clip"
        raise OutOfMemory(
            f"Not enough memory for {prompt.takes} × {prompt.seconds:g} s on {self.compute}: ask for {lower}."
        )

    def last_timing(self) -> Timing:
        """What the last completed `generate` took."""
        assert self._timing is not None
        return self._timing

    def scores(self) -> tuple[float, ...]:
        """How well each take fits the prompt (see `ranking`); empty for a single take, which needs no rank."""
        return self._scores

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """Which words were heard, tokens that were too many, a note that could not be set. See the Engine protocol."""
        told = self.texts.remarks(prompt)
        if self._unranked:
            told["remark"] = "; ".join(filter(None, [told.get("remark", ""), self._unranked]))
        return told

    def needs(self) -> Needs:
        """What jobs take of the memory. See the Engine protocol."""
        return self._needs

    def highest_bytes(self) -> int:
        """The most memory that was held so far. See the Engine protocol."""
        self._highest_bytes = max(self._highest_bytes, memory.highest(self.compute))
        return self._highest_bytes

    @torch.no_grad()
    def _generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        started = time.perf_counter()
        heard = self.texts.hears(prompt)
        wanted, unwanted = self.texts.wanted(prompt), self.texts.unwanted(prompt)
        geometry = self.geometry
        frames, needed = geometry.frames(prompt.seconds), geometry.needed(prompt.seconds, heard)
        generators = self._generators(prompt)
        rows = geometry.rows_of_loop(prompt.seconds, heard) if prompt.loop else geometry.rows(needed)
        encoded = time.perf_counter()
        self._steady()

        def after_step(step: int, steps: int) -> None:
            self._steady()
            on_step(step, steps)

        latents = self.denoiser.run(
            self.noise(generators, rows),
            wanted, unwanted, prompt.steps, prompt.guidance, generators, after_step, prompt.loop,
        )  # fmt: skip
        if self.compute == "cuda":
            torch.cuda.synchronize()
        denoised = time.perf_counter()
        waves = []
        for take in range(prompt.takes):  # one at a time: the VAE's attention is over the whole clip
            on_step(prompt.steps, prompt.steps)
            parts: list[NDArray[np.float32]] = []
            start = 0
            latent = latents[take : take + 1]
            if prompt.loop:
                made = iter([self._loop(latent, take, prompt, heard, after_step)])
            else:
                made = self.decoder.pieces(latent, heard, needed, frames)
            for part in made:
                last = prompt.loop or start + len(part) == frames
                yield Piece(take + 1, start, part.astype("<f4").tobytes(), 1, last)
                on_step(prompt.steps, prompt.steps)
                parts.append(part)
                start += len(part)
            waves.append(np.concatenate(parts))
        self._scores, self._unranked = (), ""
        if prompt.takes > 1 and self.texts.vocabulary is None:  # who has a word list has no trained ear
            try:
                self._scores = by_ear(self.pipe, self.texts.clap(heard.text), waves, self.sample_rate)
            except (
                RuntimeError
            ) as error:  # out of memory, on any compute: the takes are made, and worth more than a rank
                self._unranked = f"the takes are in the order of their seeds, not ranked ({type(error).__name__})"
        ended = time.perf_counter()
        self._timing = Timing(prompt, denoised - encoded, ended - denoised + encoded - started)

    def _loop(
        self, latents: torch.Tensor, take: int, prompt: Prompt, heard: Heard, on_step: OnStep
    ) -> NDArray[np.float32]:
        """One turn of take `take` (from 0). A single hit may have found no place on the circle: then it is made as it would be
        alone, and dies away before its end."""
        period = self.decoder.period(latents, prompt.seconds, heard)
        if np.abs(period).max(initial=0.0) >= SILENT:
            return period
        generators = [self._generators(prompt)[take]]
        latents = self.denoiser.run(
            self.noise(generators, latents.shape[2]), self.texts.wanted(prompt), self.texts.unwanted(prompt),
            prompt.steps, prompt.guidance, generators, lambda step, steps: on_step(steps, steps),
        )  # fmt: skip
        return self.decoder.period(latents, prompt.seconds, heard)

    @staticmethod
    def _generators(prompt: Prompt) -> list[torch.Generator]:
        return [torch.Generator("cpu").manual_seed(prompt.seed_of(take)) for take in range(1, prompt.takes + 1)]

    def _example(self) -> Example:
        """What the network is given for one take with guidance."""
        prompt = _warm_up(WARM_SECONDS[0])
        texts = self.texts.wanted(prompt), self.texts.wanted(prompt)
        noise = self.noise(self._generators(prompt) * 2, 2 * self.geometry.rows_unit)
        return noise, torch.tensor(500, device=self.compute), *states(texts, 1)

    def _prepare_graphs(self, network: Captured, on_stage: OnStage) -> None:
        """Those of one take of the usual lengths, and the memory that they hold, are there before the first ask. Other batches,
        texts of more than 64 tokens and longer clips get theirs when they are first asked for."""
        latents, timestep, *texts = self._example()
        timestep = timestep.to(self.pipe.scheduler.timesteps.dtype)
        batches = (2, 1) if self.denoiser.guided_above else (2,)  # who is not guided to the end has steps of one
        longest = self.geometry.rows_for(GRAPHS_TO_SECONDS)
        # The longest first: the others then find room in what it took.
        for rows in range(longest, 0, -self.geometry.rows_unit):
            on_stage(longest - rows, longest, f"{rows * self.geometry.row_seconds:.2f} s")
            for batch in batches:
                gpt2, t5, mask = (text[:batch] for text in texts)
                network.prepare((latents[:batch], timestep, gpt2, t5, mask), rows)

    @torch.no_grad()
    def _open_network(self) -> ways.Opened:
        unet, folder = self.pipe.unet, self._cache / "traces"
        name = f"{self.checkpoint.name} {self.checkpoint.revision}"
        return ways.open_network(self._config.compile, self.compute, unet, self._example, folder, name)

    @torch.no_grad()
    def _measure_needs(self) -> None:
        """The memory that a second of sound takes, by a short run of the network as it is."""
        prompt = _warm_up(WARM_SECONDS[0])
        rows, samples = self.geometry.rows_for(prompt.seconds), self.geometry.frames(prompt.seconds)
        seconds = rows * self.geometry.row_seconds
        generators, text = self._generators(prompt), self.texts.wanted(prompt)
        self.highest_bytes()  # counting begins anew
        eager = self.plain_denoiser(0.0)
        with memory.peak(self.compute) as denoising:
            latents = eager.run(self.noise(generators, rows), text, text, 2, 2.0, generators, lambda step, steps: None)
        with memory.peak(self.compute) as decoding:
            for _ in self.decoder.pieces(latents, self.texts.hears(prompt), samples, samples):
                pass
        room = memory.budget(self.compute, self._config.memory_gb)
        self._needs = Needs(denoising.bytes / 2 / seconds, decoding.bytes / seconds, room)

    def _steady(self) -> None:
        if self.compute == "cpu":
            self._threads.choose()

    def plain_denoiser(self, guided_above: float) -> Denoiser:
        """One whose network runs as it is, without trace or graph: what those do cannot be looked at from outside."""
        return Denoiser(self.pipe, Eager(self.pipe.unet).eval(), self.compute, guided_above)

    def noise(self, generators: list[torch.Generator], rows: int) -> torch.Tensor:
        """Noise of shape (takes, channels, rows, width), drawn row by row on the CPU.

        Drawn like this a seed starts with the same noise whatever the length, the batch and the compute.
        """
        channels = self.pipe.unet.config.in_channels
        width = self.pipe.vocoder.config.model_in_dim // self.pipe.vae_scale_factor
        noise = [torch.randn((rows, channels, width), generator=generator).permute(1, 0, 2) for generator in generators]
        return torch.stack(noise).contiguous().to(self.compute, self.pipe.unet.dtype)


def _warm_up(seconds: float) -> Prompt:
    return Prompt("warm up", "warm up", seconds, seed=0, steps=WARM_STEPS, transcript="warm up")


def _choose_compute(asked: str) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, usable in there.items() if usable)
    if not there[asked]:
        raise NoModel(
            f"--compute {asked}: this torch ({torch.__version__}) finds no {asked} here; there is: "
            f"{', '.join(name for name, usable in there.items() if usable)}."
        )
    return asked


def _is_out_of_memory(error: BaseException) -> bool:
    """CUDA and MPS raise torch.OutOfMemoryError; a CPU allocation raises RuntimeError with the allocator's words."""
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        sign in words for sign in ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")
    )
