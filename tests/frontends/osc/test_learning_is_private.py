"""Only programs on the machine of Clipbridge have folders learned, and hear of the files in them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bridge.client import decode
from bridge.domain.events import LearnEvent
from bridge.frontends.osc import learning
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.subscribers import Target

HERE, ELSEWHERE = ("127.0.0.1", 5000), ("192.0.2.7", 5000)


class Socket:
    """Keeps what is sent, and to whom."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any], Target]] = []

    def sendto(self, datagram: bytes, target: Target) -> None:
        message = decode(datagram)
        assert message is not None
        self.sent.append((*message, target))


def osc_of(core: Any) -> tuple[Osc, Socket]:
    osc, socket = Osc(core), Socket()
    osc.transport, osc.port = socket, 57_200
    return osc, socket


def test_events_of_a_folder_reach_no_other_machine() -> None:
    osc, socket = osc_of(None)
    osc.subscribers.add(HERE)
    osc.subscribers.add(ELSEWHERE)
    osc.publish(LearnEvent("skipped", "my-drums", {"file": "secret.wav", "why": "it is silent"}))
    assert socket.sent == [("/bridge/learn/skipped", ["my-drums", "secret.wav", "it is silent"], HERE)]


def test_another_machine_may_not_have_a_folder_learned_nor_ask_for_what_is() -> None:
    last = LearnEvent("clip", "d", {"path": "/clips/secret.wav", "prompt": "", "seconds": 1.0, "seed": 0, "step": 0})
    osc, socket = osc_of(SimpleNamespace(learning=SimpleNamespace(last_event=last)))
    learning.learn(osc, Request("/bridge/learn", ["/home", "home"], ELSEWHERE))
    ((address, values, target),) = socket.sent
    assert (address, values[:2], target) == ("/bridge/learn/failed", ["home", "bad_argument"], ELSEWHERE)
    learning.learning(osc, Request("/bridge/learning", [], ELSEWHERE))
    assert len(socket.sent) == 1
    learning.learning(osc, Request("/bridge/learning", [], HERE))
    assert socket.sent[-1][0] == "/bridge/learn/clip"
