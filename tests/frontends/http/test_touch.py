"""The touch page: its WebSocket, played as a page plays it, and the page itself in a real browser, touched with fingers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frontends.http.browser import Tablet, browser
from tests.frontends.http.visitors import Site, WebSocket
from tests.harness import STAND_IN, Client, Daemon, pairs

NEAR_MS = 25.0  # then comes one block of the device


def ready(host: Client, site: Site, pad: int, prompt: str = "kick") -> None:
    """Give a pad a prompt, and wait until it has takes."""
    host.send("/bridge/subscribe")
    host.send(f"/bridge/pad/{pad}/set", prompt, 0.2)
    while host.until(f"/bridge/pad/{pad}/state")[1][:2] != ["ready", 2.0]:
        pass


def clear(host: Client, *pads: int) -> None:
    for pad in pads:
        host.send(f"/bridge/pad/{pad}/clear")
    host.send("/bridge/unsubscribe")
    host.send("/bridge/ping", "cleared")
    while host.until("/bridge/pong")[1] != ["cleared"]:
        pass


@pytest.fixture
def page(site: Site) -> Iterator[WebSocket]:
    page = site.page()
    yield page
    page.close()


def test_a_page_plays_pads_and_every_page_sees_it(site: Site, host: Client, page: WebSocket) -> None:
    ready(host, site, 2)
    other = site.page()
    page.send("/bridge/pads")
    assert page.until("/bridge/pad/2/prompt")[0] == "kick"
    page.send("/bridge/pad/2/play", 0.8)
    voice, state = page.until("/bridge/pad/2/voice")
    assert state == "began"
    assert other.until("/bridge/pad/2/voice") == [voice, "began"]
    while other.until("/bridge/pad/2/voice") != [voice, "ended"]:
        pass
    page.send("/bridge/pad/5/play", 0.8)
    assert page.until("/bridge/error")[:2] == ["/bridge/pad/5/play", "pad_empty"]
    clear(host, 2)
    other.close()


def test_what_a_page_makes_is_in_its_list_and_is_played_by_its_number(site: Site, page: WebSocket) -> None:
    page.send("/bridge/generate", "rain on tin", "sink", "both", "id", "touch-1")
    identity, path, *_ = page.until("/bridge/done")
    assert identity == "touch-1" and path.endswith(".wav") and "/" not in path
    page.send("/bridge/find", "", "order", "newest", "limit", 12)
    assert page.until("/bridge/found")[0] >= 1
    name, *rest = page.until("/bridge/clip")
    facts = pairs(rest, 0)
    assert name == path and facts["prompt"] == "rain on tin"
    page.send("/bridge/play", f"clip:{facts['clip']}")
    voice, state, _, *_ = page.until("/bridge/voice")
    while state != "ended":
        voice, state, why, *more = page.until("/bridge/voice")
        assert "/" not in "".join(map(str, more))
    page.send("/bridge/play", "clip:999999")
    assert page.until("/bridge/error")[:2] == ["/bridge/play", "unknown_clip"]


def test_a_page_sets_the_tempo_and_stops_everything(site: Site, host: Client, page: WebSocket) -> None:
    page.send("/bridge/tempo", 131.5)
    page.send("/bridge/tempo")
    assert page.until("/bridge/tempo")[0] == 131.5
    ready(host, site, 2)
    page.send("/bridge/pad/2/play", 0.9)
    assert page.until("/bridge/pad/2/voice")[1] == "began"
    page.send("/bridge/stop")
    assert page.until("/bridge/pad/2/voice")[1] == "ended"
    page.send("/bridge/tempo", 120.0)
    clear(host, 2)


def test_a_closed_page_is_forgotten_whatever_it_has_asked_for(site: Site, host: Client) -> None:
    for number in range(5):
        gone = site.page()
        gone.send("/bridge/generate", "rain", "id", f"gone-{number}")
        gone.send("/bridge/find", "")
        gone.close()
    assert host.ask("/bridge/ping", 1) == ("/bridge/pong", [1])
    page = site.page()
    page.send("/bridge/status")
    assert page.until("/bridge/status")[0] == "ready"
    page.close()


# ---- in a browser ----

# Remembers which pads were lit, however shortly.
WATCH = """window.lit = new Set(); new MutationObserver((all) => all.forEach((one) => {
  if (one.target.classList.contains("sounding")) window.lit.add(one.target.dataset.pad); }))
  .observe(document.getElementById("pads"), { subtree: true, attributes: true, attributeFilter: ["class"] });"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with browser(tmp_path_factory.mktemp("chromium")) as site:
        yield site


def opened(chromium: Site, site: Site, width: int = 1024, height: int = 700) -> Tablet:
    tablet = Tablet(chromium, f"http://{site.host}:{site.port}/touch%23{site.token}", width, height)
    tablet.until("document.querySelectorAll('.pad').length === 16 && !document.body.classList.contains('off')")
    return tablet


def test_two_tablets_play_pads_with_several_fingers(chromium: Site, site: Site, host: Client) -> None:
    for pad in (0, 5, 15):
        ready(host, site, pad, f"kick {pad}")
    one, two = opened(chromium, site), opened(chromium, site, 390, 780)
    for tablet in (one, two):
        tablet.until("document.querySelectorAll('.pad.ready').length === 3")
        assert tablet.value("document.querySelector('.pad .name').textContent") == "kick 0"
        tablet.value(WATCH)
    one.touch(*(one.middle(f"[data-pad='{pad}']") for pad in (0, 5, 15)))
    for tablet in (one, two):
        tablet.until("[...window.lit].sort().join() === '0,15,5'")
        tablet.until("document.querySelectorAll('.pad.sounding').length === 0")
    played = {int(address.split("/")[3]) for address, values in _voices(host, 3) if values[1] == "began"}
    assert played == {0, 5, 15}
    two.touch(two.middle("[data-pad='5']", 0.9), two.middle("[data-pad='0']", 0.1))
    two.until("window.clipbridge.latencies.length === 2")
    clear(host, 0, 5, 15)
    one.until("document.querySelectorAll('.pad.empty').length === 16")
    one.close()
    two.close()


def _voices(host: Client, count: int) -> list[tuple[str, list[object]]]:
    found: list[tuple[str, list[object]]] = []
    while len([1 for _, values in found if values[1] == "began"]) < count:
        address, values = host.receive(10)
        if address.endswith("/voice") and "/pad/" in address:
            found.append((address, values))
    return found


def test_the_page_makes_clips_gives_pads_their_prompts_taps_the_tempo_and_plays_the_last_clips(
    chromium: Site, site: Site, host: Client
) -> None:
    tablet = opened(chromium, site)
    tablet.value("document.getElementById('prompt').value = 'glassy bell'")
    tablet.touch(tablet.middle("#make button[type=submit]"))
    tablet.until("[...document.querySelectorAll('#clips .what')].some((one) => one.textContent === '▶ glassy bell')")
    tablet.touch(tablet.middle("#assign"))
    tablet.until("document.getElementById('assign').getAttribute('aria-pressed') === 'true'")
    tablet.touch(tablet.middle("[data-pad='9']"))
    tablet.until("document.querySelector(\"[data-pad='9']\").classList.contains('ready')")
    assert tablet.value("document.querySelector(\"[data-pad='9'] .name\").textContent") == "glassy bell"
    tablet.until("document.getElementById('tap').textContent === 'Tap 120.0'")
    for _ in range(4):
        tablet.touch(tablet.middle("#tap"), hold_s=0.0)
        time.sleep(0.4)
    tablet.until("document.getElementById('tap').textContent !== 'Tap 120.0'")
    host.send("/bridge/subscribe")
    tablet.touch(tablet.middle("#clips button"))
    while host.until("/bridge/voice")[1][1] != "began":
        pass
    tablet.touch(tablet.middle("#panic"))
    while host.until("/bridge/voice")[1][1] != "ended":
        pass
    host.send("/bridge/tempo", 120.0)
    clear(host, 9)
    tablet.close()


def test_a_page_comes_back_when_the_daemon_does(chromium: Site, tmp_path: Path) -> None:
    options = ("--touch", "--set", "network.port=0")
    first = Daemon(tmp_path / "clips", tmp_path / "home", *options, run=STAND_IN)
    site = Site.of(first)
    tablet = opened(chromium, site)
    first.stop()
    tablet.until("document.body.classList.contains('off')")
    options = ("--touch", "--set", f"network.port={site.port}")
    second = Daemon(tmp_path / "clips", tmp_path / "home", *options, run=STAND_IN)
    tablet.until("!document.body.classList.contains('off')")
    tablet.close()
    second.stop()


def test_a_touch_is_played_at_once_however_long_the_page_takes_to_draw_it(
    chromium: Site, site: Site, host: Client
) -> None:
    ready(host, site, 4)
    tablet = opened(chromium, site)
    tablet.until("document.querySelectorAll('.pad.ready').length >= 1")
    where, took_ms = tablet.middle("[data-pad='4']"), []
    for _ in range(20):
        at = time.monotonic()
        tablet.down(where)
        while host.until("/bridge/pad/4/voice")[1][1] != "began":
            pass
        took_ms.append(1000 * (time.monotonic() - at))
        tablet.up()
        while host.until("/bridge/pad/4/voice")[1][1] != "ended":
            pass
    print(f"touch to voice: median {statistics.median(took_ms):.1f} ms, the longest {max(took_ms):.1f} ms")
    assert statistics.median(took_ms) <= NEAR_MS
    clear(host, 4)
    tablet.close()
