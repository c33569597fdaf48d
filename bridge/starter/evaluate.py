"""`python -m bridge.starter.evaluate [--checkpoint FOLDER] [--work FOLDER]`: a table of what the starter can and cannot do.

Held-out prompts and seeds, through the engine as the daemon runs it, judged on the final waveforms by a classifier
that has heard synthesised sound only. An interrupted evaluation goes on where it was.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from pathlib import Path

import torch

from bridge.checkpoints.find import STARTER, find
from bridge.starter import more_rows, rows, rows_of_notes, rows_of_steps
from bridge.starter.judge import Judge
from bridge.starter.kept_rows import KeptRows, Made, fingerprint
from bridge.starter.rows import Row

FREE_PROMPTS = Path(__file__).parent / "free_prompts.txt"
QUICK = 6  # every sixth prompt and sound
FEWER_STEPS = 10
PARTS: dict[str, Callable[[Judge], list[Row]]] = {
    "typed": more_rows.typed_rows,
    "rhythms": more_rows.rhythm_rows,
    "notes": rows_of_notes.note_rows,
    "held": more_rows.held_rows,
    "seams": more_rows.seam_rows,
    "confidence": more_rows.confidence_rows,
    "presets": rows.preset_rows,
    "adjectives": rows.adjective_rows,
    "codec": rows.codec_rows,
    "variety": rows.variety_rows,
    "steps": rows_of_steps.step_rows,
    "other": rows.other_rows,
}
RECOGNITION = ("recognition", "free", "fewer_steps")
EVERYTHING = (*RECOGNITION, *PARTS)
USUAL = tuple(part for part in EVERYTHING if part != "fewer_steps")  # "steps" tells most of it in a third of the time


def main() -> None:
    """Print the table, and save it in the work folder with every misheard prompt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=STARTER, help="a folder; the shipped starter if not given")
    parser.add_argument("--work", type=Path, default=Path("starter-evaluation"), help="folder of judge and results")
    parts = f"some of {', '.join(EVERYTHING)}; all but fewer_steps if not given"
    parser.add_argument("--only", nargs="+", choices=EVERYTHING, default=USUAL, metavar="PART", help=parts)
    parser.add_argument("--steps", type=int, default=20, help="of each clip, 20 if not given")
    parser.add_argument("--quick", action="store_true", help=f"only every {QUICK}th prompt and sound")
    chosen = parser.parse_args()
    judge = Judge(chosen.checkpoint, chosen.work, chosen.steps, QUICK if chosen.quick else 1)
    judge.sound("kick", 0, 1.0)
    folder = find(chosen.checkpoint).folder
    assert folder is not None
    name = f"{fingerprint(folder)}-{chosen.steps}" + ("-quick" if chosen.quick else "")
    kept = KeptRows(chosen.work / "rows", name)
    lines = ["| what | figure | at least / aim |", "|---|---|---|"]
    lines.append(f"| the judge itself, held-out synthesised clips | {judge.accuracy:.1%} | |")
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, checkpoint {name}\n")
    print(*lines, sep="\n", flush=True)
    for part in chosen.only:
        table, misheard = kept.of(part, lambda part=part: made(judge, part))  # type: ignore[misc]
        lines += [f"| {row.what} | {row.figure} | {row.bar} |" for row in table]
        print(*lines[-len(table) :], sep="\n", flush=True)
        if misheard:
            print(f"  misheard: {len(misheard)}, in {chosen.work / 'rows'}", flush=True)
    (chosen.work / f"table-{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def made(judge: Judge, part: str) -> Made:
    """The rows of a part, and what was misheard."""
    if part in PARTS:
        return PARTS[part](judge), []
    steps = FEWER_STEPS if part == "fewer_steps" else judge.steps
    prompts = judge.some(free_prompts() if part == "free" else rows.held_out())
    title = f"{'free prompts' if part == 'free' else 'recognised'}, {steps} steps"
    bar = {"recognition": "≥ 97 / 98.5 %", "free": "≥ 85 / 95 %", "fewer_steps": "≥ 93 / 97 %"}[part]
    results = rows.recognised(judge, prompts, steps)
    return rows.class_rows(results, title, bar), [result for result in results if result[0] != result[2]]


def free_prompts() -> list[tuple[str, str, int]]:
    """(sound, prompt, seed) that somebody else wrote."""
    lines = (line.split("\t") for line in FREE_PROMPTS.read_text("utf-8").splitlines())
    return [(name, text, 300 + number) for number, (name, text) in enumerate(lines)]


if __name__ == "__main__":
    main()
