"""How far a finished tone is off its note. It only measures; the engine of a checkpoint that is in tune corrects."""

from __future__ import annotations

import numpy as np

from bridge.audio.beats import mono
from bridge.audio.key import MIN_ROOT_CONFIDENCE, ROOT_FFT_SIZE, amplitudes, peak_in, root_in
from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.notes import frequency_of, midi_of

# Multiples of the pitch that most tones have, also bells, whose other partials are in between. A tone an octave below has them
# too, but none of them strong.
COMMON = (0.5, 1.0, 2.0, 3.0, 4.0)
NEAR = 0.8  # semitones around each in which its peak is searched
OWN_SHARE = 0.25  # of the power of the clip: with less in those peaks the clip is at another pitch, or at none
MIN_PERIODS = 12  # in a shorter clip the peaks are too wide


def off_cents(samples: Samples, note: str) -> float | None:
    """Cents by which a tone is off `note` whatever its octave, −600 to 600; None if it has no clear pitch. `samples`:
    (frames, channels) at OUTPUT_RATE.

    The mean of the peaks near the partials, weighted by their power; of a clip at another pitch, the distance of its root."""
    hz = frequency_of(midi_of(note))
    wave = mono(samples)
    if len(wave) < MIN_PERIODS * OUTPUT_RATE / hz:
        return None
    spectrum = amplitudes(wave)
    power = np.square(spectrum)
    if not power.max(initial=0.0) > 0:
        return None
    cents, weights, around = [], [], 0.0
    for multiple in COMMON:
        low, high = (round(multiple * hz * 2 ** (off / 12) * ROOT_FFT_SIZE / OUTPUT_RATE) for off in (-NEAR, NEAR))
        if high + 2 >= len(power) or (peak := peak_in(spectrum, low, high)) is None:
            continue
        peak_hz, height = peak
        cents.append(1200 * np.log2(peak_hz / (multiple * hz)))
        weights.append(height**2)
        around += float(power[low : high + 1].sum())
    if cents and around >= OWN_SHARE * power.sum():
        return float(np.average(cents, weights=weights))
    root = root_in(spectrum)
    if root.confidence < MIN_ROOT_CONFIDENCE:
        return None
    return float(100 * ((root.pitch - midi_of(note) + 6) % 12 - 6))
