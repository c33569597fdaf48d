"""Drives the daemon in tests: a real process, a real UDP socket, JSON lines read as they arrive."""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge import cli
from bridge import client as osc_client
from tests import prepared

# On the processor everywhere: tests compare samples bit for bit, and CI has no GPU.
RUN = [sys.executable, "-m", "bridge", "run", "--compute", "cpu", "--osc-port", "0"]
STAND_IN = [sys.executable, "-m", "tests.stand_in", *RUN[3:]]  # without torch, where the engine does not matter
START_S = 120.0  # torch's first import from a cold disk, on two busy cores
ANSWER_S = 30.0


def need(program: str) -> str:
    """The path of a program. If it is missing, skip the test with a reason; in CI, fail."""
    path = shutil.which(program)
    if path is None:
        skip_or_fail(f"{program} is not installed (see .ci/run for the Debian package)")
    return str(path)


def skip_or_fail(reason: str) -> None:
    """Skip the test on a user's machine; fail in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of this size, for tests of full disks. Only root may mount it."""
    if sys.platform != "linux":
        pytest.skip("mounts a tmpfs")
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        skip_or_fail("only root may mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def free_port() -> int:
    """A UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client(osc_client.Client):
    """An OSC client like that of a host: a missing answer fails the test. Its socket is not connected, so sending to a
    stopped daemon raises nothing."""

    def __init__(self, port: int, host: str = "127.0.0.1", own: str = "127.0.0.1") -> None:
        super().__init__(port, host, own, connected=False)

    def receive(self, timeout_s: float = ANSWER_S) -> tuple[str, list[Any]]:
        """The next message. Raises TimeoutError."""
        return super().receive(timeout_s)

    def until(self, *addresses: str, timeout_s: float = ANSWER_S, job: Any = None) -> tuple[str, list[Any]]:
        """Read until a message with one of `addresses` arrives (about `job`, if there is one)."""
        end = time.monotonic() + timeout_s
        seen = []
        while (left := end - time.monotonic()) > 0:
            try:
                address, values = self.receive(left)
            except TimeoutError:
                break
            seen.append((address, values))
            if address in addresses and (job is None or values[:1] == [job]):
                return address, values
        raise AssertionError(f"none of {addresses} in {timeout_s} s, only {seen[-10:]}")

    def ask(self, address: str, *values: Any) -> tuple[str, list[Any]]:
        """Send and return the next answer."""
        self.send(address, *values)
        return self.receive()

    def end_of(self, job: Any, timeout_s: float = ANSWER_S) -> tuple[str, list[Any]]:
        """The terminal event of a job."""
        return self.until("/bridge/done", "/bridge/failed", "/bridge/cancelled", timeout_s=timeout_s, job=job)

    def silence(self, seconds: float = 0.3) -> None:
        """Assert that nothing arrives."""
        try:
            message = self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"expected silence, got {message}")


def pairs(values: list[Any], start: int) -> dict[str, Any]:
    """The `key value` part of a reply."""
    return dict(zip(values[start::2], values[start + 1 :: 2], strict=True))


_built: set[Path] = set()


def lend_built(home: Path, is_starter: bool) -> None:
    """Copy what takes seconds to build to the cache of a new daemon: the small checkpoint, from the homes of earlier daemons, and the
    starter's converted networks."""
    cache = home / "cache" / "clipbridge"
    networks = Path("networks")
    if is_starter and not (cache / networks).exists():
        shutil.copytree(prepared.starter() / networks, cache / networks, dirs_exist_ok=True)
    if cache not in _built and not list(cache.glob("untrained-[0-9]")):
        for other in _built:
            for built in other.glob("untrained-[0-9]"):
                with contextlib.suppress(shutil.Error, OSError):  # another daemon is writing there
                    shutil.copytree(built, cache / built.name, dirs_exist_ok=True)
    _built.add(cache)


class Daemon:
    """`clipbridge run` as a real process."""

    def __init__(self, folder: Path, home: Path, *options: str, wait: bool = True, run: list[str] = RUN) -> None:
        self.folder, self.home = folder, home
        lend_built(home, is_starter=run is RUN and "--model" not in options)
        self.inbox = home / "inboxes" / secrets.token_hex(4)  # daemons cannot share an inbox
        self._clients: list[Client] = []
        self.lines: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*run, "--json", "--folder", str(folder), "--inbox", str(self.inbox), *options],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        self._readers = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()
        self.port = self.wait_for(lambda line: line["event"] == "started", START_S)["osc_port"]
        if wait:
            self.wait_ready()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self.lines.append({"event": "end of output"})
            self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def wait_for(
        self, accept: Callable[[dict[str, Any]], bool], timeout_s: float = ANSWER_S, start: int = 0
    ) -> dict[str, Any]:
        """The first JSON line, from number `start` on, for which `accept` is true."""
        with self._changed:

            def first() -> dict[str, Any] | None:
                lines = self.lines[start:]
                return next((line for line in lines if line["event"] == "end of output" or accept(line)), None)

            line = self._changed.wait_for(first, timeout_s)
            if line is None or not accept(line):
                raise AssertionError(f"no such line: {self.lines[-5:]} {''.join(self.errors)[-2000:]}")
            return line

    def wait_ready(self, start: int = 0) -> None:
        self.wait_for(lambda line: line.get("state") == "ready", START_S, start)

    def child(self, name: str) -> psutil.Process:
        """The engine or the shaper process of a ready daemon: the engine has torch and is the largest; the third is the player,
        which soon prints nothing more (it hides what ALSA prints)."""
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            children = psutil.Process(self.process.pid).children(recursive=True)
            ours = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            if len(ours) == 3:
                *others, engine = sorted(ours, key=lambda child: child.memory_info().rss)
                printing = [child for child in others if os.readlink(f"/proc/{child.pid}/fd/2") != os.devnull]
                if len(printing) == 1:
                    return {"engine": engine, "shaper": printing[0]}[name]
            time.sleep(0.05)
        raise AssertionError(f"the processes are not told apart: {ours}")

    def client(self) -> Client:
        """A new client, closed together with the daemon."""
        self._clients.append(Client(self.port))
        return self._clients[-1]

    def stop(self) -> int:
        """Terminate the daemon, or kill it if that takes too long. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait(10)
        for client in self._clients:
            client.close()
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


def environment(home: Path) -> dict[str, str]:
    """The environment of a user whose folders are all below `home`."""
    changed = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "HF_HOME": str(home / "hub"),
    }
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))}, **changed}


def clipbridge(home: Path, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as a user with this home."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        errors="surrogateescape",
    )


def called(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Like `clipbridge`, but in this process, which takes a fraction of the time. For commands that start no threads."""
    variables, output, errors = environment(home), io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - variables.keys():
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = cli.main([*arguments])
            except SystemExit as usage:
                code = int(usage.code or 0)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())
