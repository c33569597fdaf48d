"""A daemon with the HTTP port open, and the stand-in engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.frontends.http.visitors import Site
from tests.harness import STAND_IN, Client, Daemon
from tests.jack_device import Jack

ON = ("--touch", "--set", "network.oscquery=true", "--set", "network.port=0")


@pytest.fixture(scope="session")
def site(server: Jack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A daemon with OSCQuery, the touch page and an audio device, for tests that leave it as it was."""
    place = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        daemon = Daemon(place / "clips", place / "home", *ON, "--audio-device", "system", run=STAND_IN)
        daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
    yield Site.of(daemon)
    daemon.stop()


@pytest.fixture
def host(site: Site) -> Iterator[Client]:
    """A host of the daemon, which sends OSC by UDP."""
    client = site.daemon.client()
    yield client
    client.close()
