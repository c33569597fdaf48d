from __future__ import annotations

from pathlib import Path

import pytest

from bridge import config
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
