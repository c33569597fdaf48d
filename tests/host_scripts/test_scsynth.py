"""One packet to the daemon makes SuperCollider's server load a clip, without a script."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.harness import Client, Daemon, free_port, need
from tests.jack_device import Jack


@pytest.mark.skipif(os.name != "posix", reason="scsynth on a JACK dummy")
def test_one_packet_makes_scsynth_load_a_buffer(daemon: Daemon, client: Client, server: Jack) -> None:
    port = free_port()
    synth = subprocess.Popen(
        [need("scsynth"), "-u", str(port), "-l", "2", "-D", "0", "-R", "0"],
        env={**os.environ, **server.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    sclang = Client(port)  # queries the server like the language does
    try:
        end = time.monotonic() + 20
        while True:
            sclang.send("/status")
            try:
                assert sclang.receive(0.5)[0] == "/status.reply"
                break
            except OSError:  # it is not listening yet
                assert time.monotonic() < end and synth.poll() is None, "scsynth does not start"
                time.sleep(0.1)
        message = "/b_allocRead i:10 s:{path}"
        client.send("/bridge/generate", "kick", 0.3, "steps", 2, "id", 1, "then", message, "then_port", port)
        client.until("/bridge/done", job=1)
        while True:
            sclang.send("/b_query", 10)
            _, (number, frames, channels, rate) = sclang.until("/b_info")
            if frames or time.monotonic() > end:
                break
            time.sleep(0.05)
        assert (number, frames, channels, rate) == (10, 14_400, 1, 48_000.0)
        client.silence()  # the daemon does not answer scsynth's /done
    finally:
        synth.kill()
        synth.wait()
        sclang.close()
