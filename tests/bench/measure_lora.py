"""How well the starter learns one kind of sound as a LoRA, and how far its other sounds move: `python -m tests.bench.measure_lora`.

Twenty synthesised kicks of a character that the starter does not have (a body of frequency modulation, a ping, grit) are
learned; ten others are what the results are compared with. Distances are the mean difference of mel spectrograms in dB, to the
nearest of the ten, and for other sounds between the same seed before and after.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from bridge.checkpoints import adapted, find
from bridge.checkpoints.find import with_loras
from bridge.checkpoints.loras import lora_of
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.adapted import Adapted
from bridge.engine.audioldm2.adapting.learning import Adapting
from bridge.engine.audioldm2.adapting.sounds import Sound
from bridge.engine.audioldm2.engine import AudioLDM2

RATE = 44_100
DECIBELS = 4 * 20 / np.log(10)  # of the starter's mel: log magnitude / SPREAD, which is 4
OTHERS = ("bell", "snare", "closed hat")
TAKES, FEW = 5, 2

Wave = NDArray[np.float32]


def users_kick(rng: np.random.Generator) -> Wave:
    """A second of a kick as no other."""
    base, sweep, fall, ping = (
        rng.uniform(70, 85),
        rng.uniform(350, 500),
        rng.uniform(0.02, 0.03),
        rng.uniform(1_800, 2_600),
    )
    time_s = np.arange(RATE) / RATE
    phase = 2 * np.pi * (base * time_s + sweep * fall * (1 - np.exp(-time_s / fall)))
    body = np.sin(phase + 2.5 * np.exp(-time_s / 0.08) * np.sin(2.01 * phase)) * np.exp(
        -time_s / rng.uniform(0.16, 0.22)
    )
    wave = body + 0.35 * np.sin(2 * np.pi * ping * time_s) * np.exp(-time_s / 0.09)
    wave += 0.15 * rng.standard_normal(RATE) * np.exp(-time_s / 0.12) * (rng.random(RATE) > 0.7)
    return (np.tanh(1.5 * wave) * 0.85).astype(np.float32)


def opened(cache: Path, *loras: str) -> AudioLDM2:
    """The starter with LoRA files, as it is on two threads."""
    config = EngineConfig(model="starter", compute="cpu", compile="off", threads=2)
    engine = AudioLDM2(with_loras(find.find("starter"), loras), "cpu", config, cache)
    engine.load(lambda done, total, what: None)
    return engine


def made(engine: AudioLDM2, text: str, takes: int = TAKES) -> list[Wave]:
    """A second of sound for each seed."""
    waves = []
    for seed in range(takes):
        pieces = engine.generate(Prompt(text, text, 1.0, seed), lambda step, steps: None)
        waves.append(np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces]))
    return waves


def mels(engine: AudioLDM2, waves: list[Wave]) -> torch.Tensor:
    """Spectrograms (n, frames, bands) in dB."""
    whole = np.stack([np.pad(wave, (0, max(0, RATE - len(wave))))[:RATE] for wave in waves])
    return engine.encoder.mel(whole)[:, 0].float() * DECIBELS


def nearest(some: torch.Tensor, others: torch.Tensor) -> float:
    """The mean distance of each to the nearest of the others."""
    return float(np.mean([min(float((one - other).abs().mean()) for other in others) for one in some]))


def moved(before: torch.Tensor, after: torch.Tensor) -> float:
    """How far the same seeds moved."""
    return float((before - after).abs().mean())


def main() -> None:
    """Learn, and print a line of JSON for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=100.0, help="of learning, on two threads")
    parser.add_argument("--out", type=Path, help="a folder for some of the clips")
    chosen = parser.parse_args()
    rng = np.random.default_rng(5)
    kicks, unheard = [users_kick(rng) for _ in range(20)], [users_kick(rng) for _ in range(10)]
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place)
        engine = opened(cache)
        before = {text: mels(engine, made(engine, text, FEW)) for text in ("kick", *OTHERS)}
        held, own = mels(engine, unheard), mels(engine, kicks)
        kick = mels(engine, made(engine, "kick"))
        say(step=0, to_held_out=nearest(kick, held), users_own=nearest(held, own))
        started = time.perf_counter()
        sounds = [Sound(wave, RATE, ("kick",)) for wave in kicks]
        torch.set_num_threads(2)
        learning = Adapting(engine, sounds[2:], sounds[:2], adapted.fingerprint(find.STARTER_FOLDER))
        began = time.perf_counter()
        loss = learning.held_out_loss()
        say(prepared_s=began - started, weights=sum(t.numel() for t in learning._tensors.values()), held_out=loss)
        losses = []
        listened = time.perf_counter()
        while time.perf_counter() - began < chosen.seconds:
            losses.append(learning.step())
            if time.perf_counter() - listened > chosen.seconds / 12:
                listened = time.perf_counter()
                say(step=learning.steps, loss=np.mean(losses[-30:]), held_out=learning.held_out_loss())
        learning.held_out_loss()
        learning.save_model(cache, "my kicks")
        file = cache / adapted.FILE
        say(steps=learning.steps, bytes=file.stat().st_size)
        started = time.perf_counter()
        engine.adapted = Adapted(engine.pipe, [lora_of(str(file))], find.STARTER_FOLDER)
        say(changed_s=time.perf_counter() - started)
        engine = opened(cache, str(file))
        for strength, takes in (("100%", TAKES), ("50%", FEW)):
            asked = {"my kicks": f"my kicks {strength}", "deep my kicks": f"deep my kicks {strength}"}
            waves = {text: made(engine, prompt, takes) for text, prompt in asked.items()}
            after = {text: mels(engine, some) for text, some in waves.items()}
            spread = [moved(one, other) for one, other in itertools.combinations(after["my kicks"], 2)]
            say(
                strength=strength,
                word=nearest(after["my kicks"], held),
                to_learned=nearest(after["my kicks"], own),
                variety=np.mean(spread),
                deep_and_word=nearest(after["deep my kicks"], held),
            )
            if chosen.out is not None and strength == "100%":
                chosen.out.mkdir(parents=True, exist_ok=True)
                soundfile.write(chosen.out / "theirs.wav", np.concatenate(unheard[:2]), RATE)
                for text, some in waves.items():
                    soundfile.write(chosen.out / f"{text}.wav", np.concatenate(some[:2]), RATE)
        others = {text: mels(engine, made(engine, text, FEW)) for text in before}
        say(**{f"moved {text}": moved(before[text], others[text]) for text in before})
        wordless = cache / "wordless.safetensors"
        save_file(load_file(file), wordless)
        engine = opened(cache, str(wordless))
        others = {text: mels(engine, made(engine, text, FEW)) for text in before}
        say(**{f"would move {text}": moved(before[text], others[text]) for text in before})


def say(**facts: Any) -> None:
    """Print facts with numbers as people read them."""
    print(
        json.dumps(
            {name: round(float(value), 3) if not isinstance(value, str) else value for name, value in facts.items()}
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
