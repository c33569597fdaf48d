"""Checks of files, folders and the port. None loads torch; each takes milliseconds."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from bridge import config
from bridge.checkpoints.find import hub_cache
from bridge.config import Config
from bridge.doctor.check import INSTALL_AGAIN, Check, fault, ok, warning
from bridge.errors import AlreadyRunning, ConfigError, FolderError, PortTaken
from bridge.files.folder import FolderSink
from bridge.frontends.osc.socket import bind
from bridge.presets.files import Presets, shipped_folder
from bridge.system import host_scripts, portable

ENOUGH_MEMORY_BYTES = 4 * 10**9  # ample for the starter next to a host
ENOUGH_ROOM_BYTES = 2 * 10**9
CHECKPOINT_BYTES = 6 * 10**9  # AudioLDM 2 large in single precision, as published


def _file_system(place: Path) -> str:
    """The file system type of `place`, from the longest mount point above it; "" if unknown."""
    mounted = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    resolved = place.resolve()
    return next((mounted[above] for above in (resolved, *resolved.parents) if above in mounted), "")


def _holder(port: int) -> str:
    """The program that holds a UDP port; "" if the system does not say."""
    try:
        pids = {c.pid for c in psutil.net_connections("udp") if c.laddr and c.laddr.port == port and c.pid}
        return ", ".join(sorted(f"{psutil.Process(pid).name()} (process {pid})" for pid in pids))
    except psutil.Error:  # macOS only tells administrators
        return ""


def python() -> Check:
    """Check the interpreter and report the machine."""
    what = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    if sys.maxsize < 2**32:
        return fault("python", f"{what}: 32 bits", "Install a 64-bit Python from python.org; torch requires it.")
    return ok("python", what)


def configuration(settings: dict[str, object]) -> tuple[Check, Config]:
    """Check the settings file, and the `settings` of the command line that override it. The defaults stand in for what is
    broken, so that the other checks can run."""
    file = config.config_file()
    what = str(file) if file.is_file() else f"defaults ({file} does not exist)"
    try:
        return ok("configuration", what), config.load(settings=settings)
    except ConfigError as error:
        try:
            config.load(settings=settings, file=portable.config_folder() / "no file")
        except ConfigError:
            return fault("configuration", str(error), "Correct the option."), Config()
        return fault("configuration", str(error), f"Fix or delete {file}."), Config()


def folder(path: Path) -> Iterator[Check]:
    """Check that clips can be written, and the free space."""
    sink = FolderSink(path)
    try:
        sink.open()
        staging = sink.staging_root()
        sink.close()
    except FolderError as error:
        yield fault("folder", str(error), "Choose another one: clipbridge run --folder PATH")
        return
    kind = _file_system(path)
    where = "beside it" if staging.is_relative_to(path) else "outside it"
    yield ok("folder", f"{path} can be written ({kind or 'unknown file system'}; clips are staged {where})")
    yield _room("room for clips", path, ENOUGH_ROOM_BYTES, "Free space on that disk, or choose another --folder.")


def cache() -> Iterator[Check]:
    """Check that both caches can be written and that a large checkpoint would fit."""
    own, hub = portable.cache_folder(), hub_cache()
    for name, place in (("cache", own), ("checkpoint cache", hub)):
        if not portable.can_be_written(place):
            yield fault(name, f"{place} cannot be written", "Allow writing to it, or set HF_HOME.")
        else:
            yield ok(name, str(place))
    yield _room("room for checkpoints", hub, CHECKPOINT_BYTES, "Set HF_HOME to a folder on a larger disk.")


def _room(name: str, place: Path, enough_bytes: int, fix: str) -> Check:
    free = portable.free_bytes(place)
    what = f"{free / 1e9:.1f} GB free on the disk of {place}"
    return ok(name, what) if free > enough_bytes else warning(name, what, fix)


def port(settings: Config) -> Check:
    """Check that the OSC port is free, or name the program that holds it."""
    osc = settings.osc
    try:
        bind(osc).close()
    except AlreadyRunning:
        return ok("port", f"a Clipbridge is running on {osc.host} port {osc.port}")
    except PortTaken as error:
        holder = _holder(osc.port)
        what = f"{error}" + (f" It is {holder}." if holder else "")
        return fault("port", what, "Close that program, or run with --osc-port N and set the same port in your host.")
    except ConfigError as error:
        return fault("port", str(error), f"Set osc.host to an address of this machine in {config.config_file()}.")
    return ok("port", f"{osc.host} port {osc.port} is free")


def presets(settings: Config) -> Check:
    """Check the shipped presets and the user's own."""
    all_presets = Presets(shipped_folder(), settings.presets)
    count = len(all_presets.all())
    if all_presets.faults:
        return fault("presets", "; ".join(all_presets.faults), "Fix or delete these files.")
    if not count:
        return fault("presets", f"none in {shipped_folder()}", INSTALL_AGAIN)
    return ok("presets", f"{count}; your own go into {settings.presets}")


def scripts() -> Iterator[Check]:
    """Check that the host scripts were shipped, and that the installed ones are of this version."""
    if not host_scripts.shipped_folder().is_dir():
        what = f"none in {host_scripts.shipped_folder()}"
        yield fault("host scripts", what, INSTALL_AGAIN)
        return
    every = [host_scripts.look(host) for host in host_scripts.all_hosts()]
    current = ", ".join(script.host for script in every if script.state == "current") or "none installed"
    yield ok("host scripts", f"{current} (clipbridge scripts list)")
    for script in every:
        if script.state == "old":
            what = f"the one for {script.host} in {script.folder} is of another version"
            yield warning("host scripts", what, f"clipbridge scripts install {script.host}")


def log(settings: Config) -> Check:
    """Report where the log is."""
    file = portable.log_folder() / config.log_file_name(settings.osc.port)
    return ok("log", str(file) if file.is_file() else f"{file} (nothing yet)")


def memory() -> Check:
    """Check the size of the memory."""
    total = psutil.virtual_memory().total
    what = f"{total / 1e9:.1f} GB"
    if total < ENOUGH_MEMORY_BYTES:
        return warning("memory", what, "Close other programs while you play; the full AudioLDM 2 will not fit.")
    return ok("memory", what)
