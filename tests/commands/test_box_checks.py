"""`clipbridge doctor --serve`: who reaches a box, its files, and Ray's ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.cluster import ray_ports
from bridge.cluster.serving import Place
from bridge.commands import box_checks
from bridge.doctor.check import Check
from tests.cluster.boxes import Box
from tests.cluster.certificates import Authority
from tests.harness import called


def found(place: Place) -> dict[str, Check]:
    return {check.name: check for check in box_checks.checks(place)}


def test_a_box_of_this_machine_alone_is_fine_without_a_token() -> None:
    checks = found(Place(port=0))
    assert {check.state for check in checks.values()} == {"ok"} and "an SSH tunnel" in checks["access"].what
    assert {"server", "access", "port", "Ray"} == checks.keys()


def test_a_box_for_other_machines_needs_a_token_that_is_read_by_nobody_else(tmp_path: Path) -> None:
    assert "must demand a token: add --token-file" in found(Place("0.0.0.0", 0))["access"].what
    file = tmp_path / "token"
    checks = found(Place("0.0.0.0", 0, file))
    assert checks["access"].state == "warning" and "unencrypted" in checks["access"].what
    assert "writes a new token into it" in checks["token"].what and not file.exists()
    file.write_text("a-token-of-some-length\nanother-token-of-some-length\n")
    file.chmod(0o600)
    assert found(Place("0.0.0.0", 0, file))["token"].what.endswith(": 2 tokens")
    if os.name == "posix":
        file.chmod(0o644)
        assert found(Place("0.0.0.0", 0, file))["token"].fix == f"chmod 600 {file}"
    file.write_text("short")
    assert found(Place("127.0.0.1", 0, file))["access"].state == "fault"


def test_a_certificate_is_checked_as_a_front_checks_it(tmp_path: Path) -> None:
    authority, token = Authority(tmp_path), tmp_path / "token"
    good, key = authority.sign("good")
    checks = found(Place("0.0.0.0", 0, token, good, key))
    assert checks["TLS"].state == checks["access"].state == "ok" and "is valid for 8," in checks["TLS"].what
    old, old_key = authority.sign("old", end="20210101000000Z")
    for certificate, its_key, words in (
        (old, old_key, "expired"),
        (good, old_key, "cannot be used"),
        (token, key, "cannot be used"),
        (tmp_path / "none", key, "cannot be used"),
    ):
        check = found(Place("0.0.0.0", 0, token, certificate, its_key))["TLS"]
        assert check.state == "fault" and words in check.what


def test_a_port_of_a_box_is_told_from_that_of_another_program(home: Path) -> None:
    box = Box(home)
    try:
        assert "a box answers on port" in found(Place(port=box.port))["port"].what
    finally:
        box.stop()
    with socket.create_server(("127.0.0.1", 0)) as other:
        check = found(Place(port=other.getsockname()[1]))["port"]
    assert check.state == "fault" and "Another program uses port" in check.what
    assert found(Place("192.0.2.1", 0, Path(__file__)))["port"].fix == "Use an address of this machine for --host."


@contextmanager
def raylet(folder: Path, host: str, mode: str) -> Iterator[int]:
    """A program of this name that listens; its port."""
    link = folder / "raylet"
    if not link.exists():
        link.symlink_to(os.path.realpath(sys.executable))
    code = f"import socket, time; s = socket.create_server(({host!r}, 0)); print(s.getsockname()[1], flush=True); time.sleep(60)"
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix, "RAY_AUTH_MODE": mode}
    process = subprocess.Popen([str(link), "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="Ray's clusters are for Linux; the name of a process is that of its file"
)
def test_ports_of_ray_that_demand_no_token_are_a_fault(tmp_path: Path) -> None:
    if ray_ports.running():
        pytest.skip("Ray runs here")
    with raylet(tmp_path, "0.0.0.0", "") as port:
        check = box_checks.ray()
        assert (
            check.state == "fault"
            and f"ports {port} can run any code" in check.what
            and "RAY_AUTH_MODE=token" in check.fix
        )
    with raylet(tmp_path, "0.0.0.0", "token"):
        assert box_checks.ray().what == "raylet: with a token"
    with raylet(tmp_path, "127.0.0.1", ""):
        assert box_checks.ray().what == "raylet: only for this machine"


def test_options_of_a_box_without_one_are_refused(home: Path) -> None:
    answer = called(home, "doctor", "--host", "0.0.0.0")
    assert answer.returncode == 2 and "add --serve" in answer.stderr
