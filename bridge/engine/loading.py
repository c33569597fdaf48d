"""Load the parts of a checkpoint, or say why they cannot be loaded: what all families share.

Every known way in which libraries load one wrongly without an error is refused here.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import diffusers
import psutil
import torch
import transformers
from tqdm import tqdm

from bridge.checkpoints.reading import class_of
from bridge.checkpoints.weights import elements
from bridge.engine.lean_imports import without_compiler
from bridge.engine.runtime import memory
from bridge.errors import NoModel

# Functions of torch.nn.init. In an empty tensor they take as long as reading the starter, and import SymPy.
FILLING = ("normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_", "trunc_normal_")

# Lower case, because small checkpoints may not know capitals.
KNOWN_SENTENCE = "the sound of a hammer hitting a wooden surface"


def quiet() -> None:
    """Keep the libraries' progress bars and warnings off the terminal. Everything that matters is an error of ours."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    # diffusers passes an argument that is deprecated since transformers 5.24.
    warnings.filterwarnings("ignore", "`past_key_values` is deprecated", FutureWarning)
    # The pipeline makes a (disabled) tqdm bar in each call. Prevent its monitor thread, and a semaphore that the system reports
    # as leaked when this process ends.
    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())


def small_part(library: Any, folder: Path, part: str) -> Any:
    """A part without weights, of the class that the checkpoint names; `checkpoints.find` has checked that name."""

    def read() -> Any:
        return getattr(library, class_of(folder, part)).from_pretrained(folder / part, local_files_only=True)

    return refuse_on_error(folder, part, read)


def load_part(folder: Path, part: str, cls: Any, dtype: torch.dtype) -> Any:
    """A part with weights, of class `cls`. Raises NoModel."""

    def read() -> Any:
        with without_compiler(), _unfilled():
            return cls.from_pretrained(
                folder,
                subfolder=part,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )

    model, info = refuse_on_error(folder, part, read)
    wrong = sorted(map(str, info.get("missing_keys") or [])) + sorted(map(str, info.get("mismatched_keys") or []))
    if wrong:
        raise NoModel(
            f"{folder}: {part} would run with {len(wrong)} random layers, because its file lacks {wrong[0]}"
            f"{' and others' if len(wrong) > 1 else ''}. Fetch the checkpoint again, or use another one."
        )
    return model.eval()


@contextlib.contextmanager
def _unfilled() -> Iterator[None]:
    """Fill no new weights with random numbers: each is read from a file, or the part is refused."""
    originals = {name: getattr(torch.nn.init, name) for name in FILLING}
    try:
        for name in FILLING:
            setattr(torch.nn.init, name, lambda tensor, *_a, **_more: tensor)
        yield
    finally:
        for name, original in originals.items():
            setattr(torch.nn.init, name, original)


def refuse_on_error(folder: Path, what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except torch.OutOfMemoryError as error:
        raise NoModel(
            f"{folder} does not fit into memory ({what}). Use a smaller checkpoint or --compute cpu."
        ) from error
    except Exception as error:  # a damaged file raises anything, from json errors to SafetensorError
        reason = " ".join(str(error).split())[:300]
        raise NoModel(f"{folder}: {what} cannot be loaded ({type(error).__name__}: {reason}).") from error


def check_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Check that a known sentence survives encoding and decoding, in tokens longer than letters. Raises NoModel.

    Catches a vocabulary of 14 tokens (a T5 folder without tokenizer.json: every word is unknown) and lost merges
    (transformers 5.0.0: one token per letter), which both run and make the wrong sound.
    """
    if type(tokenizer).__name__ == "VitsTokenizer":
        _check_letters(tokenizer, folder)
        return
    ids = tokenizer(KNOWN_SENTENCE).input_ids
    back = tokenizer.decode(ids, skip_special_tokens=True).strip()
    unknown = tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids
    if unknown or back != KNOWN_SENTENCE or len(ids) > 0.75 * len(KNOWN_SENTENCE):
        raise NoModel(
            f"{folder}: its {type(tokenizer).__name__} is broken: it reads {KNOWN_SENTENCE!r} as {back[:60]!r} in "
            f"{len(ids)} tokens. The checkpoint lacks tokenizer.json, or transformers {transformers.__version__} misreads it."
        )


def _check_letters(tokenizer: Any, folder: Path) -> None:
    """Letters and phonemes cannot be decoded to words, but there must be several. Raises NoModel."""
    if tokenizer.phonemize and not transformers.utils.is_phonemizer_available():
        raise NoModel(
            f"{folder} reads phonemes: pip install phonemizer, and install espeak-ng (Debian: apt install espeak-ng, "
            "macOS: brew install espeak-ng, Windows: its installer from github.com/espeak-ng/espeak-ng/releases)."
        )
    ids = tokenizer(KNOWN_SENTENCE).input_ids
    if len(set(ids)) < 5:
        raise NoModel(f"{folder}: its VitsTokenizer is broken: a sentence becomes {len(set(ids))} different tokens.")


def check_room(folder: Path, precision: Mapping[str, torch.dtype], compute: str, memory_gb: int) -> None:
    """Check, before anything is loaded, that the weights of these parts fit into the free memory, each in its precision. Raises NoModel
    with the size that is needed."""
    needed = sum(elements(folder / part) * dtype.itemsize for part, dtype in precision.items())
    room = memory.budget(compute, memory_gb) or psutil.virtual_memory().available
    if needed > room:
        raise NoModel(
            f"{folder}: its weights need {needed / 1e9:.1f} GB, and {compute} has {room / 1e9:.1f} GB free. Close other programs, or use a "
            "smaller checkpoint."
        )
