"""A network between a host with a fixed reply port and the daemon, which loses the packets that a test chooses."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def lossy(daemon_port: int, reply_port: int, lost: Callable[[bytes], bool]) -> Iterator[int]:
    """Yield a port that relays packets to the daemon and its answers to the host, except `lost` ones. The host's reply port
    is replaced by ours, as number and as text, and restored in the answers."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back,
    ):
        for udp in (front, back):
            udp.bind(("127.0.0.1", 0))
        own = back.getsockname()[1]
        over = threading.Event()

        def pass_on() -> None:
            while not over.is_set():
                for udp in select.select([front, back], [], [], 0.1)[0]:
                    data = udp.recv(65_536)
                    if lost(data):
                        continue
                    theirs, to = (reply_port, daemon_port) if udp is front else (own, reply_port)
                    for form in (lambda port: b"%d" % port, lambda port: port.to_bytes(4, "big")):
                        data = data.replace(form(theirs), form(own + reply_port - theirs))
                    back.sendto(data, ("127.0.0.1", to))

        worker = threading.Thread(target=pass_on, daemon=True)
        worker.start()
        try:
            yield front.getsockname()[1]
        finally:
            over.set()
            worker.join(5)


def first_of_each(lost: list[bytes]) -> Callable[[bytes], bool]:
    """Lose the first ask and the first `done`; these are added to `lost`."""

    def is_lost(data: bytes) -> bool:
        kind = next((k for k in (b"/bridge/generate", b"/bridge/done") if data.startswith(k)), None)
        if kind is None or kind in lost:
            return False
        lost.append(kind)
        return True

    return is_lost
