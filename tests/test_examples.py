"""The prompts in the pages, host scripts and presets are sounds that the starter knows: they are what people try first."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bridge.checkpoints.find import STARTER_FOLDER
from bridge.engine.audioldm2.hearing import Vocabulary

ROOT = Path(__file__).parent.parent
KINDS = {".md", ".pd", ".scd", ".schelp", ".sc", ".csd", ".udo", ".ck", ".lua", ".js", ".toml"}
PLACES = ("host_scripts", "presets")
PAGES = [ROOT / "README.md", ROOT / "bridge" / "README.md"]
WORDS = r"([a-z][a-z -]*[a-z])"
# How a prompt is written in each of them.
PROMPTS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r'clipbridge generate "([^"]+)"',
        r'/bridge/(?:generate|pad/\d+/set|stream/start|stream/set|set/prompt)(?: sf?)? "([^"]+)"',
        r'\.(?:generate|streamStart|streamSet|set|ask)\("([^"]+)"',
        r'clip_ask "([^"]+)"',
        rf"cb: (?!(?:vary|continue|fill)\b){WORDS} \d",
        rf"generate/words {WORDS} +\d",
        rf"(?:msg \d+ \d+ |`)list {WORDS} (?:\d|@)",
        rf"(?:msg \d+ \d+ |`)pad \d+ set {WORDS} (?:\d|@)",
        r'^prompt = "([^"]+)"',
        rf"^{WORDS} (?:seconds|bars)=",
    )
)
KITS = re.compile(r'(?:clipbridge kit|/bridge/kit) "[^"]+"((?: "[^"]+")+)|^sounds = \[(.+)\]', re.MULTILINE)
FOR_OTHER_CHECKPOINTS = {"a calm female voice"}  # speech
FAULTS = {"too long"}  # shows an error


def texts() -> list[Path]:
    return PAGES + [file for place in PLACES for file in (ROOT / place).rglob("*") if file.suffix in KINDS]


def examples() -> list[tuple[str, str]]:
    """(file, prompt) of each example."""
    found = []
    for file in texts():
        text = file.read_text("utf-8")
        prompts = [prompt for pattern in PROMPTS for prompt in pattern.findall(text)]
        for sounds in KITS.findall(text):
            prompts += [entry.rpartition(":")[2] for entry in re.findall(r'"([^"]+)"', "".join(sounds))]
        found += [(file.relative_to(ROOT).as_posix(), prompt) for prompt in prompts]
    return [example for example in found if example[1] not in FOR_OTHER_CHECKPOINTS | FAULTS]


@pytest.fixture(scope="module")
def starter() -> Vocabulary:
    vocabulary = Vocabulary.read(STARTER_FOLDER)
    assert vocabulary is not None
    return vocabulary


def test_every_example_names_a_sound_that_the_starter_knows(starter: Vocabulary) -> None:
    found = examples()
    assert [example for example in found if not starter.hear(example[1]).noun] == []
    files = {file for file, _ in found}
    assert len(found) > 40 and {"README.md", "host_scripts/README.md", "presets/README.md"} <= files
    hosts = {file.split("/")[1] for file in files if file.startswith("host_scripts/") and file.count("/") > 1}
    assert {"supercollider", "pure_data", "csound", "chuck", "ableton_live"} <= hosts


def test_no_example_is_a_rhythm_or_a_phrase() -> None:
    rhythm = re.compile(r"\b(loop|beat|break|groove|rhythm|fill|melody|song|riff)s?\b")
    assert [example for example in examples() if rhythm.search(example[1])] == []


def test_every_preset_has_an_example_that_the_starter_knows_or_says_that_it_is_not_for_it(starter: Vocabulary) -> None:
    for file in (ROOT / "presets").glob("*.toml"):
        preset = tomllib.loads(file.read_text("utf-8"))
        known = starter.hear(preset["example"]).noun
        assert known or "for AudioLDM 2" in preset["description"], file.name


def test_the_first_page_says_early_that_the_starter_makes_single_sounds() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    assert "single sounds" in page.partition("## Start")[0].replace("**", "")
