"""`python -m bridge.starter.evaluate [--checkpoint FOLDER]`: a table of what the starter can and cannot do.

Held-out prompts and seeds, through the engine as the daemon runs it, judged on the final waveforms by a classifier
that has heard synthesised sound only.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

from bridge.checkpoints.find import STARTER
from bridge.starter import more_rows, rows
from bridge.starter.judge import Judge
from bridge.starter.rows import Row

FREE_PROMPTS = Path(__file__).parent / "free_prompts.txt"
RECOGNITION = {
    "recognition": ("recognised, 20 steps", 20, "≥ 95 / 98 %"),
    "free": ("free prompts, 20 steps", 20, "≥ 85 / 95 %"),
    "fewer_steps": ("recognised, 10 steps", 10, "≥ 93 / 97 %"),
}
PARTS = {
    "typed": more_rows.typed_rows,
    "rhythms": more_rows.rhythm_rows,
    "low_notes": more_rows.low_note_rows,
    "held": more_rows.held_rows,
    "seams": more_rows.seam_rows,
    "confidence": more_rows.confidence_rows,
    "presets": rows.preset_rows,
    "adjectives": rows.adjective_rows,
    "notes": rows.note_rows,
    "codec": rows.codec_rows,
    "variety": rows.variety_rows,
    "other": rows.other_rows,
}
EVERYTHING = ",".join([*RECOGNITION, *PARTS])


def main() -> None:
    """Print the table, and save it in the work folder with every misheard prompt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=STARTER, help="a folder; the shipped starter if not given")
    parser.add_argument(
        "--work", type=Path, default=Path("starter-evaluation"), help="folder for the classifier and results"
    )
    parser.add_argument("--parts", default=EVERYTHING, help=f"some of {EVERYTHING}, to share them out among processes")
    chosen = parser.parse_args()
    judge = Judge(chosen.checkpoint, chosen.work)
    judge.sound("kick", 0, 1.0)
    free = [
        (name, text, 300 + n)
        for n, (name, text) in enumerate(line.split("\t") for line in FREE_PROMPTS.read_text("utf-8").splitlines())
    ]
    wrong: dict[str, Any] = {}
    lines = ["| what | figure | at least / aim |", "|---|---|---|"]

    def tell(table: list[Row]) -> None:
        for row in table:
            lines.append(f"| {row.what} | {row.figure} | {row.bar} |")
            print(lines[-1], flush=True)

    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print(*lines, sep="\n")
    tell([Row("the judge itself, held-out synthesised clips", f"{judge.accuracy:.1%}", "")])
    for part in chosen.parts.split(","):
        if part in RECOGNITION:
            title, steps, bar = RECOGNITION[part]
            results = rows.recognised(judge, free if part == "free" else rows.held_out(), steps)
            tell(rows.class_rows(results, title, bar))
            wrong[title] = [result for result in results if result[0] != result[2]]
        else:
            tell(PARTS[part](judge))
    name = chosen.parts if chosen.parts != EVERYTHING else "all"
    (chosen.work / f"table-{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (chosen.work / f"misheard-{name}.json").write_text(json.dumps(wrong, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
