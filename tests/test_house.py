"""The house keeps its shape: floors, heavy imports, the README's table."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.frontends import methods
from bridge.frontends.osc import OscFrontend

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bridge"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module may import from the floors below its own, and from its own folder.
FLOORS = {
    "__main__": 5, "cli": 5, "commands": 5, "doctor": 5,
    "daemon": 4,
    "frontends": 3,
    "core": 2, "engine_side": 2, "shaper_side": 2,
    "outcome": 2, "jobs": 2, "asks": 2, "deadlines": 2, "live": 2, "pads": 2, "streams": 2, "stage": 2, "player": 2, "shaper": 2,
    "held": 2, "clip_voices": 2,
    "bench": 5, "starter": 5,
    "presets": 1, "hosts": 1, "eta": 1, "supervise": 1, "engine": 1, "audio": 1, "sinks": 1, "library": 1,
    "clip": 0, "memory": 0, "playback": 0, "tempo": 0, "keeping": 0, "notes": 0, "keys": 0,
    "checks": 0, "pad_file": 2, "recipe": 0, "tags": 0, "watch": 0,
    "kits": 2, "kit_presets": 2, "kit": 0, "keymap": 0,
    "job": 0, "errors": 0, "config": 0, "portable": 0, "logs": 0, "delivery": 0, "__init__": -1,
}  # fmt: skip
SCRIPTS = {".md", ".pd", ".scd", ".sc", ".schelp", ".lua", ".js", ".py", ".ck", ".csd", ".inc", ".udo"}
HEAVY = {
    "torch": {
        "engine/audioldm2.py",
        "engine/loading.py",
        "engine/untrained.py",
        "engine/mel_vocoder.py",
        "engine/threads.py",
        "bench/starter_speed.py",
        "bench/engines.py",
        "bench/random_weights.py",
        "engine/text_side.py",
        "doctor/compute.py",  # in a process of its own
        "engine/ranking.py",
        "engine/denoising.py",
        "engine/tracing.py",
        "engine/graphs.py",
        "engine/decoding.py",
        "engine/network.py",
        "engine/ways.py",
        "bench/floor.py",
        "bench/timing.py",
        "engine/speech.py",
        "engine/vocoding.py",
        "engine/memory.py",
    },
    "huggingface_hub": {"engine/fetching.py", "engine/hub_errors.py"},
    "diffusers": {"engine/loading.py", "engine/untrained.py", "bench/engines.py"},
    "transformers": {"engine/loading.py", "engine/untrained.py", "engine/mel_vocoder.py"},
    "numpy": {
        "engine/audioldm2.py",
        "engine/decoding.py",
        "engine/ranking.py",
        "engine/retune.py",
        "audio/shape.py",
        "audio/early.py",
        "audio/seam.py",
        "audio/mixer.py",
        "audio/beats.py",
        "audio/stretch.py",
        "audio/conform.py",
        "audio/key.py",
        "sinks/device.py",
        "audio/samples.py",
        "clip_voices.py",
        "sinks/clip_file.py",
        "shaper.py",
    },
    "soundfile": {"sinks/clip_file.py"},
    "soxr": {
        "engine/ranking.py",
        "engine/retune.py",
        "audio/shape.py",
        "audio/early.py",
        "audio/stretch.py",
        "audio/key.py",
        "audio/samples.py",
    },
    "python_stretch": {"audio/stretch.py"},
    "pythonosc": {"frontends/osc.py", "frontends/osc_socket.py", "commands/asking.py", "bench/main_job.py"},
    "sounddevice": {"sinks/device.py"},
    "mido": {"frontends/midi.py"},
    "rtmidi": {"frontends/midi.py"},
    "aalink": {"frontends/link.py"},
    "watchdog": {"watch.py"},
    "sqlite3": {
        "library/__init__.py",
        "library/clips.py",
        "library/database.py",
        "library/following.py",
        "library/records.py",
        "library/writing.py",
    },
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


def part(dotted: str) -> str:
    """`bridge.engine.process` → `engine`; `bridge.__version__` → `__init__`."""
    name = dotted.split(".")[1]
    return name if name in FLOORS else "__init__"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_the_floors_below_and_its_own_folder(module: Path) -> None:
    own = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imports(module):
        if name.startswith("bridge."):
            # Parts on floor 1 do not know each other; on the other floors modules are of one part.
            same = part(name) == own or (FLOORS[own] != 1 and FLOORS[part(name)] == FLOORS[own])
            assert same or FLOORS[part(name)] < FLOORS[own], f"{own} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.relative_to(PACKAGE).as_posix())
def test_heavy_packages_are_imported_only_where_they_belong(module: Path) -> None:
    where = module.relative_to(PACKAGE).as_posix()
    for name in imports(module):
        package = name.split(".")[0]
        # The starter's training is a tool of its own, which no part of the daemon imports.
        apart = where.startswith("starter/")
        assert apart or where in HEAVY.get(package, {where}), f"{where} imports {package}"


@pytest.mark.parametrize(
    "module",
    ["bridge.daemon", "bridge.commands.run", "bridge.commands.generate", "bridge.commands.models", "bridge.cli"],
)
def test_the_front_and_the_command_line_load_no_torch_and_no_numpy(module: str) -> None:
    heavy = {"torch", "numpy", "transformers", "soundfile", "huggingface_hub"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_every_method_of_the_table_has_a_handler_and_every_handler_a_method() -> None:
    listener = {
        "job_event",
        "state_changed",
        "preparing",
        "voice_changed",
        "audio_changed",
        "pad_changed",
        "pad_saved",
        "stream_changed",
        "midi_changed",
        "kit_changed",
        "preset_changed",
        "inbox_changed",
        "connection_made",
        "connection_lost",
        "error_received",
    }
    inherited = {"datagram_received", "pause_writing", "resume_writing"}
    public = {name for name, _ in inspect.getmembers(OscFrontend, inspect.isfunction) if not name.startswith("_")}
    assert public - listener - inherited == {method.handler for method in methods.METHODS.values()}


def test_the_readme_states_the_osc_table_as_the_code_has_it() -> None:
    assert methods.tables() in (ROOT / "README.md").read_text("utf-8")


def test_every_address_in_the_readme_and_the_host_scripts_exists() -> None:
    known = {*methods.METHODS, *methods.REPLIES}
    texts = [
        ROOT / "README.md",
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
            named = isinstance(
                node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef
            ) and not node.name.startswith("_")
            if named and ast.get_docstring(node) is None and len(node.body) > 3:  # type: ignore[union-attr,arg-type]
                missing.append(f"{module.name}: {node.name}")  # type: ignore[union-attr]
    assert missing == []
