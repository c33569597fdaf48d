"""The HTTP frontend: OSCQuery and the touch page on one TCP port, for the machines that may send OSC. An extra: its packages are imported
only if it is on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bridge.config import NetworkConfig, OscConfig
from bridge.core.core import Core
from bridge.domain.events import WebOpened
from bridge.errors import ConfigError
from bridge.frontends.http import places, tokens
from bridge.frontends.http.connections import listen
from bridge.frontends.osc.server import OscFrontend
from bridge.system import portable

TOKEN_FILE = "touch-token"


@contextlib.asynccontextmanager
async def serve_http(
    core: Core, osc: OscFrontend, osc_config: OscConfig, config: NetworkConfig
) -> AsyncIterator[WebOpened | None]:
    """Serve what is on until the context ends, and say where. Raises ConfigError, PortTaken."""
    if not config.oscquery and not config.touch:
        yield None
        return
    try:
        from bridge.frontends.http import announcing
        from bridge.frontends.http.app import serving
    except ImportError as error:
        raise ConfigError(
            f"The network needs more packages ({error}). In Clipbridge's folder: pip install '.[network]'"
        ) from error
    token = tokens.read_or_create(portable.config_folder() / TOKEN_FILE) if config.touch else ""
    listener = listen(osc_config, config.port)
    port = int(listener.getsockname()[1])
    machine = places.reachable(osc_config.host, osc_config.allow)
    elsewhere = not places.is_loopback(osc_config.host)
    async with contextlib.AsyncExitStack() as stack:
        name = places.own_name() if elsewhere and config.oscquery else ""
        await stack.enter_async_context(serving(core, osc, listener, config, token, name))
        if name:
            addresses = places.addresses(osc_config.host)
            stack.enter_context(announcing.in_background(name, addresses, port, osc.port))
        site = f"http://{f'[{machine}]' if ':' in machine else machine}:{port}"
        yield WebOpened(
            f"{site}/" if config.oscquery else "", f"{site}/touch#{token}" if config.touch else "", elsewhere
        )
