"""What must hold for the whole tree: heavy imports, addresses, events, the generated pages."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.client import JOB, KIT, LEARN
from bridge.domain import events
from bridge.domain.events import Event, JobEvent, KitEvent, LearnEvent
from bridge.frontends.osc import addresses as methods
from bridge.frontends.osc import (
    audio_files,
    audition,
    daemon,
    find,
    interrupted,
    jobs,
    kits,
    learning,
    library,
    live,
    models,
    pads,
    replies,
)
from tests.pages import PARTS, current

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bridge"
MODULES = sorted(PACKAGE.rglob("*.py"))

SCRIPTS = {".md", ".pd", ".scd", ".sc", ".schelp", ".lua", ".js", ".py", ".ck", ".csd", ".inc", ".udo"}
HEAVY = {
    "torch": {
        "engine/audioldm2/engine.py",
        "engine/runner.py",
        "engine/families.py",  # late
        "engine/audioldm2/unet.py",
        "engine/audioldm2/clock.py",
        "engine/beat_clock.py",
        "engine/learning_state.py",
        "engine/audioldm2/loading.py",
        "engine/audioldm2/pipeline.py",
        "engine/lean_imports.py",  # late
        "engine/audioldm2/untrained.py",
        "engine/audioldm2/mel_vocoder.py",
        "engine/runtime/threads.py",
        "bench/recipe.py",
        "bench/random_weights.py",
        "engine/audioldm2/text.py",
        "doctor/facts.py",  # in a process of its own
        "engine/audioldm2/ranking.py",
        "engine/audioldm2/denoising.py",
        "engine/runtime/conversion.py",
        "engine/runtime/kept.py",
        "engine/runtime/openvino.py",
        "engine/audioldm2/parts.py",
        "engine/audioldm2/converted.py",
        "engine/runtime/graphs.py",
        "engine/runtime/inductor.py",
        "engine/audioldm2/decoding.py",
        "engine/audioldm2/encoding.py",
        "engine/audioldm2/starting.py",
        "engine/audioldm2/sources/method.py",
        "engine/audioldm2/sources/varying.py",
        "engine/audioldm2/sources/familiar.py",
        "engine/audioldm2/sources/guess.py",
        "engine/audioldm2/sources/inpainting.py",
        "engine/audioldm2/sources/joining.py",
        "engine/audioldm2/known.py",
        "engine/audioldm2/sources/hits.py",
        "engine/audioldm2/sources/kit.py",
        "engine/audioldm2/adapted.py",
        "engine/audioldm2/mel_16k.py",
        "engine/audioldm2/loops.py",
        "engine/runtime/network.py",
        "engine/runtime/ways.py",
        "bench/floor.py",
        "bench/timing.py",  # late
        "engine/audioldm2/speech.py",
        "engine/audioldm2/vocoding.py",
        "engine/audioldm2/partials.py",
        "engine/audioldm2/frames.py",
        "engine/audioldm2/griffin_lim.py",
        "engine/audioldm2/mel_inversion.py",
        "engine/runtime/memory.py",
        "engine/loading.py",
        "engine/lora.py",
        "engine/pipeline_runner.py",
        "engine/stable_audio_3/autoencoder.py",
        "engine/stable_audio_3/engine.py",
        "engine/ace_step/engine.py",
        "engine/stable_audio/engine.py",
        "engine/stable_audio_3/guided.py",
        "engine/oobleck.py",
        "engine/windows.py",
    },
    "huggingface_hub": {"checkpoints/fetch.py", "checkpoints/hub_errors.py"},
    "diffusers": {
        "engine/audioldm2/parts.py",
        "engine/audioldm2/loading.py",
        "engine/audioldm2/untrained.py",
        "bench/recipe.py",
        "engine/loading.py",
        "engine/pipeline_runner.py",
        "engine/stable_audio_3/engine.py",
        "engine/ace_step/engine.py",
        "engine/stable_audio/engine.py",
    },
    "transformers": {
        "engine/audioldm2/parts.py",
        "engine/audioldm2/loading.py",
        "engine/audioldm2/untrained.py",
        "engine/audioldm2/mel_vocoder.py",
        "engine/loading.py",
        "engine/pipeline_runner.py",
        "engine/stable_audio_3/engine.py",
        "engine/ace_step/engine.py",
        "engine/stable_audio/engine.py",
    },
    "numpy": {
        "engine/course.py",
        "engine/pipeline_runner.py",
        "engine/source_sound.py",
        "engine/audioldm2/tempo.py",
        "engine/audioldm2/course.py",
        "engine/audioldm2/engine.py",
        "engine/audioldm2/decoding.py",
        "engine/audioldm2/denoising.py",
        "engine/audioldm2/encoding.py",
        "engine/audioldm2/starting.py",
        "engine/audioldm2/sources/method.py",
        "engine/audioldm2/sources/varying.py",
        "engine/audioldm2/sources/continuing.py",
        "engine/audioldm2/sources/familiar.py",
        "engine/audioldm2/sources/filling.py",
        "engine/audioldm2/sources/inpainting.py",
        "engine/audioldm2/sources/joining.py",
        "engine/audioldm2/sources/tones.py",
        "audio/prediction.py",
        "engine/audioldm2/sources/hits.py",
        "engine/audioldm2/sources/rhythms.py",
        "engine/audioldm2/loops.py",
        "engine/audioldm2/ranking.py",
        "engine/audioldm2/retune.py",
        "audio/shape.py",
        "audio/early.py",
        "audio/joins.py",
        "audio/keep.py",
        "audio/levels.py",
        "audio/seam.py",
        "player/limiter.py",
        "player/mixer.py",
        "player/voice.py",
        "audio/beats.py",
        "audio/stretch.py",
        "audio/conform.py",
        "audio/key.py",
        "audio/tuning.py",
        "audio/continuing.py",
        "audio/fitting.py",
        "audio/hits.py",
        "audio/rhythm.py",
        "audio/sustained.py",
        "engine/runtime/conversion.py",
        "engine/runtime/kept.py",
        "engine/runtime/openvino.py",
        "player/ahead.py",
        "player/output.py",
        "player/ring.py",
        "player/samples.py",
        "player/clip_voices.py",
        "player/held_file.py",
        "player/audio_part.py",
        "files/audio_file.py",
        "files/source_file.py",  # late
        "files/clip_file.py",
        "shaper/crop.py",
        "shaper/pasted.py",
        "shaper/process.py",
        "shaper/source.py",
        "shaper/steady.py",
        "panel/waveform.py",  # late
        "learn/clip.py",
        "learn/course.py",
        "learn/sound.py",
    },
    "soundfile": {"files/audio_file.py", "files/clip_file.py", "panel/waveform.py"},
    "soxr": {
        "engine/source_sound.py",
        "engine/audioldm2/encoding.py",
        "engine/audioldm2/ranking.py",
        "engine/audioldm2/retune.py",
        "engine/audioldm2/sources/tones.py",
        "audio/shape.py",
        "audio/early.py",
        "audio/keep.py",
        "audio/stretch.py",
        "audio/key.py",
        "audio/rhythm.py",
        "player/audio_part.py",
        "player/samples.py",
        "shaper/measure.py",
        "shaper/source.py",
        "learn/sound.py",
    },
    "python_stretch": {"audio/stretch.py"},
    "pythonosc": {"frontends/osc/socket.py", "client.py"},
    "openvino": {"engine/runtime/openvino.py"},
    "sounddevice": {"player/device.py"},
    "rtmixer": {"player/output.py"},
    "mido": {"frontends/midi.py"},
    "rtmidi": {"frontends/midi.py"},
    "aalink": {"frontends/link.py"},
    "send2trash": {"panel/trash.py"},
    "watchdog": {"system/watch.py"},
    "uvicorn": {"cluster/serving.py"},
    "aiohttp": {
        "frontends/http/app.py",
        "frontends/http/oscquery.py",
        "frontends/http/touch.py",
        "frontends/http/answers.py",
    },
    "zeroconf": {"frontends/http/announcing.py"},
    "segno": {"commands/qr.py"},
    "ray": {"cluster/on_ray.py"},
    "sqlite3": {
        "library/library.py",
        "library/clips.py",
        "library/search.py",
        "library/database.py",
        "library/following.py",
        "library/records.py",
        "library/writing.py",
    },
}


# Rooms that only the engine's process enters.
ROOMS = {
    "torch": ("engine/audiolm/", "engine/musicgen/", "engine/audioldm2/adapting/"),
    "numpy": ("engine/audiolm/", "engine/musicgen/", "engine/audioldm2/adapting/"),
    "transformers": ("engine/audiolm/pulled_coder.py", "engine/musicgen/"),
}


def imports(module: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.relative_to(PACKAGE).as_posix())
def test_heavy_packages_are_imported_only_where_they_belong(module: Path) -> None:
    where = module.relative_to(PACKAGE).as_posix()
    for name in imports(module):
        package = name.split(".")[0]
        # The starter's training is a separate tool, which no part of the daemon imports.
        apart = where.startswith("starter/")
        in_room = where.startswith(ROOMS.get(package, ("starter/",)))
        assert apart or in_room or where in HEAVY.get(package, {where}), f"{where} imports {package}"


@pytest.mark.parametrize(
    "module",
    ["bridge.daemon", "bridge.commands.run", "bridge.commands.generate", "bridge.commands.models", "bridge.cli"],
)
def test_the_front_and_the_command_line_load_no_torch_and_no_numpy(module: str) -> None:
    heavy = {"torch", "numpy", "transformers", "soundfile", "huggingface_hub"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_every_method_of_the_table_has_a_handler_and_every_handler_a_method() -> None:
    rooms = (audio_files, audition, daemon, find, interrupted, jobs, kits, learning, library, live, models, pads)
    handlers = [
        function
        for room in rooms
        for name, function in inspect.getmembers(room, inspect.isfunction)
        if function.__module__ == room.__name__
        and not name.startswith("_")
        and list(inspect.signature(function).parameters) == ["osc", "request"]
    ]
    table = [method.handler for method in methods.ROWS]
    assert len(table) == len(set(table)), "one function per row"
    assert set(handlers) == set(table)
    for row in methods.ROWS:
        assert re.match(rf"{re.escape(row.address)}(;|$)", str(row.handler.__doc__)), f"{row.address}: {row.handler}"
    words = {f"{row.address}/words": row.handler for row in methods.ROWS if row.in_words}
    rows = {row.address: row.handler for row in methods.ROWS}
    assert {address: method.handler for address, method in methods.METHODS.items()} == rows | words


def test_every_event_that_has_a_reply_can_be_said_in_its_form() -> None:
    classes = [c for _, c in inspect.getmembers(events, inspect.isclass) if issubclass(c, Event) and c is not Event]
    fields = {event: {field.name for field in dataclasses.fields(event)} for event in classes}
    assert {event for event, names in fields.items() if "kind" in names} == {JobEvent, KitEvent, LearnEvent}
    labels = {object.__new__(event).label(): names for event, names in fields.items() if "kind" not in names}
    kinds = {*JOB.counts, *(f"kit {kind}" for kind in KIT.counts), *(f"learn {kind}" for kind in LEARN.counts)}
    for label, reply in replies.BY_EVENT.items():
        assert label in kinds or set(reply.names) <= labels[label], reply.address
    assert kinds <= set(replies.BY_EVENT)


@pytest.mark.parametrize("name", PARTS)
def test_generated_parts_of_the_pages_are_as_the_code_has_them(name: str) -> None:
    page, _ = PARTS[name]
    assert current(name) == (ROOT / page).read_text("utf-8"), "run `python -m tests.pages`"


def test_every_address_in_the_pages_and_the_host_scripts_exists() -> None:
    known = {*methods.METHODS, *methods.REPLIES}
    texts = [
        *ROOT.glob("*.md"),
        *(ROOT / "presets").glob("*.md"),
        *PACKAGE.glob("*.md"),
        *(p for p in (ROOT / "host_scripts").rglob("*") if p.suffix in SCRIPTS),
    ]
    for text in texts:
        for found in re.findall(r"/bridge/[a-z/<>0-9]+[a-z>]", text.read_text("utf-8")):
            address = re.sub(r"/[0-9]+/", "/<n>/", found)
            begun = any(whole.startswith(address + "/") for whole in known)  # a script adds the rest
            assert address in known or begun or address.startswith("/bridge/set/"), f"{text.name}: {address}"


def test_public_functions_and_classes_say_what_they_are_for() -> None:
    missing = []
    for module in MODULES:
        tree = ast.parse(module.read_text("utf-8"))
        if ast.get_docstring(tree) is None:
            missing.append(str(module))
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and len(node.body) > 3:
                missing.append(f"{module.name}: {node.name}")
    assert missing == []


def test_every_link_of_the_pages_leads_somewhere() -> None:
    pages_ = [*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), *PACKAGE.rglob("*.md")]
    pages_ += [*(ROOT / "presets").glob("*.md"), *(ROOT / "host_scripts").rglob("*.md")]
    for page in pages_:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if link.startswith("http"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page}: {link}"
            assert not anchor or anchor in _anchors(target), f"{page}: {link}"


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
