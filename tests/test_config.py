from __future__ import annotations

from pathlib import Path

import pytest

from bridge import config
from bridge.domain.outputs import Pairs, pairs_of
from bridge.errors import ConfigError


def load(tmp_path: Path, text: str = "", **settings: object) -> config.Config:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    return config.load(file, {key.replace("__", "."): value for key, value in settings.items()})


def test_options_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    assert load(tmp_path).osc.port == 57200
    assert load(tmp_path, "[osc]\nport = 5000").osc.port == 5000
    assert load(tmp_path, "[osc]\nport = 5000", osc__port=6000).osc.port == 6000
    assert load(tmp_path, 'folder = "~/clips"').folder == Path("~/clips").expanduser()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[ocs]\nport = 1", "did you mean osc"),
        ("[osc]\nprot = 1", "did you mean osc.port"),
        ("[osc]\nport = 70000", "0 to 65535"),
        ('[osc]\nport = "x"', "whole number"),
        ("[osc]\nport = true", "whole number"),
        ("osc = 3", "section"),
        ('[osc]\nhost = "localhost"', "IP address"),
        ('[osc]\nallow = ["nobody"]', "not an IP address"),
        ("[osc]\nallow = [1]", "list of strings"),
        ('[engine]\ncompute = "tpu"', "one of auto"),
        ('[engine]\ncompute = "cude"', "did you mean cuda"),
        ('[engine]\ncompile = "grahps"', "did you mean graphs"),
        *(
            (f'[audio]\ncue = "{cue}"', "two neighbouring channels .* such as 3-4")
            for cue in ("3", "4-3", "1-2-3", "3-5", "0-1", "-", " ")
        ),
        *((f'[audio]\npads = "{pads}"', "audio.pads must be two") for pads in ("3", "4-3", "headphones", "3-99999")),
        ('[audio]\npads = "2-3"', "shares a channel with the main output"),
        ('[audio]\ncue = "1-2"', "is the main output"),
        ('[audio]\ncue = "2-3"', "is the main output"),
        ('[audio]\ncue = "4-5"\npads = "3-4"', "share a channel"),
        ("[audio]\ncue = 3", "text"),
        ("folder = 7", "a folder"),
        ("port = ", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load(tmp_path, text)


def test_listening_beyond_loopback_needs_a_list_of_who_may_ask(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="osc.allow"):
        load(tmp_path, '[osc]\nhost = "0.0.0.0"')
    allowed = load(tmp_path, '[osc]\nhost = "0.0.0.0"\nallow = ["192.168.1.0/24"]')
    assert allowed.osc.allow == ("192.168.1.0/24",)


def test_set_takes_toml_values_or_plain_text() -> None:
    assert config.parse_setting("osc.port=5000") == ("osc.port", 5000)
    assert config.parse_setting("engine.scheduler=DDIM") == ("engine.scheduler", "DDIM")
    assert config.parse_setting('osc.allow=["10.0.0.1"]') == ("osc.allow", ["10.0.0.1"])
    with pytest.raises(ConfigError):
        config.parse_setting("osc.port")


def test_a_number_on_the_command_line_is_text_where_text_is_wanted(tmp_path: Path) -> None:
    assert load(tmp_path, midi__port=8).midi.port == "8"
    with pytest.raises(ConfigError, match="audio.cue must be two neighbouring channels .* not '3'"):
        load(tmp_path, **dict([config.parse_setting("audio.cue=3")]))


@pytest.mark.parametrize(
    ("cue", "pads", "pairs"),
    [
        ("", "", Pairs(0, None)), ("3-4", "", Pairs(0, 2)), ("5 - 6", "3–4", Pairs(2, 4)), ("Headphones 3-4", "1-2", Pairs(0, None)),
        ("1001-1002", "17-18", Pairs(16, 1000)),
    ],
)  # fmt: skip
def test_outputs_are_pairs_of_channels_or_for_the_cue_the_name_of_a_device(cue: str, pads: str, pairs: Pairs) -> None:
    assert pairs_of(cue, pads) == pairs
