from __future__ import annotations

import pytest
from pythonosc.osc_message import OscMessage

from bridge.client import encode
from bridge.frontends.osc import guard as osc_guard
from tests.packets import BROKEN, FOREIGN, GENERATE, PING, bundle, message, mutations, nested

NESTED_TOO_DEEP = {"bundles nested 600 deep", "bundles nested 12 deep"}


def test_the_corpus_has_at_least_forty_broken_packets() -> None:
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_packet_reaches_no_command(name: str) -> None:
    assert osc_guard.check(BROKEN[name]).messages == []


@pytest.mark.parametrize("name", FOREIGN)
def test_a_message_for_another_program_is_dropped_silently(name: str) -> None:
    messages, faults = osc_guard.check(FOREIGN[name])
    assert [m for m in messages if not m.data.startswith(b"/bridge/")] == []
    assert faults == []


@pytest.mark.parametrize(
    "name",
    [
        "an unknown type tag",
        "a float cut to two bytes",
        "a text in Latin-1",
        "a blob of negative size",
        "bytes behind the last argument",
    ],
)
def test_a_fault_in_a_message_for_us_is_reported_with_its_address(name: str) -> None:
    ((address, why),) = osc_guard.check(BROKEN[name]).faults
    assert address in ("/bridge/generate", "/bridge/ping")
    assert why.endswith(".")


def test_messages_before_a_broken_element_are_served_and_no_answer_is_sent() -> None:
    messages, faults = osc_guard.check(bundle(PING, GENERATE) + b"\xff\xff\xff\xfc")
    assert [m.data for m in messages] == [PING, GENERATE]
    assert [address for address, _ in faults] == [""]


def test_a_broken_message_does_not_affect_the_others_of_its_bundle() -> None:
    messages, faults = osc_guard.check(bundle(PING, BROKEN["an unknown type tag"], GENERATE))
    assert [m.data for m in messages] == [PING, GENERATE]
    assert len(faults) == 1


def test_bundles_within_bundles_are_read_in_order() -> None:
    assert [m.data for m in osc_guard.check(nested(5)).messages] == [PING]
    assert [m.data for m in osc_guard.check(bundle(bundle(GENERATE), PING)).messages] == [GENERATE, PING]


def test_a_missing_type_tag_string_is_tolerated_when_there_are_no_arguments() -> None:
    ((only, _),) = osc_guard.check(b"/bridge/status\0\0").messages
    assert list(OscMessage(only)) == []


def test_every_argument_type_that_python_osc_reads_passes() -> None:
    packet = message(b"/bridge/ping", b",ifhdtTFN[i]", b"\0" * (4 + 4 + 8 + 8 + 8 + 4))
    assert osc_guard.check(packet).messages == [(packet, 0.0)]
    with_blob = encode("/bridge/ping", b"12345", "text")
    assert osc_guard.check(with_blob).messages == [(with_blob, 0.0)]


def test_a_bundle_of_a_thousand_messages_is_cut_and_not_refused() -> None:
    checked = osc_guard.check(bundle(*[PING] * 1_000))
    assert len(checked.messages) == osc_guard.MAX_MESSAGES


@pytest.mark.soak
def test_200_000_mutated_packets_never_raise_and_python_osc_reads_all_that_pass() -> None:
    passed = 0
    for packet in mutations(seed=1, count=200_000):
        for good, _ in osc_guard.check(packet).messages:
            read = OscMessage(good)
            assert read.address.startswith("/bridge/")
            list(read)
            passed += 1
    assert passed > 10_000  # otherwise the mutator only makes noise that is easy to refuse
