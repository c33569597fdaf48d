"""The sample folder: clips appear in it complete, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from bridge.errors import FolderError
from bridge.system import portable
from bridge.system.spelling import on_disk
from bridge.system.writing import write_synced

DOT_FOLDER = ".clipbridge-staging"
LEAST_FREE_BYTES = 20 * 2**20  # about two minutes of audio; with less, Clipbridge does not start


class FolderSink:
    """Puts complete files into `folder`.

    A file is written and synced in a staging area on the same volume (outside the folder that hosts watch, if possible),
    checked, then renamed. Each process has its own staging area with a lock on it; the areas of dead processes are removed
    at start. Every method raises FolderError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = on_disk(folder)
        self._staging: Path | None = None
        self._lock: FileLock | None = None

    def open(self) -> None:
        """Create the folder if it is missing, remove the staging areas of dead processes and check that it can be written. From
        then on `folder` is its one spelling, so that a clip has the same path whichever link to the folder was named."""
        with sentence(self.folder):
            if len(str(self.folder)) > 4_000 or any(
                len(part.encode("utf-8", "replace")) > 255 for part in self.folder.parts
            ):
                raise OSError(errno.ENAMETOOLONG, "too long")
            check_room(self.folder)
            _make(self.folder)
            self.folder = on_disk(self.folder)
            if not _is_utf8(self.folder):
                raise OSError(errno.EILSEQ, "its path is not UTF-8, so no host could be told of it")
            self.sweep()
            for place in (self._stage(), self.folder):  # a readable folder may not allow renaming into it
                if not os.access(place, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, "no permission")
            try:
                (self._stage() / "trial.wav").write_bytes(b"clipbridge")
                (self._stage() / "trial.wav").unlink()
            except OSError:
                self.close()  # leave nothing in the folder
                raise

    def sweep(self) -> None:
        """Remove the staging areas of dead processes."""
        with contextlib.suppress(OSError):
            beside = [root for depth in ("*", "*/*", "*/*/*") for root in self.folder.glob(f"{depth}/{DOT_FOLDER}")]
            for root in (*self._roots(), *beside):
                _sweep(root)

    def deliver(self, data: bytes, check: Callable[[Path], None], sub_folder: str, names: Iterator[str]) -> Path:
        """Write `data` under the first free name of `names` and return its path.

        `check` is called with the staged file before it becomes visible; it raises OSError if the file is not as expected.
        """
        with sentence(self.folder):
            if (
                not self.folder.is_dir()
            ):  # an unplugged drive: creating the folder would fill the disk below the mount point
                raise FileNotFoundError(errno.ENOENT, "is gone")
            target = self.folder / sub_folder if sub_folder else self.folder
            target.mkdir(parents=True, exist_ok=True)
            try:
                return self._write(self._stage(), target, data, check, names)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            # A bind mount, or a sub-folder that is a link to another disk: stage next to the clip.
            area, lock = _claim(target / DOT_FOLDER)
            try:
                return self._write(area, target, data, check, names)
            finally:
                _remove(area, lock)

    def close(self) -> None:
        """Remove this process's staging area."""
        if self._staging is not None and self._lock is not None:
            _remove(self._staging, self._lock)
        self._staging = self._lock = None

    def _write(
        self, staging: Path, target: Path, data: bytes, check: Callable[[Path], None], names: Iterator[str]
    ) -> Path:
        staged = staging / f"{secrets.token_hex(8)}.wav"
        try:
            write_synced(staged, data)
            check(staged)
            final = next(path for name in names if not (path := target / name).exists())
            portable.replace(staged, final)
        finally:
            with contextlib.suppress(OSError):
                staged.unlink(missing_ok=True)
        portable.sync_folder(target)
        return final

    def _roots(self) -> list[Path]:
        """Possible parents of staging areas, best first: the cache if it is on the same volume, else a dot folder."""
        outside = portable.cache_folder() / "staging"
        roots = [self.folder / DOT_FOLDER]
        with contextlib.suppress(OSError):  # no usable cache folder
            outside.mkdir(parents=True, exist_ok=True)
            if portable.same_volume(outside, self.folder) and self.folder not in outside.parents:
                roots.insert(0, outside)
        return roots

    def staging_root(self) -> Path:
        """The folder in which clips are staged."""
        return self._roots()[0]

    def _stage(self) -> Path:
        if self._staging is None or not self._staging.is_dir():
            if self._lock is not None:
                self._lock.release()
            self._staging, self._lock = _claim(self.staging_root())
        return self._staging


def _claim(root: Path) -> tuple[Path, FileLock]:
    """Create a staging area and lock it; retry if another process sweeps it away in between."""
    for attempt in range(5):
        area = root / secrets.token_hex(8)
        area.mkdir(parents=True)
        lock = FileLock(area / "lock")
        try:
            lock.acquire(timeout=0)
        except OSError:
            shutil.rmtree(area, ignore_errors=True)
            if attempt == 4:
                raise
        else:
            return area, lock
    raise AssertionError("unreachable")


def _remove(area: Path, lock: FileLock) -> None:
    """Unlock and remove a staging area."""
    lock.release()  # first: Windows does not remove an open file
    shutil.rmtree(area, ignore_errors=True)
    with contextlib.suppress(OSError):
        if area.parent.name == DOT_FOLDER:
            area.parent.rmdir()  # only if it is empty


def check_room(folder: Path) -> None:
    """Raises FolderError if a folder, which need not exist, is on a disk with hardly any free space."""
    disk = next((place for place in (folder, *folder.parents) if place.exists()), None)
    if disk is None:
        return  # a removed drive letter
    size, _, free = shutil.disk_usage(disk)
    if size and free < LEAST_FREE_BYTES:  # /proc has no size
        raise FolderError(
            f"Only {free / 1e6:.1f} MB are free on the disk of {folder}, and Clipbridge needs {LEAST_FREE_BYTES / 1e6:.0f} MB to start. "
            "Make room, or choose a folder on another disk with --folder."
        )


def _make(folder: Path) -> None:
    """Create the sample folder. Raises FolderError if a file is in its place."""
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file, not a folder. Choose a folder with --folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise FolderError(f"The sample folder {folder} cannot be made. Choose another with --folder.") from error


def _sweep(root: Path) -> None:
    """Remove the staging areas of dead processes: those whose lock is free."""
    for area in root.iterdir() if root.is_dir() else ():
        if not (area / "lock").is_file():
            continue  # not one of ours
        try:
            with FileLock(area / "lock", timeout=0):
                for leftover in area.glob("*.wav"):
                    leftover.unlink(missing_ok=True)
        except OSError:
            continue  # a Timeout: another daemon is using it; other errors: another user's area
        shutil.rmtree(area, ignore_errors=True)
    with contextlib.suppress(OSError):
        if root.name == DOT_FOLDER and root.is_dir():
            root.rmdir()  # only if it is empty


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def sentence(folder: Path) -> Iterator[None]:
    """Turn an OSError about `folder` into a FolderError that says what to do."""
    try:
        yield
    except OSError as error:
        raise FolderError(_explain(error, folder)) from error


def _explain(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk with {folder} is full. Make room; the next clip is written then."
    if error.errno == errno.EROFS:
        return f"{folder} is on a read-only disk. Choose another folder with --folder."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{folder} may not be written by this user. Fix its permissions or choose another with --folder."
    if error.errno == errno.ENAMETOOLONG:
        return f"The name of the sample folder is too long for this system: {str(folder)[:80]}…"
    if error.errno in (errno.ENOENT, errno.ESTALE) or (error.errno is not None and not os.path.isdir(folder)):
        return f"The sample folder {folder} is gone or cannot be made. Put it back; the next clip is written then."
    return f"{folder} cannot be written ({error.strerror or error})."
