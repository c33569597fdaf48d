"""The link to the daemon: OSC messages as Qt signals, on the window's own thread.

It notices a daemon that ends and one that comes back, and handles a flood of messages in slices, so that the window stays responsive.
"""

from __future__ import annotations

import math
import time
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QAbstractSocket, QHostAddress, QUdpSocket

from bridge import client

PING_MS = 1_000
ABSENT_AFTER_S = 3.5  # without any message from the daemon
SUBSCRIBE_EVERY_S = 30.0  # a subscription lasts 60 s
SLICE_S = 0.008  # of each turn of the event loop, for messages
RECEIVE_BUFFER_BYTES = 4 << 20

ABSENT = "absent"
NOT_RUNNING = "Clipbridge is not running. Press Start Clipbridge, then do it again."


class Link(QObject):
    """The daemon on `host` and `port`. `state`: as the daemon reports it in /bridge/state, or ABSENT; `why`: a sentence about it.

    `received(address, arguments)`: every message. `state_changed(state, why)`. `connected`: a daemon answers that did not
    before, perhaps a new one; ask it again for everything."""

    received = Signal(str, list)
    state_changed = Signal(str, str)
    connected = Signal()

    def __init__(self, host: str, port: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.host, self.port = host, port
        self.state, self.why = ABSENT, ""
        self._address = QHostAddress(host)
        self._socket = QUdpSocket(self)
        # Bound to loopback where that is enough: Windows asks about programs that can be reached from outside.
        own = host if self._address.isLoopback() else "::" if ":" in host else "0.0.0.0"
        self._socket.bind(QHostAddress(own), 0)
        self._socket.setSocketOption(QAbstractSocket.SocketOption.ReceiveBufferSizeSocketOption, RECEIVE_BUFFER_BYTES)
        self._socket.readyRead.connect(self._read)
        self._reading = False
        self._heard_at = self._subscribed_at = -ABSENT_AFTER_S
        # A timer and no posted call: Qt handles what is posted meanwhile in the same turn, and the window would stand still.
        self._rest = QTimer(self, interval=0, singleShot=True)
        self._rest.timeout.connect(self._read)
        self._timer = QTimer(self, interval=PING_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def is_absent(self) -> bool:
        """Whether no daemon answers."""
        return self.state == ABSENT

    def start(self) -> None:
        """Look for the daemon, now and every second."""
        self._timer.start()
        self._tick()

    def close(self) -> None:
        """Say goodbye and close the socket."""
        self._timer.stop()
        self._rest.stop()
        self.send("/bridge/unsubscribe")
        self._socket.close()

    def lose(self) -> None:
        """The daemon's process has ended: do not wait until its silence says so."""
        self._move(ABSENT, "")

    def send(self, address: str, *values: Any) -> None:
        """Send a message. Raises BadArgument if it cannot be encoded, for example because it is too long."""
        self._socket.writeDatagram(client.encode(address, *values), self._address, self.port)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._reading:  # nothing can be heard now
            self._heard_at = now
        if self.state != ABSENT and now - self._heard_at > ABSENT_AFTER_S:
            self._move(ABSENT, "")
        if self.state == ABSENT or now - self._subscribed_at > SUBSCRIBE_EVERY_S:
            self._subscribed_at = now
            self.send("/bridge/subscribe")
        else:
            self.send("/bridge/ping")

    def _read(self) -> None:
        """Handle what has arrived, for SLICE_S at most; the rest comes in the next turn of the event loop."""
        if self._reading:  # a handler runs an event loop of its own, as a dialog or a drag does
            return
        self._reading = True
        end = time.monotonic() + SLICE_S
        try:
            while self._socket.hasPendingDatagrams():
                datagram = self._socket.receiveDatagram()
                if datagram.senderPort() == self.port:
                    self._on_datagram(bytes(datagram.data().data()))
                if time.monotonic() >= end:
                    break
        finally:
            self._reading = False
        if self._socket.hasPendingDatagrams():
            self._rest.start()

    def _on_datagram(self, datagram: bytes) -> None:
        message = client.decode(datagram)
        if message is None:
            return
        self._heard_at = time.monotonic()
        address, arguments = message[0], [_sound(value) for value in message[1]]
        match address, arguments:
            case "/bridge/state", [str(state), str(why), *_]:
                self._move(state, why)
            case "/bridge/pong", _ if self.state == ABSENT:
                self._subscribed_at = -SUBSCRIBE_EVERY_S
        self.received.emit(address, arguments)

    def _move(self, state: str, why: str) -> None:
        if (state, why) == (self.state, self.why):
            return
        was, self.state, self.why = self.state, state, why
        self.state_changed.emit(state, why)
        if was == ABSENT:
            self.connected.emit()


def _sound(value: Any) -> Any:
    """A value of a message; None instead of what no daemon sends: an array, an infinite number, or NaN."""
    sound = isinstance(value, str | int | bytes) or (isinstance(value, float) and math.isfinite(value))
    return value if sound else None
