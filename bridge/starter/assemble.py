"""Last stage: assemble the trained parts into a checkpoint folder for AudioLDM2Pipeline, in half precision."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import diffusers
import torch
from diffusers import AudioLDM2UNet2DConditionModel, AutoencoderKL
from safetensors.torch import save_file

from bridge.checkpoints.audioldm2 import FEW, FEW_FACTS
from bridge.engine.audioldm2 import clock
from bridge.starter import text_stack, train_few
from bridge.starter.captions import ADJECTIVES, CHORDS, FILTERED, WAVES
from bridge.starter.catalogue import BY_NAME, LOW, LOW_REACH, PARTIALS, SOUNDS, STEADY, TUNED
from bridge.starter.dataset import spectrogram
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.train_unet import make_scheduler

CARD = Path(__file__).parent / "checkpoint" / "README.md"
INDEX = {
    "feature_extractor": ["transformers", "ClapFeatureExtractor"],
    "language_model": ["transformers", "GPT2LMHeadModel"],
    "projection_model": ["audioldm2", "AudioLDM2ProjectionModel"],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "ClapModel"],
    "text_encoder_2": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "RobertaTokenizerFast"],
    "tokenizer_2": ["transformers", "T5TokenizerFast"],
    "unet": ["audioldm2", "AudioLDM2UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "vocoder": [
        "bridge.engine.audioldm2.mel_vocoder",
        "MelVocoder",
    ],  # diffusers uses the module if it is imported already
}


def assemble(work: Path) -> Path:
    """Create the folder `work`/checkpoint from `work`/parts, with the model card of the shipped checkpoint, and return it."""
    parts, folder = work / "parts", work / "checkpoint"
    shutil.rmtree(folder, ignore_errors=True)
    stack = text_stack.load(parts)
    for network in stack.networks().values():
        network.half()
    stack.save(folder)
    AutoencoderKL.from_pretrained(parts / "vae").half().save_pretrained(folder / "vae")
    _save_unet(parts / "unet", folder / "unet")
    if (parts / FEW).is_dir():
        _save_unet(parts / FEW, folder / FEW)
        _write(folder / FEW / FEW_FACTS, {"steps": train_few.STEPS})
    spectrogram().half().save_pretrained(folder / "vocoder")
    make_scheduler().save_pretrained(folder / "scheduler")
    index = {"_class_name": "AudioLDM2Pipeline", "_diffusers_version": diffusers.__version__, **INDEX}
    _write(folder / "model_index.json", index)
    _write(folder / "heard.json", vocabulary())
    for file in folder.rglob("config.json"):  # the libraries record the path that a part was loaded from
        _write(file, {k: v for k, v in json.loads(file.read_text("utf-8")).items() if k != "_name_or_path"})
    if CARD.is_file():
        shutil.copy(CARD, folder / "README.md")
    return folder


def _save_unet(trained: Path, folder: Path) -> None:
    """Save a UNet without the weights for the clock, so that the stock pipeline runs it, and those beside it."""
    unet = AudioLDM2UNet2DConditionModel.from_pretrained(trained).half()
    plain, wide = unet.conv_in, unet.conv_in.weight.data
    channels = unet.config.out_channels
    unet.conv_in = torch.nn.Conv2d(channels, plain.out_channels, 3, padding=1, dtype=wide.dtype)
    unet.conv_in.weight.data, unet.conv_in.bias = wide[:, :channels].contiguous(), plain.bias
    unet.register_to_config(in_channels=channels)
    unet.save_pretrained(folder)
    save_file({clock.WEIGHT: wide[:, channels:].contiguous()}, folder / clock.FILE)


def vocabulary() -> dict[str, object]:
    """The starter's vocabulary for `bridge.engine.audioldm2.hearing`: nouns with their sounds, other words, octaves,
    partials of the sounds that do not have all harmonics."""
    words = {word for low, high in ADJECTIVES.values() for word in (*low, *high)}
    words |= set(FILTERED)
    words |= {word for group in (*WAVES.values(), *CHORDS.values()) for word in group}
    words |= {word for sound in SOUNDS if sound.force for group in sound.force for word in group}
    return {
        "nouns": {noun: sound.name for sound in SOUNDS for noun in sound.nouns},
        "words": sorted(words),
        "octaves": {name: list(BY_NAME[name].octaves) for name in TUNED},
        "fills": [sound.name for sound in SOUNDS if sound.fills],
        "steady": list(STEADY),
        "partials": PARTIALS,
        "rhythms": {name: list(bpm) for name, bpm in USUAL_BPM.items()},
        "reach": {name: list(LOW_REACH) for name in LOW},
        "plays": LOW,
    }


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
