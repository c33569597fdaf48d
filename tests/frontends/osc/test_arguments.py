from __future__ import annotations

import math
from typing import Any

import pytest

from bridge.domain.ask import Ask
from bridge.domain.job import id_key
from bridge.errors import BadArgument, ClipbridgeError
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import asks
from tests.frontends.osc.test_buttons import Desk


def ask(*arguments: Any) -> Ask:
    return asks.pairs(list(arguments)).ask()


def words(*arguments: Any) -> Ask:
    return asks.words(list(arguments)).ask()


def test_the_first_argument_is_always_the_prompt_even_a_number() -> None:
    assert ask("808", 2.0) == Ask("808", seconds=2.0)
    assert ask(808, 2) == Ask("808", seconds=2.0)
    assert ask(808.0) == Ask("808")


def test_seconds_may_be_int_float_long_or_numeric_text() -> None:
    for seconds in (4, 4.0, "4", "4.0", " 4 ", 2**2):
        assert ask("rain", seconds).seconds == 4.0
    assert ask("rain").seconds is None


def test_pairs_come_in_any_order_after_the_seconds_or_without_them() -> None:
    assert ask("rain", 4.0, "steps", 10, "seed", 7) == ask("rain", 4.0, "seed", 7, "steps", 10)
    assert ask("rain", "preset", "pad", "seed", 7.0) == Ask("rain", preset="pad", seed=7)


def test_a_limit_rounded_to_a_32_bit_float_counts_as_the_limit() -> None:
    assert ask("rain", 0.10000000149011612).seconds == 0.1
    assert ask("rain", 0.0999999940395).seconds == 0.1
    assert ask("rain", 2.299999952316284).seconds == 2.3


def test_large_seeds_are_not_rounded() -> None:
    assert ask("rain", "seed", 2**31 - 1).seed == 2**31 - 1
    assert ask("rain", "seed", 2**31 - 2).seed == 2**31 - 2


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -1, 0, 0.05, 1e9, 151, "nan", "1e999", 2**62])
def test_impossible_lengths_are_refused(seconds: Any) -> None:
    with pytest.raises(BadArgument):
        ask("rain", seconds)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("   ",),
        (b"rain",),
        (None,),
        (True,),
        ([1, 2],),
        ("rain", 4.0, "seed"),
        ("rain", 4.0, 7, 8),
        ("rain", "seed", 1.5),
        ("rain", "seed", -1),
        ("rain", "seed", 2**31),
        ("rain", "seed", "abc"),
        ("rain", "seed", True),
        ("rain", "seed", None),
        ("rain", "seed", 1, "seed", 2),
        ("rain", "steps", 0),
        ("rain", "steps", 251),
        ("rain", "steps", math.nan),
        ("rain", "takes", 17),
        ("rain", "guidance", -0.1),
        ("rain", "guidance", "strong"),
        ("rain", "note", "h4"),
        ("rain", "note", "c"),
        ("rain", "note", 128),
        ("rain", "note", 60.5),
        ("rain", "note", b"c4"),
        ("rain", "negative", 7),
        ("rain", "negative", b"x"),
        ("rain", "id", ""),
        ("rain", "id", b"x"),
        ("rain", "id", math.nan),
        ("rain", "id", "x" * 121),
        ("rain", "id", "a\nb"),
        ("rain", "reply_port", 0),
        ("rain", "reply_port", 65536),
        ("rain", "volume", 3),
        ("x" * 4_001,),
        ("rain\x07bell",),
        ("rain\x1b[2J",),
        ("rain", "negative", "a\x00b"),
    ],
)
def test_bad_arguments_are_refused_with_a_sentence(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(BadArgument) as refusal:
        ask(*arguments)
    assert str(refusal.value).endswith((".", "?", "4.0")) and len(str(refusal.value)) < 400


def test_the_refusal_of_an_unknown_key_names_the_nearest_one() -> None:
    with pytest.raises(BadArgument, match="did you mean seed"):
        ask("rain", "sed", 7)
    with pytest.raises(BadArgument, match="did you mean preset"):
        ask("rain", "@preset", "pad")


def test_a_sink_is_one_of_three_words() -> None:
    for sink in ("folder", "audio", "both"):
        assert ask("rain", "sink", sink) == Ask("rain", sink=sink)
    for other in ("tape", 1, ""):
        with pytest.raises(BadArgument, match="folder, audio, both"):
            ask("rain", "sink", other)


@pytest.mark.parametrize(
    ("value", "name"),
    [("c3", "c3"), ("A#4", "a#4"), ("Eb2", "d#2"), (60, "c4"), (69.0, "a4"), ("61", "c#4"), ("B♭3", "a#3")],
)
def test_a_note_is_a_name_or_a_midi_number(value: Any, name: str) -> None:
    assert ask("bell", "note", value) == Ask("bell", note=name)


def test_a_refusal_still_knows_its_id_and_reply_port() -> None:
    message = asks.pairs(["rain", "seed", "x", "id", 12.0, "reply_port", 9001, "volume", 1])
    assert (message.job_id(), message.reply_port()) == (12.0, 9001)
    with pytest.raises(ClipbridgeError):
        message.ask()


def test_white_space_is_collapsed_and_other_scripts_are_kept() -> None:
    assert ask("  rain \t on\n tin ").text == "rain on tin"
    assert ask("雨の音 🌧️ é").text == "雨の音 🌧️ é"


def test_words_before_the_first_at_sign_are_the_prompt_and_a_last_number_the_seconds() -> None:
    assert words("rain", "on", "tin", 4.0, "@seed", 7.0) == Ask("rain on tin", seconds=4.0, seed=7)
    assert words("rain", "on", "tin") == Ask("rain on tin")
    assert words("tr", 808.0, "kick", 2.0) == Ask("tr 808 kick", seconds=2.0)
    assert words(808.0) == Ask("808")
    assert words("rain", "4") == Ask("rain", seconds=4.0)
    assert words("a", 0.5, "b") == Ask("a 0.5 b")


def test_words_may_also_be_the_value_of_a_key() -> None:
    assert words("rain", "@negative", "no", "wind", "at", 3.0, "@steps", 10.0) == Ask(
        "rain", negative="no wind at 3", steps=10
    )


@pytest.mark.parametrize(
    "arguments", [(), ("@seed", 7), ("rain", "@seed"), ("rain", "@sead", 7), ("rain", 4.0, "@seed", 1, 2)]
)
def test_malformed_words_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(BadArgument):
        words(*arguments)


@pytest.mark.parametrize("address", ["/bridge/pad/7/set", "/bridge/stream/start", "/bridge/stream/set"])
def test_a_length_inside_a_text_is_remarked_wherever_a_prompt_is_set(address: str) -> None:
    desk = Desk()
    desk.core.stage.stream.state, desk.core.stage.stream.ahead_s = "filling", 0.0
    desk.core.stage.pads.states.return_value = []
    for arguments, hinted in ((("snare 0.3",), True), (("snare 0.3", 0.3), False), (("snare", 0.3), False)):
        desk.send(address, *arguments)
        ((_, _, state),) = desk.answers
        assert ("remark" in state and "send 0.3 as a number" in state[-1]) == hinted


def test_releasing_a_button_does_nothing() -> None:
    assert args.press([]) and args.press([1.0])
    assert not args.press([0]) and not args.press([0.0])


def test_a_command_that_answers_from_its_own_address_refuses_what_no_button_sends() -> None:
    for arguments in (["ready"], [1, 2], ["0.1.0"], ["drum", "note"], ["2"], [b"x"], [[1]]):
        with pytest.raises(BadArgument):
            args.check_alone(arguments, "/bridge/status")
    args.check_alone([], "/bridge/status")
    for sent in (True, False, None, 1, 0.5, "1", "0", "1.0"):
        args.check_alone([sent], "/bridge/status")


def test_one_id_is_the_same_in_every_number_type() -> None:
    assert id_key(7) == id_key(7.0) == id_key("7") == id_key("7.0")
    different: list[int | float | str] = [
        "a",
        "nan",
        7.5,
        "inf",
        -7,
        "007",
        "1_0",
        "1e400",
        "2e999",
        "12345678901234567890",
        "12345678901234567891",
        "٣",
        3,
    ]
    assert len({id_key(job_id) for job_id in different}) == len(different)


def test_a_key_that_was_sent_inside_the_text_gets_a_remark() -> None:
    assert words("kick 1 @seed 9").unread == "a key inside the text is not read: send seed and its value after the text"
    assert ask("kick @preset drum").unread.startswith("a key inside the text is not read: send preset")
    assert ask("snare 0.3").unread.startswith("a length inside the text is not read")
    for plain in (
        words("kick", 1, "@seed", 9),
        ask("recorded @home on tape"),
        ask("kick @ 9 Hz"),
        Ask("kick @seed 9", seconds=1, take=1),
    ):
        assert plain.unread == ""
