"""The engine: a warmed AudioLDM 2 pipeline. Text is encoded alone and cached, noise is drawn per take on the CPU."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import soxr
import torch
import torch.nn.functional as F

from bridge.clip import SECONDS, Model, Piece, Prompt
from bridge.config import EngineConfig
from bridge.engine import Engine, OnStage, OnStep, Timing, checkpoints
from bridge.engine.hearing import Heard, Vocabulary, plain
from bridge.engine.loading import load_pipeline, quiet, scheduler_facts
from bridge.engine.prompt_cache import Embeddings, PromptCache
from bridge.engine.retune import measure, retune
from bridge.engine.threads import Threads
from bridge.engine.untrained import build
from bridge.errors import NoModel, OutOfMemory
from bridge.portable import cache_folder

RANKED_SECONDS = 10  # CLAP's window; it would take a random one from a longer clip, and rank differently each time
# Warm-up runs: length in seconds. Short ones are what one-shots use, the longest what an unspecific ask uses.
WARM_SECONDS = (0.5, 1.5, 4.0)
WARM_STEPS = 4
MAX_TOKENS = 512
UNHEARD = "this small checkpoint knows no sound by these words, and guessed; the README lists the sounds that it knows"


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
        self._vocabulary = Vocabulary.read(folder)
        self._prompts = PromptCache(self._encode)
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
        )

    def warm(self, on_stage: OnStage) -> list[Timing]:
        """Run short and long once each, so that the first ask is as fast as the next; returns what they took."""
        timings = []
        lengths = (WARM_SECONDS[0], *WARM_SECONDS)  # the very first run pays for what is initialised once
        for done, seconds in enumerate(lengths):
            on_stage(done, len(lengths), f"{seconds:g} s")
            prompt = Prompt("warm up", "warm up", seconds, seed=0, steps=WARM_STEPS)
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
        """CLAP's cosine between each take and the prompt, −1 to 1; empty for a single take, which needs no rank."""
        return self._scores

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """Which words were heard, tokens that were too many, a note that could not be set. See the Engine protocol."""
        heard = self.hears(f"{prompt.text}, {prompt.note}" if prompt.note else prompt.text, prompt.full_text)
        texts = {"prompt": heard.text, "negative prompt": self._unwanted(prompt) if prompt.guidance > 1.0 else ""}
        cut = {name: self._prompts.get(text).tokens_cut for name, text in texts.items() if text}
        sentences = [
            f"the last {tokens} tokens of the {name} were too much for the model and were left out"
            for name, tokens in cut.items()
            if tokens
        ]
        sentences += [heard.remark] if heard.remark else []
        if self._vocabulary is None and prompt.note:
            sentences.append("this checkpoint is told the note in words only and may not follow it")
        told = {"remark": "; ".join(sentences)} if sentences else {}
        return told if self._vocabulary is None else {"heard": heard.words, **told}

    def hears(self, text: str, full_text: str) -> Heard:
        """What the encoders get of a prompt and of the same with a preset's words around it. Those are listened to where
        the musician named no sound."""
        if self._vocabulary is None:
            return Heard(full_text, full_text)
        heard = self._vocabulary.hear(text)
        if not heard.noun and full_text != text:
            heard = self._vocabulary.hear(full_text)
        if not heard.noun:
            # Nothing to go by but how the words are spelt: let the encoders guess.
            return replace(heard, text=plain(text), remark=UNHEARD)
        return heard

    def _unwanted(self, prompt: Prompt) -> str:
        return prompt.negative if self._vocabulary is None else self._vocabulary.hear(prompt.negative, mend=False).text

    @torch.no_grad()
    def _generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        started = time.perf_counter()
        guided = prompt.guidance > 1.0
        heard = self.hears(f"{prompt.text}, {prompt.note}" if prompt.note else prompt.text, prompt.full_text)
        wanted, unwanted = self._prompts.get(heard.text), self._prompts.get(self._unwanted(prompt)) if guided else None
        frames = math.ceil(prompt.seconds * self.sample_rate)
        # A tone that is played faster to reach its note must be made longer.
        needed = math.ceil(frames * (heard.wanted_hz / heard.made_hz if heard.wanted_hz else 1.0)) + self._lead_in
        rows = math.ceil(needed / (self._row_samples * self._rows_unit)) * self._rows_unit
        seeds = [prompt.seed_of(take) for take in range(1, prompt.takes + 1)]
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
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
            wave = self.pipe.mel_spectrogram_to_waveform(mel)[0].numpy()
            if heard.wanted_hz:
                made_hz = measure(wave, self.sample_rate, heard.made_hz)
                wave = retune(wave, self.sample_rate, made_hz, heard.wanted_hz)
            wave = np.pad(wave, (0, max(0, frames - len(wave))))[:frames]
            waves.append(wave)
            yield Piece(take + 1, 0, wave.astype("<f4").tobytes(), 1, True)
        # A checkpoint with a word list has no trained ear: its takes stay in the order of their seeds.
        ranked = len(waves) > 1 and self._vocabulary is None
        self._scores = self._rank(heard.text, waves) if ranked else ()
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

    @torch.no_grad()
    def _encode(self, text: str) -> Embeddings:
        """One text, alone. The stock pipeline cuts the negative prompt to the prompt's length and lets batch mates
        change each other (FACTS A2.7); for a single prompt this is the same. CLAP runs on the real tokens only:
        padded to 512 as in stock it costs nine times as much for the same result (FACTS A7)."""
        pipe = self.pipe
        clap_ids, cut = self._tokens(pipe.tokenizer, text)
        t5_ids, t5_cut = self._tokens(pipe.tokenizer_2, text)
        clap = pipe.text_encoder.get_text_features(**clap_ids).pooler_output[:, None, :]
        t5 = pipe.text_encoder_2(**t5_ids)[0]
        projected = pipe.projection_model(
            hidden_states=clap,
            hidden_states_1=t5,
            attention_mask=t5_ids["attention_mask"].new_ones((1, 1)),
            attention_mask_1=t5_ids["attention_mask"],
        )
        new_tokens = getattr(pipe.language_model.config, "max_new_tokens", None) or 8
        gpt2 = pipe.generate_language_model(
            projected.hidden_states, attention_mask=projected.attention_mask, max_new_tokens=new_tokens
        )
        return Embeddings(
            t5.to(pipe.text_encoder_2.dtype),
            t5_ids["attention_mask"],
            gpt2.to(pipe.language_model.dtype),
            max(cut, t5_cut),
        )

    def _tokens(self, tokenizer: Any, text: str) -> tuple[dict[str, Any], int]:
        limit = min(tokenizer.model_max_length, MAX_TOKENS)
        everything = len(tokenizer(text).input_ids)
        ids = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
        return {key: ids[key].to(self.compute) for key in ("input_ids", "attention_mask")}, max(0, everything - limit)

    @torch.no_grad()
    def _rank(self, text: str, waves: list[np.ndarray]) -> tuple[float, ...]:
        extractor = self.pipe.feature_extractor
        head = RANKED_SECONDS * self.sample_rate
        heard = [soxr.resample(wave[:head], self.sample_rate, extractor.sampling_rate, "HQ") for wave in waves]
        features = extractor(heard, sampling_rate=extractor.sampling_rate, return_tensors="pt").input_features
        clap = self.pipe.text_encoder
        sound = clap.get_audio_features(features.to(self.compute, clap.dtype)).pooler_output
        words = clap.get_text_features(**self._tokens(self.pipe.tokenizer, text)[0]).pooler_output
        scores = F.cosine_similarity(sound.float(), words.float())
        return tuple(float(score) for score in scores.nan_to_num(-1.0))  # an invalid take ranks last


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
