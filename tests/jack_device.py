"""A virtual audio device: a private JACK server with the dummy driver, and a recorder of its output."""

from __future__ import annotations

import contextlib
import glob
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from filelock import FileLock

from tests.harness import need, skip_or_fail

RATE, BLOCK, CHANNELS = 48_000, 1_024, 2


class Jack:
    """One server. With `environment`, a program uses it and no other. `timeout_ms`: how long it waits for a silent client;
    after a client was killed, it answers no one for about twenty times as long. `realtime`: its threads and the rendering
    threads of its clients get real-time priority, as on stage; not every machine allows that. `channels`: of its output.
    `synchronous`: it waits for late clients; without, it goes on without them, as a sound card does. `block`: in frames."""

    def __init__(
        self,
        timeout_ms: int = 2_000,
        realtime: bool = False,
        channels: int = CHANNELS,
        synchronous: bool = True,
        block: int = BLOCK,
    ) -> None:
        self.timeout_ms, self.channels = timeout_ms, channels
        self.mode = ["--realtime", "-P", "20"] if realtime else ["--no-realtime"]
        self.mode += ["-S"] if synchronous else []
        self.block = block
        self.name = "t" + uuid.uuid4().hex[:8]
        self.environment = {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def lend(self, patch: pytest.MonkeyPatch) -> None:
        """Make the children of this process use it."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def start(self) -> None:
        """Start the server and wait until it answers. -m: no monitor connections are made late."""
        command = [
            need("jackd"), "-n", self.name, *self.mode, "-t", str(self.timeout_ms), "-d", "dummy", "-m",
            "-r", str(RATE), "-p", str(self.block), "-C", str(CHANNELS), "-P", str(self.channels),
        ]  # fmt: skip
        environment = {**os.environ, **self.environment}
        with FileLock(Path(tempfile.gettempdir()) / "clipbridge-tests-jack.lock"):  # another worker may be starting one
            _forget_dead_servers()
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        end = time.monotonic() + 15
        while not _answers(environment):
            assert time.monotonic() < end and self.process.poll() is None, "jackd does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server, which its clients see as a pulled plug, and remove its files. A killed one would stay in JACK's list
        of at most eight."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(8)  # it may wait its timeout for a client
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for pattern in (f"/dev/shm/jack_{self.name}_*", f"/dev/shm/jack_sem.{os.getuid()}_{self.name}_*"):
            for file in glob.glob(pattern):
                with contextlib.suppress(OSError):
                    os.unlink(file)


def _client(jack: Any, name: str, tries: int = 3) -> Any:
    """A new client. A server on a busy machine may not answer in time."""
    for attempt in range(1, tries + 1):
        try:
            return jack.Client(name)
        except jack.JackOpenError:
            if attempt == tries:
                raise
            time.sleep(1.0)
    raise AssertionError("unreachable")


def _answers(environment: dict[str, str]) -> bool:
    """Whether the server answers. Asking one that is just starting may hang for ever (one in 60 starts)."""
    try:
        return subprocess.run([need("jack_lsp")], env=environment, capture_output=True, timeout=3).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _forget_dead_servers() -> None:
    """Clear JACK's list of at most eight servers, in which killed ones stay. Only while none runs, and not if this process has read
    it."""
    if "jack" not in sys.modules and not any(
        process.info["name"] == "jackd" for process in psutil.process_iter(["name"])
    ):
        for file in ("/dev/shm/jack-shm-registry", *glob.glob("/dev/shm/jack-[0-9]*")):
            with contextlib.suppress(OSError):
                os.unlink(file)


@contextlib.contextmanager
def jack(
    timeout_ms: int = 2_000,
    realtime: bool = False,
    channels: int = CHANNELS,
    synchronous: bool = True,
    block: int = BLOCK,
) -> Iterator[Jack]:
    """A running server. Without JACK the test is skipped (in CI it fails)."""
    if sys.platform != "linux":
        pytest.skip("JACK's dummy driver as Debian has it")
    server = Jack(timeout_ms, realtime, channels, synchronous, block)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Recorder:
    """Records everything that the server plays from now on, with the time of each block. `of_player`: record the player's
    output directly, in the same block; the server's monitor has it one block later. `device`: be a device of this name instead,
    and record what programs play on it."""

    def __init__(self, server: Jack, of_player: bool = False, device: str = "") -> None:
        os.environ.update(server.environment)  # the library reads the environment of the process
        try:
            import jack
        except (ImportError, OSError) as error:
            skip_or_fail(f"JACK-Client cannot be used: {error}")
        self.client = _client(jack, device or ("direct" if of_player else "recorder"))
        self.channels = CHANNELS if device else server.channels
        self._ins = [self.client.inports.register(f"in_{number}") for number in range(self.channels)]
        self._blocks: list[np.ndarray] = []
        self._times: list[float] = []
        self._frames: list[int] = []
        self.client.set_process_callback(self._process)
        self.client.activate()
        if device:
            return
        sources = [f"system:monitor_{number}" for number in range(1, self.channels + 1)]
        if of_player:
            outputs = [port.name for port in self.client.get_ports(is_audio=True, is_output=True)]
            sources = [name for name in outputs if name.startswith("Clipbridge:")]
        for source, port in zip(sources, self._ins, strict=True):
            self.client.connect(source, port)
        time.sleep(2 * self.client.blocksize / RATE)
        self.restart()  # until it is connected, a new port has the memory of an old one

    def _process(self, _frames: int) -> None:
        self._times.append(time.monotonic())
        self._frames.append(self.client.last_frame_time)
        self._blocks.append(np.stack([port.get_array().copy() for port in self._ins], axis=1))

    def heard(self) -> np.ndarray:
        """The recording so far: (frames, channels)."""
        return np.concatenate(self._blocks) if self._blocks else np.zeros((0, self.channels), np.float32)

    def onset(self) -> int:
        """The frame of the server in which the first sound begins."""
        first, block = next((at, block) for at, block in zip(self._frames, self._blocks, strict=False) if block.any())
        return first + int(np.nonzero(block.any(axis=1))[0][0])

    def restart(self) -> None:
        """Forget the recording so far."""
        self._times, self._frames, self._blocks = [], [], []

    def lag_s(self) -> float:
        """Seconds by which the device fell behind the clock while recording: a busy machine makes the server miss blocks."""
        origins = np.array(self._times) - np.arange(len(self._times)) * BLOCK / RATE
        return float(np.median(origins[-20:]) - np.median(origins[:20]))

    def sounding_after(self, since: float) -> list[float]:
        """The seconds after `since` (time.monotonic) of the blocks that were not silent."""
        return [at - since for at, block in zip(self._times, self._blocks, strict=False) if at >= since and block.any()]

    def wait_for_sound(self, since: float, timeout_s: float = 10.0) -> float:
        """Seconds from `since` to the first block with sound."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if times := self.sounding_after(since):
                return times[0]
            time.sleep(0.01)
        raise AssertionError("nothing was heard")

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()
