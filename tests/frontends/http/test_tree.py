"""The tree of OSCQuery: generated from the tables, so that each new address and key is in it with its type and its limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.domain.limits import BPM, GAIN, PAD_SECONDS, SECONDS
from bridge.frontends.http import tree
from bridge.frontends.http.tree import Branch
from bridge.frontends.osc.addresses import METHODS
from bridge.frontends.osc.folders import without_folders
from bridge.frontends.osc.replies import REPLIES

ROOT = tree.build()
TYPES = {
    "/bridge/generate": "sf", "/bridge/generate/words": "s", "/bridge/recall": "s", "/bridge/trigger": "I", "/bridge/job": "s",
    "/bridge/queue": "I", "/bridge/cancel": "s", "/bridge/play": "s", "/bridge/stop": "I", "/bridge/voice/7/stop": "f",
    "/bridge/voice/7/gain": "f", "/bridge/voice/7/pan": "f", "/bridge/voice/7/loop": "i", "/bridge/pad/3/set": "sf",
    "/bridge/pad/3/load": "s", "/bridge/pad/3/play": "f", "/bridge/pad/3/stop": "I", "/bridge/pad/3/lock": "i",
    "/bridge/pad/3/choke": "i", "/bridge/pad/3/save": "I", "/bridge/kit": "ss", "/bridge/kit/cancel": "s",
    "/bridge/kit/replace": "si", "/bridge/stream/start": "sf", "/bridge/stream/stop": "f", "/bridge/tempo": "f",
    "/bridge/beat": "f", "/bridge/status": "I", "/bridge/models": "s", "/bridge/find": "s", "/bridge/favourite": "si",
    "/bridge/rate": "si", "/bridge/measure": "s", "/bridge/crop": "sff", "/bridge/learn": "ss", "/bridge/ping": "I",
    "/bridge/subscribe": "i", "/bridge/set/prompt": "s", "/bridge/set/seconds": "f", "/bridge/set/loop": "T", "/bridge/set/steps": "i",
    "/bridge/set/bits": "i", "/bridge/set/quantize": "s", "/bridge/set/note": "s", "/bridge/set/vary": "s",
    "/bridge/pad/3/state": "sf", "/bridge/progress": "sf", "/bridge/done": "ssf", "/bridge/voice": "iss", "/bridge/state": "ss",
}  # fmt: skip


def found(path: str) -> dict[str, object]:
    place = tree.find(ROOT, path)
    assert place is not None, path
    return tree.attributes(place, None, {})


def branches(branch: Branch, path: str = "") -> Iterator[tuple[str, Branch]]:
    for name, below in branch.branches.items():
        yield f"{path}/{name}", below
        yield from branches(below, f"{path}/{name}")


def test_every_address_that_is_sent_or_received_is_in_the_tree() -> None:
    known = dict(branches(ROOT))
    for address in METHODS:
        assert address.replace("<key>", "seconds") in known
    for address, reply in REPLIES.items():
        assert (address in known) or reply.is_private
    assert not [path for path in known if path.startswith("/bridge/learn/") and path not in METHODS]
    for path, branch in known.items():
        assert (branch.arguments is None) == (branch.access == 0), path
        assert branch.arguments is None or branch.what, path


@pytest.mark.parametrize("path", TYPES)
def test_each_address_has_the_type_that_a_client_is_to_send(path: str) -> None:
    assert found(path)["TYPE"] == TYPES[path]


def test_every_number_that_can_be_set_has_limits_or_choices() -> None:
    unlimited = {"/bridge/rate", "/bridge/find"}
    for path, branch in branches(ROOT):
        if branch.access & tree.WRITE and path not in unlimited:
            for argument in branch.arguments.each if branch.arguments else ():
                assert argument.tag in "sIT" or argument.limits is not None or argument.choices, path


def test_ranges_units_and_choices_are_those_of_the_tables() -> None:
    assert found("/bridge/tempo")["RANGE"] == [{"MIN": BPM.low, "MAX": BPM.high}]
    assert found("/bridge/tempo")["UNIT"] == ["time.bpm"] and found("/bridge/tempo")["ACCESS"] == 3
    assert found("/bridge/set/seconds")["RANGE"] == [{"MIN": SECONDS.low, "MAX": SECONDS.high}]
    assert found("/bridge/generate")["RANGE"] == [{}, {"MIN": SECONDS.low, "MAX": SECONDS.high}]
    assert found("/bridge/pad/3/set")["RANGE"] == [{}, {"MIN": PAD_SECONDS.low, "MAX": PAD_SECONDS.high}]
    assert found("/bridge/set/gain") | {
        "RANGE": [{"MIN": GAIN.low, "MAX": GAIN.high}],
        "UNIT": ["gain.linear"],
    } == found("/bridge/set/gain")
    assert found("/bridge/set/quantize")["RANGE"] == [{"VALS": ["off", "beat", "bar"]}]
    assert found("/bridge/set/bits")["RANGE"] == [{"VALS": [16, 24, 32]}]
    assert found("/bridge/voice/7/stop")["CLIPMODE"] == ["low"] and "CLIPMODE" not in found("/bridge/set/gain")
    place = tree.find(ROOT, "/bridge/set/preset")
    assert place is not None
    assert tree.attributes(place, None, {"preset": ("drum", "note")})["RANGE"] == [{"VALS": ["drum", "note"]}]


@pytest.mark.parametrize(
    "path",
    ["", "bridge", "/bridge/", "//bridge", "/bridge//tempo", "/nothing", "/bridge/pad/128/play", "/bridge/pad/03/play",
     "/bridge/pad/-1/play",
     "/bridge/pad/<n>/play", "/bridge/pad/1.0/play", "/bridge/pad/٣/play", "/bridge/voice/0/stop", "/bridge/set/id",
     "/bridge/set/<key>", "/bridge/pad/3/play/x", "/../etc/passwd", "/bridge/pad/9999999999/play", "/3"],
)  # fmt: skip
def test_what_is_no_address_is_not_found(path: str) -> None:
    assert tree.find(ROOT, path) is None


@pytest.mark.parametrize(
    ("value", "left"),
    [("/home/ada/Music/Clipbridge/a kick.wav", "a kick.wav"), ("C:\\Users\\Ada\\kick.wav", "kick.wav"), ("\\\\nas\\x\\k.wav", "k.wav"),
     ("The disk of '/home/ada/Music/' is full.", "The disk of '' is full."), ("cannot open /home/ada/x.wav", "cannot open x.wav"),
     ("cvssp/audioldm2", "cvssp/audioldm2"), ("kick and/or snare", "kick and/or snare"), ("one / two / three", "one / two / three"),
     ("/bridge/pad/3/play", "/bridge/pad/3/play"), (3, 3), (0.5, 0.5), ("", "")],
)  # fmt: skip
def test_a_page_learns_the_names_of_files_and_no_folders(value: object, left: object) -> None:
    assert without_folders(value) == left
