"""The engine of AudioLDM 2. Each text is encoded alone and cached; the noise of each take is drawn on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.checkpoints.audioldm2 import abilities
from bridge.checkpoints.find import Checkpoint, licence
from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.engine import beat_clock
from bridge.engine.audioldm2 import clock, converted, keeping_time, unet
from bridge.engine.audioldm2.adapted import Adapted
from bridge.engine.audioldm2.converted import HiFiGan
from bridge.engine.audioldm2.decoding import Decoder
from bridge.engine.audioldm2.denoising import Denoiser, states
from bridge.engine.audioldm2.encoding import Encoder
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.engine.audioldm2.loading import load_pipeline, scheduler_facts
from bridge.engine.audioldm2.loops import Denoise, Loop
from bridge.engine.audioldm2.ranking import by_ear
from bridge.engine.audioldm2.sources import methods
from bridge.engine.audioldm2.sources.kit import Kit
from bridge.engine.audioldm2.sources.method import FamiliarSounds, Material
from bridge.engine.audioldm2.starting import Kept, Start
from bridge.engine.audioldm2.text import Texts, TextSide
from bridge.engine.loading import quiet
from bridge.engine.lora import merge
from bridge.engine.messages import Cost, OnStage, OnStep
from bridge.engine.needs import Needs
from bridge.engine.runner import WARM_SECONDS, Runner
from bridge.engine.runtime import conversions, inductor, memory, openvino, ways
from bridge.engine.runtime.conversions import Conversions
from bridge.engine.runtime.graphs import Captured
from bridge.engine.runtime.inductor import Regional
from bridge.engine.runtime.network import Inputs, Network
from bridge.errors import NoModel

# CUDA graphs for lengths up to this are captured while warming; the stock pipeline makes 10.24 s by default.
GRAPHS_TO_SECONDS = 10.24
# Compiling takes far longer than capturing, so only these lengths are compiled; others run as without it.
COMPILED_SECONDS = (10.24, 4.0, 2.0, 1.0, 0.5)
# The starter is guided while the noise is louder than the sound. Guided to the end, it exaggerates resonances.
GUIDED_ABOVE = 1.0


class AudioLDM2(Runner):
    """Holds an AudioLDM 2 pipeline. All takes of a prompt run as one batch, each with its own seed. The pieces of a take come in
    order; the first is a second long."""

    def __init__(self, checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> None:
        super().__init__(checkpoint, compute, config, cache)
        self.compiled, self._unranked, self._method, self._how, self._denoised_s = "off", "", "", "", 0.0
        self._words: Sequence[str] = ()
        self.familiar_sounds: FamiliarSounds = {}
        self._lacking: set[str] = set()
        self._conversions: Conversions | None = None

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint: fp16 on a GPU, fp32 on a CPU (where fp16 is slower). Raises NoModel, ConfigError."""
        quiet()
        memory.limit(self.compute, self._config.memory_gb)
        dtype = torch.float32 if self.on_a_processor else torch.float16
        folder = self.checkpoint.folder or _untrained(self._cache)
        try:
            pipe = load_pipeline(folder, self.device, dtype, self._config.scheduler, on_stage)
            if self.checkpoint.folder is None:
                _ = pipe.unet  # read now, while it can still be built again
        except NoModel:
            if self.checkpoint.folder is not None:
                raise
            folder = _untrained(self._cache, again=True)  # a cleaner of caches has damaged it
            pipe = load_pipeline(folder, self.device, dtype, self._config.scheduler, on_stage)
        always = tuple(lora for lora in self.checkpoint.loras if not lora.facts.word)
        if always:
            pipe.merge_into_unets(lambda unet: merge(unet, always))
        self.pipe = pipe
        self.geometry = Geometry.of(pipe)
        self.abilities = replace(abilities(folder), sample_rate=self.geometry.sample_rate)
        self.encoder = Encoder(pipe, self.geometry)
        self.decoder = Decoder(pipe.vae.config.scaling_factor, self._spectrogram, pipe.vocoder, self.geometry)
        vocabulary = Vocabulary.read(folder)
        self.adapted = Adapted(pipe, self.checkpoint.loras, folder, self.threads if self.on_a_processor else 0)
        if vocabulary is not None and self.adapted.words:
            vocabulary = vocabulary.with_own(self.adapted.words)
        self.texts = TextSide(pipe, self.device, vocabulary)
        self.kit = None if vocabulary is None else Kit(self, vocabulary)
        on_stage(99, 100, "network")
        opened = self._open_network(folder)
        self.compiled, self.shortcoming = opened.way, opened.shortcoming
        guided_above = GUIDED_ABOVE if vocabulary is not None else 0.0
        self.denoiser = Denoiser(pipe, opened.network, self.device, guided_above, self._open_few())
        self._use_converted()
        self.model = Model(
            name=self.checkpoint.name,
            revision=self.checkpoint.revision,
            abilities=self.abilities,
            compute=self.compute,
            dtype=str(dtype).removeprefix("torch."),
            scheduler=type(pipe.scheduler).__name__,
            scheduler_settings=scheduler_facts(pipe.scheduler),
            licence=licence(self.checkpoint.own or folder),
            untrained=self.checkpoint.folder is None,
            compiled=self.compiled,
            threads=f"{self.threads}" if self.on_a_processor else "",
        )
        return self.model

    def improve(self, on_stage: OnStage, waiting: Callable[[], bool]) -> Iterator[list[Cost] | None]:
        """See Engine. While networks are converted, jobs are served by the networks as they are."""
        yield from super().improve(on_stage, waiting)
        conversions = self._conversions
        while conversions is not None and (progress := conversions.progress) is not None:
            on_stage(*progress)
            if not conversions.look():
                yield None
                continue
            on_stage(progress.total, progress.total, progress.what)
            self.shortcoming = conversions.shortcoming
            self._use_converted()
            self.model = replace(self.model, compiled=self.compiled)
            self.needs = replace(self.measure(), whole_s=self.abilities.whole_s)
            yield [self.warm_run(seconds) for seconds in WARM_SECONDS]

    def _use_converted(self) -> None:
        """Run the converted networks, if there are any."""
        networks = {} if self._conversions is None else self._conversions.networks
        if not networks:
            return
        self.compiled = "openvino"
        self.denoiser.network = networks[converted.UNET].network
        self.denoiser.few = networks[converted.FEW].network if converted.FEW in networks else None
        self.decoder.spectrogram = networks[converted.DECODER].network
        if converted.VOCODER in networks:
            self.decoder.vocoder = HiFiGan(self.pipe.vocoder.config, networks[converted.VOCODER].network)
        self.pipe.forget_unet()
        # Sounds that were made to compare with are of the other networks.
        self.familiar_sounds = {}
        self.kit = None if self.texts.vocabulary is None else Kit(self, self.texts.vocabulary)
        # What is left to torch is small. Its threads would take the cores from those of OpenVINO.
        torch.set_num_threads(1)

    def prepare(self, on_stage: OnStage) -> None:
        """Capture the graphs of one take of the usual lengths, so that their memory is taken before any job. Other batches, texts
        of more than 64 tokens and longer clips get theirs when they first occur. Or compile for one take of some lengths."""
        network = self.denoiser.network
        if not isinstance(network, Captured | Regional):
            return
        latents, timestep, *texts = self._example()
        timestep = timestep.to(self.pipe.scheduler.timesteps.dtype)
        batches = (2, 1) if self.denoiser.guided_above else (2,)  # steps without guidance have a batch of one
        lengths = list(range(self.geometry.rows_for(GRAPHS_TO_SECONDS), 0, -self.geometry.rows_unit))
        if isinstance(network, Regional):
            lengths = list(dict.fromkeys(self.geometry.rows_for(seconds) for seconds in COMPILED_SECONDS))
        # The longest first: the graphs of others then reuse its memory.
        for done, rows in enumerate(lengths):
            on_stage(done, len(lengths), f"{rows * self.geometry.row_seconds:.2f} s")
            for batch in batches:
                inputs = latents[:batch], timestep, *(text[:batch] for text in texts)
                network.prepare(unet.with_rows(inputs, rows))

    def forget(self) -> bool:
        """Free the memory of the graphs."""
        network = self.denoiser.network
        if not isinstance(network, Captured):
            return False
        had_graphs = network.has_graphs
        network.forget()
        return had_graphs

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """The words heard, the tokens left out, the note that was not followed, how a source was used. See Engine."""
        settled = self.abilities.settled(prompt)
        if self._words:  # the words that were used
            settled = replace(settled, text=self._words[0], full_text=self._words[0])
        remarks = self.texts.remarks(settled)
        if self._words:
            remarks["heard"] = ", ".join(self._words)
        if prompt.source is not None:
            remarks["method"] = self._method
        bpm = 0.0 if prompt.bars else self._bpm(settled)
        tempo = f"made at {bpm:.4g} BPM" if bpm else ""
        remark = "; ".join(filter(None, [remarks.get("remark", ""), tempo, self._how, self._unranked]))
        return remarks | ({"remark": remark} if remark else {})

    def unmet(self, prompt: Prompt) -> tuple[str, ...]:
        """See Engine."""
        tuned = self.texts.hears(self.abilities.settled(prompt)).target_hz > 0
        return super().unmet(prompt) if not tuned or "note" in self._lacking else ()

    def in_tempo(self, prompt: Prompt) -> bool:
        """See Engine."""
        return prompt.source is None and prompt.bars > 0 and self._bpm(self.abilities.settled(prompt)) > 0

    def lack(self, name: str) -> None:
        """See Stages."""
        self._lacking.add(name)

    @torch.no_grad()
    def run(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """See Runner."""
        started = time.perf_counter()
        prompt = replace(prompt, seconds=prompt.made_seconds)
        self._denoised_s, self._method, self._how, self._words = 0.0, "", "", ()
        self._lacking.clear()

        def after_step(step: int, steps: int) -> None:
            on_step(step, steps)

        waves = []
        for take, decoded in enumerate(self._takes(prompt, after_step), 1):
            parts: list[NDArray[np.float32]] = []
            start = 0
            for part in decoded:
                last = prompt.loop or start + len(part) == self.geometry.frames(prompt.seconds)
                yield Piece(take, start, part.astype("<f4").tobytes(), 1, last)
                after_step(prompt.units, prompt.units)
                parts.append(part)
                start += len(part)
            waves.append(np.concatenate(parts))
        self.scores, self._unranked = (), ""
        if prompt.takes > 1 and self.abilities.ranked:
            try:
                text = self.texts.clap(self.texts.hears(prompt).text)
                self.scores = by_ear(self.pipe, text, waves, self.abilities.sample_rate)
            except RuntimeError as error:  # out of memory; the takes are worth more than their ranking
                self._unranked = f"the takes are in the order of their seeds, not ranked ({type(error).__name__})"
        self.cost = Cost.of(prompt, self._denoised_s, time.perf_counter() - started - self._denoised_s)

    def _takes(self, prompt: Prompt, on_step: OnStep) -> Iterator[Iterator[NDArray[np.float32]]]:
        """The pieces of each take."""
        if prompt.source is None:
            return self.plain_takes(prompt, on_step)
        method = methods.choose(self, Material.read(prompt, prompt.source, self.geometry.sample_rate))
        self._method, self._how, self._words = method.name, method.remark, method.words
        return method.takes(on_step)

    def plain_takes(self, prompt: Prompt, on_step: OnStep) -> Iterator[Iterator[NDArray[np.float32]]]:
        """The pieces of each take of a prompt without a source."""
        heard = self.texts.hears(prompt)
        geometry = self.geometry
        frames, needed = geometry.frames(prompt.seconds), geometry.needed(prompt.seconds, heard)
        generators = self.generators(prompt)
        loop = Loop(self.decoder, geometry, prompt.seconds, heard) if prompt.loop else None
        rows, circular_from = (geometry.rows(needed), None) if loop is None else (loop.rows, loop.circular_from)
        latents = self.denoise(prompt, self.noise(generators, rows), generators, on_step, circular_from)
        for take in range(prompt.takes):  # one at a time: the VAE's attention is over the whole clip
            on_step(prompt.units, prompt.units)
            latent = latents[take : take + 1]
            if loop is None:
                yield self.decoder.pieces(latent, heard, needed, frames)
            else:
                yield iter([loop.turn(latent, self._denoiser_of(prompt, take, on_step))])

    @torch.no_grad()
    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        on_step: OnStep,
        circular_from: float | None = None,
        start: Start | None = None,
        kept: Kept | None = None,
        texts: Texts | None = None,
    ) -> torch.Tensor:
        """See Stages."""
        assert prompt.steps is not None and prompt.guidance is not None
        text, negative = texts or (self.texts.positive(prompt), self.texts.negative(prompt))
        when = None if texts else self._clock(prompt, noise.shape[2], circular_from)
        encoded = time.perf_counter()
        latents = self._denoiser_for(prompt).run(
            noise, text, negative, prompt.steps, prompt.guidance, generators, on_step, circular_from, start, kept, when
        )
        if self.compute == "cuda":
            torch.cuda.synchronize()
        self._denoised_s += time.perf_counter() - encoded
        return latents

    def _denoiser_of(self, prompt: Prompt, take: int, on_step: OnStep) -> Denoise:
        """Denoises take `take` (from 0) once more, in another way."""

        def denoise(circular_from: float | None, rows: int) -> torch.Tensor:
            assert prompt.steps is not None and prompt.guidance is not None
            generators = [self.generators(prompt)[take]]
            return self._denoiser_for(prompt).run(
                self.noise(generators, rows), self.texts.positive(prompt), self.texts.negative(prompt),
                prompt.steps, prompt.guidance, generators, lambda step, steps: on_step(steps, steps), circular_from,
                clock=self._clock(prompt, rows, circular_from),
            )  # fmt: skip

        return denoise

    def _denoiser_for(self, prompt: Prompt) -> Denoiser:
        """The denoiser, whose network is an adapted one where the word of a LoRA file is heard."""
        own = self.texts.hears(prompt).own
        if not own:
            return self.denoiser
        network, few = self.adapted.networks(own)
        return Denoiser(self.pipe, network, self.device, self.denoiser.guided_above, few)

    def _bpm(self, prompt: Prompt) -> float:
        """The tempo in which a rhythm is made; 0 of other sounds, and without a clock."""
        return keeping_time.bpm_of(prompt, self.texts.hears(prompt)) if self.pipe.keeps_time else 0.0

    def _clock(self, prompt: Prompt, rows: int, circular_from: float | None) -> torch.Tensor | None:
        """The clock of a clip of `rows` rows, or None for a network without a clock."""
        if not self.pipe.keeps_time:
            return None
        geometry, ring = self.geometry, circular_from == 0.0
        bpm = self._bpm(prompt)
        if ring:  # whole rows, which are played slightly faster or slower
            bpm *= prompt.seconds / (rows * geometry.row_seconds)
        lead_in_s = geometry.lead_in / geometry.sample_rate
        return beat_clock.rows_of(rows, geometry.row_seconds, lead_in_s, bpm, ring).to(self.device)

    @staticmethod
    def generators(prompt: Prompt) -> list[torch.Generator]:
        """The random numbers of each take."""
        return [torch.Generator("cpu").manual_seed(prompt.seed_of(take)) for take in range(1, prompt.takes + 1)]

    def _example(self) -> Inputs:
        """Inputs of the network for one take with guidance."""
        prompt = self.warm_up(WARM_SECONDS[0])
        texts = self.texts.positive(prompt), self.texts.positive(prompt)
        noise = self.noise(self.generators(prompt) * 2, 2 * self.geometry.rows_unit)
        if self.pipe.keeps_time:
            noise = clock.beside(noise, noise.new_zeros(beat_clock.CHANNELS, noise.shape[2]))
        return noise, torch.tensor(500, device=self.device), *states(texts, 1)

    @torch.no_grad()
    def _open_network(self, folder: Path) -> ways.Opened:
        way = ways.way_of(self._config.compile, self.compute)
        if way == "openvino" and any(not lora.facts.word for lora in self.checkpoint.loras):
            slower = "with a LoRA the networks are not converted, so clips take longer"
            return ways.Opened(unet.Unet(self.pipe.unet).eval(), "off", slower)
        if way == "inductor":
            inductor.keep_caches(self._cache / "inductor")
        if way != "openvino" or (self._config.compile == "auto" and self.checkpoint.folder is None):
            return ways.open_network(way, unet.Unet(self.pipe.unet).eval(), unet, self._example)
        source = conversions.Source(converted.MODULE, folder, converted.FOLDERS, self.checkpoint.network)
        self._conversions = Conversions(source, self._cache, openvino.device(self.compute), self.threads)
        self._conversions.open()
        if networks := self._conversions.networks:
            return ways.Opened(networks[converted.UNET].network, way)
        return ways.Opened(unet.Unet(self.pipe.unet).eval(), "off", self._conversions.shortcoming)

    def _open_few(self) -> Network | None:
        """The second network as it is: its few steps are not worth the memory of graphs."""
        if not self.pipe.few_steps or (self._conversions is not None and self._conversions.networks):
            return None
        return unet.Unet(self.pipe.few).eval()

    def _spectrogram(self, latents: torch.Tensor) -> torch.Tensor:
        spectrogram: torch.Tensor = self.pipe.vae.decode(latents).sample
        return spectrogram

    @torch.no_grad()
    def measure(self) -> Needs:
        """The memory that a second of sound needs, measured by a short run of the networks as they are, or when they were
        converted."""
        networks = {} if self._conversions is None else self._conversions.networks
        prompt = self.warm_up(WARM_SECONDS[0])
        rows, samples = self.geometry.rows_for(prompt.seconds), self.geometry.frames(prompt.seconds)
        seconds = rows * self.geometry.row_seconds
        generators, text = self.generators(prompt), self.texts.positive(prompt)
        noise = self.noise(generators, rows)
        self.highest_bytes()  # `peak` resets the counter
        with memory.peak(self.device) as denoising:
            if not networks:
                self.plain_denoiser(0.0).run(noise, text, text, 2, 2.0, generators, lambda step, steps: None)
        with memory.peak(self.device) as decoding:
            for _ in self.decoder.pieces(noise, self.texts.hears(prompt), samples, samples):
                pass
        denoise, decode = denoising.bytes / 2 / seconds, decoding.bytes / seconds
        if networks:
            denoise = networks[converted.UNET].memory / self.geometry.row_seconds
            decode += networks[converted.DECODER].memory / self.geometry.row_seconds
            # HiFi-GAN works by chunks, and needs the same for any length.
        return Needs(denoise, decode, memory.budget(self.compute, self._config.memory_gb))

    def plain_denoiser(self, guided_above: float) -> Denoiser:
        """A denoiser whose network runs as it is: in others, operations cannot be counted."""
        return Denoiser(self.pipe, unet.Unet(self.pipe.unet).eval(), self.device, guided_above)

    def noise(self, generators: list[torch.Generator], rows: int) -> torch.Tensor:
        """Noise of shape (takes, channels, rows, width), drawn row by row on the CPU, so that a seed starts with the same noise
        for any length, batch and compute."""
        channels = self.pipe.unet_config["in_channels"]
        width = self.pipe.vocoder.config.model_in_dim // self.pipe.vae_scale_factor
        noise = [torch.randn((rows, channels, width), generator=generator).permute(1, 0, 2) for generator in generators]
        return torch.stack(noise).contiguous().to(self.device, self.pipe.dtype)


def _untrained(cache: Path, again: bool = False) -> Path:
    """The folder of the untrained checkpoint."""
    from bridge.engine.audioldm2.untrained import build  # imports what only building needs

    return build(cache, again)
