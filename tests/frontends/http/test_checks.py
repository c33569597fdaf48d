"""Host, Origin and token: who may use the HTTP port, and who is let in at all."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.frontends.http import checks, places, tokens
from bridge.frontends.http.checks import Refused
from bridge.frontends.http.connections import Rate
from tests.frontends.http.conftest import ON
from tests.frontends.http.visitors import Site
from tests.harness import STAND_IN, Daemon, clipbridge

NAMES = frozenset({"clipbridge-studio.local"})


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1:5", "127.0.0.1"), ("localhost:5", "127.0.0.1"), ("LocalHost:5", "127.0.0.1"), ("localhost:5", "::1"),
     ("[::1]:5", "::1"), ("192.168.1.7:5", "192.168.1.7"), ("[fd00::7]:5", "fd00::7"), ("clipbridge-studio.local:5", "192.168.1.7"),
     ("clipbridge-studio.local.:5", "192.168.1.7")],
)  # fmt: skip
def test_our_own_addresses_and_names_are_hosts(host: str, local: str) -> None:
    assert checks.check_host([host], local, 5, NAMES) == host


@pytest.mark.parametrize(
    ("hosts", "local"),
    [([], "127.0.0.1"), (["a", "b"], "127.0.0.1"), (["localhost:5"], "192.168.1.7"), (["192.168.1.8:5"], "192.168.1.7"),
     (["192.168.1.7:6"], "192.168.1.7"), (["192.168.1.7"], "192.168.1.7"), (["studio.local:5"], "192.168.1.7"), (["::1:5"], "::1"),
     (["[127.0.0.1]:5"], "127.0.0.1"), ([":5"], "127.0.0.1"), (["127.1:5"], "127.0.0.1")],
)  # fmt: skip
def test_no_other_host_is_ours(hosts: list[str], local: str) -> None:
    with pytest.raises(Refused):
        checks.check_host(hosts, local, 5, NAMES)


def test_the_token_stays_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "config" / "touch-token"
    token = tokens.read_or_create(file)
    assert len(token) >= 43 and tokens.read_or_create(file) == token
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("short")
    with pytest.raises(ConfigError, match="delete it"):
        tokens.read_or_create(file)


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    rate = Rate(10, 5, 100.0)
    assert [rate.allows(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert rate.allows(100.11) and not rate.allows(100.12) and rate.allows(101.0)


def test_the_address_for_a_tablet_is_in_the_network_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "addresses", lambda host: ["10.8.0.2", "192.168.1.7"])
    assert places.reachable("0.0.0.0", ["192.168.1.0/24"]) == "192.168.1.7"
    assert places.reachable("0.0.0.0", ["10.8.0.9"]) in ("10.8.0.2", "192.168.1.7")
    assert places.own_name().startswith("clipbridge-") and places.own_name().endswith(".local")


def own_address() -> str:
    """An address of this machine that is not loopback."""
    found = [one for one in places.addresses("0.0.0.0") if not ipaddress.ip_address(one).is_loopback]
    if not found:
        pytest.skip("this machine has no network")
    return found[0]


def test_beyond_loopback_only_allowed_machines_get_in_and_the_link_is_printed(tmp_path: Path) -> None:
    own = own_address()
    options = (*ON, "--osc-host", "0.0.0.0", "--set")
    daemon = Daemon(tmp_path / "a", tmp_path / "home", *options, "osc.allow=198.51.100.7", run=STAND_IN)
    site = Site.of(daemon)
    assert site.host == own and len(site.token) >= 43
    with socket.create_connection((own, site.port), 5) as stranger:  # from our own address, which is not allowed
        stranger.settimeout(5)
        try:
            stranger.sendall(site.request("/"))
            assert stranger.recv(1) == b""
        except ConnectionError:
            pass
    daemon.stop()
    daemon = Daemon(tmp_path / "a", tmp_path / "home", *options, f"osc.allow={own}", run=STAND_IN)
    again = Site.of(daemon)
    assert again.token == site.token, "a tablet's link lives on"
    assert again.get("/?HOST_INFO").json["OSC_IP"] == own
    again.page().close()
    daemon.stop()


def test_beyond_loopback_without_an_allowed_machine_nothing_starts(tmp_path: Path) -> None:
    refused = clipbridge(tmp_path, "run", "--touch", "--osc-host", "0.0.0.0")
    assert refused.returncode == 8 and "osc.allow" in refused.stderr
