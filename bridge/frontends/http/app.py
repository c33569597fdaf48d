"""The web server: each request is checked, then answered by OSCQuery or the touch page."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Callable

from aiohttp import WSCloseCode, WSMsgType, web

from bridge.config import NetworkConfig
from bridge.core.core import Core
from bridge.domain.events import Event
from bridge.frontends.http import answers, checks
from bridge.frontends.http.connections import Connections, Rate
from bridge.frontends.http.oscquery import OscQuery
from bridge.frontends.http.outbox import Outbox
from bridge.frontends.http.touch import Touch
from bridge.frontends.http.values import Values
from bridge.frontends.osc.server import OscFrontend

log = logging.getLogger("clipbridge.http")

LOOK_S = 0.1  # how often values are compared of which no event tells
MAX_MESSAGE_BYTES = 16_384  # to a WebSocket: a prompt of 4,000 characters
MAX_LINE_BYTES, MAX_HEADER_BYTES = 2_048, 4_096
MESSAGES_A_SECOND, MESSAGES_AT_ONCE = 250.0, 500.0  # of one WebSocket
KEEP_ALIVE_S = 5.0  # a connection that sends no whole request is closed after this
SHUTDOWN_S = 1.0
HEARTBEAT_S = 15.0  # a WebSocket whose other end is gone is found by this
CLOSE_S = 1.0  # how long a WebSocket that we close may take to agree
TREES, TREE_COST = ("/", "/bridge", "/bridge/pad", "/bridge/set"), 20.0  # milliseconds, where others take a part of one
PAGE, PAGE_SOCKET = "/touch", "/touch/socket"


@contextlib.asynccontextmanager
async def serving(
    core: Core, osc: OscFrontend, listener: socket.socket, config: NetworkConfig, token: str, name: str
) -> AsyncIterator[None]:
    """Answer requests on a listening socket until the context ends. `name`: of this machine on the network, or ""."""
    site = Web(osc, config, int(listener.getsockname()[1]), token, name)
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=log,
        keepalive_timeout=KEEP_ALIVE_S,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        lingering_time=0.0,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    assert runner.server is not None
    site.connections = connections = Connections(listener, runner.server, osc.may_reach)
    work = [asyncio.create_task(each()) for each in (connections.accept, site.look)]
    core.listeners.append(site)
    try:
        yield
    finally:
        core.listeners.remove(site)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        connections.close()
        await runner.cleanup()


class Web:
    """All requests. `connections` is set before the first one."""

    connections: Connections

    def __init__(self, osc: OscFrontend, config: NetworkConfig, port: int, token: str, name: str) -> None:
        self._port, self._token = port, token
        self._names = frozenset({name} if name else ())
        self._query = OscQuery(Values(osc.osc), osc.port, port) if config.oscquery else None
        self._touch = Touch(osc) if config.touch else None

    def on_event(self, event: Event) -> None:
        """Tell the clients of OSCQuery; pages get all events from the OSC frontend."""
        if self._query is not None:
            self._query.on_event(event)

    async def look(self) -> None:
        """Compare values again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._query is not None:
                self._query.look()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or say why not."""
        machine, local = _ends(request)
        is_tree = request.path in TREES and not _wants_socket(request)
        if not self.connections.allows(machine, TREE_COST if is_tree else 1.0):
            return answers.sentence(429, "Too many requests: wait a second.")
        if request.method not in ("GET", "HEAD"):
            return answers.sentence(405, "Only GET is answered here; commands are sent by OSC.", Allow="GET, HEAD")
        if request.can_read_body or request.headers.get("Content-Length", "0") != "0":
            return answers.sentence(413, "A request here has no body.")
        try:
            host = checks.check_host(request.headers.getall("Host", []), local, self._port, self._names)
            is_page = request.path == PAGE and self._touch is not None and not _wants_socket(request)
            checks.check_origin(request.headers.getall("Origin", []), host, request.headers, is_page)
            if _wants_socket(request):
                return await self._socket(request, machine)
        except checks.Refused as refusal:
            return answers.sentence(403, str(refusal))
        if self._touch is not None and request.path == PAGE:
            return self._touch.page(host)
        if self._query is None:
            return answers.sentence(404, "There is no such page.")
        return self._query.answer(request.path, list(request.query), machine, local)

    # ---- WebSockets ----

    async def _socket(self, request: web.Request, machine: str) -> web.StreamResponse:
        is_touch = request.path == PAGE_SOCKET
        if is_touch and self._touch is not None:
            offered = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
            checks.check_token(offered, self._token)
        elif is_touch or self._query is None:
            return answers.sentence(404, "There is no such page.")
        one = web.WebSocketResponse(
            protocols=(checks.PROTOCOL,) if is_touch else (),
            max_msg_size=MAX_MESSAGE_BYTES,
            compress=False,
            autoping=False,
            heartbeat=HEARTBEAT_S,
            timeout=CLOSE_S,
        )
        # Older versions, which aiohttp would accept, have their origin in another header than the one that was checked.
        if request.headers.get("Sec-WebSocket-Version") != "13" or not one.can_prepare(request).ok:
            return answers.sentence(400, "This is no WebSocket that we can open.")
        await one.prepare(request)
        transport = request.transport
        if transport is None:  # it is closed already
            return one
        outbox = Outbox(one, transport)
        try:
            await (self._serve_page if is_touch else self._serve_listener)(one, machine, outbox)
        finally:
            await outbox.close()
        return one

    async def _serve_page(self, one: web.WebSocketResponse, machine: str, outbox: Outbox) -> None:
        assert self._touch is not None
        touch = self._touch
        if (target := touch.join(machine, outbox)) is None:
            await one.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too many pages are open")
            return
        try:
            await _receive(one, WSMsgType.BINARY, lambda data: touch.on_bytes(target, bytes(data)))
        finally:
            touch.leave(target)

    async def _serve_listener(self, one: web.WebSocketResponse, machine: str, outbox: Outbox) -> None:
        assert self._query is not None
        query = self._query
        audience = query.join(machine, outbox)
        try:
            await _receive(one, WSMsgType.TEXT, lambda text: query.on_text(audience, text))
        finally:
            query.leave(audience)


async def _receive(one: web.WebSocketResponse, kind: WSMsgType, act: Callable[..., None]) -> None:
    """Hand each message of this kind on, until the WebSocket is closed. One that sends too much, or another kind, is closed."""
    loop = asyncio.get_running_loop()
    rate = Rate(MESSAGES_A_SECOND, MESSAGES_AT_ONCE, loop.time())
    async for message in one:
        if not rate.allows(loop.time()):
            await one.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
        elif message.type == kind:
            act(message.data)
        elif message.type == WSMsgType.PING:
            with contextlib.suppress(ConnectionError):
                await one.pong(message.data)
        elif message.type != WSMsgType.PONG:
            await one.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"not what is sent here")


def _wants_socket(request: web.Request) -> bool:
    return "upgrade" in request.headers.get("Connection", "").lower() or "Upgrade" in request.headers


def _ends(request: web.Request) -> tuple[str, str]:
    """The addresses of the machine that asks, and of ours that it asked; IPv4 ones as such."""
    transport = request.transport
    ends = [transport.get_extra_info(name) if transport is not None else None for name in ("peername", "sockname")]
    plain = [ipaddress.ip_address(end[0].partition("%")[0] if end else "127.0.0.1") for end in ends]
    machine, local = (str(getattr(end, "ipv4_mapped", None) or end) for end in plain)
    return machine, local
