"""The system libraries that the panel's Qt needs on Linux, and how to install those that are missing."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Sequence

# Library → package of Debian and Ubuntu: what Qt 6.11's libQt6Gui, its xcb plugin and that one's OpenGL part are linked to.
DEBIAN = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


def missing(load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """The libraries that cannot be loaded. This loads all others into the process."""
    lacking = []
    for library in DEBIAN:
        try:
            load(library)
        except OSError:
            lacking.append(library)
    return lacking


def named_in(error: str) -> str:
    """The file name of the library that the error of an import or of a plugin begins with; "" if it names none."""
    first = error.split(":")[0].strip()
    return first if ".so" in first else ""


def advice(library: str) -> str:
    """What to do about a missing library: sentences."""
    install = how_to_install([library]).rstrip(".")
    return f"A library that Qt needs is missing: {library}. {install}. clipbridge doctor names all that are missing."


def how_to_install(libraries: Sequence[str], which: Callable[[str], str | None] = shutil.which) -> str:
    """A sentence with the command of this system, or with the libraries if it is not known. Fedora's packages can be named by
    the libraries in them."""
    if which("apt-get") and all(library in DEBIAN for library in libraries):
        packages = dict.fromkeys(DEBIAN[library] for library in libraries)
        return f"sudo apt install {' '.join(packages)}"
    if which("dnf"):
        return "sudo dnf install " + " ".join(f"'{library}()(64bit)'" for library in libraries)
    return f"Install the packages of your system that have {', '.join(libraries)}."
