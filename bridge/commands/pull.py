"""`clipbridge pull NAME`: fetch a checkpoint from the hub, after showing its size and licence."""

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
SHORT = {
    "ace-step": "ACE-Step/acestep-v15-xl-turbo-diffusers",
    "ace-step-base": "ACE-Step/acestep-v15-xl-base-diffusers",
    "stable-audio-open": "stabilityai/stable-audio-open-1.0",
    "stable-audio-3": "stabilityai/stable-audio-3-medium",
}
IN_WORDS = {"stability-ai-community": "free for those with less than 1 million dollars of revenue a year"}
NOT_FREE = {"nc": "not for commercial use", "sa": "changes only under the same licence", "nd": "no changes"}


def main(options: argparse.Namespace) -> int:
    """Fetch and verify a checkpoint, and print how to run it. Raises NoModel or FolderError."""
    try:
        from bridge.checkpoints import fetch  # late: huggingface_hub takes half a second to import
    except ValueError as error:
        raise NoModel(f"HF_ENDPOINT {os.environ.get('HF_ENDPOINT', '')!r} is not an address ({error}).") from error
    name = options.name if "/" in options.name else SHORT.get(options.name, OURS + options.name)
    offered = fetch.offer(name)
    if options.json:
        _print_event(
            "offered", name=offered.name, revision=offered.revision, licence=offered.licence,
            size_bytes=offered.size_bytes, missing_bytes=offered.missing_bytes, terms=offered.terms,
        )  # fmt: skip
    else:
        print(f"{offered.name}, revision {offered.revision[:12]}")
        print(f"Licence of its weights: {licence_in_words(offered.licence)}")
        if offered.terms:
            print(f"{offered.terms}")
        missing = f"{offered.missing_bytes / 1e9:.2f} GB to fetch" if offered.missing_bytes else "nothing to fetch"
        print(f"{offered.size_bytes / 1e9:.2f} GB, {missing}; it is stored in {hub_cache()}", flush=True)
    shown = not options.json and sys.stderr is not None and sys.stderr.isatty()
    with tqdm(unit="B", unit_scale=True, disable=not shown) as bar:
        percent = -1

        def progress(done: int, total: int) -> None:
            nonlocal percent
            bar.total = total
            bar.update(done - bar.n)
            before, percent = percent, 100 * done // max(1, total)
            if options.json and percent != before:
                _print_event("progress", done_bytes=done, total_bytes=total)

        fetch.fetch(offered, progress)
    find(name)  # as `run` does
    if options.json:
        _print_event("done", name=offered.name, files=len(offered.files))
    else:
        print(f"{len(offered.files)} files verified. Play it with: clipbridge run --model {offered.name}")
    return 0


def licence_in_words(licence: str) -> str:
    """A licence by its tag, such as "cc-by-nc-sa-4.0", and what it forbids, as far as that is known."""
    licence = escaped(licence[:100])
    if not licence:
        return "none stated: ask its authors before you publish anything"
    if licence in IN_WORDS:
        return f"{licence} ({IN_WORDS[licence]})"
    forbidden = [words for tag, words in NOT_FREE.items() if licence.startswith("cc-") and tag in licence.split("-")]
    return f"{licence} ({', '.join(forbidden)})" if forbidden else licence


def _print_event(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)
