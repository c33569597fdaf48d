"""Serve a box by uvicorn: on this machine alone, without Ray, on every system."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.cluster import tokens
from bridge.cluster.app import App
from bridge.cluster.box import Box
from bridge.config import DEFAULT_SERVE_PORT, EngineConfig
from bridge.engine.messages import TARGET
from bridge.errors import BadArgument, ConfigError, PortTaken
from bridge.system import portable
from bridge.system.supervise import Child

MOST_CONNECTIONS = 256
CLOSING_S = 5  # for the streams that run when the server is told to stop


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box listens. `token_file`: of the tokens that it demands; it is created if it is missing. `certificate`, `key`: PEM files,
    for TLS."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_SERVE_PORT
    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def check(place: Place, creates: bool = True) -> list[str]:
    """The tokens that the box demands. `creates` the token file if it is missing. Raises ConfigError, BadArgument."""
    if not 0 <= place.port <= 65_535:
        raise BadArgument(f"--port must be 0 to 65535, not {place.port}.")
    if (place.certificate is None) != (place.key is None):
        raise BadArgument("TLS needs both --certificate and --key, or neither.")
    if place.token_file is None:
        if not place.is_loopback:
            raise ConfigError(
                f"{place.host} can be reached from other machines, so the box must demand a token: add --token-file FILE (a new file "
                "gets a new token), or listen on 127.0.0.1 and use an SSH tunnel."
            )
        return []
    if not place.token_file.exists():
        if not creates:
            return []
        tokens.create(place.token_file)
    return tokens.read(place.token_file)


def serve(config: EngineConfig, place: Place, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises ConfigError, BadArgument, PortTaken."""
    demanded = check(place)
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise ConfigError(
            "clipbridge serve needs uvicorn: pip install '.[serve]' in the folder of Clipbridge."
        ) from error
    # The engine is a process of its own, as in the daemon: this one has no torch.
    box = Box(Child("served-engine", TARGET, dataclasses.replace(config, url="", fallback="", slots=1)), say)
    options = uvicorn.Config(
        App(box, tokens.Tokens(demanded)),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=CLOSING_S,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    try:
        options.load()  # reads the certificate
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"The certificate {place.certificate} or its key cannot be used ({error}).") from error

    class Server(uvicorn.Server):
        """Stops at the signals at which the daemon stops, and does not raise them once more at the end."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            def stop() -> None:
                self.force_exit, self.should_exit = self.should_exit, True

            portable.on_stop_signals(asyncio.get_running_loop(), stop)
            yield

    with listen(place) as listening:
        for line in directions(place, listening.getsockname()[1]):
            say(line)
        with asyncio.Runner(loop_factory=portable.selector_loop) as runner:
            runner.run(Server(options).serve([listening]))


def listen(place: Place) -> socket.socket:
    """A socket at the place. Raises PortTaken, ConfigError."""
    try:
        family = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((place.host, place.port), family=family)
    except OSError as error:
        if portable.is_port_taken(error):
            raise PortTaken(f"Another program uses port {place.port}: choose another one with --port N.") from error
        raise ConfigError(f"This machine has no address {place.host} ({error}).") from error


def directions(place: Place, port: int, path: str = "") -> list[str]:
    """What to run on the other side. `path`: of the address."""
    scheme = "http" if place.certificate is None else "https"
    name = place.host if place.host not in ("0.0.0.0", "::") else socket.gethostname()
    url = f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{path}"
    lines = [f"Serving on {place.host} port {port}. Stop with Ctrl-C. On the other machine:"]
    if place.is_loopback:
        lines.append(f"  ssh -N -L {port}:127.0.0.1:{port} USER@{socket.gethostname()}")
    copied = "" if place.token_file is None else " --set engine.token_file=FILE"
    lines.append(f"  clipbridge run --engine {url}{copied}")
    if copied:
        lines.append(f"  (FILE: a copy of {place.token_file})")
    if scheme == "http" and not place.is_loopback:
        lines.append(
            "  The token and the prompts travel unencrypted: use TLS (--certificate, --key) where others share the network."
        )
    return lines
