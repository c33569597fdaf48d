"""The engine: a warmed AudioLDM 2 pipeline. Text is encoded alone and cached, noise is drawn per take on the CPU."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bridge.clip import SECONDS, Model, Piece, Prompt
from bridge.config import EngineConfig
from bridge.engine import Engine, OnStage, OnStep, Timing, checkpoints
from bridge.engine.guidance import EarlyGuidance
from bridge.engine.hearing import Vocabulary
from bridge.engine.loading import load_pipeline, quiet, scheduler_facts
from bridge.engine.prompt_cache import Embeddings
from bridge.engine.ranking import by_ear
from bridge.engine.retune import measure, retune
from bridge.engine.text_side import TextSide
from bridge.engine.threads import Threads
from bridge.engine.untrained import build
from bridge.engine.vocoding import waveform
from bridge.errors import NoModel, OutOfMemory
from bridge.portable import cache_folder

# Warm-up runs, in seconds of sound: a one-shot, and what an unspecific ask gets. Between the two, time grows straight.
WARM_SECONDS = (0.5, 4.0)
WARM_STEPS = 4
# The starter is guided while the noise is louder than the sound; guided to the end it exaggerates what rings.
GUIDED_ABOVE = 1.0


def open_engine(config: EngineConfig) -> Engine:
    """The engine for a configuration; nothing is loaded yet. Raises NoModel."""
    compute = _choose_compute(config.compute)
    checkpoint = checkpoints.find(config.model) if config.model else checkpoints.default(compute != "cpu")
    return AudioLDM2Engine(checkpoint, compute, config.scheduler)


class AudioLDM2Engine:
    """Holds the pipeline on one compute ("cuda", "mps" or "cpu"). See the Engine protocol."""

    def __init__(self, checkpoint: checkpoints.Checkpoint, compute: str, scheduler: str) -> None:
        self.checkpoint, self.compute, self.scheduler = checkpoint, compute, scheduler
        self.sample_rate, self.max_seconds = 0, SECONDS.high
        self._timing: Timing | None = None
        self._scores: tuple[float, ...] = ()
        self._unranked = ""

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint: fp16 on a GPU, fp32 on a CPU (where fp16 is slower). Raises NoModel, ConfigError."""
        quiet()
        dtype = torch.float32 if self.compute == "cpu" else torch.float16
        folder = self.checkpoint.folder or build(cache_folder())
        try:
            pipe = load_pipeline(folder, self.compute, dtype, self.scheduler, on_stage)
        except NoModel:
            if self.checkpoint.folder is not None:
                raise
            folder = build(cache_folder(), anew=True)  # ours, and damaged: a cleaner of caches was here
            pipe = load_pipeline(folder, self.compute, dtype, self.scheduler, on_stage)
        # The untrained one is so small that a second thread costs more than it gives.
        self._threads = Threads(torch.get_num_threads() if self.checkpoint.folder is not None else 1)
        if self.checkpoint.folder is None and self.compute == "cpu":
            torch.set_num_threads(1)
        self.pipe = pipe
        self.sample_rate = int(pipe.vocoder.config.sampling_rate)
        self._hop = math.prod(pipe.vocoder.config.upsample_rates)
        self._row_samples = self._hop * pipe.vae_scale_factor  # samples per row of latents
        # The UNet halves the rows at each level but the first: other row counts only run through a slower path,
        # and under torch.compile not at all (FACTS A2.1).
        self._rows_unit = 2 ** (len(pipe.unet.config.block_out_channels) - 1)
        # Samples that the vocoder cuts off in front: silence before the attack that the starter is trained with.
        self._lead_in = int(getattr(pipe.vocoder.config, "lead_in_samples", 0))
        vocabulary = Vocabulary.read(folder)
        self._guidance = EarlyGuidance(pipe, GUIDED_ABOVE) if vocabulary is not None else None
        self.texts = TextSide(pipe, self.compute, vocabulary)
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
        )

    def warm(self, on_stage: OnStage) -> list[Timing]:
        """Run short and long once each, so that the first ask is as fast as the next; returns what they took."""
        timings = []
        lengths = (WARM_SECONDS[0], *WARM_SECONDS)  # the very first run pays for what is initialised once
        for done, seconds in enumerate(lengths):
            on_stage(done, len(lengths), f"{seconds:g} s")
            prompt = Prompt("warm up", "warm up", seconds, seed=0, steps=WARM_STEPS, transcript="warm up")
            for _ in self.generate(prompt, lambda step, steps: None):
                pass
            timings.append(self.last_timing())
        return timings[1:]

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """All takes as one batch, each with a seed of its own. One piece a take.

        Raises JobCancelled from `on_step`, and OutOfMemory, after which the engine works on.
        """
        out_of_memory = ""
        try:
            yield from self._generate(prompt, on_step)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            out_of_memory = str(error)
        if out_of_memory:  # outside the except block: only now are the frames that hold tensors gone
            gc.collect()
            if self.compute != "cpu":
                getattr(torch, self.compute).empty_cache()
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

    @torch.no_grad()
    def _generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        started = time.perf_counter()
        heard = self.texts.hears(prompt)
        wanted, unwanted = self.texts.wanted(prompt), self.texts.unwanted(prompt)
        frames = math.ceil(prompt.seconds * self.sample_rate)
        # A tone that is played faster to reach its note must be made longer.
        needed = math.ceil(frames * (heard.wanted_hz / heard.made_hz if heard.wanted_hz else 1.0)) + self._lead_in
        rows = math.ceil(needed / (self._row_samples * self._rows_unit)) * self._rows_unit
        seeds = [prompt.seed_of(take) for take in range(1, prompt.takes + 1)]
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        if self._guidance is not None:
            self._guidance.on = unwanted is not None
        encoded = time.perf_counter()
        self._steady()
        done = 0

        def callback(_index: int, _timestep: Any, _latents: Any) -> None:
            # Count ourselves: some schedulers pass other indices, and reading the timestep would wait for the GPU.
            nonlocal done
            done += 1
            self._steady()
            on_step(min(done, prompt.steps), prompt.steps)

        latents = self.pipe(
            **_embeddings(wanted, unwanted, prompt.takes),
            guidance_scale=prompt.guidance,
            transcription=prompt.transcript if self.texts.speaks else None,  # only asked for; it is encoded above
            latents=self._noise(generators, rows),
            generator=generators,
            num_inference_steps=prompt.steps,
            # Only checked for being long enough: the latents decide the length.
            audio_length_in_s=(rows + 0.5) * self._row_samples / self.sample_rate,
            callback=callback,
            output_type="latent",
        ).audios
        if self.compute == "cuda":
            torch.cuda.synchronize()
        denoised = time.perf_counter()
        waves = []
        for take in range(prompt.takes):  # one at a time: the VAE's attention is over the whole clip
            on_step(prompt.steps, prompt.steps)
            mel = self.pipe.vae.decode(latents[take : take + 1] / self.pipe.vae.config.scaling_factor).sample
            if heard.fills:
                mel = _fitted(mel, math.ceil(needed / self._hop))
            pieces = []
            for piece in waveform(self.pipe.vocoder, mel[:, 0]):
                pieces.append(piece)
                on_step(prompt.steps, prompt.steps)
            wave = torch.cat(pieces).numpy()
            if heard.wanted_hz:
                made_hz = measure(wave, self.sample_rate, heard.made_hz)
                wave = retune(wave, self.sample_rate, made_hz, heard.wanted_hz)
            wave = np.pad(wave, (0, max(0, frames - len(wave))))[:frames]
            waves.append(wave)
            yield Piece(take + 1, 0, wave.astype("<f4").tobytes(), 1, True)
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

    def _steady(self) -> None:
        if self.compute == "cpu":
            self._threads.choose()

    def _noise(self, generators: list[torch.Generator], rows: int) -> torch.Tensor:
        """Noise of shape (takes, channels, rows, width), drawn row by row on the CPU.

        Drawn like this a seed starts with the same noise whatever the length, the batch and the compute.
        """
        channels = self.pipe.unet.config.in_channels
        width = self.pipe.vocoder.config.model_in_dim // self.pipe.vae_scale_factor
        noise = [torch.randn((rows, channels, width), generator=generator).permute(1, 0, 2) for generator in generators]
        return torch.stack(noise).contiguous().to(self.compute, self.pipe.unet.dtype)


def _fitted(mel: torch.Tensor, frames: int) -> torch.Tensor:
    """A spectrogram (1, 1, frames, bands) of a sound that goes on to its end, brought to a length: rows of latents come
    by the dozen, and cutting them would take the top off a riser. The attack, three frames, stays as it is."""
    if frames <= 4 or frames == mel.shape[2]:
        return mel
    head, rest = mel[:, :, :3], mel[:, :, 3:]
    rest = F.interpolate(rest, size=(frames - 3, mel.shape[3]), mode="bilinear", align_corners=True)
    return torch.cat([head, rest], dim=2)


def _embeddings(wanted: Embeddings, unwanted: Embeddings | None, takes: int) -> dict[str, torch.Tensor]:
    """The pipeline's arguments, both texts padded to one width. Padding comes after encoding and is masked, which
    leaves the waveform as it is, bit for bit (FACTS A2.3)."""
    texts = [("", wanted)] if unwanted is None else [("", wanted), ("negative_", unwanted)]
    width = max(text.t5.shape[1] for _, text in texts)
    arguments = {}
    for prefix, text in texts:
        missing = width - text.t5.shape[1]
        arguments[f"{prefix}prompt_embeds"] = F.pad(text.t5, (0, 0, 0, missing)).expand(takes, -1, -1)
        arguments[f"{prefix}attention_mask"] = F.pad(text.mask, (0, missing)).expand(takes, -1)
        arguments[f"{prefix}generated_prompt_embeds"] = text.gpt2.expand(takes, -1, -1)
    return arguments


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
