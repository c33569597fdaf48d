"""OSCQuery as its clients see it: over a real port of a real daemon, with two foreign clients and one of our own."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.limits import BPM
from tests.frontends.http.visitors import BINARY, TEXT, Site
from tests.harness import STAND_IN, Client, Daemon, need


def nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(found for below in node.get("CONTENTS", {}).values() for found in nodes(below))]


def test_the_tree_is_read_whole_and_in_parts(site: Site) -> None:
    answer = site.get("/")
    assert answer.status == 200 and answer.headers["content-type"].startswith("application/json")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    every = {node["FULL_PATH"]: node for node in nodes(answer.json)}
    assert {"/", "/bridge", "/bridge/tempo", "/bridge/set/seconds", "/bridge/pad/15/play", "/bridge/generate"} <= set(
        every
    )
    assert "/bridge/pad/16" not in every
    assert every["/bridge/tempo"] == site.get("/bridge/tempo").json
    assert every["/bridge/tempo"]["RANGE"] == [{"MIN": BPM.low, "MAX": BPM.high}]
    assert every["/bridge/set/loop"]["VALUE"] == [False] and "VALUE" not in every["/bridge/set/seed"]
    assert every["/bridge/pad/3/state"]["VALUE"] == ["empty", 0.0]
    assert every["/bridge/state"]["VALUE"][0] == "ready"
    assert "drum" in every["/bridge/set/preset"]["RANGE"][0]["VALS"]
    assert site.get("/bridge/pad?CONTENTS").json["CONTENTS"] == every["/bridge/pad"]["CONTENTS"]
    assert site.get("/bridge/pad/127/play").status == 200


def test_single_attributes_and_what_is_not_there(site: Site) -> None:
    info = site.get("/bridge/tempo?HOST_INFO").json
    assert (info["OSC_PORT"], info["OSC_IP"], info["OSC_TRANSPORT"]) == (site.daemon.port, site.host, "UDP")
    assert info["WS_PORT"] == site.port and info["EXTENSIONS"]["LISTEN"] is True and info["NAME"] == "Clipbridge"
    assert site.get("/bridge/tempo?TYPE").json == {"TYPE": "f"}
    assert site.get("/bridge/tempo?ACCESS").json == {"ACCESS": 3}
    assert site.get("/bridge/stop?VALUE").status == 204  # only to be sent
    assert site.get("/bridge/tempo?TAGS").status == 204  # known, and nothing is said
    assert site.get("/bridge/tempo?NONSENSE").status == 400
    assert site.get("/bridge/tempo?TYPE&VALUE").status == 400
    assert site.get("/bridge/nothing").status == 404 and site.get("/bridge/nothing?TYPE").status == 404


def test_what_a_machine_has_set_is_its_value_until_it_is_forgotten(site: Site, host: Client) -> None:
    host.send("/bridge/set/seconds", 2.5)
    host.send("/bridge/set/loop", True)
    host.ask("/bridge/ping")
    assert site.get("/bridge/set/seconds?VALUE").json == {"VALUE": [2.5]}
    assert site.get("/bridge/set/loop?VALUE").json == {"VALUE": [True]}
    for key in ("seconds", "loop"):
        host.send(f"/bridge/set/{key}")
    host.ask("/bridge/ping")
    assert site.get("/bridge/set/seconds?VALUE").json == {"VALUE": [4.0]}


def test_a_client_that_listens_gets_values_as_osc_when_they_change_until_it_ignores_them(
    site: Site, host: Client
) -> None:
    listener = site.socket("/")
    for path in (
        "/bridge/tempo",
        "/bridge/set/gain",
        "/bridge/set/loop",
        "/bridge/pad/5/state",
        "/bridge/progress",
        "/bridge/nothing",
    ):
        listener.command("LISTEN", path)
    assert listener.until("/bridge/tempo") == [120.0]
    assert listener.until("/bridge/pad/5/state") == ["empty", 0.0]
    host.send("/bridge/tempo", 133.0)
    assert listener.until("/bridge/tempo") == [133.0]
    host.send("/bridge/set/gain", 0.5)
    assert listener.until("/bridge/set/gain") == [0.5]
    host.send("/bridge/set/loop", 1)
    assert listener.until("/bridge/set/loop") == [True]
    host.send("/bridge/generate", "rain", 0.2, "id", 7)
    assert listener.until("/bridge/progress") == ["7", 0.0]
    host.end_of(7)
    host.send("/bridge/pad/5/set", "kick", 0.2)
    assert listener.until("/bridge/pad/5/state")[0] == "filling"
    host.send("/bridge/pad/5/clear")
    listener.command("IGNORE", "/bridge/tempo")
    time.sleep(0.2)
    host.send("/bridge/tempo", 120.0)
    with pytest.raises((AssertionError, TimeoutError)):
        listener.until("/bridge/tempo", 0.6)
    for key in ("gain", "loop"):
        host.send(f"/bridge/set/{key}")
    listener.close()


def test_a_change_of_the_tree_is_announced(site: Site, host: Client) -> None:
    listener = site.socket("/anything")
    host.send("/bridge/pad/77/set", "kick", 0.2)
    changed = None
    while changed is None:
        kind, data = listener.receive()
        changed = json.loads(data) if kind == TEXT else None
    assert changed == {"COMMAND": "PATH_CHANGED", "DATA": "/bridge/pad"}
    assert "77" in site.get("/bridge/pad").json["CONTENTS"]
    host.send("/bridge/pad/77/clear")
    while True:
        kind, data = listener.receive()
        if kind == TEXT and json.loads(data)["DATA"] == "/bridge/pad":
            break
        assert kind != BINARY
    listener.close()


def test_a_foreign_client_reads_every_address(site: Site) -> None:
    query = pytest.importorskip("pythonoscquery.osc_query_client")
    client = query.OSCQueryClient(_service(site))
    info = client.get_host_info()
    assert info.osc_port == site.daemon.port
    node = client.query_node("/bridge/tempo")
    assert node.full_path == "/bridge/tempo"


def _service(site: Site) -> Any:
    from zeroconf import ServiceInfo

    address = socket.inet_aton(site.host)
    return ServiceInfo("_oscjson._tcp.local.", "Clipbridge._oscjson._tcp.local.", port=site.port, addresses=[address])


def test_programs_on_the_network_find_the_ports_by_their_announcement() -> None:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    from bridge.frontends.http import announcing

    async def story() -> dict[str, tuple[int, str]]:
        announced = asyncio.create_task(announcing.announce("clipbridge-test.local", ["127.0.0.1"], 57_391, 57_390))
        browser = AsyncZeroconf(interfaces=["127.0.0.1"])
        found = {}
        for kind in (announcing.OSCQUERY, announcing.OSC):
            info = AsyncServiceInfo(kind, f"Clipbridge on test.{kind}")
            assert await info.async_request(browser.zeroconf, 8_000)
            found[kind] = (int(info.port or 0), info.parsed_addresses()[0])
        await browser.async_close()
        announced.cancel()
        await asyncio.gather(announced, return_exceptions=True)
        return found

    with asyncio.Runner() as runner:
        found = runner.run(story())
    assert found == {announcing.OSCQUERY: (57_391, "127.0.0.1"), announcing.OSC: (57_390, "127.0.0.1")}


def test_without_the_switches_no_port_is_open_and_without_its_packages_a_sentence_says_what_to_install(
    tmp_path: Path,
) -> None:
    code = "import sys; sys.modules['aiohttp'] = None; sys.argv[1:] = {!r}; import runpy; runpy.run_module('bridge', run_name='__main__')"
    arguments = ["run", "--touch", "--osc-port", "0", "--folder", str(tmp_path), "--inbox", ""]
    command = [STAND_IN[0], "-c", code.format(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 8 and "pip install '.[network]'" in done.stderr and "Traceback" not in done.stderr


NODE_CLIENT = """
const { OSCQueryDiscovery } = require("oscquery");
(async () => {
  const service = await new OSCQueryDiscovery().queryNewService(process.argv[1], Number(process.argv[2]));
  const flat = service.flat();
  console.log(JSON.stringify({ info: service.hostInfo, count: flat.length,
    tempo: flat.find((one) => one.full_path === "/bridge/tempo") }, null, 1));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_the_client_of_npm_reads_every_address(site: Site) -> None:
    node = need("node")
    if subprocess.run([node, "-e", "require('oscquery')"], capture_output=True, check=False).returncode:
        pytest.skip("needs the package oscquery of npm (NODE_PATH)")
    command = [node, "-e", NODE_CLIENT, site.host, str(site.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    read = json.loads(done.stdout)
    assert read["count"] > 200 and read["info"]["oscPort"] == site.daemon.port


def test_an_old_port_is_refused_in_a_sentence(site: Site, tmp_path: Path) -> None:
    options = ["--touch", "--set", f"network.port={site.port}", "--folder", str(tmp_path), "--inbox", ""]
    done = subprocess.run([*STAND_IN, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4 and f"TCP port {site.port}" in done.stderr


def test_daemons_are_closed_with_their_clients_still_there(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "clips", tmp_path / "home", "--touch", "--set", "network.port=0", run=STAND_IN)
    site = Site.of(daemon)
    page, idle = site.page(), site.connect()
    assert site.get("/").status == 404  # OSCQuery is off
    started = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - started < 10
    page.closed()
    idle.close()
