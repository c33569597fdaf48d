"""The addresses for the daemon itself: state, version, presets, subscriptions."""

from __future__ import annotations

from bridge import __version__
from bridge.domain.limits import PORT
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.subscribers import Target


def status(osc: Osc, request: Request) -> None:
    """/bridge/status"""
    state, *rest = osc.core.status().items()
    osc.send(request.sender, request.address, state[1], *(part for pair in rest for part in pair))


def version(osc: Osc, request: Request) -> None:
    """/bridge/version"""
    osc.send(request.sender, request.address, __version__)


def presets(osc: Osc, request: Request) -> None:
    """/bridge/presets"""
    osc.send(request.sender, request.address, *osc.core.presets.all())


def ping(osc: Osc, request: Request) -> None:
    """/bridge/ping; the arguments go back byte for byte."""
    osc.deliver(b"/bridge/pong" + request.datagram[len(b"/bridge/ping") :], request.sender)


def subscribe(osc: Osc, request: Request) -> None:
    """/bridge/subscribe"""
    if (target := _subscriber(osc, request)) is not None:
        osc.subscribers.add(target)
        osc.send(target, "/bridge/state", osc.core.state, osc.core.why)


def unsubscribe(osc: Osc, request: Request) -> None:
    """/bridge/unsubscribe"""
    if (target := _subscriber(osc, request)) is not None:
        osc.subscribers.remove(target)


def _subscriber(osc: Osc, request: Request) -> Target | None:
    """The client that a request is about; None if a button was released. Raises BadArgument."""
    if (arguments := args.without_press(request.arguments)) is None:
        return None
    if len(arguments) > 1:
        raise BadArgument(f"{request.address} takes only a port.")
    port = request.sender[1]
    if arguments:
        port = int(args.number(arguments[0], "the port", PORT, whole=True))
    osc.check_port(port, "")
    return request.machine, port
