"""The headers of all answers, and the answers themselves."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "Server": "Clipbridge",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}  # no Access-Control-*: no other page may read anything


def as_json(value: Any) -> web.Response:
    """A JSON document."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return _response(200, body, "application/json", NOTHING_ELSE)


def sentence(status: int, text: str, **headers: str) -> web.Response:
    """A refusal, in words. The connection ends with it."""
    response = _response(status, f"{text}\n".encode(), "text/plain", NOTHING_ELSE)
    response.headers.update(headers)
    response.force_close()
    return response


def nothing() -> web.Response:
    """204: the attribute has no value here."""
    return web.Response(status=204, headers=HEADERS)


def page(body: bytes, policy: str) -> web.Response:
    """An HTML page with the policy of what it may load."""
    return _response(200, body, "text/html", f"{NOTHING_ELSE}; {policy}")


def _response(status: int, body: bytes, kind: str, policy: str) -> web.Response:
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return web.Response(status=status, body=body, content_type=kind, charset="utf-8", headers=headers)
