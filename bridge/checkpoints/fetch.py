"""Fetch a checkpoint from the hub into the hub's own cache: first size and licence, then each file, verified."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The hub's own transport for large files (Xet) counts bytes twice and cannot resume at a byte. Read at import.
os.environ["HF_HUB_DISABLE_XET"] = "1"

import huggingface_hub
from filelock import FileLock
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import EntryNotFoundError, build_hf_headers
from tqdm import tqdm

from bridge.checkpoints import families
from bridge.checkpoints.find import hub_cache, licence_of
from bridge.checkpoints.hub_errors import hub_errors
from bridge.checkpoints.reading import INDEX, index_of
from bridge.checkpoints.reading import SETTINGS as CONFIGURATION
from bridge.errors import FolderError, NoModel
from bridge.system import portable
from bridge.system.writing import write_whole

REFERENCE = "model_config.json"  # of Stability AI's own code
UNCONVERTED = (
    "{name} is in the layout of Stability AI's own code, which has to be converted first. Accept its licence on the hub, fetch it with `hf "
    "download {name}`, run scripts/convert_stable_audio_3_to_diffusers.py of the diffusers repository, and give its folder to "
    "`clipbridge run --model`."
)
SETTINGS = (".json", ".txt", ".model")  # configurations and tokenizers
REVISION = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|git:[0-9a-f]{40}")
UNFINISHED = ".clipbridge-unfinished"
SPARE_BYTES = 200_000_000  # left free: a full disk stops everything else
INDEX_BYTES = 1_000_000

OnBytes = Callable[[int, int], None]
"""Called with the bytes fetched so far and the bytes in all."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to fetch. `digest` is "sha256:…" for weights, "git:…" (git's blob SHA-1) for the rest."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Offer:
    """The files that the hub has under a name, and the number of bytes that are not in the cache yet. `terms`: see Family."""

    name: str
    revision: str
    licence: str
    files: tuple[File, ...]
    missing_bytes: int
    terms: str = ""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def offer(name: str) -> Offer:
    """Ask the hub about `name`, and refuse what Clipbridge cannot load. Only the index is fetched.

    Raises NoModel: no such model, of no known family, no safetensors, the hub is out of reach.
    """
    with hub_errors(name):
        info = huggingface_hub.HfApi().model_info(name, files_metadata=True)
        revision = str(info.sha)
        if not REVISION.fullmatch(revision):
            raise ValueError("it does not name a revision")
        if (names := {entry.rfilename for entry in info.siblings or []}) and INDEX not in names and REFERENCE in names:
            raise NoModel(UNCONVERTED.format(name=name))
        with tempfile.TemporaryDirectory() as aside:
            content = _index(name, revision, aside)
        in_parts = families.has_parts(content)
        files = tuple(_file(entry) for entry in info.siblings or [] if _is_needed(entry.rfilename, in_parts))
    families.check_layout(name, content, {file.name for file in files})
    missing = sum(file.size_bytes - _fetched_bytes(name, file) for file in files)
    tag, title = (str(getattr(info.card_data, key, "") or "") for key in ("license", "license_name"))
    return Offer(name, revision, licence_of(tag, title), files, missing, families.terms_of(content))


def _index(name: str, revision: str, aside: str) -> dict[str, Any]:
    """The index of a checkpoint: of its own file, or of the settings of one without parts."""

    def read(file: str) -> dict[str, Any]:
        path = huggingface_hub.hf_hub_download(name, file, revision=revision, cache_dir=aside)
        content = json.loads(Path(path).read_bytes()[:INDEX_BYTES])
        return content if isinstance(content, dict) else {}

    try:
        return read(INDEX)
    except EntryNotFoundError as error:
        try:
            return index_of(read(CONFIGURATION))
        except EntryNotFoundError:
            raise error from None


def fetch(offered: Offer, on_bytes: OnBytes) -> Path:
    """Fetch the missing files, verify all, and return the snapshot's folder. The next call resumes an interrupted fetch at the
    same byte. The hub's cache points at the revision only when all files are complete.

    Raises FolderError (no room) or NoModel (the hub is out of reach, a file does not match its checksum).
    """
    free = portable.free_bytes(hub_cache())
    if offered.missing_bytes and free < offered.missing_bytes + SPARE_BYTES:
        raise FolderError(
            f"No room for {offered.missing_bytes / 1e9:.1f} GB in {hub_cache()}: {free / 1e9:.1f} GB "
            "are free. Make room, or set HF_HOME to a folder on another disk."
        )
    finished = 0
    for file in offered.files:
        done = finished + _fetched_bytes(offered.name, file)

        def count(more: float | None) -> None:
            nonlocal done
            done += int(more or 0)
            on_bytes(max(0, min(done, offered.size_bytes)), offered.size_bytes)

        with hub_errors(offered.name):
            count(0)
            _fetch(offered, file, count)
            # Finds the content in the cache, and links or copies it into the snapshot.
            huggingface_hub.hf_hub_download(offered.name, file.name, revision=offered.revision, cache_dir=hub_cache())
        finished += file.size_bytes
    on_bytes(finished, offered.size_bytes)
    with hub_errors(offered.name):
        _point_at(offered)
    return _repository(offered.name) / "snapshots" / offered.revision


def _fetch(offered: Offer, file: File, count: Callable[[float | None], None]) -> None:
    """Fetch a file's content to where the hub's cache looks for it, resuming an unfinished one.

    huggingface_hub itself would start again in every process: it gives unfinished files random names.
    """
    content = _content(offered.name, file)
    content.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(content.with_suffix(".clipbridge-lock")):
        if content.is_file():
            return _verify(offered.name, file, content)
        unfinished = content.with_suffix(UNFINISHED)
        if unfinished.is_file() and unfinished.stat().st_size > file.size_bytes:
            unfinished.unlink()  # larger than it should be: start again
        with unfinished.open("ab") as stream:
            http_get(
                huggingface_hub.hf_hub_url(offered.name, file.name, revision=offered.revision),
                stream,
                resume_size=stream.tell(),
                headers=build_hf_headers(),
                expected_size=file.size_bytes,
                tqdm_class=_meter(count),
            )
        _verify(offered.name, file, unfinished)
        portable.replace(unfinished, content)
    return None


def _point_at(offered: Offer) -> None:
    """Make this revision the one that the hub's cache returns, also offline."""
    reference = _repository(offered.name) / "refs" / "main"
    reference.parent.mkdir(parents=True, exist_ok=True)
    write_whole(reference, offered.revision.encode("ascii"))
    for lock in (_repository(offered.name) / "blobs").glob("*.clipbridge-lock"):
        lock.unlink(missing_ok=True)


def _repository(name: str) -> Path:
    return hub_cache() / ("models--" + name.replace("/", "--"))


def _content(name: str, file: File) -> Path:
    """Where the hub's cache keeps the content of a file: under its digest, which is also its ETag."""
    return _repository(name) / "blobs" / file.digest.partition(":")[2]


def _fetched_bytes(name: str, file: File) -> int:
    """The bytes of a file that are in the cache."""
    content = _content(name, file)
    for place in (content, content.with_suffix(UNFINISHED)):
        if place.is_file():
            return min(place.stat().st_size, file.size_bytes)
    return 0


def _is_needed(name: str, in_parts: bool) -> bool:
    """Whether to fetch a file: weights as safetensors, configurations and tokenizers, but no .bin or .msgpack duplicates and
    no half-precision variants. Of a checkpoint `in_parts` from its folders, else from the top."""
    part, _, file = name.rpartition("/")
    if in_parts and not part:
        return name in (INDEX, "README.md")
    if part not in families.parts() if in_parts else part:
        return False
    if not part and file == "README.md":
        return True
    stem, dot, suffix = file.rpartition(".")
    return dot + suffix in SETTINGS or (suffix == "safetensors" and "." not in stem)


def _file(entry: Any) -> File:
    digest = f"sha256:{entry.lfs.sha256}" if entry.lfs else f"git:{entry.blob_id}"
    if not DIGEST.fullmatch(digest):
        raise ValueError("a file without a digest")
    return File(entry.rfilename, int(entry.size or 0), digest)


def _verify(name: str, file: File, path: Path) -> None:
    kind, _, expected = file.digest.partition(":")
    with path.open("rb") as stream:
        if kind == "sha256":
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
        else:  # as `git hash-object` does
            content = stream.read()
            actual = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if actual != expected:
        path.unlink(missing_ok=True)
        raise NoModel(
            f"{name}: {file.name} does not match the hub's checksum and was deleted. Pull again; if that does not "
            "help, the mirror or the connection changes files."
        )


def _meter(count: Callable[[float | None], None]) -> type[tqdm[Any]]:
    """A tqdm class that shows nothing and passes byte counts to `count`."""

    class Meter(tqdm):
        def __init__(self, *_arguments: Any, **_settings: Any) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> None:
            count(n)

    return Meter
