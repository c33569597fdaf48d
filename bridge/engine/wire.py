"""The protocol between a front and an engine on another machine: HTTP, with frames in both directions. No torch.

A frame is one line of JSON, whose `frame` is its kind and whose `bytes` says how many raw bytes follow. GET answers with the facts of
the box as JSON. POST takes one frame, `generate`, whose raw bytes are the source's audio, and answers with a stream of frames:

- `waiting` (ahead): not begun; `ahead` jobs come first. Repeated as a sign of life.
- `step` (done, units): see Step; the first one says that the job has begun. Repeated as a sign of life.
- `piece` (take, start_frame, channels, last) and its samples.
- `finished` (cost, scores, remarks, highest_bytes, unmet, in_tempo) or `broken` (code, why): the only ends. A stream that ends without
  one was cut.

A job is cancelled by closing the connection. An answer with another status than 200 has a JSON object: `code` and `why`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.domain.plain import plain
from bridge.engine.messages import Cost, Ready

PROTOCOL = 1
ALIVE_S = 2.0  # between two signs of life
SILENT_S = 10.0  # without a sign of life, the other side is gone
MOST_LINE_BYTES = 500_000  # a recipe, as JSON inside JSON, and the rest
MOST_RAW_BYTES = 128 << 20  # 150 s of one take in stereo at 48 kHz take 58 MB
MOST_SOURCE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read. `values`: the rest of its line, not checked yet."""

    kind: str
    values: dict[str, Any]
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a box says of itself. `ready`: with the costs of all its runs for warming; None until the checkpoint is loaded, for the reason
    `why`."""

    clipbridge: str
    protocol: int
    ready: Ready | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The contents of `finished`; see Finished."""

    cost: Cost
    scores: tuple[float, ...]
    remarks: dict[str, str] = field(default_factory=dict)
    highest_bytes: int = 0
    unmet: tuple[str, ...] = ()
    in_tempo: bool = False


class Lines(Protocol):
    """What frames are read from: an HTTP response, or a file."""

    def readline(self, limit: int = -1, /) -> bytes: ...
    def read(self, amount: int = -1, /) -> bytes: ...


def frame(kind: str, raw: bytes = b"", **values: Any) -> bytes:
    """A frame as bytes."""
    line = {"frame": kind, **{name: plain(value) for name, value in values.items()}, "bytes": len(raw)}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n" + raw


def read_frame(lines: Lines, most_raw: int = MOST_RAW_BYTES) -> Frame | None:
    """The next frame; None at the end of the stream, also if it was cut. Raises ValueError for what is not a frame."""
    line = lines.readline(MOST_LINE_BYTES + 1)
    if not line.endswith(b"\n"):
        if len(line) > MOST_LINE_BYTES:
            raise ValueError("a line is too long")
        return None
    kind, values, size = parse_line(line, most_raw)
    raw = lines.read(size) if size else b""
    return Frame(kind, values, raw) if len(raw) == size else None


def parse_line(line: bytes, most_raw: int = MOST_RAW_BYTES) -> tuple[str, dict[str, Any], int]:
    """The kind, the values and the number of raw bytes of a frame's line. Raises ValueError."""
    try:
        values = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not a table")
    kind, size = values.pop("frame", None), values.pop("bytes", None)
    if not isinstance(kind, str) or type(size) is not int or not 0 <= size <= most_raw:
        raise ValueError("not a frame")
    return kind, values, size
