"""The engine of MusicGen checkpoints: text to sound, and sound that goes on. Takes are made one after another, each with its own seed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import AutoProcessor, MusicgenForConditionalGeneration
from transformers.generation import StoppingCriteria, StoppingCriteriaList

from bridge.checkpoints.find import licence
from bridge.checkpoints.musicgen import abilities
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.domain.source import Source
from bridge.engine.audioldm2.encoding import sound
from bridge.engine.loading import quiet
from bridge.engine.messages import Cost, OnStage, OnStep
from bridge.engine.runner import Runner
from bridge.engine.runtime import memory
from bridge.errors import NoModel
from bridge.files import source_file


class Watched(StoppingCriteria):
    """Tells of each frame, and ends where `on_step` raises."""

    def __init__(self, frames: int, on_step: OnStep) -> None:
        self._done, self._frames, self._on_step = 0, frames, on_step

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **more: Any) -> torch.Tensor:
        self._done = min(self._done + 1, self._frames)
        self._on_step(self._done, self._frames)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


class MusicGen(Runner):
    """Holds a MusicGen checkpoint."""

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint: fp16 on CUDA, else fp32. Raises NoModel."""
        quiet()
        folder = self.checkpoint.folder
        assert folder is not None
        memory.limit(self.compute, self._config.memory_gb)
        dtype = torch.float16 if self.device == "cuda" else torch.float32
        on_stage(0, 2, "text")
        try:
            self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
            on_stage(1, 2, "network")
            network, facts = MusicgenForConditionalGeneration.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=dtype, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise NoModel(f"{folder} cannot be loaded ({type(error).__name__}: {reason}). Fetch it again.") from error
        if missing := sorted(facts["missing_keys"]):
            raise NoModel(f"{folder} lacks {len(missing)} weights, such as {missing[0]}. Fetch it again.")
        self._network = network.to(self.device).eval()
        self.abilities = abilities(folder)
        self._frames_a_second = float(network.config.audio_encoder.frame_rate)
        self.model = Model(
            name=self.checkpoint.name,
            revision=self.checkpoint.revision,
            abilities=self.abilities,
            compute=self.compute,
            dtype=str(dtype).removeprefix("torch."),
            scheduler="",
            licence=licence(folder),
            threads=f"{self.threads}" if self.on_a_processor else "",
        )
        return self.model

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """Nothing: it reads any text. See Engine."""
        return {}

    @torch.no_grad()
    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """See Runner."""
        started = time.perf_counter()
        prompt = replace(prompt, seconds=prompt.made_seconds)
        self.scores = ()
        wave = None if prompt.source is None else self._read(prompt.source)
        for take in range(1, prompt.takes + 1):
            made = self._take(prompt, wave, prompt.seed_of(take), on_step)
            yield Piece(take, 0, made.astype("<f4").tobytes(), made.shape[1], True)
        self.cost = Cost.of(prompt, time.perf_counter() - started, 0.0)

    def _read(self, source: Source) -> NDArray[np.float32]:
        samples, rate = source_file.read(source)
        return sound(samples, rate, self.abilities.sample_rate)

    def _take(
        self, prompt: Prompt, wave: NDArray[np.float32] | None, seed: int, on_step: OnStep
    ) -> NDArray[np.float32]:
        """One take, (frames, channels)."""
        rate, channels = self.abilities.sample_rate, self.abilities.channels
        wanted = round(prompt.seconds * rate)
        texts = {"text": [prompt.full_text], "padding": True, "return_tensors": "pt"}
        if wave is not None:
            both = wave if channels == 1 else np.stack([wave] * channels)
            texts |= {"audio": both, "sampling_rate": rate}
        inputs = {key: value.to(self.device) for key, value in self._processor(**texts).items()}
        if wave is not None:
            inputs["input_values"] = inputs["input_values"].to(self._network.dtype)
        given_s = 0.0 if wave is None else len(wave) / rate
        frames = max(1, math.ceil((prompt.seconds - given_s) * self._frames_a_second) + 1)
        devices = [] if self.device != "cuda" else [torch.cuda.current_device()]
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            made = self._network.generate(
                **inputs,
                max_new_tokens=frames + self._network.decoder.num_codebooks - 1,
                do_sample=True,
                guidance_scale=prompt.guidance,
                stopping_criteria=StoppingCriteriaList([Watched(frames, on_step)]),
            )
        samples = made[0].float().cpu().numpy().T[:wanted]
        return np.pad(samples, ((0, max(0, wanted - len(samples))), (0, 0))).astype(np.float32)
