"""Text files of users are read in every encoding in which editors and shells save them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge import config
from bridge.checkpoints.reading import read_json
from bridge.commands import generate
from bridge.errors import BadArgument, ConfigError
from bridge.frontends.inbox.lists import parse
from bridge.kits import presets as kit_presets
from bridge.live.pad_file import PadFile
from bridge.presets import files as presets
from bridge.system.text import NotText, text_of

LIST = '[[clip]]\nprompt = "雨 rain"\nseconds = 2\n'

# The kinds of files: name, content, and a function that reads the file and returns something from its last line.
READERS: dict[str, tuple[str, str, Callable[[Path], Any], Any]] = {
    "config": ("config.toml", "# 雨\n[osc]\nport = 57321\n", lambda file: config.load(file).osc.port, 57321),
    "ask": (
        "ask.json",
        '{"prompt": "雨 rain",\n"seed": 3}\n',
        lambda file: generate._read(file),
        (["雨 rain"], {"seed": 3}),
    ),
    "preset": ("wet.toml", 'description = "雨"\nseconds = 2\n', lambda file: presets.read(file).seconds, 2),
    "kit": (
        "wet.toml",
        'sounds = ["kick",\n"雨 rain"]\n',
        lambda file: kit_presets.read(file).sounds[1].text,
        "雨 rain",
    ),
    "list of lines": ("list.txt", "kick\n雨 rain\n", lambda file: parse(".txt", file.read_bytes())[1].text, "雨 rain"),
    "list of tables": ("list.toml", LIST, lambda file: parse(".toml", file.read_bytes())[0].text, "雨 rain"),
    "pads": (
        "pads.json",
        '{"1": {"ask": {"text": "雨 rain"},\n"locked": true}}\n',
        lambda file: PadFile(file).read()[1].ask.text,
        "雨 rain",
    ),
    "checkpoint": ("model_index.json", '{"_class_name":\n"雨"}\n', lambda file: read_json(file), {"_class_name": "雨"}),
}
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 of PowerShell": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "a NUL at the end": lambda text: text.encode() + b"\0",
    "NULs at the end of UTF-16": lambda text: text.encode("utf-16") + b"\0\0\0\0",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", READERS)
def test_every_kind_of_text_file_is_read_in_every_encoding(tmp_path: Path, kind: str, encoding: str) -> None:
    name, text, read, expected = READERS[kind]
    (tmp_path / name).write_bytes(ENCODINGS[encoding](text))
    assert read(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"kick\nGer\xe4usch\n", 2),
        (b"kick\r\na\0b", 2),
        (codecs.BOM_UTF16_LE + "a\nb\n".encode("utf-16-le") + b"\0\xd8", 3),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_the_line(tmp_path: Path, data: bytes, line: int) -> None:
    with pytest.raises(NotText, match=f"line {line} is not UTF-8 text"):
        text_of(data)
    for kind, error in (("config", ConfigError), ("preset", ConfigError), ("kit", ConfigError), ("ask", BadArgument)):
        name, _, read, _ = READERS[kind]
        (tmp_path / name).write_bytes(data)
        with pytest.raises(error, match=f"{line}: is not UTF-8|line {line} is not UTF-8"):
            read(tmp_path / name)


def test_an_empty_file_is_empty_text() -> None:
    assert [text_of(data) for data in (b"", b"\0", codecs.BOM_UTF8, codecs.BOM_UTF16_LE)] == ["", "", "", ""]


def test_text_that_json_would_escape_is_left_as_it_is() -> None:
    assert text_of(json.dumps({"a": "\0\ufeff"}).encode()) == json.dumps({"a": "\0\ufeff"})
