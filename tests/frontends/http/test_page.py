"""The script of the touch page, without a browser: its OSC is that of everybody else, and it loads nothing."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from bridge.frontends.http import permits, touch
from bridge.frontends.osc.addresses import METHODS
from bridge.frontends.osc.replies import REPLIES
from bridge.frontends.osc.socket import Double
from bridge.frontends.osc.socket import encode as ours
from tests.golden.wire import encode
from tests.harness import need

PAGE = (Path(touch.__file__).parent / "touch.html").read_text("utf-8")
SCRIPT = PAGE.split("<script>")[1].split("</script>")[0]
CODEC = SCRIPT.split("// ---- the connection")[0]


def run(code: str) -> Any:
    """What code of the page prints as JSON."""
    command = [need("node"), "-e", f"{CODEC}\n{code}"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout)


def test_messages_of_the_page_are_the_bytes_that_others_send() -> None:
    made = run(
        """const all = [["/bridge/pad/3/play", new Float(0.5)], ["/bridge/stop"], ["/bridge/generate", "Geräusch 雨", "id", "touch-1"],
        ["/bridge/find", "", "limit", 12], ["/a", "abc", "abcd", -1]];
        console.log(JSON.stringify(all.map(([address, ...values]) => [...encoded(address, values)])));"""
    )
    expected = [
        encode("/bridge/pad/3/play", (0.5,)),
        encode("/bridge/stop", ()),
        encode("/bridge/generate", ("Geräusch 雨", "id", "touch-1")),
        encode("/bridge/find", ("", "limit", 12)),
        encode("/a", ("abc", "abcd", -1)),
    ]
    assert [bytes(one) for one in made] == expected


def test_the_page_reads_what_we_send() -> None:
    messages = [
        ("/bridge/clip", ("kick 雨.wav", "seconds", 0.25, "seed", 2**31 - 1, "far", 2**40, "exact", Double(0.1))),
        ("/bridge/pong", ()),
        ("/bridge/pad/15/state", ("filling", 0.5, "fresh", 0)),
    ]
    data = json.dumps([list(ours(address, values)) for address, values in messages])
    read = run(f"console.log(JSON.stringify({data}.map((one) => decoded(new Uint8Array(one).buffer))));")
    assert read == [[address, list(values)] for address, values in messages]


def test_every_address_in_the_page_exists_and_all_that_it_sends_is_permitted() -> None:
    sent = set(re.findall(r'send\([`"](/bridge/[^`"]*)[`"]', SCRIPT))
    sent |= set(re.findall(r'"(/bridge/[a-z/]+)"\]\) send', SCRIPT)) | {
        "/bridge/status",
        "/bridge/pads",
        "/bridge/tempo",
    }
    rows = {re.sub(r"\$\{[^}]*\}", "<n>", address) for address in sent}
    assert rows == {*permits.PLAIN, *permits.KEYS} and rows <= set(METHODS)
    for answer in re.findall(r'case "(/bridge/[a-z/]+)"', SCRIPT):
        assert answer in REPLIES or answer in METHODS


def test_the_page_is_one_file_that_loads_nothing_and_makes_no_html_of_texts() -> None:
    assert not re.findall(r"https?://|@import|url\(|\bsrc=", PAGE)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", SCRIPT)
    assert not re.findall(r"\son[a-z]+=\"|style=\"", PAGE), "the policy would refuse it"
