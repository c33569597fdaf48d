from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import STAND_IN, Daemon, free_port
from tests.panel.conftest import Wait
from tests.panel.fake_daemon import FakeDaemon


def test_the_link_hears_the_state_and_the_events_of_a_daemon(panel_daemon: Daemon, wait: Wait) -> None:
    from bridge.panel.link import Link

    link, messages = Link("127.0.0.1", panel_daemon.port), list[tuple[str, list[Any]]]()
    link.received.connect(lambda address, arguments: messages.append((address, arguments)))
    link.start()
    wait(lambda: link.state == "ready")
    link.send("/bridge/generate", "a bell", 0.5)
    wait(lambda: any(address == "/bridge/done" for address, _ in messages))
    link.close()


def test_the_link_notices_a_daemon_that_ends_and_the_next_one(
    tmp_path: Path, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.panel import link as module

    monkeypatch.setattr(module, "PING_MS", 100)
    monkeypatch.setattr(module, "ABSENT_AFTER_S", 1.0)
    port = free_port()
    link, states, connected = module.Link("127.0.0.1", port), list[str](), list[bool]()
    link.state_changed.connect(lambda state, why: states.append(state))
    link.connected.connect(lambda: connected.append(True))
    link.start()
    with FakeDaemon(port) as fake:
        wait(lambda: fake.heard is not None and link.state == "ready")
    wait(lambda: link.state == module.ABSENT)
    daemon = Daemon(tmp_path / "clips", tmp_path / "home", "--osc-port", str(port), run=STAND_IN)
    wait(lambda: link.state == "ready")
    daemon.stop()
    wait(lambda: link.state == module.ABSENT)
    assert len(connected) == 2 and "stopping" in states
    link.close()


def test_in_a_flood_of_messages_the_window_has_its_turns(wait: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtCore import QTimer

    from bridge.panel import link as module

    monkeypatch.setattr(module, "SLICE_S", 0.0)  # one message in each turn
    with FakeDaemon() as fake:
        link, heard, turns = module.Link("127.0.0.1", fake.port), list[str](), list[int]()
        link.received.connect(lambda address, _arguments: heard.append(address))
        link.start()
        wait(lambda: fake.heard is not None and link.state == "ready")
        timer = QTimer(interval=0)
        timer.timeout.connect(lambda: turns.append(len(heard)))
        for number in range(100):
            fake.say("/bridge/progress", number, 0.5)
        timer.start()
        wait(lambda: heard.count("/bridge/progress") == 100)
        assert len(set(turns)) > 30  # without: 1
        link.close()
