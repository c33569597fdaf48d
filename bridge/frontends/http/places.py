"""The addresses of this machine: those that other machines reach, and its name on the local network."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

import psutil

ANY = ("0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach an address that is listened on."""
    return ipaddress.ip_address(host).is_loopback


def addresses(host: str) -> list[str]:
    """The addresses that are listened on: `host`, or all of this machine that others reach."""
    if host not in ANY:
        return [host]
    families = (socket.AF_INET,) if host == ANY[0] else (socket.AF_INET, socket.AF_INET6)
    own = [entry.address for of_one in psutil.net_if_addrs().values() for entry in of_one if entry.family in families]
    usable = [ipaddress.ip_address(address) for address in own if "%" not in address]  # a zone means nothing elsewhere
    return [str(address) for address in usable if not address.is_loopback and not address.is_link_local]


def reachable(host: str, allow: Iterable[str]) -> str:
    """The address by which the machines in `allow` most likely reach this one."""
    own = addresses(host) or ["127.0.0.1"]
    networks = [ipaddress.ip_network(entry, strict=False) for entry in allow]
    same = [one for one in own if any(ipaddress.ip_address(one) in network for network in networks)]
    if same or len(own) == 1:
        return (same or own)[0]
    for network in networks:
        with socket.socket(socket.AF_INET if network.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((str(network.network_address), 9))  # sends nothing: the system only chooses the way
            except OSError:
                continue
            if (chosen := str(probe.getsockname()[0])) in own:
                return chosen
    return own[0]


def own_name() -> str:
    """The name of this machine on the local network, such as `clipbridge-studio.local`; another program may have `studio.local`."""
    host = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().partition(".")[0].lower()).strip("-")
    return f"clipbridge-{host or 'machine'}"[:60].rstrip("-") + ".local"
