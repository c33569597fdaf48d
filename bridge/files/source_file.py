"""Read what is used of the file of a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.domain.source import Source
from bridge.errors import BadAudio, BadSource
from bridge.files.same_file import SAMPLES, check

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SAMPLES_RATE = 48_000


def read(source: Source) -> tuple[npt.NDArray[np.float32], int]:
    """The samples that are used, (frames, channels) as float32, and their rate in Hz. Raises BadSource."""
    path, whole = Path(source.path), source.how == "fill"
    if path.suffix == SAMPLES and not source.sha256:  # only this daemon writes there, and asks for it
        samples, rate = _stored(path), SAMPLES_RATE
        return samples if whole else samples[round(source.from_s * rate) : round(source.to_s * rate)], rate
    check(source)
    from bridge.files.audio_file import AudioFile

    try:
        file = AudioFile(path) if whole else AudioFile(path, source.from_s, source.to_s)
        samples = file.read(file.frames)
    except BadAudio as error:
        raise BadSource(str(error)) from error
    expected = source.seconds if whole else source.to_s - source.from_s
    if len(samples) < round(expected * file.sample_rate) - 1:
        raise BadSource(f"{path.name} is damaged: it ends before it says.")
    return samples, file.sample_rate


def _stored(path: Path) -> Any:
    import numpy as np

    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadSource(f"{path.name} cannot be read ({error}).") from error
    return np.asarray(samples, np.float32).reshape(len(samples), -1)
