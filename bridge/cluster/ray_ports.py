"""Ray's own ports on this machine: whoever reaches them can run any code, unless they demand Ray's token."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import psutil

NAMES = ("gcs_server", "raylet")  # each machine of a cluster has the second, its head both


@dataclass(frozen=True, slots=True)
class RayProcess:
    """`ports`: those that other machines reach. `is_known`: whether the system tells us of them and of the token."""

    name: str
    ports: tuple[int, ...] = ()
    has_token: bool = False
    is_known: bool = True


def running() -> list[RayProcess]:
    """Ray's processes on this machine."""
    return [_seen(process) for process in psutil.process_iter(["name"]) if process.info["name"] in NAMES]


def _seen(process: psutil.Process) -> RayProcess:
    name = str(process.info["name"])
    try:
        connections = process.net_connections("tcp")
        listening = [at.laddr for at in connections if at.status == psutil.CONN_LISTEN]
        ports = sorted({at.port for at in listening if not ipaddress.ip_address(at.ip).is_loopback})
        return RayProcess(name, tuple(ports), process.environ().get("RAY_AUTH_MODE", "").lower() == "token")
    except (psutil.Error, OSError):  # another user's, or it has just ended
        return RayProcess(name, is_known=False)
