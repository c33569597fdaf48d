"""The generated parts of the documentation. `python -m tests.pages` writes them; a test compares them with the code.

A generated part stands between `<!-- begin NAME: … -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import grimp

from bridge.frontends.osc import addresses

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bridge"


def rooms() -> str:
    """The graph of the rooms as Mermaid, and the table of the floors, both as Markdown.

    Rooms are the folders and top-level modules of the package; floors are the layers of import-linter's contract. An arrow is left
    out if other arrows lead the same way (transitive reduction).
    """
    floors = _floors()
    arrows = _arrows(floors)
    lines = ["```mermaid", "flowchart TB"]
    lines += [f"  {importer} --> {imported}" for importer in arrows for imported in _direct(importer, arrows)]
    lines += ["```", "", "| floor | room | what is in it |", "|---|---|---|"]
    for below, floor in zip(reversed(range(len(floors))), floors, strict=True):
        lines += [f"| {below} | `{room}` | {_purpose(room)} |" for room in floor]
    return "\n".join(lines) + "\n"


def _floors() -> list[list[str]]:
    """The rooms of each floor, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [[room.strip(" ()") for room in re.split(r"[|:]", layer)] for layer in layers]


def _arrows(floors: list[list[str]]) -> dict[str, set[str]]:
    """The rooms that each room imports, without imports that the contract excuses for going up."""
    graph = grimp.build_graph("bridge", cache_dir=None)
    height = {room: -number for number, floor in enumerate(floors) for room in floor}
    arrows: dict[str, set[str]] = {room: set() for floor in floors for room in floor}
    for importer in graph.modules - {"bridge"}:
        for imported in graph.find_modules_directly_imported_by(importer) - {"bridge"}:
            above, below = importer.split(".")[1], imported.split(".")[1]
            if height[above] > height[below]:
                arrows[above].add(below)
    return arrows


def _direct(room: str, arrows: dict[str, set[str]]) -> list[str]:
    """What a room imports and none of its other imports leads to."""

    def reached(start: str) -> set[str]:
        return arrows[start].union(*(reached(below) for below in arrows[start]))

    return sorted(arrows[room] - set().union(*(reached(below) for below in arrows[room])))


def _purpose(room: str) -> str:
    """The first sentence of a room's docstring."""
    file = PACKAGE / room / "__init__.py"
    module = ast.parse((file if file.is_file() else PACKAGE / f"{room}.py").read_text("utf-8"))
    paragraph = (ast.get_docstring(module) or "").partition("\n\n")[0]
    return re.split(r"(?<=\.)\s", paragraph.replace("\n", " ").replace("|", r"\|"), maxsplit=1)[0]


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "osc": ("host_scripts/OSC.md", addresses.tables),
    "rooms": ("bridge/README.md", rooms),
}


def current(name: str) -> str:
    """The page that holds a generated part, with that part as the code has it now. ValueError if the markers are missing."""
    page, make = PARTS[name]
    text = (ROOT / page).read_text("utf-8")
    part = re.compile(rf"(<!-- begin {name}:[^>]*-->\n).*(<!-- end {name} -->)", re.DOTALL)
    new, count = part.subn(lambda match: f"{match[1]}{make()}{match[2]}", text)
    if count != 1:
        raise ValueError(f"{page} has no part named {name}")
    return new


if __name__ == "__main__":
    for name, (page, _) in PARTS.items():
        (ROOT / page).write_text(current(name), "utf-8", newline="\n")
