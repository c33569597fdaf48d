"""`clipbridge pull NAME`: fetch an AudioLDM 2 checkpoint from the hub, after showing its size and licence."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from tqdm import tqdm

from bridge.checkpoints.find import find, hub_cache
from bridge.errors import NoModel
from bridge.system.logs import escaped

OURS = "cvssp/"  # the publisher of AudioLDM 2, so that `pull audioldm2-music` works
NOT_FREE = {"nc": "not for commercial use", "sa": "changes only under the same licence", "nd": "no changes"}


def main(options: argparse.Namespace) -> int:
    """Fetch and verify a checkpoint, and print how to run it. Raises NoModel or FolderError."""
    try:
        from bridge.checkpoints import fetch  # late: huggingface_hub takes half a second to import
    except ValueError as error:
        raise NoModel(f"HF_ENDPOINT {os.environ.get('HF_ENDPOINT', '')!r} is not an address ({error}).") from error
    name = options.name if "/" in options.name else OURS + options.name
    tell = JsonLines() if options.json else Terminal()
    offered = fetch.offer(name)
    tell.offered(offered)
    try:
        fetch.fetch(offered, tell.progress)
    finally:
        tell.close()
    find(name)  # as `run` does
    tell.done(offered)
    return 0


def licence_in_words(licence: str) -> str:
    """A Creative Commons tag such as "cc-by-nc-sa-4.0" and what it forbids."""
    licence = escaped(licence[:100])
    if not licence:
        return "none stated: ask its authors before you publish anything"
    forbidden = [words for tag, words in NOT_FREE.items() if licence.startswith("cc-") and tag in licence.split("-")]
    return f"{licence} ({', '.join(forbidden)})" if forbidden else licence


class Terminal:
    """Lines and a progress bar for people."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def offered(self, offered: Any) -> None:
        print(f"{offered.name}, revision {offered.revision[:12]}")
        print(f"Licence of its weights: {licence_in_words(offered.licence)}")
        missing = f"{offered.missing_bytes / 1e9:.2f} GB to fetch" if offered.missing_bytes else "nothing to fetch"
        print(f"{offered.size_bytes / 1e9:.2f} GB, {missing}; it is stored in {hub_cache()}", flush=True)

    def progress(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, unit="B", unit_scale=True, file=sys.stderr, disable=not sys.stderr.isatty())
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def done(self, offered: Any) -> None:
        print(f"{len(offered.files)} files verified. Play it with: clipbridge run --model {offered.name}")


class JsonLines:
    """Lines of JSON for programs."""

    def __init__(self) -> None:
        self._percent = -1

    def offered(self, offered: Any) -> None:
        self._say(
            "offered", name=offered.name, revision=offered.revision, licence=offered.licence,
            size_bytes=offered.size_bytes, missing_bytes=offered.missing_bytes,
        )  # fmt: skip

    def progress(self, done: int, total: int) -> None:
        percent = 100 * done // max(1, total)
        if percent != self._percent:
            self._percent = percent
            self._say("progress", done_bytes=done, total_bytes=total)

    def close(self) -> None:
        pass

    def done(self, offered: Any) -> None:
        self._say("done", name=offered.name, files=len(offered.files))

    def _say(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), flush=True)
