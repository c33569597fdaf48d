"""The one place for what differs between Linux, macOS and Windows: each function states its twin."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import psutil

APP = "clipbridge"
STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
RAISED_NICENESS = -11  # what PipeWire and PulseAudio ask for
WINDOWS = sys.platform == "win32"


def config_folder() -> Path:
    """Where the user's configuration and presets live (not created)."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False, roaming=True))


def cache_folder() -> Path:
    """Where things live that can be made again: the built checkpoint, the staging area (not created)."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def data_folder() -> Path:
    """Where lives what cannot be made again: the library (not created)."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def log_folder() -> Path:
    """Where the log file lies (not created)."""
    return Path(platformdirs.user_log_dir(APP, appauthor=False))


def shipped(name: str) -> Path:
    """Where files that travel with us lie: inside an installed wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / name
    return installed if installed.is_dir() else package.parent / name


def sample_folder() -> Path:
    """The default sample folder: `Clipbridge` in the user's music folder (not created)."""
    return Path(platformdirs.user_music_dir()) / "Clipbridge"


def inbox_folder() -> Path:
    """The default inbox: beside the default sample folder, where no host looks for clips (not created)."""
    return sample_folder().with_name("Clipbridge Inbox")


def host_folder(places: dict[str, str]) -> Path | None:
    """A folder of another program: `places` has a pattern for each system (`linux`, `darwin`, `win32`), with {home},
    {documents}, {music}, {data} (~/.local/share, Application Support, %LOCALAPPDATA%) and {config} (~/.config, Application
    Support, %APPDATA%). None where that program does not run."""
    pattern = places.get(sys.platform)
    return (
        None
        if pattern is None
        else Path(
            pattern.format(
                home=Path.home(),
                documents=platformdirs.user_documents_dir(),
                music=platformdirs.user_music_dir(),
                data=platformdirs.user_data_dir(appauthor=False),
                config=platformdirs.user_config_dir(appauthor=False, roaming=True),
            )
        )
    )


def selector_loop() -> asyncio.AbstractEventLoop:
    """An event loop on select/poll everywhere.

    On Windows the default (proactor) loop stops receiving UDP for good after one reply to a closed port
    (cpython #91227, #127057); the selector loop only reports the error.
    """
    return asyncio.SelectorEventLoop()


def bind_udp(host: str, port: int, receive_buffer_bytes: int) -> tuple[socket.socket, int]:
    """Bind a UDP socket that no other program can share; returns it and the receive buffer that the system granted.

    Raises OSError if the address is taken or not ours. On Linux and macOS a plain bind is already exclusive;
    on Windows that needs SO_EXCLUSIVEADDRUSE.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if WINDOWS:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        udp.bind((host, port))
        udp.setblocking(False)
    except (OSError, OverflowError):
        udp.close()
        raise
    return udp, udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def on_stop_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Call `stop` on the loop at Ctrl-C and at a polite kill (SIGTERM; on Windows Ctrl-Break).

    `signal.signal` exists on every system, `loop.add_signal_handler` does not. A selector loop on Windows only
    notices between two timers: the daemon's supervision ticks every 0.25 s.
    """

    def handler(_signal: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop)

    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup and shells mean what they set
            signal.signal(number, handler)


def raise_priority() -> None:
    """Let this process run before others where the system allows it: Windows does, Linux and macOS only to who has the right.
    (The threads of most audio systems are real-time ones anyway.)"""
    with contextlib.suppress(OSError, psutil.Error):
        psutil.Process().nice(psutil.HIGH_PRIORITY_CLASS if WINDOWS else RAISED_NICENESS)


def ignore_stop_signals() -> None:
    """For child processes: Ctrl-C goes to every process of a terminal, systemd's SIGTERM to every process of a
    service, but only the front decides what to stop. Children end with their pipe, or are killed."""
    for name in STOP_SIGNALS:
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut. Windows has no such call and journals renames itself."""
    if WINDOWS:
        return
    with contextlib.suppress(OSError):  # network and FUSE volumes may not know it; the file itself is synced already
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace(source: Path, target: Path) -> None:
    """Rename within a volume, as os.replace does. On Windows a virus scanner may hold a file that was just written
    for a moment: tried again for a second there."""
    deadline = time.monotonic() + (1.0 if WINDOWS else 0.0)
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def can_be_written(place: Path) -> bool:
    """Whether `place`, or the nearest folder above it that there is, can be written. On Windows this looks at the
    read-only mark alone."""
    for folder in (place, *place.parents):
        with contextlib.suppress(OSError):
            if folder.is_dir():
                return os.access(folder, os.W_OK)
    return False


def free_bytes(place: Path) -> int:
    """Room on the disk where `place` is or would be made; 0 if there is no such disk (a drive letter that is gone)."""
    for folder in (place, *place.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0


def peak_memory_bytes() -> int:
    """The most memory that this process has held: `peak_wset` on Windows; elsewhere ru_maxrss, which is in bytes on
    macOS and in KiB on Linux."""
    if WINDOWS:
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # not there on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def same_volume(one: Path, other: Path) -> bool:
    """Whether a file can be renamed between two existing folders. `st_dev` is the volume on all three systems."""
    return one.stat().st_dev == other.stat().st_dev


def yield_to_the_front() -> None:
    """Lower this process's priority, so that OSC answers come at once while the compute is busy.

    Five steps of niceness on Linux and macOS. Windows keeps the normal class: its scheduler already favours a
    thread that wakes from waiting.
    """
    if not WINDOWS:
        os.nice(5)


def is_port_taken(error: OSError) -> bool:
    """Whether a bind failed because somebody has the port. Windows says so with two codes of its own: in use
    (10048) and, for a port held exclusively, no access (10013)."""
    return error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) in (10013, 10048)


def is_held(error: OSError) -> bool:
    """Whether a file cannot be opened or moved because another program is at it just now. Only Windows keeps others out:
    a sharing violation (32), a locked part (33)."""
    return getattr(error, "winerror", None) in (32, 33)


def open_plain(file: Path) -> int:
    """Open a file for reading that must be one itself: a link is refused, a pipe is not waited for. Returns a descriptor.
    Windows has neither flag; nothing there blocks at opening, and links need a right to be made."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(file, flags)
