"""Announce Clipbridge on the local network by mDNS, so that other programs find it. The only importer of zeroconf."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence

from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

log = logging.getLogger("clipbridge.http")

OSCQUERY, OSC = "_oscjson._tcp.local.", "_osc._udp.local."


@contextlib.contextmanager
def in_background(name: str, addresses: Sequence[str], http_port: int, osc_port: int) -> Iterator[None]:
    """Announce until the context ends, beside everything else: it takes a second. `name`: of this machine, ending with `.local`.
    Without a network nothing is announced, and the log says why."""
    task = asyncio.create_task(announce(name, addresses, http_port, osc_port))
    try:
        yield
    finally:
        task.cancel()


async def announce(name: str, addresses: Sequence[str], http_port: int, osc_port: int) -> None:
    """Announce both ports until cancelled."""
    try:
        zeroconf = AsyncZeroconf(interfaces=list(addresses))
    except OSError as error:
        log.warning("not announced on the network: %s", error)
        return
    try:
        instance = f"Clipbridge on {name.removesuffix('.local').removeprefix('clipbridge-')}"
        for kind, port in ((OSCQUERY, http_port), (OSC, osc_port)):
            service = ServiceInfo(
                kind, f"{instance}.{kind}", port=port, parsed_addresses=list(addresses), server=f"{name}."
            )
            await zeroconf.async_register_service(service, allow_name_change=True)
        log.info("announced on the network as %s", instance)
        await asyncio.Event().wait()
    except (OSError, Error) as error:
        log.warning("not announced on the network: %s", error)
    finally:
        with contextlib.suppress(OSError, Error):
            await zeroconf.async_close()
