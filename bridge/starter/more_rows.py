"""Rows of the evaluation about rhythms, the words that producers type, low notes, held levels and loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge.audio.seam import hole_db, seam_score
from bridge.audio.shape import shape
from bridge.checkpoints.audioldm2 import NEGATIVE
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.starter import rhythm_measures as rhythm
from bridge.starter.catalogue import BY_NAME, RHYTHMS, STEADY, draw, render
from bridge.starter.dataset import ROW_SAMPLES
from bridge.starter.judge import Judge, first_take
from bridge.starter.rhythms.catalogue import USUAL_BPM
from bridge.starter.rows import Row
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

TYPED_PROMPTS = Path(__file__).parent / "typed_prompts.txt"
RHYTHM_SEED = 95_001
BARS = 2
HELD = ("pad", "string", "organ", "choir", "wind", "brass", "flute")
WEAK = ("ride", "siren", "laser", "riser", "downlifter", "tom", "808")
BARE = Shape(0, 0)


def typed_rows(judge: Judge) -> list[Row]:
    """The share of the prompts as producers type them that are heard and recognised as their kind."""
    right, wrong = 0, []
    lines = judge.some([line.split("\t") for line in TYPED_PROMPTS.read_text("utf-8").splitlines()])
    for number, (kind, text) in enumerate(lines):
        seconds = 4.0 if kind in BY_NAME and BY_NAME[kind].ring is not None else 1.6
        heard = judge.engine.texts.hears(Prompt(text, text, seconds, 0)).noun
        found = judge.recognised(judge.sound(text, 300 + number, seconds)) if heard else "not heard"
        right += found == kind
        wrong += [f"{text}: {found}"] if found != kind else []
    return [
        Row(
            "prompts as producers type them: heard and recognised",
            f"{right} of {len(lines)} ({'; '.join(wrong)})",
            "60 / 72 of 80",
        )
    ]


def _prompt(judge: Judge, text: str, bpm: float, seed: int, loop: bool = False) -> Prompt:
    prompt = Prompt(
        text, text, BARS * 240 / bpm, seed, negative=NEGATIVE, steps=judge.steps, bars=BARS, bpm=bpm, loop=loop
    )
    return judge.engine.abilities.settled(prompt)


def rhythm_rows(judge: Judge, clips: int = 4) -> list[Row]:
    """Tempo and kind of rhythms of BARS bars as the engine makes them, and how many hits of the finished clips are on the grid."""
    rng = np.random.default_rng(RHYTHM_SEED)
    tempo, kind, grid = dict[str, float](), dict[str, float](), dict[str, float]()
    for sound in judge.some(RHYTHMS):
        in_tempo, right, hits = [], [], []
        for number in range(clips):
            bpm = float(rng.uniform(*USUAL_BPM[sound.name]))
            prompt = _prompt(judge, f"straight {sound.nouns[number % 2]}", bpm, 1_000 + number)
            wave = first_take(judge.engine, prompt)
            in_tempo.append(abs(rhythm.tempo_bpm(wave, bpm) / bpm - 1) <= 0.005)
            right.append(judge.recognised(wave) == sound.name)
            hits.append(rhythm.share_on_grid(judge.shaped(wave, prompt), bpm))
        tempo[sound.name], kind[sound.name] = float(np.mean(in_tempo)), float(np.mean(right))
        grid[sound.name] = float(np.mean(hits))
    return [
        shares(f"rhythms of {BARS} bars: tempo within 0.5 %", tempo, "85 / 95 %"),
        shares("rhythms: kind recognised", kind, "85 / 95 %"),
        shares("rhythms: hits of the finished clip within 10 ms of a sixteenth", grid, "90 / 98 %"),
    ]


def held_rows(judge: Judge) -> list[Row]:
    """The range of levels in the middle of sounds that hold."""
    ranges = {}
    for name in HELD:
        clips = [judge.sound(BY_NAME[name].nouns[0], 40 + number, 4.0) for number in range(3)]
        ranges[name] = float(np.median([level_range_db(wave) for wave in clips]))
    figure = ", ".join(f"{name} {value:.1f}" for name, value in ranges.items())
    return [Row("range of levels in the middle 80 % of 4 s, dB", figure, "≤ 4 / 2")]


def level_range_db(wave: Wave, block_s: float = 0.05) -> float:
    """The range in dB of the levels of blocks in the middle 80 % of a wave."""
    block = round(block_s * SAMPLE_RATE)
    middle = wave[len(wave) // 10 : len(wave) - len(wave) // 10]
    blocks = middle[: len(middle) // block * block].reshape(-1, block)
    levels = 10 * np.log10((blocks.astype(np.float64) ** 2).mean(1) + 1e-12)
    return float(levels.max() - levels.min())


def seam_rows(judge: Judge) -> list[Row]:
    """Loops whose seam has no hole deeper than 3 dB and a score within the 95th percentile."""
    closed = {}
    for name in judge.some(STEADY):
        sound, right = BY_NAME[name], []
        for number in range(2):
            text, bpm = sound.nouns[0], float(np.mean(USUAL_BPM.get(name, (120, 120))))
            wave = first_take(judge.engine, _prompt(judge, text, bpm, 60 + number, loop=True))
            samples = shape(wave[:, None], SAMPLE_RATE, BARS * 240 / bpm, BARE, True)
            right.append(hole_db(samples[:, 0], OUTPUT_RATE) <= 3 and seam_score(samples) <= 0.95)
        closed[name] = float(np.mean(right))
    return [shares("loops: no dip over 3 dB, score within the 95th percentile", closed, "95 / 99 %")]


def confidence_rows(judge: Judge, clips: int = 4) -> list[Row]:
    """How sure the judge is of sounds that used to be weak, over how sure it is of synthesised ones."""
    figures = []
    for name in WEAK:
        sound, rng = BY_NAME[name], np.random.default_rng(RHYTHM_SEED)
        made = np.mean([judge.confidence(judge.sound(sound.nouns[0], 80 + n), name) for n in range(clips)])
        lead_in = judge.front_end.config.lead_in_samples
        real = [render(rng, sound, draw(rng, sound), 40 * ROW_SAMPLES)[lead_in:] for _ in range(2 * clips)]
        figures.append(f"{name} {made / np.mean([judge.confidence(wave, name) for wave in real]):.2f}")
    return [Row("confidence of the judge over that for synthesised sounds", ", ".join(figures), "≥ .8 / .9")]


def shares(what: str, of: dict[str, float], bar: str) -> Row:
    """A row with the mean of the shares of several sounds, and those under 80 %."""
    low = [f"{name} {share:.0%}" for name, share in of.items() if share < 0.8]
    figure = f"{np.mean([*of.values()]):.0%}" + (f" (under 80 %: {', '.join(low)})" if low else "")
    return Row(what, figure, bar)
