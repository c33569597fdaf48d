"""Open the audio device, trying again until it works, and close it once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bridge.domain.outputs import ONE_PAIR, WIDTH, Pairs
from bridge.errors import NoAudio
from bridge.player.choosing import cue_device, main_device
from bridge.player.device import Device, choose, leave, outputs
from bridge.player.layout import layout
from bridge.player.mixer import Mixer
from bridge.player.output import Output

RETRY_S, SLOW_RETRY_S = 1.0, 5.0
QUICK_RETRIES = 20
FALLBACK_AFTER = 2  # attempts, before the system's default device is used instead of the requested one
CLOSE_TIMEOUT_S = 1.0  # closing takes 0.12 s on JACK with blocks of 21 ms


class Opening:
    """Thread-safe. `name`: the requested device, "" for the system's default; `pairs`: of its channels. `apart_from`: the name of the
    main device if this one is for the cue: then no device is used instead of a missing one, and never the main device."""

    def __init__(self, name: str, pairs: Pairs = ONE_PAIR, apart_from: str | None = None) -> None:
        self._name, self._pairs, self._apart_from, self._lock = name, pairs, apart_from, threading.Lock()
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
            if self._apart_from is not None:
                return self._open(cue_device(self._name, self._apart_from, available))
            return self._open(main_device(self._name, self._pairs, available))
        except NoAudio as error:
            if attempts < FALLBACK_AFTER or not self._name or self._apart_from is not None:
                raise
            device = choose("", available)
            return self._open(device, f"{device.name} plays instead of {self._name[:60]!r} ({error})")

    def _open(self, device: Device, missing: str = "") -> tuple[Device, Mixer, Output]:
        """Open `device` with its pairs, or with the main output alone if that is all that works. Raises NoAudio."""
        plan = layout(device, self._pairs, missing)
        mixer = Mixer(device.sample_rate, plan.channels, plan)
        try:
            return device, mixer, Output(device, mixer)
        except NoAudio as error:
            if plan.channels <= WIDTH:
                raise
            plan = layout(device, self._pairs, f"{device.name} does not open with {plan.channels} channels ({error})")
            mixer = Mixer(device.sample_rate, plan.channels, plan)
            return device, mixer, Output(device, mixer)
