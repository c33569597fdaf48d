"""Everything that differs between Linux, macOS and Windows. Each function says how the systems differ."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from bridge.system.spelling import plain

if TYPE_CHECKING:
    import asyncio

APP = "clipbridge"
STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
RAISED_NICENESS = -11  # as PipeWire and PulseAudio use
LOWEST_NICENESS = 19
JACK_CLIENTS_PRIORITY = 5  # of 1 to 99: below JACK's server and PipeWire
USER_INTERACTIVE = 0x21  # of <sys/qos.h>
WINDOWS = sys.platform == "win32"
# For programs without a window of their own: on Windows, one that a window starts would open a console.
NO_CONSOLE = 0x0800_0000 if WINDOWS else 0  # CREATE_NO_WINDOW


def config_folder() -> Path:
    """The user's configuration folder (not created)."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False, roaming=True))


def cache_folder() -> Path:
    """The folder for what can be rebuilt: the untrained checkpoint, converted networks (not created)."""
    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def data_folder() -> Path:
    """The folder for what cannot be rebuilt: the library (not created)."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False))


def log_folder() -> Path:
    """The folder of the log file (not created)."""
    return Path(platformdirs.user_log_dir(APP, appauthor=False))


def shipped(name: str) -> Path:
    """The folder `name` of shipped files: in an installed wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / name
    return installed if installed.is_dir() else package.parent / name


def sample_folder() -> Path:
    """The default sample folder: `Clipbridge` in the user's music folder (not created)."""
    return Path(platformdirs.user_music_dir()) / "Clipbridge"


def inbox_folder() -> Path:
    """The default inbox: next to the default sample folder, where hosts do not look for clips (not created)."""
    return sample_folder().with_name("Clipbridge Inbox")


def host_folder(places: dict[str, str]) -> Path | None:
    """A folder of another program, from a pattern for each system (`linux`, `darwin`, `win32`) with {home}, {documents},
    {music}, {data} (~/.local/share, Application Support, %LOCALAPPDATA%) and {config} (~/.config, Application Support,
    %APPDATA%). None if the program does not exist for this system."""
    pattern = places.get(sys.platform)
    if pattern is None:
        return None
    folders = {
        "home": Path.home(),
        "documents": platformdirs.user_documents_dir(),
        "music": platformdirs.user_music_dir(),
        "data": platformdirs.user_data_dir(appauthor=False),
        "config": platformdirs.user_config_dir(appauthor=False, roaming=True),
    }
    return Path(pattern.format(**folders))


def windowless_python() -> Path:
    """This environment's Python. On Windows the one that opens no console window, and has no standard output."""
    program = Path(sys.executable)
    windowless = program.with_name("pythonw.exe")
    return windowless if windowless.is_file() else program


def selector_loop() -> asyncio.AbstractEventLoop:
    """An event loop on select/poll everywhere.

    On Windows the default (proactor) loop stops receiving UDP for good after one reply to a closed port
    (cpython #91227, #127057); the selector loop only reports the error.
    """
    import asyncio  # the panel has no use for it

    return asyncio.SelectorEventLoop()


def bind_udp(host: str, port: int, receive_buffer_bytes: int) -> tuple[socket.socket, int]:
    """Bind a UDP socket exclusively. Returns it and the size of the receive buffer in bytes that the system granted.

    Raises OSError if the address is taken or not one of this machine. On Linux and macOS a plain bind is already exclusive;
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


def is_private(file: Path) -> bool:
    """Whether only its owner may read a file; True where the system has no such permissions. Raises OSError."""
    return WINDOWS or not file.stat().st_mode & 0o077


def listen_tcp(host: str, port: int, backlog: int) -> socket.socket:
    """A TCP socket that listens, exclusively, and does not block. Raises OSError if the address is taken or not one of this machine.

    On Linux and macOS, SO_REUSEADDR only lets a port be used again at once after a restart; on Windows it would share the port."""
    # With its protocol: asyncio looks there before it sends small messages without delay (TCP_NODELAY).
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if WINDOWS:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
        listener.setblocking(False)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def on_stop_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Call `stop` on the loop at Ctrl-C and at SIGTERM (on Windows: Ctrl-Break).

    `signal.signal` exists on every system, `loop.add_signal_handler` does not. A selector loop on Windows only
    notices between two timers: the daemon's supervision ticks every 0.25 s.
    """

    def handler(_signal: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop)

    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, handler)


def raise_priority() -> None:
    """Raise this process's priority where the system allows it: Windows always, Linux and macOS with the right privileges.
    Most audio systems run their threads in real time anyway."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        psutil.Process().nice(psutil.HIGH_PRIORITY_CLASS if WINDOWS else RAISED_NICENESS)


def raise_thread_priority() -> None:
    """Let the calling thread go before other programs' work, where the system allows it: on Linux real time as JACK's clients have
    it, for those with the right (members of `audio`, usually); on macOS what the user waits for; on Windows the task "Pro Audio" of
    the multimedia scheduler, which needs no right."""
    import ctypes

    if WINDOWS:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.windll.avrt.AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(ctypes.c_ulong(0)))  # type: ignore[attr-defined,unused-ignore]
    elif sys.platform == "darwin":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).pthread_set_qos_class_self_np(USER_INTERACTIVE, 0)
    else:
        with contextlib.suppress(OSError, AttributeError):  # 0: this thread
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(JACK_CLIENTS_PRIORITY))


def ignore_stop_signals() -> None:
    """Ignore stop signals in a child process: a terminal sends Ctrl-C, and systemd SIGTERM, to every process, but only the
    front decides what to stop. Children end when their pipe does, or are killed."""
    for name in STOP_SIGNALS:
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut. A no-op on Windows, which journals renames."""
    if WINDOWS:
        return
    with contextlib.suppress(OSError):  # some network and FUSE volumes cannot; the file itself is synced already
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace(source: Path, target: Path) -> None:
    """Rename within a volume, as os.replace does. On Windows, retry for a second: a virus scanner may hold a new file."""
    deadline = time.monotonic() + (1.0 if WINDOWS else 0.0)
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def rename_new(source: Path, target: Path) -> None:
    """Rename within a folder, and never replace another file: raises FileExistsError. The name is claimed by an empty file first.
    Another spelling of the same name (`Kick`, `kick`) may be the same file already."""
    is_spelling = source.name != target.name and plain(source.name, True) == plain(target.name, True)
    if is_spelling and os.path.lexists(target) and os.path.samefile(source, target):
        os.rename(source, target)
        return
    with target.open("xb"):
        pass
    try:
        replace(source, target)
    except OSError:
        with contextlib.suppress(OSError):
            target.unlink()
        raise


def can_be_written(place: Path) -> bool:
    """Whether `place`, or its nearest existing parent, can be written. On Windows only the read-only attribute is checked."""
    for folder in (place, *place.parents):
        with contextlib.suppress(OSError):
            if folder.is_dir():
                return os.access(folder, os.W_OK)
    return False


def free_bytes(place: Path) -> int:
    """Free bytes on the disk of `place`, which need not exist; 0 if the disk is gone (a removed drive letter)."""
    import shutil  # with its archives it takes longer than all the rest

    for folder in (place, *place.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0


def peak_memory_bytes() -> int:
    """The peak memory of this process: `peak_wset` on Windows, elsewhere ru_maxrss (bytes on macOS, KiB on Linux)."""
    if WINDOWS:
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource  # does not exist on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def same_volume(one: Path, other: Path) -> bool:
    """Whether two existing folders are on one volume, so that a file can be renamed between them (`st_dev` everywhere)."""
    return one.stat().st_dev == other.stat().st_dev


def compute_beside_others() -> None:
    """Give this process, before it starts threads, the priority of the engine: an equal share of the cores beside a DAW's work that
    has no real-time priority, and no more. What has real-time priority, such as the DAW's audio, goes first on every system.

    On Linux it also leads a login session of its own. A kernel with autogroups gives each session an equal share, so that of the
    terminal in which a user also compiles something need not be divided (sched(7), "The autogroup feature"); and as SCHED_BATCH its
    threads that wake up do not push aside one that runs. Elsewhere it keeps the usual priority: Windows runs no thread of a lower
    class beside a busy loop (but every four seconds), macOS few; and both favour a thread that wakes up after a pause, as the
    front does. Measured in bench/RESULTS.md, "Beside a DAW".
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it leads a session already, or is not allowed to
            os.setsid()
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def yield_to_the_front() -> None:
    """Lower this process's priority by five steps of niceness: for work that can wait. A no-op on Windows, where it would wait for
    ever."""
    if not WINDOWS:
        os.nice(5)


def compute_last() -> None:
    """Give this process, before it starts threads, the lowest priority: for work of minutes that must not be noticed.

    On Linux it leads a session of its own, whose group has the lowest weight too (sched(7), "The autogroup feature"): inside a group,
    niceness only counts between its members. On Windows it computes while nothing else wants to."""
    import psutil

    if WINDOWS:
        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        return
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it leads a session already
            os.setsid()
        with contextlib.suppress(OSError):  # a kernel without autogroups
            Path("/proc/self/autogroup").write_text(str(LOWEST_NICENESS), "ascii")
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.nice(LOWEST_NICENESS)


def is_port_taken(error: OSError) -> bool:
    """Whether a bind failed because the port is in use. Windows has two codes for it: in use (10048) and, for a port that is
    held exclusively, no access (10013)."""
    return error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) in (10013, 10048)


def is_held(error: OSError) -> bool:
    """Whether a file cannot be opened or moved because another program has it open. Only on Windows: a sharing violation
    (32) or a locked region (33)."""
    return getattr(error, "winerror", None) in (32, 33)


def open_plain(file: Path) -> int:
    """Open a regular file for reading; returns a descriptor. Refuses symbolic links and does not block on pipes. Windows has
    neither flag, but opening never blocks there, and creating links needs a privilege."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(file, flags)
