"""Score takes by how well they fit their prompt, with CLAP.

The starter's CLAP hears no sounds, so its takes stay in the order of their seeds. Two other rules were tried for it: how
much better the UNet predicts a take with the prompt than without, and how close a take is to the others. The takes that
they put first were recognised no more often than the first seed (RESULTS.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

RANKED_SECONDS = 10  # CLAP's window. From a longer clip it takes a random window, which would make scores random


@torch.no_grad()
def by_ear(pipe: Any, words: torch.Tensor, waves: list[NDArray[np.float32]], sample_rate: int) -> tuple[float, ...]:
    """CLAP's cosine, −1 to 1, between a text's embedding (1, width) and each wave (samples,) at `sample_rate`."""
    extractor, clap = pipe.feature_extractor, pipe.text_encoder
    head = RANKED_SECONDS * sample_rate
    scores = []
    for wave in waves:  # one at a time: sixteen at once may not fit into memory
        resampled = soxr.resample(wave[:head], sample_rate, extractor.sampling_rate, "HQ")
        features = extractor([resampled], sampling_rate=extractor.sampling_rate, return_tensors="pt").input_features
        sound = clap.get_audio_features(features.to(words.device, clap.dtype)).pooler_output
        score = F.cosine_similarity(sound.float(), words.float())
        scores.append(float(score.nan_to_num(-1.0)))  # an invalid take ranks last
    return tuple(scores)
