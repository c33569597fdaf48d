"""Accuracy and cost of tempo and key, for RESULTS.md: `python -m tests.bench.measure_tempo`.

Compared with librosa if it is installed (use a separate environment: it may need an older NumPy).
"""

from __future__ import annotations

import functools
import importlib.util
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from bridge.audio import beats, key
from bridge.audio.conform import conform
from bridge.audio.stretch import stretch
from bridge.domain.notes import frequency_of
from tests.rhythms import PATTERNS, RATE, chord, clicks, hit, places, rhythm, starter, tone, worst_off_ms

OFFS = (0.92, 0.96, 1.0, 1.04, 1.08)
LIBROSA = importlib.util.find_spec("librosa") is not None
IMPORTED = """
import sys, time, numpy
def kb(): return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])
before, began, loaded = kb(), time.perf_counter(), set(sys.modules)
{code}
print(round(time.perf_counter() - began, 3), round((kb() - before) / 1024, 1), len(set(sys.modules) - loaded))
"""


def clips() -> Iterator[tuple[str, float, float, np.ndarray, list[float]]]:
    """(kind, its bpm, target bpm, samples, seconds of the strong hits at the target tempo)"""
    for bpm in range(70, 181, 5):
        for off in OFFS:
            yield "clicks", bpm, bpm * off, clicks(bpm, 2.3 * 240 / bpm, 0.037), [k * 60 / bpm / off for k in range(8)]
    for name in PATTERNS:
        for bpm in range(70, 181, 10):
            for off in OFFS:
                hits = [at for drum, at in places(name, 2, bpm * off) if drum in ("kick", "snare")]
                yield name, bpm, bpm * off, rhythm(name, bpm, 2.5, 0.08), hits
                if name == "rock":
                    yield "rock by hand, ±5 ms", bpm, bpm * off, rhythm(name, bpm, 2.5, 0.08, 0.005), hits


def librosa_tempo(samples: np.ndarray, target: float) -> float:
    """The tempo according to librosa."""
    import librosa

    tempo, _ = librosa.beat.beat_track(y=samples[:, 0], sr=RATE, start_bpm=target, hop_length=256)
    return float(np.atleast_1d(tempo)[0])


def figures(values: list[float]) -> str:
    """Median, 95th percentile and maximum."""
    return " | ".join(f"{np.percentile(values, q):.2f}" for q in (50, 95, 100))


def tempo() -> None:
    """Errors on the grid and of the tempo, by kind."""
    print(
        "| clips | how many | stretched | ms off the grid: median | 95 % | worst | BPM off, %: median | 95 % | worst |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    rows: dict[str, list[tuple[float, float, bool]]] = {}
    librosas: dict[str, list[float]] = {}
    for kind, bpm, target, samples, hits in clips():
        result = conform(samples, target, 2, 4, loop=False)
        expected = [at * RATE for at in hits]
        if kind == "clicks":
            off = worst_off_ms(result.samples, expected)
        else:
            onsets = beats.attacks(result.samples)
            off = max(np.abs(onsets - place).min(initial=math.inf) for place in expected) / RATE * 1000
        rows.setdefault(kind, []).append((off, 100 * abs(result.measured_bpm / bpm - 1), result.stretched))
        if LIBROSA:
            librosas.setdefault(kind, []).append(100 * abs(librosa_tempo(samples, target) / bpm - 1))
    for kind, results in rows.items():
        done = sum(stretched for _, _, stretched in results)
        print(
            f"| {kind} | {len(results)} | {done} | {figures([o for o, _, _ in results])} | {figures([b for _, b, _ in results])} |"
        )
    for kind, errors in librosas.items():
        print(f"| {kind}, tempo by librosa | {len(errors)} | | | | | {figures(errors)} |")


def spent(what: Callable[[], object], times: int = 5) -> float:
    """Median time of a call, in seconds."""
    times_s = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        times_s.append(time.perf_counter() - began)
    return float(np.median(times_s))


def costs() -> None:
    """Print the time of each part, relative to the length of the clip, and the cost of the imports."""
    print("\n| what | 4 s | 60 s |\n|---|---|---|")
    short, long = rhythm("rock", 118, 2), rhythm("rock", 119, 30)
    rows: list[tuple[str, Callable[[np.ndarray], object]]] = [
        ("tempo and downbeat", lambda clip: beats.measure(clip, 120)),
        ("stretched by 1.05 between attacks", lambda clip: stretch(clip, round(len(clip) * 1.05), beats.attacks(clip).tolist())),
        ("stretched by 1.05 as a whole", lambda clip: stretch(clip, round(len(clip) * 1.05))),
        ("conform, all of it", lambda clip: conform(clip, 125, len(clip) / RATE * 125 / 240, 4, False)),
        ("root", key.measure),
    ]  # fmt: skip
    if LIBROSA:
        rows.append(("tempo by librosa", lambda clip: librosa_tempo(clip, 120)))
    for name, what in rows:
        seconds = [(spent(functools.partial(what, clip), n), len(clip) / RATE) for clip, n in ((short, 7), (long, 3))]
        print(f"| {name} | " + " | ".join(f"{s * 1000:.0f} ms, {100 * s / of:.2f} %" for s, of in seconds) + " |")
    print("\n| import, after NumPy | s | MB | modules |\n|---|---|---|---|")
    imports = ["import soxr, bridge.audio.conform, bridge.audio.key", "import python_stretch"]
    if LIBROSA:
        imports += ["import librosa; librosa.beat.beat_track", "import librosa; librosa.pyin"]
    for code in imports:
        run = subprocess.run(
            [sys.executable, "-c", IMPORTED.format(code=code)], capture_output=True, text=True, check=False
        )
        print(f"| `{code}` | " + " | ".join(run.stdout.split() or [run.stderr[-100:]]) + " |")


def attacks() -> None:
    """Print the rise time of attacks after stretching, and the level before them."""
    print(
        "\n| attacks, stretched by 1.08 | rise before | between attacks | as a whole | sound before: between | as a whole |"
    )
    print("|---|---|---|---|---|---|")
    for drum in ("kick", "snare", "closed_hat", "rim"):
        sound, starts = np.zeros((4 * RATE, 1), np.float32), list(range(4_800, 180_000, 16_000))
        for at in starts:
            sound[at : at + 12_000, 0] += hit(drum)[:12_000]
        outs = [stretch(sound, round(len(sound) * 1.08), places) for places in (starts, ())]
        goals = [round(at * 1.08) for at in starts]
        rises = [rise_ms(clip[:, 0], where) for clip, where in ((sound, starts), (outs[0], goals), (outs[1], goals))]
        early = [early_db(clip[:, 0], goals) for clip in outs]
        print(
            f"| {drum} | "
            + " | ".join(f"{r:.2f} ms" for r in rises)
            + " | "
            + " | ".join(f"{e:.0f} dB" for e in early)
            + " |"
        )


def rise_ms(wave: np.ndarray, starts: list[int]) -> float:
    """Median rise time of attacks, from 10 to 90 % of the peak within 40 ms."""
    rises = []
    for at in starts:
        part = np.abs(wave[max(0, at - 960) : at + 960])
        level = np.maximum.accumulate(part) / part.max()
        rises.append((np.argmax(level > 0.9) - np.argmax(level > 0.1)) / RATE * 1000)
    return float(np.median(rises))


def early_db(wave: np.ndarray, starts: list[int]) -> float:
    """Power of the 19 ms before an attack relative to the 20 ms after it, in dB: the worst attack."""
    return max(
        10 * math.log10(np.square(wave[at - 960 : at - 48]).mean() / np.square(wave[at : at + 960]).mean() + 1e-12)
        for at in starts
    )


def pyin(samples: np.ndarray) -> float:
    """Median pitch according to librosa's pyin, in semitones above C."""
    import librosa

    hertz, voiced, _ = librosa.pyin(samples[:, 0], sr=RATE, fmin=30, fmax=2_100, frame_length=4096)
    return float(np.median(librosa.hz_to_midi(hertz[voiced])) % 12) if voiced.any() else math.nan


def swift(samples: np.ndarray) -> float:
    """Median pitch according to swift-f0, in semitones above C."""
    import soxr
    from swift_f0 import SwiftF0

    pitch = SwiftF0().detect(soxr.resample(samples[:, 0], RATE, 16_000), 16_000)
    hertz = np.asarray(pitch.pitch_hz)[np.asarray(pitch.confidence) > 0.5]
    return float(np.median(69 + 12 * np.log2(hertz / 440)) % 12) if len(hertz) else math.nan


def tonal() -> Iterator[tuple[str, float, np.ndarray]]:
    """(kind, root, samples)"""
    for root in range(12):
        for octave, partials, detune in ((2, 12, 0.0), (3, 8, 0.31), (4, 1, -0.2), (5, 3, 0.45)):
            yield "tones", root + detune, tone(frequency_of(12 * octave + 12 + root + detune), 1.5, partials)
        for semitones in ((0, 7), (0, 4, 7), (0, 3, 7)):
            yield "chords", root, chord(frequency_of(60 + root), semitones, 1.5)
    instruments = {
        "pad": 3,
        "pluck": 3,
        "organ": 4,
        "bell": 4,
        "mallet": 4,
        "lead": 4,
        "string": 3,
        "bass": 2,
        "sub": 2,
    }
    for name, octave in instruments.items():
        for root in range(0, 12, 3):
            yield "starter's sounds", root, starter(name, root, octave, 1.5)


def roots() -> None:
    """Print how often the root is right to 50 cents."""
    print(
        "\n| roots | how many | right | sure and right | sure and wrong | cents off, of the right: median | 95 % | worst |"
    )
    print("|---|---|---|---|---|---|---|---|")
    others: list[tuple[str, Callable[[np.ndarray], float]]] = []
    if LIBROSA:
        others.append(("librosa.pyin", pyin))
    if importlib.util.find_spec("swift_f0") is not None:
        others.append(("swift-f0", swift))
    rows: dict[str, list[tuple[float, float]]] = {}
    for number, (kind, root, samples) in enumerate(tonal()):
        root_found = key.measure(samples)
        rows.setdefault(kind, []).append((abs(100 * ((root_found.pitch - root + 6) % 12 - 6)), root_found.confidence))
        for name, other in others:
            if other is pyin and number % 5:  # it takes seconds
                continue
            off = abs(100 * ((other(samples) - root + 6) % 12 - 6))
            rows.setdefault(f"{kind}, {name}", []).append((off if math.isfinite(off) else 600.0, 1.0))
    for kind, results in rows.items():
        right = [off for off, _ in results if off < 50]
        sure = [off for off, confidence in results if confidence > key.MIN_ROOT_CONFIDENCE]
        good = sum(off < 50 for off in sure)
        print(
            f"| {kind} | {len(results)} | {len(right)} | {good} | {len(sure) - good} | {figures(right or [math.nan])} |"
        )


def main() -> None:
    """Measure and print."""
    tempo()
    attacks()
    roots()
    costs()


if __name__ == "__main__":
    main()
