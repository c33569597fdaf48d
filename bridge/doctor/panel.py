"""Check the panel's Qt in a child process: a library that does not fit can end it. Without Qt, everything but the window works."""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from bridge.doctor.check import Check, ok, warning
from bridge.doctor.child import command, environment
from bridge.system import qt_libraries

INSTALL = "pip install '.[panel]'"
IMPORT_TIMEOUT_S = 60.0
NO_WINDOW = "The window (clipbridge panel) cannot be opened; everything else works"


def check() -> Check:
    """Check that the window can be opened, as far as this is known without a screen. Without Qt installed, that is fine."""
    try:
        child = subprocess.run(
            command("bridge.doctor.panel"), env=environment(), capture_output=True, text=True, errors="replace",
            timeout=IMPORT_TIMEOUT_S, check=False,
        )  # fmt: skip
        facts = json.loads(child.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        what = f"Qt was not loaded within {IMPORT_TIMEOUT_S:.0f} s. {NO_WINDOW}"
        return warning("panel", what, "Check the disk, then try again.")
    except (ValueError, IndexError):
        last = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        return warning("panel", f"{last[0][:300]}. {NO_WINDOW}", f"In Clipbridge's folder: {INSTALL} --force-reinstall")
    return finding(facts["version"], facts["missing"], facts["broken"])


def finding(version: str, missing: list[str], broken: str) -> Check:
    """The finding for a version of Qt ("" if it is not installed), missing system libraries, and an error ("" if none)."""
    if not version:
        return ok("panel", f"not installed. For a window to drag clips from, in Clipbridge's folder: {INSTALL}")
    if missing:
        what = f"system libraries of Qt are missing: {', '.join(missing)}. {NO_WINDOW}"
        return warning("panel", what, qt_libraries.how_to_install(missing))
    if broken:
        what = f"Qt {version} cannot be loaded ({broken}). {NO_WINDOW}"
        return warning("panel", what, f"In Clipbridge's folder: {INSTALL} --force-reinstall")
    return ok("panel", f"Qt {version}: clipbridge panel opens the window")


def main() -> None:
    """Run in the child: print the facts as one line of JSON."""
    spec = importlib.util.find_spec("PySide6")
    version, missing, broken = "", [], ""
    if spec is not None and spec.submodule_search_locations:
        version = importlib.metadata.version("PySide6-Essentials")
        if sys.platform == "linux":
            missing = qt_libraries.missing()
        try:
            importlib.import_module("PySide6.QtWidgets")
            for plugin in Path(spec.submodule_search_locations[0]).glob("Qt/plugins/platforms/libqxcb.so"):
                ctypes.CDLL(str(plugin))
        except (ImportError, OSError) as error:
            broken = str(error)[:200]
    print(json.dumps({"version": version, "missing": missing, "broken": broken}))


if __name__ == "__main__":
    main()
