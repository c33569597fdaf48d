"""A systemd for the tests: a real one, for one user, beside that of the machine (which need not run)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

START_TIMEOUT_S = 15.0
SYSTEMD = Path("/lib/systemd/systemd")
GROUP = "clipbridge-tests"
GROUPS = "/sys/fs/cgroup"
# It asks whether the machine was booted by systemd; in a namespace of its own it finds that it was. It moves all processes of its control
# group, so it must not be in that of all others: outside of real-time scheduling, for example, Pd fails.
BOOTED = f"""
for tree in {GROUPS} {GROUPS}/*; do
  test -f $tree/cgroup.procs && mkdir -p $tree/{GROUP} && echo $$ > $tree/{GROUP}/cgroup.procs
done 2>/dev/null
grep -E '^(0:|[0-9]+:name=systemd):/$' /proc/self/cgroup && exit 1
mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec {SYSTEMD} --user "$@"
"""


@pytest.fixture(scope="module")
def user_systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder to name in XDG_RUNTIME_DIR, so that `systemctl --user` talks to this systemd. Skips without one: it needs
    Linux, and root (CI in a container has it)."""
    if not SYSTEMD.is_file() or shutil.which("systemctl") is None or shutil.which("unshare") is None:
        pytest.skip("there is no systemd on this machine")
    folder = Path(tempfile.mkdtemp(prefix="run-"))  # short: it holds sockets
    home = tmp_path_factory.mktemp("systemd") / "the user's home ü"
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(home), "HOME": str(home)}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    # One at a time: all have the same control group.
    with filelock.FileLock(Path(tempfile.gettempdir()) / "clipbridge-tests-systemd.lock"):
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", BOOTED, "sh", "--log-target=console"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            end = time.monotonic() + START_TIMEOUT_S
            ask = ["systemctl", "--user", "show", "--property=Version"]
            while subprocess.run(ask, env=environment, capture_output=True, check=False).returncode:
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    pytest.skip(f"no systemd for one user can be started here: {process.communicate()[0][-200:]!r}")
                time.sleep(0.1)
            yield folder
        finally:
            process.terminate()
            process.communicate(timeout=30)
            shutil.rmtree(folder, ignore_errors=True)
            for group in sorted(Path(GROUPS).glob(f"**/{GROUP}/**/"), reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()
