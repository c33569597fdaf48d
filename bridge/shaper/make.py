"""Make the clip from the engine's samples: its key, its tempo, its shape; and measure it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bridge.audio.beats import mixing
from bridge.audio.conform import conform
from bridge.audio.key import retune
from bridge.audio.levels import loud_rms
from bridge.audio.seam import seam_score
from bridge.audio.shape import Samples, arrange, levelled, loudness, prepare
from bridge.audio.stretch import fit_length
from bridge.audio.tuning import off_cents
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.musical_keys import key_of

LUFS_TOLERANCE = 0.5


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished clip. `measured`: measurements by their keys in /bridge/done. `remarks`: a sentence for each request that
    could not be met. `on_the_grid`: whether its beats are, or none were requested. `unmet`: see Prompt."""

    samples: Samples
    measured: dict[str, float | str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    on_the_grid: bool = True
    unmet: tuple[str, ...] = ()


def make(samples: Samples, sample_rate: int, prompt: Prompt, source: Samples | None = None) -> Clip:
    """Make a clip at OUTPUT_RATE, of which no sample of a source is kept. `samples`: (frames, channels) at `sample_rate` Hz, as the engine
    sends them. `source`: (frames, channels) at OUTPUT_RATE that the clip varies: it gets its level, and at strength 0 it is the source.
    Raises BadAudio."""
    frames, shape = round(prompt.seconds * OUTPUT_RATE), prompt.shape
    is_source = source is not None and prompt.source is not None and prompt.source.strength == 0
    made_frames = round(prompt.made_seconds * OUTPUT_RATE)
    if source is not None and is_source:
        samples, shape = fit_length(source, made_frames), _without_fades(shape, len(source) > made_frames)
    else:
        samples = prepare(samples, sample_rate, made_frames, prompt.loop)
    if shape.channels == 1 and samples.shape[1] > 1:
        samples = (samples @ mixing(samples))[:, None]
    measured: dict[str, float | str] = {}
    remarks, unmet, on_the_grid = list[str](), list[str](), True
    if prompt.key:
        retuned = retune(samples, key_of(prompt.key), prompt.loop or prompt.bars > 0, prompt.loop)
        samples = retuned.samples
        measured |= {"root": retuned.root, "cents": round(retuned.cents, 1), "root_confidence": retuned.confidence}
        remarks.append(retuned.remark)
        unmet += ["key"] if retuned.remark else []
    if prompt.conforms:
        conformed = conform(samples, prompt.bpm, prompt.bars, prompt.beats_per_bar, prompt.loop)
        samples, on_the_grid = conformed.samples, conformed.stretched
        measured |= {
            "measured_bpm": conformed.measured_bpm,
            "ratio": conformed.ratio,
            "confidence": conformed.confidence,
        }
        remarks.append(conformed.remark)
        unmet += ["tempo"] if conformed.off_tempo else []
    samples = arrange(samples, frames, shape, prompt.loop)
    if not is_source or shape.lufs is not None:
        samples = levelled(samples, shape.lufs, 0.0 if source is None else loud_rms(source))
    # A clip in a key was moved away from its note.
    if (note := prompt.claimed.note) and not prompt.key and (off := off_cents(samples, note)) is not None:
        measured["off_cents"] = round(off, 1)
    if prompt.loop:
        measured["seam"] = seam_score(samples)
    if shape.lufs is not None:
        measured["lufs"] = lufs = loudness(samples)
        if lufs < shape.lufs - LUFS_TOLERANCE:
            remarks.append(f"At {shape.lufs:g} LUFS its peaks would clip, so it is quieter.")
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in measured.items()}
    return Clip(samples, rounded, tuple(filter(None, remarks)), on_the_grid, tuple(unmet))


def _without_fades(shape: Shape, is_cut: bool) -> Shape:
    """The shape of a clip that is its source: it fades only where it was cut off."""
    fade_in = shape.fade_in_ms if is_cut and shape.reverse else 0.0
    return replace(shape, fade_in_ms=fade_in, fade_out_ms=shape.fade_out_ms if is_cut and not shape.reverse else 0.0)
