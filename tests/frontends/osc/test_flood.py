"""Hostile and heavy traffic on a live socket, with canary jobs that must all end."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from bridge.client import encode
from tests.harness import Client, Daemon
from tests.packets import BROKEN, FOREIGN, mutations


def test_every_broken_packet_leaves_the_daemon_answering(daemon: Daemon, client: Client) -> None:
    for name, packet in BROKEN.items():
        client.raw(packet)
        client.send("/bridge/ping", name)
        address, values = client.receive(5)
        while address == "/bridge/error":  # about the packet itself; broken bundles get none
            assert values[1] in ("malformed", "unknown_address"), (name, values)
            address, values = client.receive(5)
        assert (address, values) == ("/bridge/pong", [name])


def test_messages_for_other_programs_are_never_answered(client: Client) -> None:
    for packet in FOREIGN.values():
        client.raw(packet)
    client.silence(0.5)


@pytest.mark.soak
def test_5000_mutated_packets_cost_no_job_and_no_memory(daemon: Daemon, client: Client) -> None:
    canary, noise = client, Client(daemon.port, own="127.0.0.2" if sys.platform == "linux" else "127.0.0.1")
    front = psutil.Process(daemon.process.pid)
    before = front.memory_info().rss
    asked: set[str] = set()
    ended: dict[str, str] = {}
    complaints = len(daemon.errors)

    def listen_until_pong() -> None:
        canary.send("/bridge/ping", "alive")
        address = ""
        while address != "/bridge/pong":
            address, values = canary.receive(5)
            if address in ("/bridge/done", "/bridge/failed", "/bridge/cancelled"):
                assert values[0] not in ended, "two ends"
                ended[values[0]] = address

    for number, packet in enumerate(mutations(seed=2, count=5_000)):
        noise.raw(packet)
        if number % 250 == 0:
            asked.add(f"canary {number}")
            canary.send("/bridge/generate", "canary", 0.1, "steps", 1, "id", f"canary {number}")
        if number % 50 == 0:
            listen_until_pong()
        if number % 100 == 99:  # valid mutants must not fill the queue with long clips
            noise.send("/bridge/cancel")
        time.sleep(0.0005)
    noise.send("/bridge/cancel")
    deadline = time.monotonic() + 30
    while not asked <= set(ended) and time.monotonic() < deadline:
        listen_until_pong()
        time.sleep(0.05)
    assert asked <= set(ended)
    if sys.platform == "linux":  # elsewhere both clients have one address, which owns the jobs
        assert set(ended.values()) == {"/bridge/done"}
    assert front.memory_info().rss - before < 30e6
    assert daemon.errors[complaints:] == []
    noise.send("/bridge/cancel")
    noise.close()


@pytest.mark.soak
def test_during_5000_messages_a_second_a_job_can_be_asked_for_and_cancelled(daemon: Daemon, client: Client) -> None:
    noise = daemon.client()
    setting = encode("/bridge/set/seed", 7)
    client.send("/bridge/generate", "long", 20.0, "steps", 250, "id", "long")
    client.until("/bridge/progress", job="long")
    end, sent = time.monotonic() + 2.0, 0
    while (now := time.monotonic()) < end:
        for _ in range(50):
            noise.raw(setting)
        sent += 50
        if sent % 500 == 0:
            client.send("/bridge/ping", sent)
            client.until("/bridge/pong", timeout_s=5)
        time.sleep(max(0.0, 0.01 - (time.monotonic() - now)))
    client.send("/bridge/cancel", "long")
    assert client.end_of("long")[0] == "/bridge/cancelled"
    assert sent > 1_000  # rate and latency themselves are measured by bridge.bench, not here
    noise.send("/bridge/set/seed")


def test_two_daemons_do_not_answer_each_other_for_ever(daemon: Daemon) -> None:
    """Each of our answers, sent to us as if by another Clipbridge, is answered at most once, with an error."""
    probe = daemon.client()
    answers = [
        encode("/bridge/status", "ready", "queue", 0),
        encode("/bridge/version", "0.1.0"),
        encode("/bridge/presets", "drum", "pad"),
        encode("/bridge/models", "starter", "starter"),
        encode("/bridge/restart", "restarting"),
        encode("/bridge/pong", 1),
        encode("/bridge/error", "/bridge/status", "bad_argument", "…"),
        encode("/bridge/failed", "x", "bad_argument", "…"),
    ]
    for answer in answers:
        probe.raw(answer)
        rounds = 0
        try:
            while rounds < 5:
                address, values = probe.receive(0.3)
                probe.send(address, *values)  # the other daemon's echo
                rounds += 1
        except TimeoutError:
            pass
        assert rounds <= 1, answer
