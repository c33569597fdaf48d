"""Open the audio device, trying again until it works, and close it once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bridge.errors import NoAudio
from bridge.player.device import Device, Output, choose, leave, outputs
from bridge.player.mixer import Mixer

RETRY_S, SLOW_RETRY_S = 1.0, 5.0
QUICK_RETRIES = 20
FALLBACK_AFTER = 2  # attempts, before the system's default device is used instead of the requested one
CLOSE_TIMEOUT_S = 1.0  # closing takes 0.12 s on JACK with blocks of 21 ms


class Opening:
    """Thread-safe. `name`: the requested device, "" for the system's default."""

    def __init__(self, name: str) -> None:
        self._name, self._lock = name, threading.Lock()
        self._output: Output | None = None

    @property
    def active(self) -> bool:
        """Whether the open device requests frames."""
        with self._lock:
            return self._output is not None and self._output.active

    def open(self, on_failure: Callable[[str], None]) -> tuple[Device, Mixer, Output]:
        """Open the device with a new mixer. Calls `on_failure` with the reason after each attempt that fails."""
        attempts = 0
        while True:
            try:
                with self._lock:
                    device, mixer, self._output = self._try(attempts)
                    return device, mixer, self._output
            except NoAudio as error:
                on_failure(str(error))
            attempts += 1
            time.sleep(RETRY_S if attempts < QUICK_RETRIES else SLOW_RETRY_S)

    def close(self) -> None:
        """Close the device, once: after a client vanishes, a JACK server may play nobody's sound for half a minute. Waits at
        most CLOSE_TIMEOUT_S, because PortAudio may hang."""
        closing = threading.Thread(target=self._close, daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)

    def _close(self) -> None:
        with self._lock:
            output, self._output = self._output, None
            if output is not None:
                output.close()
            leave()

    def _try(self, attempts: int) -> tuple[Device, Mixer, Output]:
        """Open the requested device, or after FALLBACK_AFTER attempts the system's default. Raises NoAudio."""
        available = outputs(refresh=attempts > 0)
        try:
            return _opened(self._name, available)
        except NoAudio:
            if attempts < FALLBACK_AFTER or not self._name:
                raise
            return _opened("", available)


def _opened(name: str, available: list[Device]) -> tuple[Device, Mixer, Output]:
    device = choose(name, available)
    mixer = Mixer(device.sample_rate, device.channels)
    return device, mixer, Output(device, mixer.render)
