"""Building blocks of synthesis: filters, envelopes, oscillators, modes and noise. Mono, 44.1 kHz."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bridge.domain.notes import c_of, frequency_of

SAMPLE_RATE = 44_100  # Hz
NYQUIST_GUARD = 20_000  # Hz; no partials above
TABLE = 4_096  # samples per cycle of an oscillator
BLOCK = 512  # samples between updates of a moving filter: 12 ms

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What adjectives control. The first four are −1 to 1, `distortion` is 0 to 1 (audible from about 0.5).

    Of rhythms: `density` −1 (sparse) to 1 (busy), `swing` 0 (straight) to 1 (triplets), `dust` 0 to 1 as `distortion`, `half`: the
    snare comes half as often; `bpm`: beats a minute.

    `octave` is the number in a note's name (C4 = 261.63 Hz), 0 for sounds without a pitch; `wave` is "saw", "square",
    "sine" or "noise"; `chord` is "single", "fifth", "major" or "minor".
    """

    pitch: float = 0.0
    brightness: float = 0.0
    length: float = 0.0
    force: float = 0.0
    distortion: float = 0.0
    octave: int = 0
    wave: str = "saw"
    chord: str = "single"
    density: float = 0.0
    swing: float = 0.0
    dust: float = 0.0
    half: bool = False
    bpm: float = 120.0


def mix(low: float, high: float, position: float) -> float:
    """Interpolate linearly between `low` and `high`; `position` is −1 to 1."""
    return low + (high - low) * (position + 1) / 2


def scale(low: float, high: float, position: float) -> float:
    """Interpolate geometrically between `low` and `high` (both > 0), so that equal steps sound equal; `position` is −1 to 1."""
    return float(low * (high / low) ** ((position + 1) / 2))


def seconds_of(n: int) -> Wave:
    """Times of n samples, in seconds."""
    rising: Wave = np.arange(n, dtype=np.float32) / np.float32(SAMPLE_RATE)
    return rising


def decay(n: int, time_constant: float, attack_seconds: float = 0.0005) -> Wave:
    """1 at the start, 1/e after `time_constant` seconds, with a linear attack."""
    envelope: Wave = np.exp(-seconds_of(n) / np.float32(time_constant))
    rise = max(1, min(n, int(attack_seconds * SAMPLE_RATE)))
    envelope[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return envelope


def hold(n: int, seconds: float, attack_seconds: float, release_seconds: float) -> Wave:
    """A held note: linear attack, full level, linear release that ends at `seconds`."""
    t = seconds_of(n)
    level = np.clip(t / attack_seconds, 0, 1) * np.clip((seconds - t) / release_seconds, 0, 1)
    return level.astype(np.float32)


def white(rng: np.random.Generator, n: int) -> Wave:
    """White noise, standard deviation 1."""
    return rng.standard_normal(n, dtype=np.float32)


def _biquad(kind: str, frequency: float, q: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A second-order low-, high- or band-pass filter (R. Bristow-Johnson, Audio EQ Cookbook)."""
    w = 2 * np.pi * min(max(frequency, 15.0), NYQUIST_GUARD) / SAMPLE_RATE
    cosine, alpha = np.cos(w), np.sin(w) / (2 * q)
    if kind == "low":
        b = np.array([(1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2])
    elif kind == "high":
        b = np.array([(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2])
    else:
        b = np.array([alpha, 0.0, -alpha])
    a = np.array([1 + alpha, -2 * cosine, 1 - alpha])
    return b / a[0], a / a[0]


def filtered(x: Wave, kind: str, frequency: float, q: float = 0.707, times: int = 1) -> Wave:
    """Filter `x` with a "low", "high" or "band" pass at `frequency` Hz, `times` times."""
    b, a = _biquad(kind, frequency, q)
    for _ in range(times):
        x = lfilter(b, a, x)
    return x.astype(np.float32)


def swept(x: Wave, kind: str, frequencies: NDArray[np.floating], q: float, times: int = 1) -> Wave:
    """Filter `x` with a frequency that follows `frequencies` (Hz per sample, read once per BLOCK)."""
    for _ in range(times):
        y, state = np.empty_like(x), np.zeros(2)
        for start in range(0, len(x), BLOCK):
            b, a = _biquad(kind, float(frequencies[start]), q)
            y[start : start + BLOCK], state = lfilter(b, a, x[start : start + BLOCK], zi=state)
        x = y
    return x


def harmonics(wave: str, brightness: float, count: int = 200) -> NDArray[np.float64]:
    """Amplitudes of the harmonics 1…count of a waveform, rolled off above a cut that rises with `brightness`."""
    k = np.arange(1, count + 1)
    amplitude = {"saw": 1 / k, "square": np.where(k % 2 == 1, 1 / k, 0), "sine": (k == 1) * 1.0}[wave]
    return amplitude / (1 + (k / scale(2.5, 60, brightness)) ** 3)


def oscillator(frequency: float | Wave, amplitudes: NDArray[np.floating], n: int, phase: float = 0.0) -> Wave:
    """A periodic sound without aliasing: a wavetable of the harmonics below 20 kHz, read at `frequency`."""
    f = np.broadcast_to(np.asarray(frequency, dtype=np.float64), (n,))
    spectrum = np.zeros(TABLE // 2 + 1, dtype=complex)
    fitting = min(len(amplitudes), TABLE // 2, int(NYQUIST_GUARD / f.max()))
    spectrum[1 : fitting + 1] = -0.5j * TABLE * amplitudes[:fitting]
    table = np.fft.irfft(spectrum)
    position = (np.cumsum(f) / SAMPLE_RATE + phase) * TABLE
    return np.interp(position, np.arange(TABLE), table, period=TABLE).astype(np.float32)


def sine(frequency: float | Wave, n: int, phase: float = 0.0) -> Wave:
    """A sine; `frequency` in Hz may vary per sample."""
    if isinstance(frequency, float | int):
        return np.sin(2 * np.pi * (frequency * seconds_of(n).astype(np.float64) + phase)).astype(np.float32)
    return np.sin(2 * np.pi * (np.cumsum(frequency, dtype=np.float64) / SAMPLE_RATE + phase)).astype(np.float32)


def modes(frequencies: NDArray[np.floating], decays: NDArray[np.floating], gains: NDArray[np.floating], n: int) -> Wave:
    """Struck modes: decaying sines (Hz, time constants in seconds, amplitudes), computed as two-pole resonators."""
    hit = np.zeros(n)
    hit[0] = 1.0
    y = np.zeros(n)
    for frequency, time_constant, gain in zip(frequencies, decays, gains, strict=True):
        if frequency < NYQUIST_GUARD and gain:
            w, r = 2 * np.pi * frequency / SAMPLE_RATE, np.exp(-1 / (time_constant * SAMPLE_RATE))
            y += lfilter([0.0, gain * r * np.sin(w)], [1.0, -2 * r * np.cos(w), r * r], hit)
    return y.astype(np.float32)


def metal(rng: np.random.Generator, base: float, n: int) -> Wave:
    """Six square waves at inharmonic ratios, as in the cymbal circuit of the TR-808 (its service manual)."""
    t = seconds_of(n)
    y = np.zeros(n, dtype=np.float32)
    for ratio in (1.0, 1.4471, 1.6170, 1.9265, 2.5028, 2.6637):
        y += np.sign(np.sin(2 * np.pi * (base * ratio * t + rng.random())))
    return (y / 6).astype(np.float32)


def distorted(x: Wave, amount: float) -> Wave:
    """Soft clipping for an `amount` above 0.3 (of 0 to 1); below, the sound stays clean."""
    if amount <= 0.3:
        return x
    drive = 1 + 20 * (amount - 0.3) / 0.7
    return np.tanh(drive * x / (np.abs(x).max() + 1e-9)).astype(np.float32)


def hz_of_c(octave: int) -> float:
    """The frequency in Hz of the C of an octave: C4 = 261.63."""
    return frequency_of(c_of(octave))
