"""Which of several takes fits its prompt best, by CLAP's ear.

For the starter, which has no such ear, two other rules were tried and not taken, because what they put first was
recognised no more often than the first seed (RESULTS.md): how much better the UNet explains a take when it is told the
prompt, and how near a take is to the others. Its takes stay in the order of their seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

RANKED_SECONDS = 10  # CLAP's window; it would take a random one from a longer clip, and rank differently each time


@torch.no_grad()
def by_ear(pipe: Any, words: torch.Tensor, waves: list[NDArray[np.float32]], sample_rate: int) -> tuple[float, ...]:
    """CLAP's cosine, −1 to 1, between a text's embedding (1, width) and each wave (samples,) at `sample_rate`."""
    extractor, clap = pipe.feature_extractor, pipe.text_encoder
    head = RANKED_SECONDS * sample_rate
    scores = []
    for wave in waves:  # one at a time: sixteen at once may be what does not fit any more
        heard = soxr.resample(wave[:head], sample_rate, extractor.sampling_rate, "HQ")
        features = extractor([heard], sampling_rate=extractor.sampling_rate, return_tensors="pt").input_features
        sound = clap.get_audio_features(features.to(words.device, clap.dtype)).pooler_output
        score = F.cosine_similarity(sound.float(), words.float())
        scores.append(float(score.nan_to_num(-1.0)))  # an invalid take ranks last
    return tuple(scores)
