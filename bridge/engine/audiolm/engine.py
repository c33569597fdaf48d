"""The engine of AudioLM models: words and a source become tokens, the networks add others, and the codec makes sound of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bridge.checkpoints.audiolm import abilities
from bridge.checkpoints.find import Checkpoint, licence
from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.domain.source import Source
from bridge.engine.audioldm2.encoding import sound
from bridge.engine.audioldm2.hearing import Heard
from bridge.engine.audioldm2.keeping_time import bpm_of
from bridge.engine.audioldm2.loops import HIT_TAIL_S, ringing_on
from bridge.engine.audiolm import model_folder, uses
from bridge.engine.audiolm.choosing import Sampling
from bridge.engine.audiolm.coding import Wave
from bridge.engine.audiolm.words import Asked
from bridge.engine.messages import Cost, OnStage, OnStep
from bridge.engine.runner import Runner
from bridge.engine.runtime import memory
from bridge.files import source_file

LEAST_RING = 8  # frames


class AudioLM(Runner):
    """Holds an AudioLM model. All takes of a prompt run as one batch, each with its own seed."""

    def __init__(self, checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> None:
        # On a GPU, launching the many small operations of a frame takes longer than a processor does for it.
        super().__init__(checkpoint, "cpu", replace(config, threads=config.threads or 1), cache)
        self._asked = Asked(torch.zeros(0), ())

    def load(self, on_stage: OnStage) -> Model:
        """Read the model. Raises NoModel."""
        folder = self.checkpoint.folder
        assert folder is not None
        memory.limit(self.compute, self._config.memory_gb)
        on_stage(0, 1, "model")
        self.tokens = model_folder.load(folder)
        self.coder = self.tokens.coder
        self.abilities = replace(abilities(folder), sample_rate=self.coder.sample_rate)
        self.model = Model(
            name=self.checkpoint.name,
            revision=self.checkpoint.revision,
            abilities=self.abilities,
            compute=self.compute,
            dtype="float32",
            scheduler="",
            licence=licence(folder),
            threads=f"{self.threads}",
        )
        return self.model

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """The words heard. See Engine."""
        heard = ", ".join(self._asked.heard)
        nothing = "no word of the prompt is known to this model" if prompt.text.strip() and not heard else ""
        return {key: text for key, text in (("heard", heard), ("remark", nothing)) if text}

    def in_tempo(self, prompt: Prompt) -> bool:
        """See Engine."""
        asked = self._hear(prompt)
        return prompt.source is None and prompt.bars > 0 and self.tokens.words.bpm(asked) is not None

    @torch.no_grad()
    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """See Runner."""
        started = time.perf_counter()
        prompt = replace(prompt, seconds=prompt.made_seconds)
        self.scores, self._asked = (), self._hear(prompt)
        rhythm = self.tokens.words.bpm(self._asked)
        bpm = bpm_of(prompt, Heard("", "", usual_bpm=rhythm)) or (prompt.source.bpm if prompt.source else 0.0)
        request = uses.Request(
            model=self.tokens,
            words=self._asked.shares[None],
            bpm=bpm,
            generators=[torch.Generator().manual_seed(prompt.seed_of(take)) for take in range(1, prompt.takes + 1)],
            sampling=Sampling(guidance=1.0 if prompt.guidance is None else prompt.guidance),
        )
        waves = (
            self._plain(prompt, request, on_step)
            if prompt.source is None
            else self._of(prompt.source, prompt, request, on_step)
        )
        for take, wave in enumerate(waves, 1):
            on_step(prompt.units, prompt.units)
            yield Piece(take, 0, wave.astype("<f4").tobytes(), 1, True)
        self.cost = Cost.of(prompt, time.perf_counter() - started, 0.0)

    def _hear(self, prompt: Prompt) -> Asked:
        """What is asked for: in the prompt, else by what its source is called."""
        asked = self.tokens.words.hear(prompt.full_text)
        if asked.heard or prompt.source is None or prompt.text.strip():
            return asked
        return self.tokens.words.hear(prompt.source.words)

    def _plain(self, prompt: Prompt, request: uses.Request, on_step: OnStep) -> Iterator[Wave]:
        samples, coder = round(prompt.seconds * self.abilities.sample_rate), self.coder
        if prompt.loop and self.tokens.words.is_ring(self._asked):
            frames = max(LEAST_RING, round(samples / coder.frame_samples))
            yield from (coder.period(tokens, samples) for tokens in uses.ring(request, frames, on_step))
            return
        tail = min(samples, round(HIT_TAIL_S * self.abilities.sample_rate)) if prompt.loop else 0
        for tokens in uses.new(request, coder.frames(samples + tail), on_step):
            wave = coder.sound(tokens, samples + tail)
            yield ringing_on(wave, samples) if prompt.loop else wave

    def _of(self, source: Source, prompt: Prompt, request: uses.Request, on_step: OnStep) -> Iterator[Wave]:
        """What is made of a source, at its level."""
        samples, rate = round(prompt.seconds * self.abilities.sample_rate), self.abilities.sample_rate
        read, file_rate = source_file.read(source)
        wave = sound(read, file_rate, rate, circular=prompt.loop)
        gain = np.float32(self.coder.gain(wave))
        whole = np.pad(wave[:samples] * gain, (0, max(0, samples - len(wave)))).astype(np.float32)
        begin = min(len(wave), samples) if source.how == "continue" else round(source.from_s * rate)
        end = samples if source.how == "continue" else min(samples, round(source.to_s * rate))
        made = (
            self._varied(source, whole, request, on_step)
            if source.how == "vary"
            else self._joined(whole, begin, end, request, on_step)
        )
        for each in made:
            yield each / gain

    def _varied(self, source: Source, whole: Wave, request: uses.Request, on_step: OnStep) -> Iterator[Wave]:
        if source.strength == 0:
            yield from [whole] * request.takes
            return
        tokens = self.coder.tokens(whole, self.coder.frames(len(whole)))
        for varied in uses.varied(request, tokens, source.strength, on_step):
            yield self.coder.sound(varied, len(whole))

    def _joined(self, whole: Wave, begin: int, end: int, request: uses.Request, on_step: OnStep) -> Iterator[Wave]:
        """The samples of a source with new ones from `begin` to `end`."""
        whole[begin:end] = 0
        frames = self.coder.frames(len(whole))
        tokens, first = self.coder.tokens(whole, frames), self.coder.heard_frames(begin)
        if end >= len(whole):
            made = uses.continued(request, tokens[:first], frames, on_step)
        else:
            made = uses.filled(request, tokens, first, min(frames, self.coder.frames(end) + 1), on_step)
        yield from (self.coder.joined(take, whole, begin, end) for take in made)
