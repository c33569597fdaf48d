"""The looks at files, folders and the port: nothing here loads torch, and each takes milliseconds."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from bridge import config
from bridge.checkpoints.find import hub_cache
from bridge.config import Config
from bridge.doctor.check import Check, fault, ok, warning
from bridge.errors import AlreadyRunning, ConfigError, FolderError, PortTaken
from bridge.files.folder import FolderSink
from bridge.frontends.osc.socket import bind
from bridge.presets.files import Presets, shipped_folder
from bridge.system import host_scripts, portable

ENOUGH_MEMORY_BYTES = 4 * 10**9  # what the starter needs beside a host, generously
ENOUGH_ROOM_BYTES = 2 * 10**9
CHECKPOINT_BYTES = 6 * 10**9  # of AudioLDM 2 large in single precision, as it is published


def _file_system(place: Path) -> str:
    """The kind of file system that `place` is on, by the longest mount point above it; "" if it cannot be told."""
    mounted = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    resolved = place.resolve()
    return next((mounted[above] for above in (resolved, *resolved.parents) if above in mounted), "")


def _holder(port: int) -> str:
    """The program that has a UDP port, as far as the system tells us."""
    try:
        pids = {c.pid for c in psutil.net_connections("udp") if c.laddr and c.laddr.port == port and c.pid}
        return ", ".join(sorted(f"{psutil.Process(pid).name()} (process {pid})" for pid in pids))
    except psutil.Error:  # macOS tells only an administrator
        return ""


def python() -> Check:
    """The interpreter and the machine."""
    what = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    if sys.maxsize < 2**32:
        return fault("python", f"{what}: 32 bits", "Install a 64-bit Python from python.org: torch has no other.")
    return ok("python", what)


def configuration() -> tuple[Check, Config]:
    """The settings file; the defaults where it is broken, so that the other looks go on."""
    file = config.config_file()
    try:
        return ok("configuration", str(file) if file.is_file() else f"defaults ({file} is not there)"), config.load()
    except ConfigError as error:
        return fault("configuration", str(error), f"Mend or delete {file}."), Config()


def folder(chosen: Path) -> Iterator[Check]:
    """Whether clips can be written, and how much room there is."""
    sink = FolderSink(chosen)
    try:
        sink.open()
        staging = sink.staging_root()
        sink.close()
    except FolderError as error:
        yield fault("folder", str(error), "Choose another one: clipbridge run --folder PATH")
        return
    kind = _file_system(chosen)
    where = "beside it" if staging.is_relative_to(chosen) else "outside it"
    yield ok("folder", f"{chosen} can be written ({kind or 'unknown file system'}; clips are staged {where})")
    yield _room("room for clips", chosen, ENOUGH_ROOM_BYTES, "Make room on that disk, or choose another --folder.")


def cache() -> Iterator[Check]:
    """Whether the cache can be written, and whether a large checkpoint would fit."""
    own, hub = portable.cache_folder(), hub_cache()
    for name, place in (("cache", own), ("checkpoint cache", hub)):
        if not portable.can_be_written(place):
            yield fault(name, f"{place} cannot be written", "Give yourself the right to write there, or set HF_HOME.")
        else:
            yield ok(name, str(place))
    yield _room(
        "room for checkpoints", hub, CHECKPOINT_BYTES, "Set HF_HOME to a folder on a larger disk before a pull."
    )


def _room(name: str, place: Path, enough_bytes: int, mend: str) -> Check:
    free = portable.free_bytes(place)
    what = f"{free / 1e9:.1f} GB free on the disk of {place}"
    return ok(name, what) if free > enough_bytes else warning(name, what, mend)


def port(chosen: Config) -> Check:
    """Whether the OSC port is free, or who holds it."""
    osc = chosen.osc
    try:
        bind(osc).close()
    except AlreadyRunning:
        return ok("port", f"a Clipbridge is running on {osc.host} port {osc.port}")
    except PortTaken as error:
        holder = _holder(osc.port)
        what = f"{error}" + (f" It is {holder}." if holder else "")
        return fault("port", what, "Close that program, or run with --osc-port N and tell your host.")
    except ConfigError as error:
        return fault("port", str(error), f"Set osc.host to an address of this machine in {config.config_file()}.")
    return ok("port", f"{osc.host} port {osc.port} is free")


def presets(chosen: Config) -> Check:
    """Ours and the musician's own."""
    found = Presets(shipped_folder(), chosen.presets)
    count = len(found.all())
    if found.faults:
        return fault("presets", "; ".join(found.faults), "Mend or delete these files.")
    if not count:
        return fault(
            "presets", f"none in {shipped_folder()}", "Install Clipbridge again: pip install --force-reinstall ."
        )
    return ok("presets", f"{count}; your own go into {chosen.presets}")


def scripts() -> Iterator[Check]:
    """Whether the scripts for hosts came along, and whether those that are installed are of this version."""
    if not host_scripts.shipped_folder().is_dir():
        what = f"none in {host_scripts.shipped_folder()}"
        yield fault("host scripts", what, "Install Clipbridge again: pip install --force-reinstall .")
        return
    found = [host_scripts.look(host) for host in host_scripts.all_hosts()]
    there = ", ".join(one.host for one in found if one.state == "current") or "none installed"
    yield ok("host scripts", f"{there} (clipbridge scripts list)")
    for one in found:
        if one.state == "old":
            what = f"the one for {one.host} in {one.folder} is of another version"
            yield warning("host scripts", what, f"clipbridge scripts install {one.host}")


def log(chosen: Config) -> Check:
    """Where the log is."""
    file = portable.log_folder() / config.log_file_name(chosen.osc.port)
    return ok("log", str(file) if file.is_file() else f"{file} (nothing yet)")


def memory() -> Check:
    """How much memory the machine has."""
    total = psutil.virtual_memory().total
    what = f"{total / 1e9:.1f} GB"
    if total < ENOUGH_MEMORY_BYTES:
        return warning("memory", what, "Close other programs while you play; the full AudioLDM 2 will not fit.")
    return ok("memory", what)
