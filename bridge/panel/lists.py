"""Puts dropped lists of prompts into the inbox. The disk may be slow: called on another thread."""

from __future__ import annotations

from pathlib import Path

from bridge.domain.limits import MAX_LIST_BYTES

MOST_LISTS = 100  # of one drop
MOST_NAMES = 1_000  # tried for a list whose name is taken


def copy_lists(paths: tuple[str, ...], folder: str) -> str:
    """Copy lists into the inbox under free names. Returns a sentence."""
    if not folder:
        return "There is no inbox (inbox.folder is empty in config.toml), so lists cannot be made."
    copied, faults = 0, list[str]()
    for path in map(Path, paths[:MOST_LISTS]):
        try:
            if not path.is_file():
                raise OSError("it is not a file")
            if path.stat().st_size > MAX_LIST_BYTES:
                raise OSError(f"it has more than {MAX_LIST_BYTES // 1_000} kB")
            _write_new(Path(folder).expanduser(), path, path.read_bytes())
            copied += 1
        except OSError as error:
            faults.append(f"{path.name} was left out: {error.strerror or error}.")
    words = (
        [f"Put {copied} {'list' if copied == 1 else 'lists'} into the inbox: clips are made of the lines."]
        if copied
        else []
    )
    words += [f"Took the first {MOST_LISTS} of {len(paths)}."] if len(paths) > MOST_LISTS else []
    words += faults[:1] + ([f"{len(faults) - 1} more cannot be used either."] if len(faults) > 1 else [])
    return " ".join(words)


def _write_new(folder: Path, source: Path, data: bytes) -> None:
    """Write a file that does not exist yet; the inbox reads it once it is complete. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST_NAMES):
        name = source.name if number == 1 else f"{source.stem} {number}{source.suffix}"
        try:
            with (folder / name).open("xb") as file:
                file.write(data)
            return
        except FileExistsError:
            continue
    raise OSError(f"the inbox has {MOST_NAMES - 1} files of this name; remove some of them")
    raise OSError("the inbox has too many lists of this name")
