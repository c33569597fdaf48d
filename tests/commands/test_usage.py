"""Wrong usage: whatever is typed wrong, the sentence says what to type instead."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bridge.cli import main, parser
from bridge.commands import generate
from bridge.domain.ask import FIELDS
from bridge.errors import BadArgument, NoAudio
from tests.harness import free_port

COMMANDS = parser()[1]
PAGE = (Path(__file__).parents[2] / "bridge" / "README.md").read_text("utf-8")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines of a command that ends with exit code 2: at most a usage, then one sentence."""
    try:
        code = main(list(arguments))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    lines = capsys.readouterr().err.splitlines()
    assert code == 2 and lines[-1].startswith("clipbridge: ")
    assert all(line.startswith(("usage: ", "  ")) for line in lines[:-1])
    return lines


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (["deep", "kick"], '"deep kick"'),
        (["deep", "warm", "kick"], '"deep warm kick"'),
        (["a", "b", "c", "d", "e", "f", "g"], '"a b c d e f g"'),
        (["deep", "kick", "1"], '"deep kick" 1'),
        (["deep", "kick", "--steps", "3", "1.5"], '"deep kick" 1.5'),
        (["deep", "--steps", "3", "warm", "kick"], '"deep warm kick"'),
        (["909", "kick"], '"909 kick"'),
        (["deep", "kick", "2,5"], '"deep kick" 2.5'),
        (["deep", "kick", "2", "s"], '"deep kick" 2'),
    ],
)
def test_a_prompt_without_quotes_is_shown_with_them(
    words: list[str], quoted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = refused(capsys, "generate", *words)
    assert line.endswith(f"clipbridge generate {quoted}")


def ended(kind: str, *values: object, paths: tuple[str, ...] = ()) -> int:
    return generate._end(kind, list(values), list(paths), quiet=True)


def test_a_clip_that_was_only_to_be_heard_and_was_not_has_one_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    refused = ended("failed", 1, "no_audio", "Nothing can be played now.")
    lost = ended("done", 1, "", 2.0, "seed", 5, "remark", "it was not played: the device is gone", paths=("",))
    assert refused == lost == NoAudio.exit_code and f"| {NoAudio.exit_code} |" in PAGE
    assert ended("done", 1, "", 2.0, "seed", 5, "voice", 3, paths=("",)) == 0
    assert ended("done", 1, "/a.wav", 2.0, "seed", 5, "remark", "it was not played", paths=("/a.wav",)) == 0
    assert ended("failed", 1, "disk", "The disk is full.") == 1 and ended("cancelled", 1) == 1
    assert ended("failed", 1, "bad_argument", "seconds must be 0.1 to 150.") == 2


def test_the_seconds_may_follow_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "deep kick", "--steps", "3", "1", "--osc-port", str(free_port())]) == 3
    assert "clipbridge run --osc-port " in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_or_option_with_a_typing_error_is_guessed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    typed = name[0] + name[2] + name[1] + name[3:] if name[1] != name[2] else name + "x"
    assert f"did you mean {name}?" in refused(capsys, typed)[-1]
    options = [option for option in COMMANDS[name]._option_string_actions if option.startswith("--")]
    for option in options:
        assert f"did you mean {option}?" in refused(capsys, name, option + option[-1], "1")[-1]
        assert f"did you mean {option}?" in refused(capsys, name, f"{option}{option[-1]}=1")[-1]


def typed_wrong(word: str) -> str:
    """A word with its last two letters swapped, or doubled if they are the same."""
    return word[:-2] + word[-1] + word[-2] if word[-1] != word[-2] else word + word[-1]


CHOICES = [
    (name, action.option_strings, str(choice))
    for name, command in COMMANDS.items()
    for action in command._actions
    for choice in action.choices or ()
    if len(str(choice)) > 2  # `no` is not a typing error for `on`
]


@pytest.mark.parametrize(("name", "option", "choice"), CHOICES)
def test_a_value_with_a_typing_error_is_guessed(
    name: str, option: list[str], choice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = refused(capsys, name, *option, typed_wrong(choice))
    assert lines[0].startswith(f"usage: clipbridge {name} ") and f"did you mean {choice}?" in lines[-1]


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.kind == "choice"])
def test_a_value_of_a_key_with_a_typing_error_is_guessed(name: str) -> None:
    for choice in FIELDS[name].choices:
        if isinstance(choice, str):
            with pytest.raises(BadArgument, match=f"{name} must be one of .*; did you mean {choice}?"):
                FIELDS[name].parse(typed_wrong(choice))


@pytest.mark.parametrize("seconds", ["2,5", "2.5s", "2.5 sec", "2.5 Seconds"])
def test_seconds_as_people_write_them_are_shown_as_a_number(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    for prompt in ("kick", "deep kick"):
        (line,) = refused(capsys, "generate", prompt, seconds)
        assert "without a unit" in line and line.endswith(f'clipbridge generate "{prompt}" 2.5')


VALUES = [
    (name, action.option_strings[-1], action.type)
    for name, command in COMMANDS.items()
    for action in command._actions
    if action.option_strings and action.nargs != 0
]
FLAGS = [
    (name, action.option_strings[-1])
    for name, command in COMMANDS.items()
    for action in command._actions
    if action.nargs == 0
]
NEEDED = {
    "recall": "FILE: ",
    "pull": "NAME: ",
    "render": "LIST: ",
    "rate": "FILE: ",
    "favourite": "FILE: ",
    "import": "FOLDER: ",
    "scripts": "list or install",
    "autostart": "on or off or status",
}


@pytest.mark.parametrize(("name", "option", "kind"), VALUES)
def test_an_option_without_its_value_or_with_a_wrong_one_is_named(
    name: str, option: str, kind: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"{option} needs a value; clipbridge {name} --help says which." in refused(capsys, name, option)[-1]
    if kind in (int, float):
        number = "whole number" if kind is int else "number"
        assert f"{option} must be a {number}, not 'x'." in refused(capsys, name, option, "x")[-1]


@pytest.mark.parametrize(("name", "option"), FLAGS)
def test_an_option_that_takes_no_value_says_so(name: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, name, f"{option}=3")[-1] == f"clipbridge: {option} takes no value, so leave '3' out."


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_argument_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"clipbridge {name} needs {NEEDED[name]}" in refused(capsys, name)[-1]


def test_a_missing_option_is_explained_like_a_missing_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert "clipbridge render needs --folder: where the clips go" in refused(capsys, "render", "list.txt")[-1]


def test_an_option_without_a_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for typed in ("-v", "--zzz"):
        assert (
            refused(capsys, typed)[-1] == f"clipbridge: clipbridge has no option {typed}; clipbridge --help lists them."
        )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_is_that_of_the_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = refused(capsys, name, "--zzz")
    assert lines[0].startswith(f"usage: clipbridge {name} ") and f"clipbridge {name} --help" in lines[-1]


@pytest.mark.parametrize("arguments", [("run", "my", "folder"), ("import", "My", "Music"), ("pull", "audioldm2", "x")])
def test_a_word_too_many_is_named(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert "one word too many" in refused(capsys, *arguments)[-1]


def test_the_name_of_a_kit_without_quotes_is_shown_with_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (line,) = refused(capsys, "kit", "night", "drums", "--preset", "drums-808")
    assert line.endswith('clipbridge kit "night drums" --preset drums-808')


def test_a_kit_without_sounds_is_explained_in_the_words_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = refused(capsys, "kit", "night drums")
    assert 'clipbridge kit "night drums" "deep kick"' in line and "/bridge" not in line and "@" not in line


def test_clipbridge_alone_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and all(name in error for name in COMMANDS)


def test_devices_and_doctor_take_the_options_of_the_daemon() -> None:
    options = {name: set(COMMANDS[name]._option_string_actions) for name in ("run", "devices", "doctor")}
    of_a_box = {"--serve", "--host", "--port", "--token-file", "--certificate", "--key"}
    assert options["run"] - {"--until-stdin-ends"} == options["devices"] == options["doctor"] - of_a_box
    assert of_a_box - {"--serve"} < set(COMMANDS["serve"]._option_string_actions)


def test_every_argument_has_its_sentence() -> None:
    for name, command in COMMANDS.items():
        assert command.description, name
        for action in command._actions:
            shown = action.option_strings or action.dest
            assert action.help and (action.help == argparse.SUPPRESS or len(action.help) > 8), (name, shown)
