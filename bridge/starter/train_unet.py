"""Third stage: train the UNet to make latents from captions. The text stack is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers import AudioLDM2UNet2DConditionModel, DPMSolverMultistepScheduler
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray

from bridge.engine import beat_clock
from bridge.engine.audioldm2 import clock
from bridge.starter import text_stack
from bridge.starter.captions import as_typed, caption
from bridge.starter.catalogue import LEAD_IN, SOUNDS
from bridge.starter.dataset import ROW_SAMPLES, Group, Labelled
from bridge.starter.progress import Log, share_of_rate
from bridge.starter.resume import Resumable
from bridge.starter.sounds.parts import SAMPLE_RATE
from bridge.starter.text_stack import TextStack
from bridge.starter.train_vae import LATENT_CHANNELS

ROWS_A_STEP = 420  # rows of latents in a batch, whatever the length of its clips
VARIANTS = 4  # captions per clip
UNGUIDED = 0.1  # share of clips without a caption, for classifier-free guidance
AVERAGED = 0.999  # decay of the averaged weights, which are shipped
EVERY = 4  # steps between updates of the average
TIMESTEPS = 1_000

# Of each group: the rows, the latents (clips, 16, rows, 16), the labels.
Latents = list[tuple[int, NDArray[np.float16], tuple[Labelled, ...]]]


@dataclass(frozen=True, slots=True)
class Course:
    """A training run: its name in the log and the work folder, the number of steps and the highest learning rate. `start`: the
    folder of the UNet that it begins with; None for random weights. In `bfloat16`, a processor that has it takes four fifths of the
    time."""

    name: str
    steps: int
    learning_rate: float
    start: Path | None = None
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as input of the UNet: T5 states (tokens, 128) and GPT2 states (8, 128), float16."""

    t5: torch.Tensor
    gpt2: torch.Tensor


def make_unet() -> AudioLDM2UNet2DConditionModel:
    """A UNet of 6.9 M weights. Attention is expensive, so there is little of it: the middle level attends to GPT2, the
    bottleneck to itself, GPT2 and T5."""
    width = text_stack.WIDTH
    return AudioLDM2UNet2DConditionModel(
        sample_size=28,
        in_channels=LATENT_CHANNELS + beat_clock.CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 160),
        layers_per_block=1,
        norm_num_groups=16,
        cross_attention_dim=((width,), (width,), (None, width, width)),
        attention_head_dim=4,
        use_linear_projection=True,
    )


def make_scheduler() -> DPMSolverMultistepScheduler:
    """The noise schedule of AudioLDM 2 with v-prediction. States every setting that affects the sound."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_schedule="scaled_linear",
        beta_start=0.0015,
        beta_end=0.0195,
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="trailing",
        final_sigmas_type="zero",
    )


def labelled(groups: list[Group], latents: list[NDArray[np.float32]]) -> Latents:
    """What `train` takes, of groups and of their latents (mean 0, deviation 1)."""
    return [(g.rows, part.astype(np.float16), g.labels) for g, part in zip(groups, latents, strict=True)]


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips of one length: latents `z` (n, 16, rows, 16), their `clock` (n, channels, rows), what was said about each."""

    z: torch.Tensor
    clock: torch.Tensor
    texts: list[Encoded]


class Clips:
    """Batches of clips with captions, chosen by step: the same for the same seed."""

    def __init__(self, latents: Latents, stack: TextStack, seed: int, rows_a_step: int = ROWS_A_STEP) -> None:
        self._latents, self._seed = latents, seed
        self._heard = [encode_captions(stack, labels, seed + group) for group, (_, _, labels) in enumerate(latents)]
        self._batch_of = [max(2, round(rows_a_step / rows)) for rows, _, _ in latents]
        shares = [len(labels) / batch for (_, _, labels), batch in zip(latents, self._batch_of, strict=True)]
        self._shares = np.array(shares) / sum(shares)

    def batch(self, step: int, device: torch.device) -> tuple[Batch, np.random.Generator]:
        """The batch of a step, and the random numbers of that step that are left."""
        rng = np.random.default_rng((self._seed, 11, step))
        chosen = int(rng.choice(len(self._latents), p=self._shares))
        rows, z_of, labels = self._latents[chosen]
        clips = rng.integers(0, len(labels), self._batch_of[chosen])
        texts = [self._heard[chosen][int(clip)][int(rng.integers(VARIANTS))] for clip in clips]
        z, when = torch.from_numpy(z_of[clips].astype(np.float32)), clocks(self._latents[chosen], clips)
        for number, clip in enumerate(clips):
            if labels[clip].ring:  # it has no beginning: the engine turns it at each step
                turn = int(rng.integers(rows))
                z[number], when[number] = z[number].roll(turn, 1), when[number].roll(turn, 1)
        return Batch(z.to(device), when.to(device), texts), rng


def spread_times(n: int) -> torch.Tensor:
    """One time from each of `n` equal parts of the schedule: the loss varies less than with independent draws."""
    return ((torch.arange(n) + torch.rand(n)) / n * TIMESTEPS).long().clamp(0, TIMESTEPS - 1)


def train(latents: Latents, course: Course, work: Path, accelerator: Accelerator, seed: int = 0) -> None:
    """Train for a course, resuming from `work`, and save the averaged UNet to `work`/parts."""
    stack = text_stack.load(work / "parts")
    for network in stack.networks().values():
        network.to(accelerator.device).eval().requires_grad_(False)
    clips, nothing = Clips(latents, stack, seed), encode_texts(stack, [""])[0]
    torch.manual_seed(seed)
    unet = make_unet() if course.start is None else begun(course.start)
    unet.train()
    optimiser = torch.optim.AdamW(unet.parameters(), lr=course.learning_rate, weight_decay=0.01, betas=(0.9, 0.99))
    unet, optimiser = accelerator.prepare(unet, optimiser)
    average = EMAModel(unet.parameters(), decay=AVERAGED**EVERY, use_ema_warmup=True, power=0.75, foreach=True)
    average.to(accelerator.device)
    accelerator.register_for_checkpointing(average)
    state = Resumable(work / course.name, accelerator)
    log = Log(work / "log.jsonl", course.name, course.steps)
    kept = make_scheduler().alphas_cumprod.to(accelerator.device)
    for step in range(state.step, course.steps):
        torch.manual_seed(seed * 1_000_003 + step)
        set_rate(optimiser, course.learning_rate * share_of_rate(step, course.steps, warm_up=100, last=0.02))
        batch, rng = clips.batch(step, accelerator.device)
        texts = [nothing if rng.random() < UNGUIDED else text for text in batch.texts]
        t = spread_times(len(texts)).to(accelerator.device)
        signal, noise_level = kept[t].sqrt()[:, None, None, None], (1 - kept[t]).sqrt()[:, None, None, None]
        noise = torch.randn_like(batch.z)
        inputs = clock.beside(signal * batch.z + noise_level * noise, batch.clock)
        words = together(texts, accelerator.device)
        with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=course.bfloat16):
            predicted = unet(inputs, t, **words).sample.float()
        loss = F.mse_loss(predicted, signal * noise - noise_level * batch.z)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(unet.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % EVERY == 0:
            average.step(unet.parameters())
        log.add(step + 1, **{"squared error": float(loss.detach())})
        if state.keep(step + 1, last=step + 1 == course.steps):
            save_average(accelerator.unwrap_model(unet), average, work / "parts" / "unet")
    # Save it again: an interruption between the last state and its average would leave an older one.
    save_average(accelerator.unwrap_model(unet), average, work / "parts" / "unet")


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def begun(folder: Path) -> AudioLDM2UNet2DConditionModel:
    """A UNet that takes the clock, with the weights in `folder`: of a training, or of a checkpoint, where those for the clock lie beside
    the others. In one that has none they are zero."""
    unet = AudioLDM2UNet2DConditionModel.from_pretrained(folder).float()
    if unet.conv_in.in_channels == LATENT_CHANNELS:
        clock.with_clock(unet, folder)
        if not (folder / clock.FILE).is_file():
            silent = torch.zeros(unet.conv_in.out_channels, beat_clock.CHANNELS, 3, 3)
            unet.conv_in = clock.widened(unet.conv_in, silent)
        unet.register_to_config(in_channels=unet.conv_in.in_channels)
    return unet


def clocks(group: tuple[int, NDArray[np.float16], tuple[Labelled, ...]], clips: NDArray[np.int64]) -> torch.Tensor:
    """The clock (clips, channels, rows) of some clips of a group."""
    rows, _, labels = group
    row_seconds, lead_in_s = ROW_SAMPLES / SAMPLE_RATE, LEAD_IN / SAMPLE_RATE
    return torch.stack(
        [beat_clock.rows_of(rows, row_seconds, lead_in_s, labels[clip].bpm, labels[clip].ring) for clip in clips]
    )


def save_average(unet: Any, average: EMAModel, folder: Path) -> None:
    """Save the averaged weights to `folder`."""
    average.store(unet.parameters())
    average.copy_to(unet.parameters())
    unet.save_pretrained(folder)
    average.restore(unet.parameters())


def encode_captions(stack: TextStack, labels: tuple[Labelled, ...], seed: int) -> list[list[Encoded]]:
    """VARIANTS captions for each clip, encoded."""
    rng = np.random.default_rng((seed, 13))
    texts = []
    for label in labels:
        for variant in range(VARIANTS):
            text, _ = caption(rng, SOUNDS[label.sound], label.attributes, keep=0.75)
            texts.append(as_typed(rng, text) if variant == 0 else text)
    encoded = encode_texts(stack, texts)
    return [encoded[start : start + VARIANTS] for start in range(0, len(texts), VARIANTS)]


@torch.no_grad()
def encode_texts(stack: TextStack, texts: list[str]) -> list[Encoded]:
    """Encode texts as if each were alone: batches contain texts of equal length only."""
    encoded: dict[int, Encoded] = {}
    for members in text_stack.of_one_length(stack, texts):
        for start in range(0, len(members), 256):
            part = members[start : start + 256]
            t5, gpt2, _ = text_stack.encode(stack, [texts[i] for i in part])
            t5, gpt2 = t5.half().cpu(), gpt2.half().cpu()
            encoded.update({i: Encoded(t5[k].clone(), gpt2[k].clone()) for k, i in enumerate(part)})
    return [encoded[i] for i in range(len(texts))]


def together(texts: list[Encoded], device: torch.device) -> dict[str, torch.Tensor]:
    """The UNet's arguments for a batch: T5 states padded to the longest, with a mask."""
    longest = max(len(text.t5) for text in texts)
    t5 = torch.stack([F.pad(text.t5, (0, 0, 0, longest - len(text.t5))) for text in texts]).float()
    mask = torch.stack([(torch.arange(longest) < len(text.t5)).long() for text in texts])
    gpt2 = torch.stack([text.gpt2 for text in texts]).float()
    return {
        "encoder_hidden_states": gpt2.to(device),
        "encoder_hidden_states_1": t5.to(device),
        "encoder_attention_mask_1": mask.to(device),
    }
