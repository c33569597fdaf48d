"""A rhythm that is varied in another tempo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio.beats import measure
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.source import Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.files.same_file import hash_of
from bridge.shaper.make import make
from bridge.shaper.pasted import source_of
from tests.rhythms import rhythm


@pytest.mark.parametrize(("bpm", "loop"), [(100.0, False), (144.0, False), (100.0, True)])
def test_a_beat_of_120_bpm_gets_the_requested_tempo_whole(
    starter: AudioLDM2, tmp_path: Path, bpm: float, loop: bool
) -> None:
    beat = rhythm("rock", 120.0, 2)
    file = tmp_path / "beat.wav"
    soundfile.write(file, beat, OUTPUT_RATE, subtype="FLOAT")
    source = Source(file.as_posix(), hash_of(file), "vary", 4.0, 0.0, 4.0, 0.4, "hits", "drum loop", 120.0)
    seconds = 8 * 60 / bpm
    prompt = Prompt(
        "drum loop", "drum loop", seconds, 3, steps=6, guidance=3.5, bars=2.0, bpm=bpm, source=source, loop=loop
    )
    assert prompt.made_seconds == 4.0 and replace(prompt, source=None).made_seconds == seconds
    pieces = list(starter.generate(starter.abilities.settled(prompt), lambda done, units: None))
    made = np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])
    clip = make(made[:, None], starter.abilities.sample_rate, prompt, source_of(prompt))
    assert len(clip.samples) == round(seconds * OUTPUT_RATE)
    beats = measure(clip.samples, bpm)
    assert abs(beats.bpm / bpm - 1) < 0.01 and len(beats.attacks) >= 8  # none of its kicks is lost
