"""The ASGI app of a box: GET answers with its facts, POST with the frames of a job. See engine/wire.py for the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bridge.cluster.asking import MOST_BODY_BYTES, Gone, Receive, read_ask, read_body, stored
from bridge.cluster.box import Box
from bridge.cluster.tokens import Tokens, WrongToken
from bridge.cluster.work import Work
from bridge.domain.plain import plain
from bridge.errors import BadArgument, ClipbridgeError, NoModel, NotReady, QueueFull

log = logging.getLogger("clipbridge")

FRAMES = "application/x-clipbridge"
STALLED_S = 60.0  # a front that reads nothing for this long is left
MOST_BODIES = 4  # read at a time, to bound the memory
HEALTHY = "/-/healthz"  # as Ray Serve's own

Send = Callable[[dict[str, Any]], Awaitable[None]]
STATUS: dict[type[ClipbridgeError], int] = {WrongToken: 401, QueueFull: 503, NotReady: 503, NoModel: 409}


class App:
    """The box is started and stopped together with the server. `waits`: the server starts once the box is ready."""

    def __init__(self, box: Box, tokens: Tokens, waits: bool = False) -> None:
        self._box, self._tokens, self._waits = box, tokens, waits
        self._bodies = asyncio.Semaphore(MOST_BODIES)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """See ASGI 3.0."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                await self._answer(scope, receive, send)
            except ClipbridgeError as error:
                status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
                await respond(send, status, {"code": error.code, "why": str(error)})
            except Gone:
                pass

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._box.start()
        if self._waits:
            await self._box.decided.wait()
        if self._box.given_up:
            await send({"type": "lifespan.startup.failed", "message": self._box.given_up})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._box.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["path"] == HEALTHY:
            await respond(send, 200, {"healthy": True})
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        digest = self._tokens.check(headers.get(b"authorization", ""))
        if scope["method"] == "GET":
            await respond(send, 200, plain(self._box.facts()))
        elif scope["method"] == "POST":
            if not headers.get(b"content-length", "").isdecimal():
                raise BadArgument("A request must state its length.")
            if int(headers[b"content-length"]) > MOST_BODY_BYTES:
                raise BadArgument(f"A request may have at most {MOST_BODY_BYTES >> 20} MiB.")
            with self._tokens.asking(digest):
                await self._generate(receive, send)
        else:
            await respond(send, 405, {"code": "bad_argument", "why": "Only GET and POST are known."})

    async def _generate(self, receive: Receive, send: Send) -> None:
        with contextlib.ExitStack() as kept:
            async with self._bodies:
                asked, raw, suffix = await asyncio.to_thread(read_ask, await read_body(receive))
                self._box.check(asked.prompt, str(asked.conditions["model"]), str(asked.conditions["revision"]))
                prompt, file = kept.enter_context(stored(asked, raw, suffix))
                del raw
            work = self._box.add(prompt, file)
            try:
                await self._stream(work, receive, send)
            finally:
                self._box.leave(work)

    async def _stream(self, work: Work, receive: Receive, send: Send) -> None:
        """Send the frames until the last one, or until the front has gone."""
        # So that nginx passes every frame on at once.
        headers = [(b"content-type", FRAMES.encode()), (b"x-accel-buffering", b"no"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone, sending = asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(_send(work.frames(), send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                await sending  # raises what it raised
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a front read nothing for %g s and was left", STALLED_S)
        finally:
            gone.cancel()
            sending.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(frames: AsyncIterator[bytes], send: Send) -> None:
    async for data in frames:
        async with asyncio.timeout(STALLED_S):
            await send({"type": "http.response.body", "body": data, "more_body": True})


async def respond(send: Send, status: int, values: dict[str, Any]) -> None:
    """Answer with JSON."""
    body = json.dumps(values).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
