"""The wheel is complete: presets, host scripts and pages travel inside it."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import grimp
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
IMPORTED_AS = {
    "python-osc": "pythonosc",
    "python-rtmidi": "rtmidi",
    "python-stretch": "python_stretch",
    "pyside6-essentials": "PySide6",
}


def test_the_wheel_carries_presets_and_host_scripts_and_finds_them_where_it_is_installed(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(tmp_path),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("clipbridge-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert "bridge/py.typed" in names
        archive.extractall(tmp_path / "site")
    for file in (ROOT / "presets").glob("*.toml"):
        assert f"bridge/data/presets/{file.name}" in names
    assert "bridge/data/host_scripts/pure_data/clipbridge-first-clip.pd" in names
    for page in ("bridge/README.md", "bridge/data/presets/README.md", "bridge/data/host_scripts/README.md"):
        assert page in names
        if page.startswith("bridge/data/"):
            with zipfile.ZipFile(wheel) as archive:
                pictures = re.findall(r"\]\(\.\./(\.assets/[^)]+)\)", archive.read(page).decode("utf-8"))
            assert pictures and all(f"bridge/data/{picture}" in names for picture in pictures), page
    assert "bridge/data/host_scripts/OSC.md" in names
    assert {"bridge/data/.assets/clipbridge.svg", "bridge/data/.assets/clipbridge.ico"} <= set(names)
    assert not any(name.startswith("tests") for name in names)
    code = "from bridge.presets.files import *; print(shipped_folder(), len(Presets(shipped_folder()).all()))"
    output = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    ).stdout  # fmt: skip
    assert str(tmp_path / "site") in output and int(output.split()[-1]) >= 10


def test_the_readmes_two_commands_are_those_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "pip install . && clipbridge run" in readme
    assert "pip install -e '.[test]' && pytest" in readme
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "pip install -q -e '.[test]'" in ci and re.search(r"^pytest$", ci, re.MULTILINE)


def test_every_import_of_the_package_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(entries: list[str]) -> set[str]:
        found = {re.split(r"[<>=~! ;\[]", entry)[0].lower() for entry in entries}
        return {IMPORTED_AS.get(name, name) for name in found}

    declared = names(project["dependencies"])
    parts = ("midi", "link", "serve", "cluster", "network")
    extras = names([line for part in parts for line in project["optional-dependencies"][part]]) - {"clipbridge"}
    panel = names(project["optional-dependencies"]["panel"])
    used = set()
    tools = {
        *(ROOT / "bridge" / "bench").iterdir(),
        *(ROOT / "bridge" / "starter").rglob("*.py"),
    }  # have extras of their own
    for module in set((ROOT / "bridge").rglob("*.py")) - tools:
        for match in re.finditer(
            r"^\s*(?:from|import) ([A-Za-z_][A-Za-z_0-9]*)", module.read_text("utf-8"), re.MULTILINE
        ):
            used.add(match[1])
    third_party = used - set(sys.stdlib_module_names) - {"bridge"}
    # accelerate: diffusers loads through it.
    assert (
        third_party <= declared | extras | panel and extras <= third_party and declared - third_party == {"accelerate"}
    )


def test_no_page_and_no_message_installs_us_from_an_index_on_which_we_have_no_release() -> None:
    by_name = re.compile(r"(pip|pipx|uv tool|uv pip) install [^`\n|]*\bclipbridge\b")
    pages = [*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), *(ROOT / "presets").glob("*.md")]
    for file in (
        *pages,
        *(ROOT / "host_scripts").rglob("*.md"),
        *(ROOT / "bridge").rglob("*.md"),
        *(ROOT / "bridge").rglob("*.py"),
    ):
        for line in file.read_text("utf-8").splitlines():
            for command in re.split(r";|&&", line):
                assert not by_name.search(command), f"{file.name}: {line}"


def test_the_line_for_uv_names_an_extra_and_a_python_that_we_support() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    line = next(line for line in readme.splitlines() if line.startswith("uv tool install"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version, extra = re.search(r"--python ([0-9.]+)", line), re.search(r"\[(\w+)\]", line)
    assert version and SpecifierSet(project["requires-python"]).contains(version[1])
    assert extra and extra[1] in project["optional-dependencies"]
    assert "clipbridge panel --install-shortcut" in line


def test_the_bundle_of_the_panel_installs_every_package_that_the_panel_imports() -> None:
    needs = runpy.run_path(str(ROOT / ".ci" / "panel" / "needs.py"))["needs"]()
    installed = {re.split(r"[^\w-]", line)[0].lower() for line in needs}
    names = {"pythonosc": "python-osc", "PySide6": "pyside6-essentials"}
    graph = grimp.build_graph("bridge", include_external_packages=True)
    imported = graph.find_upstream_modules("bridge.commands.panel") | graph.find_upstream_modules("bridge.cli")
    packages = {name for name in imported if not name.startswith("bridge") and name not in sys.stdlib_module_names}
    assert "PySide6" in packages and {names.get(name, name) for name in packages} == installed
