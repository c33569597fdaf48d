"""From the engine's samples and what was asked to a clip: in its key, in its tempo, in its shape, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.audio.conform import conform
from bridge.audio.key import retune
from bridge.audio.seam import seam_score
from bridge.audio.shape import Samples, finished, loudness, sound
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.musical_keys import key_of


@dataclass(frozen=True, slots=True)
class Made:
    """`measured`: what /bridge/done tells of it, by its keys there. `remarks`: what is not as asked, a sentence each.
    `on_the_grid`: its beats are, or nobody asked for any."""

    samples: Samples
    measured: dict[str, float | str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    on_the_grid: bool = True


def make(samples: Samples, sample_rate: int, prompt: Prompt) -> Made:
    """`samples`: (frames, channels) at `sample_rate` Hz, as the engine sends them. Raises BadAudio."""
    frames = round(prompt.seconds * OUTPUT_RATE)
    samples = sound(samples, sample_rate, frames, prompt.loop)
    measured: dict[str, float | str] = {}
    remarks, on_the_grid = [], True
    if prompt.key:
        retuned = retune(samples, key_of(prompt.key), prompt.loop or prompt.bars > 0, prompt.loop)
        samples = retuned.samples
        measured |= {"root": retuned.root, "cents": round(retuned.cents, 1), "root_confidence": retuned.confidence}
        remarks.append(retuned.remark)
    if prompt.bars:
        conformed = conform(samples, prompt.bpm, prompt.bars, prompt.beats_per_bar, prompt.loop)
        samples, on_the_grid = conformed.samples, conformed.stretched
        measured |= {
            "measured_bpm": conformed.measured_bpm,
            "ratio": conformed.ratio,
            "confidence": conformed.confidence,
        }
        remarks.append(conformed.remark)
    samples = finished(samples, frames, prompt.shape, prompt.loop)
    if prompt.loop:
        measured["seam"] = seam_score(samples)
    if prompt.shape.lufs is not None:
        measured["lufs"] = loudness(samples)
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in measured.items()}
    return Made(samples, rounded, tuple(filter(None, remarks)), on_the_grid)
