"""What must not get through the HTTP port: other sites in a browser, broken and endless requests, and pages that ask for too much.
After each attack a program reads the tree, and a page plays, as before."""

from __future__ import annotations

import contextlib
import json
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from bridge.client import encode
from bridge.frontends.http.app import KEEP_ALIVE_S
from bridge.frontends.http.connections import MAX_OF_A_MACHINE
from tests import packets
from tests.frontends.http.visitors import BINARY, CLOSE, PING, TEXT, Site
from tests.harness import Client

EVIL = "http://evil.example"


def lines(*of_request: str) -> bytes:
    return ("\r\n".join(of_request) + "\r\n\r\n").encode("latin-1")


# Each with what is answered; 0: the connection is closed without a word.
REQUESTS: dict[str, tuple[Callable[[Site], bytes], set[int]]] = {
    "DNS rebinding: another name": (lambda site: site.request("/", Host=f"evil.example:{site.port}"), {403}),
    "DNS rebinding: a name that begins like ours": (lambda site: site.request("/", Host=f"127.0.0.1.evil.example:{site.port}"), {403}),
    "DNS rebinding: ours as a user": (lambda site: site.request("/", Host=f"127.0.0.1@evil.example:{site.port}"), {400, 403}),
    "another address": (lambda site: site.request("/", Host=f"127.0.0.2:{site.port}"), {403}),
    "the address of any machine": (lambda site: site.request("/", Host=f"0.0.0.0:{site.port}"), {403}),
    "the address as one number": (lambda site: site.request("/", Host=f"2130706433:{site.port}"), {403}),
    "the address in octal": (lambda site: site.request("/", Host=f"0177.0.0.1:{site.port}"), {400, 403}),
    "IPv6 around IPv4": (lambda site: site.request("/", Host=f"[::ffff:127.0.0.1]:{site.port}"), {403}),
    "another port": (lambda site: site.request("/", Host="127.0.0.1:80"), {403}),
    "no port": (lambda site: site.request("/", Host="127.0.0.1"), {403}),
    "no Host": (lambda site: site.request("/", Host=""), {400, 403}),
    "an empty Host": (lambda site: lines("GET / HTTP/1.1", "Host:", "Connection: close"), {400, 403}),
    "two Hosts": (lambda site: lines("GET / HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Host: evil.example"), {400, 403}),
    "an absolute address": (lambda site: site.request(f"{EVIL}/", Host=f"evil.example:{site.port}"), {400, 403}),
    "a fetch from another site": (lambda site: site.request("/", Origin=EVIL), {403}),
    "a fetch from a file": (lambda site: site.request("/", Origin="null"), {403}),
    "a fetch from our address on another port": (lambda site: site.request("/", Origin="http://127.0.0.1:80"), {403}),
    "a fetch from our address over TLS": (lambda site: site.request("/", Origin=f"https://127.0.0.1:{site.port}"), {403}),
    "two origins": (
        lambda site: lines("GET / HTTP/1.1", f"Host: 127.0.0.1:{site.port}", f"Origin: http://127.0.0.1:{site.port}",
                           f"Origin: {EVIL}"), {400, 403}),
    "a script element of another site": (lambda site: site.request("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"), {403}),
    "an image of a sister site": (lambda site: site.request("/bridge/tempo", Sec_Fetch_Site="same-site"), {403}),
    "the page in a frame of another site": (
        lambda site: site.request("/touch", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="nested-navigate"), {403}),
    "a link of another site to the tree": (
        lambda site: site.request("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate"), {403}),
    "a form of another site": (lambda site: site.request("/bridge/stop", "POST", Origin=EVIL, Content_Length="0"), {405}),
    "a POST with a body": (lambda site: site.request("/bridge/stop", "POST", Content_Length="4") + b"a=1\n", {405}),
    "a preflight": (lambda site: site.request("/", "OPTIONS", Origin=EVIL, Access_Control_Request_Method="PUT"), {405}),
    "PUT": (lambda site: site.request("/bridge/tempo", "PUT"), {405}),
    "DELETE": (lambda site: site.request("/bridge/tempo", "DELETE"), {405}),
    "TRACE": (lambda site: site.request("/", "TRACE"), {400, 405}),
    "CONNECT": (lambda site: site.request("evil.example:80", "CONNECT"), {400, 403, 404, 405}),
    "a proxy request": (lambda site: site.request("http://192.0.2.9/", Host="192.0.2.9"), {400, 403}),
    "a body that is announced and not sent": (lambda site: site.request("/", Content_Length="1000000000"), {413}),
    "a body without an end": (lambda site: site.request("/", Transfer_Encoding="chunked") + b"ffffff\r\n", {400, 413}),
    "two lengths": (
        lambda site: lines("GET / HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Content-Length: 1", "Content-Length: 2"), {400, 413}),
    "a length and pieces (request smuggling)": (
        lambda site: site.request("/", Content_Length="3", Transfer_Encoding="chunked") + b"0\r\n\r\n", {400, 413}),
    "a negative length": (lambda site: site.request("/", Content_Length="-1"), {400, 413}),
    "an endless line": (lambda site: site.request("/" + "a" * 100_000), {0, 400, 414}),
    "an endless header": (lambda site: site.request("/", X="a" * 100_000), {0, 400, 431}),
    "ten thousand headers": (
        lambda site: lines("GET / HTTP/1.1", f"Host: 127.0.0.1:{site.port}", *(f"X{i}: {'a' * 60}" for i in range(10_000))),
        {0, 400, 429, 431}),
    "a header that injects another": (lambda site: site.request("/", X="a\r\nHost: evil.example"), {400, 403}),
    "a header with a NUL": (lambda site: site.request("/", X="a\0b"), {400}),
    "a path out of the folder": (lambda site: site.request("/../../../../etc/passwd"), {400, 404}),
    "the same, encoded": (lambda site: site.request("/%2e%2e/%2e%2e/etc/passwd"), {400, 404}),
    "the same, encoded twice": (lambda site: site.request("/touch/..%252f..%252fetc/passwd"), {400, 404}),
    "the token file": (lambda site: site.request("/touch-token"), {404}),
    "a file of the program": (lambda site: site.request("/touch.html"), {404}),
    "a path with a NUL": (lambda site: site.request("/bridge%00/tempo"), {400, 404}),
    "a path that is not UTF-8": (lambda site: site.request("/%ff%fe"), {400, 404}),
    "an old HTTP": (lambda site: lines("GET /"), {0, 400, 403}),
    "HTTP/2": (lambda site: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400, 403, 405}),
    "TLS": (lambda site: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 500 + b"\r\n\r\n", {0, 400}),
    "OSC": (lambda site: encode("/bridge/stop") + b"\r\n\r\n", {0, 400}),
    "64 kB of nonsense": (lambda site: b"\xff" * 65_536 + b"\r\n\r\n", {0, 400}),
}  # fmt: skip

OURS = "Sec_WebSocket_Protocol"
SOCKETS: dict[str, Callable[[Site], tuple[str, dict[str, str]]]] = {
    "a socket of another site (cross-site WebSocket hijacking)": lambda site: ("/", {"Origin": EVIL}),
    "a socket of another site to the page's": lambda site: (
        "/touch/socket", {"Origin": EVIL, OURS: f"clipbridge, token.{site.token}"}),
    "a socket by a rebound name": lambda site: (
        "/touch/socket", {"Host": f"evil.example:{site.port}", "Origin": f"http://evil.example:{site.port}",
                          OURS: f"clipbridge, token.{site.token}"}),
    "a socket without a token": lambda site: ("/touch/socket", {OURS: "clipbridge"}),
    "a socket without anything": lambda site: ("/touch/socket", {}),
    "a wrong token": lambda site: ("/touch/socket", {OURS: "clipbridge, token." + "a" * 43}),
    "the beginning of the token": lambda site: ("/touch/socket", {OURS: f"clipbridge, token.{site.token[:-1]}"}),
    "an empty token": lambda site: ("/touch/socket", {OURS: "clipbridge, token."}),
    "two tokens": lambda site: ("/touch/socket", {OURS: f"clipbridge, token.x, token.{site.token}"}),
    "the token in the address": lambda site: (f"/touch/socket?token={site.token}", {OURS: "clipbridge"}),
    "the token without our protocol": lambda site: ("/touch/socket", {OURS: f"token.{site.token}"}),
    "a token of a megabyte": lambda site: ("/touch/socket", {OURS: "clipbridge, token." + "a" * 3_000}),
    "an old WebSocket": lambda site: ("/", {"Sec_WebSocket_Version": "8"}),
    "a WebSocket without a key": lambda site: ("/", {"Sec_WebSocket_Key": ""}),
    "another protocol": lambda site: ("/", {"Upgrade": "h2c"}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def as_before(site: Site) -> Iterator[None]:
    """The daemon answers after the test, and a page gets in."""
    yield
    wait_for_room(site)
    page = site.page()
    page.send("/bridge/status")
    assert page.until("/bridge/status")[0] == "ready"
    page.close()


def wait_for_room(site: Site) -> None:
    """Until the machine may ask again: its connections are counted, and its requests."""
    end = time.monotonic() + 10
    while site.get("/bridge/tempo?TYPE").status != 200:
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize("name", REQUESTS)
def test_no_attack_by_a_request_is_answered(site: Site, name: str) -> None:
    request, expected = REQUESTS[name]
    answer = site.ask(request(site))
    assert answer.status in expected, (answer.status, answer.body[:200])
    assert not [header for header in answer.headers if header.startswith("access-control")]
    assert b"root:" not in answer.body and site.token.encode() not in answer.body


@pytest.mark.parametrize("name", SOCKETS)
def test_no_socket_opens_for_others(site: Site, name: str) -> None:
    path, headers = SOCKETS[name](site)
    with pytest.raises(ConnectionRefusedError) as refused:
        site.socket(path, **headers)
    assert refused.value.args[0] in (400, 403)


FRAMES: dict[str, tuple[int, bytes, dict[str, object]]] = {
    "a frame of a gigabyte": (BINARY, b"", {"raw": b"\x82\xff" + struct.pack(">Q", 1 << 30) + b"\0\0\0\0"}),
    "a message of 100 kB": (BINARY, b"a" * 100_000, {}),
    "a frame with a reserved bit": (BINARY, b"abcd", {"reserved": 0x40}),
    "an unknown kind of frame": (3, b"abcd", {}),
    "a ping in pieces": (PING, b"abcd", {"last": False}),
    "a long ping": (PING, b"a" * 200, {}),
    "a text": (TEXT, b"{}", {}),
    "a text that is not UTF-8": (TEXT, b"\xff\xfe", {}),
    "an impossible close": (CLOSE, b"\x00", {}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_broken_frame_ends_its_socket_and_no_other(site: Site, name: str) -> None:
    kind, data, how = FRAMES[name]
    page, other = site.page(), site.page()
    with contextlib.suppress(ConnectionError):
        page.raw(how["raw"]) if "raw" in how else page.frame(kind, data, **how)  # type: ignore[arg-type]
    page.closed(5.0)
    other.send("/bridge/status")
    assert other.until("/bridge/status")[0] == "ready"
    other.close()


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/bridge/play", ["/etc/passwd"]), ("/bridge/play", ["clip:1", "output", "cue"]), ("/bridge/measure", ["/etc/passwd"]),
        ("/bridge/recall", ["/etc/passwd"]), ("/bridge/crop", ["/etc/passwd", 0.0, 1.0]), ("/bridge/learn", ["/etc", "x"]),
        ("/bridge/pad/3/load", ["/etc/passwd"]), ("/bridge/generate", ["rain", "then", "/x", "then_port", 9]),
        ("/bridge/generate", ["rain", "reply_port", 9]), ("/bridge/generate", ["rain", 1.0, "vary", "/etc/passwd"]),
        ("/bridge/generate", ["vary", "/etc/passwd"]), ("/bridge/generate", [["rain"]]), ("/bridge/generate", []),
        ("/bridge/generate", [b"rain"]), ("/bridge/pad/3/set", ["fill", "/etc/passwd"]), ("/bridge/subscribe", [9]),
        ("/bridge/subscribe", []), ("/bridge/restart", ["/tmp/evil"]), ("/bridge/set/reply_port", [9]), ("/bridge/kit", ["x", "rain"]),
        ("/bridge/models", ["/etc"]), ("/bridge/stream/start", ["rain"]), ("/bridge/pad/3/play", [0.5, "reply_port", 9]),
        ("/bridge/nothing", []), ("/bridge/generate/words", ["rain"]), ("/bridge/find", ["", "id", 3]), ("/bridge/cancel", []),
    ],
)  # fmt: skip
def test_a_page_may_only_do_what_it_has_buttons_for(site: Site, address: str, values: list[object]) -> None:
    page = site.page()
    page.send(address, *values)
    refused, code, why = page.until("/bridge/error")
    assert refused == address and code in ("unknown_address", "bad_argument") and "/etc" not in why
    page.close()


@pytest.mark.parametrize("name", packets.BROKEN)
def test_broken_osc_from_a_page_does_nothing(site: Site, name: str) -> None:
    data = packets.BROKEN[name]
    page = site.page()
    page.frame(BINARY, data)
    if len(data) > 16_000:
        page.closed()
        return
    page.send("/bridge/status")
    assert page.until("/bridge/status")[0] == "ready"
    page.close()


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "3", '"LISTEN"', "{", "[" * 10_000, '{"COMMAND":"LISTEN"}', '{"COMMAND":"LISTEN","DATA":{}}',
     '{"COMMAND":3,"DATA":"/"}', '{"COMMAND":"LISTEN","DATA":"/../x"}', '{"COMMAND":"START_OSC_STREAMING","DATA":{}}',
     '{"COMMAND":"LISTEN","DATA":"' + "/a" * 4_000 + '"}'],
)  # fmt: skip
def test_nonsense_from_a_listener_is_passed_over(site: Site, text: str) -> None:
    listener = site.socket("/")
    listener.frame(TEXT, text.encode())
    listener.command("LISTEN", "/bridge/tempo")
    assert listener.until("/bridge/tempo")
    listener.close()


def test_a_listener_cannot_send_commands(site: Site) -> None:
    listener = site.socket("/")
    listener.send("/bridge/stop")
    assert listener.closed() == 1003


def test_a_page_that_sends_too_much_is_closed(site: Site) -> None:
    page = site.page()
    with contextlib.suppress(ConnectionError):
        for _ in range(3_000):
            page.frame(PING)
    assert page.closed() in (0, 1008)


def test_a_reader_that_is_too_slow_is_dropped_and_the_others_lose_nothing(site: Site, host: Client) -> None:
    slow, other = site.page(), site.page()
    host.send("/bridge/pad/9/set", "rain " * 780, 0.2)
    for number in range(4_000):
        host.send("/bridge/pad/9/lock", number % 2)  # 4 kB to each page
        if number % 20 == 0:
            host.ask("/bridge/ping")
            with contextlib.suppress(TimeoutError):
                while True:
                    other.message(0.001)
    host.send("/bridge/pad/9/set", "the last", 0.2)
    while other.until("/bridge/pad/9/prompt")[0] != "the last":
        pass
    host.send("/bridge/pad/9/clear")
    end = time.monotonic() + 20
    with pytest.raises(ConnectionError):
        while time.monotonic() < end:
            slow.message(1.0)
    slow.close()
    other.close()


def test_connections_without_a_request_are_closed_and_one_machine_cannot_take_all(site: Site) -> None:
    idle = [site.connect(own="127.0.0.7") for _ in range(MAX_OF_A_MACHINE)]
    assert site.get("/bridge/tempo").status == 200, "another machine is not affected"
    idle[0].sendall(b"GET / HTTP/1.1\r\nHost: 127")
    with site.connect(own="127.0.0.7") as more:
        more.settimeout(3.0)
        with contextlib.suppress(ConnectionError):
            assert more.recv(1) == b""
    time.sleep(KEEP_ALIVE_S + 2.0)
    for one in idle:
        one.settimeout(1.0)
        with contextlib.suppress(ConnectionError):
            assert one.recv(1) == b""
        one.close()


def test_too_many_requests_wait(site: Site) -> None:
    answered = [site.get("/").status for _ in range(80)]
    assert answered[:10] == [200] * 10 and answered[-1] == 429
    time.sleep(1.0)


def test_the_page_says_what_it_may_load_and_knows_no_secret(site: Site) -> None:
    answer = site.get("/touch", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert answer.status == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == f"ws://{site.host}:{site.port}"
    assert policy["script-src"].startswith("'sha256-") and "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "no-referrer"
    assert site.token not in answer.body.decode() and b"http://" not in answer.body
    assert not json.dumps(answer.headers).count("aiohttp")
