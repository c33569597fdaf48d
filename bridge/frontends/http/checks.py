"""Who may use the HTTP port: checks of Host, Origin and token, as pure functions.

A page on the web can make a browser send requests to this machine. It cannot choose Host (unless a name of its own is made to lead
here: DNS rebinding), Origin or Sec-Fetch-Site, so these three tell such requests from those of our own page and of programs.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping, Sequence

from bridge.errors import ClipbridgeError

PROTOCOL = "clipbridge"  # of the WebSocket of the touch page
TOKEN = "token."  # how the second protocol that it offers begins
MAX_TOKEN_CHARACTERS = 200
NAVIGATION = {"navigate"}  # somebody followed a link, or scanned the code


class Refused(ClipbridgeError, code="refused"):
    """A request that is not answered, and why, for the person who sent it."""


def check_host(hosts: Sequence[str], local: str, port: int, names: frozenset[str]) -> str:
    """The Host header of a request that came to the address `local` and this port. It must be that address, one of our own `names`, or
    localhost if it came from this machine. Raises Refused."""
    if len(hosts) != 1:
        raise Refused("A request needs one Host header.")
    name, separator, stated = hosts[0].rpartition(":")
    if not separator or hosts[0].endswith("]"):
        name, stated = hosts[0], "80"
    if stated != str(port):
        raise Refused("The Host header has another port than this one.")
    lower = name.lower().removesuffix(".")  # some clients send the name as mDNS has it
    if lower in names or (lower == "localhost" and ipaddress.ip_address(local).is_loopback):
        return hosts[0]
    bare = lower[1:-1] if lower.startswith("[") and lower.endswith("]") else lower
    try:
        same = (":" in bare) == lower.startswith("[") and ipaddress.ip_address(bare) == ipaddress.ip_address(local)
    except ValueError:
        same = False
    if not same:
        raise Refused("The Host header names another machine: open Clipbridge by its IP address, as it prints it.")
    return hosts[0]


def check_origin(origins: Sequence[str], host: str, fetch: Mapping[str, str], is_page: bool) -> None:
    """A browser states the origin of the page that sends a request, and how the two are related. Our own page may send any; another one
    may only be the place of a link to the touch page (`is_page`). Raises Refused."""
    if len(origins) > 1 or (origins and origins[0] != f"http://{host}"):
        raise Refused("Pages of other sites may not talk to Clipbridge.")
    site, mode = fetch.get("Sec-Fetch-Site", "none"), fetch.get("Sec-Fetch-Mode", "")
    if site not in ("none", "same-origin") and not (is_page and mode in NAVIGATION):
        raise Refused("Pages of other sites may not talk to Clipbridge.")


def check_token(offered: Sequence[str], token: str) -> None:
    """The protocols that a WebSocket offers: ours, and the token. Takes the same time whatever the token is. Raises Refused."""
    tokens = [name.removeprefix(TOKEN) for name in offered if name.startswith(TOKEN)]
    right = len(tokens) == 1 and len(tokens[0]) <= MAX_TOKEN_CHARACTERS
    right = hmac.compare_digest(_digest(tokens[0] if right else ""), _digest(token)) and right
    if PROTOCOL not in offered or not right:
        raise Refused("The link has no token, or an old one: scan the code again that clipbridge run --touch prints.")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()
