"""Buttons of tablets and hosts: every form of a press and of a release, at every address that takes one."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import MagicMock

import pytest

from bridge.config import OscConfig
from bridge.domain.ask import KIT_FIELDS, Ask
from bridge.domain.fields import Door
from bridge.domain.tempo import Tempo
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import asks, guard
from bridge.frontends.osc.addresses import METHODS
from bridge.frontends.osc.arguments import KEYS
from bridge.frontends.osc.server import OscFrontend
from bridge.frontends.osc.socket import decode
from tests.golden.wire import Double, Long, encode
from tests.golden.wire import decode as read
from tests.harness import Daemon

PRESSES: dict[str, tuple[Any, ...]] = {
    "none": (), "T": (True,), "N": (None,), "1": (1,), "1.0": (1.0,), "double": (Double(1.0),), "long": (Long(1),), "text 1": ("1",),
    "text 1.0": ("1.0",),
}  # fmt: skip
RELEASES: dict[str, tuple[Any, ...]] = {
    "F": (False,), "0": (0,), "0.0": (0.0,), "double 0": (Double(0.0),), "text 0": ("0",), "text 0.0": ("0.0",),
}  # fmt: skip
I = b"I"  # Infinitum, which tests.golden.wire does not encode  # noqa: E741
EXTRAS: tuple[tuple[Any, ...], ...] = ((0.2, 0.9), (b"blob",), ([1, 2],))


def message(address: str, *values: Any) -> bytes:
    """A datagram; I stands for the tag of that name."""
    data = encode(address, tuple(True if value is I else value for value in values))
    return data.replace(b",T", b",I") if I in values[:1] else data


class Desk:
    """The OSC frontend without a daemon: calls of the core are recorded, answers are kept."""

    def __init__(self) -> None:
        self.core, transport, self.answers = MagicMock(), MagicMock(), list[Any]()
        self.core.stage.tempo, self.core.state, self.core.why = Tempo(), "ready", ""
        self.core.cancel.return_value = []
        self.core.sources.find.side_effect = lambda ask, owner, is_local, answer, *_: answer(ask)
        transport.get_extra_info.return_value = ("127.0.0.1", 57200)
        transport.sendto = lambda data, target: self.answers.append(read(data))
        self.frontend = OscFrontend(self.core, OscConfig())
        self.frontend.connection_made(transport)

    def send(self, address: str, *values: Any) -> None:
        self.core.reset_mock()
        self.answers.clear()
        self.send_raw(message(address, *values))

    def send_raw(self, data: bytes) -> None:
        self.frontend.datagram_received(data, ("127.0.0.1", 9))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    "values", [*PRESSES.values(), (I,), (-1,), (0.5,), (127,), ("x",), (b"blob",), ([0],), (1, 2), ("x", 0)]
)
def test_the_panic_stops_on_anything_but_a_release(desk: Desk, values: tuple[Any, ...]) -> None:
    desk.send("/bridge/stop", *values)
    desk.core.panic.assert_called_once_with()
    assert desk.answers == []


@pytest.mark.parametrize("values", RELEASES.values(), ids=RELEASES)
def test_the_panic_ignores_a_release(desk: Desk, values: tuple[Any, ...]) -> None:
    desk.send("/bridge/stop", *values)
    desk.send("/bridge/stop", *values, 0.3)
    assert not desk.core.panic.called and desk.answers == []


def test_a_malformed_panic_stops_too_and_a_wrong_reply_port_does_not_prevent_it(desk: Desk) -> None:
    desk.send_raw(b"/bridge/stop\0\0\0\0,Z\0\0")
    assert desk.core.panic.called and desk.answers[0][2][:2] == ["/bridge/stop", "malformed"]
    desk.send("/bridge/stop", "reply_port", 0)
    assert desk.core.panic.called and desk.answers == []


SETTINGS = {
    "/bridge/pad/3/lock": lambda core: core.stage.pads.lock.call_args[0][1],
    "/bridge/voice/7/loop": lambda core: core.stage.live.change.call_args[1]["loop"],
}


@pytest.mark.parametrize("address", SETTINGS)
def test_a_setting_becomes_1_by_every_press_and_0_by_every_release(desk: Desk, address: str) -> None:
    for forms, expected in (([*PRESSES.values(), (I,)], True), (RELEASES.values(), False)):
        for values in forms:
            for extra in ((), *EXTRAS) if values else ((),):
                desk.send(address, *values, *extra)
                assert SETTINGS[address](desk.core) is expected and desk.answers == [], (values, extra)
    for value in ("x", 2, -1, 0.5, float("nan"), b"blob", [1], ""):
        desk.send(address, value)
        assert [answer[2][1] for answer in desk.answers] == ["bad_argument"], value


def test_a_pad_is_played_and_released_by_every_form(desk: Desk) -> None:
    pads = desk.core.stage.pads
    for values in (*PRESSES.values(), (I,)):
        desk.send("/bridge/pad/3/play", *values)
        assert pads.play.call_args[0][:2] == (3, 1.0) and desk.answers == []
        desk.send("/bridge/pad/3/play", *values, "quantize", "bar")
        assert pads.play.call_args[0][1] == 1.0 and pads.play.call_args[0][4] == "bar"
    desk.send("/bridge/pad/3/play", 0.5, 0.2, "quantize", "beat", 0.9)
    assert pads.play.call_args[0][1] == 0.5 and pads.play.call_args[0][4] == "beat"
    for values in RELEASES.values():
        desk.send("/bridge/pad/3/play", *values, 0.4)
        assert pads.release.call_args[0][0] == 3 and not pads.play.called and desk.answers == []
    for values in ((1, "quantise", "bar"), (1, "quantize"), ("loud",), (b"x",), (128,), (1, "quantize", "now")):
        desk.send("/bridge/pad/3/play", *values)
        assert [answer[2][1] for answer in desk.answers] == ["bad_argument"] and not pads.play.called, values


def test_a_stop_with_a_fade_is_a_button_too(desk: Desk) -> None:
    for values in (*PRESSES.values(), (I,), (True, 0.2), (1, 2)):
        desk.send("/bridge/voice/7/stop", *values)
        assert desk.core.stage.live.stop.call_args[0][:2] == (7, 5.0) and desk.answers == []
        desk.send("/bridge/stream/stop", *values)
        assert desk.core.stage.stream.stop.call_args[0] == (2_000.0,) and desk.answers == []
    for values in RELEASES.values():
        desk.send("/bridge/voice/7/stop", *values)
        desk.send("/bridge/stream/stop", *values)
        assert not desk.core.stage.live.stop.called and not desk.core.stage.stream.stop.called and desk.answers == []


def test_cancelling_all_is_a_button_and_numbers_and_texts_stay_ids(desk: Desk) -> None:
    for value in (True, None, I):
        desk.send("/bridge/cancel", value)
        assert desk.core.cancel.call_args[0] == ("127.0.0.1", None)
        desk.send("/bridge/kit/cancel", value)
        assert desk.core.cancel_kits.call_args[0] == ("127.0.0.1", None)
    for job_id in (0, 1, 1.0, "1", "0"):
        desk.send("/bridge/cancel", job_id)
        assert desk.core.cancel.call_args[0] == ("127.0.0.1", job_id)
    desk.send("/bridge/cancel", False)
    desk.send("/bridge/kit/cancel", False)
    assert not desk.core.cancel.called and not desk.core.cancel_kits.called and desk.answers == []


def test_subscribing_is_a_button_and_a_number_stays_a_port(desk: Desk) -> None:
    for values in ((), (True,), (None,), (I,), (9001,), ("9001",)):
        desk.send("/bridge/subscribe", *values)
        assert desk.answers == [("/bridge/state", "ss", ["ready", ""])]
    desk.send("/bridge/subscribe", False)
    assert desk.answers == []


def test_a_restart_is_a_button_and_a_name_stays_a_name(desk: Desk) -> None:
    for values in (*PRESSES.values(), (I,)):
        desk.send("/bridge/restart", *values)
        desk.core.restart.assert_called_once_with(None)
    for values in RELEASES.values():
        desk.send("/bridge/restart", *values)
        assert not desk.core.restart.called and desk.answers == []


def test_the_tempo_is_asked_for_by_a_button_and_a_number_stays_a_tempo(desk: Desk) -> None:
    for values in ((), (True,), (None,), (I,), (True, 0.2, 0.9)):
        desk.send("/bridge/tempo", *values)
        assert [answer[0] for answer in desk.answers] == ["/bridge/tempo"] and desk.answers[0][2][:2] == [120.0, 4]
    desk.send("/bridge/tempo", False)
    assert desk.answers == []
    for value in (1, "1", 0):
        desk.send("/bridge/tempo", value)
        assert desk.answers[0][2][1] == "bad_argument" and "must be 20 to 999, not" in desk.answers[0][2][2]


NUMBERS: list[tuple[Any, ...]] = [
    ("/bridge/tempo", 120), ("/bridge/beat",), ("/bridge/voice/7/gain",), ("/bridge/voice/7/gain", 1.0), ("/bridge/voice/7/pan",),
    ("/bridge/voice/7/pan", 0.0), ("/bridge/rate", "/a.wav"), ("/bridge/set/seconds",), ("/bridge/find", "rain", "bpm_from"),
    ("/bridge/find", "rain", "rating_from"), ("/bridge/find", "rain", "limit"),
    *((f"/bridge/set/{name}",) for name, key in KEYS.items() if key.kind in ("number", "whole")),
    *(("/bridge/generate", "rain", name) for name, key in KEYS.items() if key.kind in ("number", "whole")),
    *(("/bridge/kit", "mine", "kick", f"@{name}") for name, field in KIT_FIELDS.items() if field.kind in ("number", "whole")),
]  # fmt: skip


@pytest.mark.parametrize("message", NUMBERS, ids=lambda message: " ".join(map(str, message)))
def test_a_number_that_a_button_cannot_mean_is_asked_for_with_its_range(desk: Desk, message: tuple[Any, ...]) -> None:
    for value in (True, False, None, I):
        desk.send(*message, value)
        ((_, _, (_, code, why)),) = desk.answers
        assert code == "bad_argument" and re.search(r"number from \S+ to \S+, not (true or false|nothing)\.$", why), why


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if key.kind == "flag"])
def test_a_key_that_is_0_or_1_takes_every_form_with_generate_and_set(desk: Desk, name: str) -> None:
    def asked(value: Any) -> Any:
        return getattr(asks.pairs(["rain", name, value]).ask(), name)

    for form, values in (PRESSES | RELEASES).items():
        for value in values:
            value = getattr(value, "value", value)
            expected = int(form in PRESSES)
            assert asked(value) == expected and type(asked(value)) is int
            assert getattr(asks.words(["rain", f"@{name}", value]).ask(), name) == expected
            desk.send(f"/bridge/set/{name}", value)
            desk.send(f"/bridge/set/{name}", value, 0.3)
            assert desk.answers == []
            assert args.value(KEYS[name], value) == expected
    desk.send(f"/bridge/set/{name}", "x")
    assert desk.answers[0][2][1] == "bad_argument"


def test_only_keys_that_are_0_or_1_take_true_and_false() -> None:
    for name, key in KEYS.items():
        if Door.OSC in key.doors and key.kind != "flag":
            for value in (True, False):
                message = asks.pairs(["rain", name, value])
                with pytest.raises(Exception, match=name if name != "id" else "id"):
                    args.value(KEYS[name], value)
                assert message.prompt == "rain"


def test_texts_may_have_the_tags_S_and_c() -> None:
    head = b"/bridge/generate\0\0\0\0"
    data = head + b",Sscf[Sc]I\0\0rain\0\0\0\0note\0\0\0\0\0\0\0c\x3f\x80\0\0two\0\0\0\x96\xe8"
    (checked,), faults = guard.check(data)
    assert not faults and decode(checked.data) == ("/bridge/generate", ["rain", "note", "c", 1.0, ["two", "雨"], True])
    plain = encode("/bridge/generate", ("rain", 1, [True, ["x"]], None))
    assert decode(plain) == ("/bridge/generate", ["rain", 1, [True, ["x"]], None])
    assert decode(b"/bridge/status\0\0") == ("/bridge/status", [])
    prompt = b"/bridge/generate\0\0\0\0,SSc\0\0\0\0" + b"rain\0\0\0\0" + b"gain\0\0\0\0" + b"\0\0\x002"
    assert asks.pairs(decode(prompt)[1]).ask() == Ask("rain", gain=2.0)
    for wrong in (b",c\0\0", b",S\0\0", b",S\0\0rain"):
        assert guard.check(b"/bridge/generate\0\0\0\0" + wrong).faults


SAFE = sorted(
    method.address.replace("<n>", "99") for method in METHODS.values() if method.button and method.address != "/bridge/restart"
)  # fmt: skip
QUERIES = [
    "/bridge/models",
    "/bridge/pad/99/lock",
    "/bridge/pad/99/play",
    "/bridge/voice/99/loop",
    "/bridge/voice/99/stop",
]


@pytest.mark.parametrize("address", [*SAFE, *QUERIES])
def test_every_button_of_a_daemon_obeys_each_form(small_daemon: Daemon, address: str) -> None:
    client = small_daemon.client()  # some answers come late, from a thread that reads the disk
    client.send("/bridge/interrupted")
    client.until("/bridge/interrupted/count")  # the first scan of the folder is over, for which its threads wait

    def answers(*values: Any) -> list[tuple[str, list[Any]]]:
        client.udp.sendto(message(address, *values), client.daemon)
        client.send("/bridge/ping", "end")
        received = []
        while (answer := client.receive()) != ("/bridge/pong", ["end"]):
            received.append(answer)
        return received

    setting = address.endswith(("/lock", "/loop"))
    for values in (*PRESSES.values(), (I,)):
        refused = [answer for answer in answers(*values) if answer[0] == "/bridge/error"]
        assert all(answer[1][1] in ("pad_empty", "unknown_voice") for answer in refused), (values, refused)
    client = small_daemon.client()
    for values in RELEASES.values():
        assert setting or answers(*values) == [], values
    client.send("/bridge/cancel")  # what /bridge/resume and /bridge/trigger may have begun
    client.until("/bridge/cancelled")
