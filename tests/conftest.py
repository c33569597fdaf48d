from __future__ import annotations

import os

# Before NumPy and torch are imported, which read these once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Each worker of pytest-xdist has about one core. On busy cores, two threads of torch wait for each other at every step, and an
# engine that drops to one thread in between adds in another order: its samples are no longer equal bit for bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import prepared, scheduling
from tests.harness import RUN, Client, Daemon
from tests.jack_device import Jack, Recorder, jack

if TYPE_CHECKING:
    from bridge.engine.audioldm2.engine import AudioLDM2


# Fixtures that start a daemon: their tests are marked `daemon`.
DAEMONS = {
    "shared_daemon",
    "small_daemon",
    "stage",
    "start_daemon",
    "cold_daemon",
    "places",
    "played",
    "panel_daemon",
    "sounding",
    "site",
    "touched",
}
# Daemons, an engine and an audio device that tests share: the tests of each run in one worker, so that it starts once.
SHARED = ("shared_daemon", "stage", "small_daemon", "engine", "wide", "site")
# Fixtures that train for a few steps, or synthesise the sounds for that.
TRAININGS = {"work", "pooled"}
# The groups that take longest, longest first, so that the workers finish together. The other groups follow, one a file.
LONGEST = (
    "shared_daemon", "tests/test_faults.py", "stage", "engine", "tests/commands/test_cli.py", "tests/starter/test_starter.py",
    "tests/frontends/test_midi.py", "tests/engine/runtime/test_conversions.py",
)  # fmt: skip


def pytest_configure() -> None:
    """Let the workers say which tests belong together. Take SIGINT: a shell starts background jobs with it ignored, and every
    daemon would inherit that."""
    scheduling.prepare()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.Groups:
    """Run each group in one worker."""
    return scheduling.Groups(config, log)


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it starts, and group the tests: pytest-xdist runs a group in one worker, in its order.

    A test belongs to the group of what it shares, or else to that of its file. Host scripts use fixed ports, so all tests
    of a host run in one worker.
    """
    paths = [item.path.relative_to(item.config.rootpath).as_posix() for item in items]
    fixtures = [{*item.fixturenames, *(m.args[0] for m in item.iter_markers("shares"))} for item in items]  # type: ignore[attr-defined]
    hosts = {path for path, names in zip(paths, fixtures, strict=True) if "shared_daemon" in names}
    groups: dict[pytest.Item, str] = {}
    for item, path, names in zip(items, paths, fixtures, strict=True):
        if names & DAEMONS:
            item.add_marker("daemon")
        if names & TRAININGS:
            item.add_marker("train")
        if host := path.startswith("tests/host_scripts/"):
            item.add_marker("host")
        shared = next((name for name in SHARED if name in names), path)
        groups[item] = "shared_daemon" if host and path in hosts else shared
    order = {group: at for at, group in enumerate(dict.fromkeys([*LONGEST, *groups.values()]))}
    items.sort(key=lambda item: order[groups[item]])
    scheduling.write({item.nodeid: group for item, group in groups.items()})


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this process out of the user's cache too, on systems where a variable names it."""
    own = tmp_path_factory.getbasetemp()
    prepared.keep_in((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("own-cache")))
        yield


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for daemons, so that tests never touch the user's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def shared_daemon(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One warmed daemon for all tests that leave it as it was."""
    daemon = Daemon(tmp_path_factory.mktemp("clips"), home)
    yield daemon
    daemon.stop()


@pytest.fixture
def daemon(shared_daemon: Daemon) -> Iterator[Daemon]:
    """The shared daemon, idle before and after."""
    assert shared_daemon.process.poll() is None, "".join(shared_daemon.errors)[-3000:]
    yield shared_daemon
    client = shared_daemon.client()
    client.send("/bridge/cancel")
    client.until("/bridge/cancelled")
    client.close()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    client = daemon.client()
    yield client
    client.close()


@pytest.fixture
def start_daemon(home: Path, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start daemons that a test may break; all are stopped afterwards."""
    started: list[Daemon] = []

    def start(*options: str, wait: bool = True, run: list[str] = RUN) -> Daemon:
        started.append(Daemon(tmp_path / "clips", home, *options, wait=wait, run=run))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture(scope="session")
def small_daemon(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the untrained checkpoint, a GB of memory and no audio device, for tests that leave it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_NO_START_SERVER", "1")
        patch.setenv("JACK_DEFAULT_SERVER", "nobody")
        options = ("--model", "untrained", "--set", "engine.memory_gb=1", "--audio-device", "no such thing")
        daemon = Daemon(tmp_path_factory.mktemp("small"), home, *options)
    yield daemon
    daemon.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Jack]:
    with jack() as server:
        yield server


@pytest.fixture(scope="session")
def wide() -> Iterator[Jack]:
    """An audio device with six channels."""
    with jack(channels=6) as server:
        yield server


@pytest.fixture
def hall(wide: Jack) -> Iterator[Recorder]:
    """Records all six channels."""
    recorder = Recorder(wide)
    yield recorder
    recorder.close()


@pytest.fixture
def headphones(wide: Jack) -> Iterator[Recorder]:
    """A second audio device, which records what is played on it."""
    recorder = Recorder(wide, device="headphones")
    yield recorder
    recorder.close()


@pytest.fixture(scope="session")
def stage(server: Jack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose audio device is open."""
    place = tmp_path_factory.mktemp("stage")
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        daemon = Daemon(place / "clips", place / "home", "--model", "untrained", "--audio-device", "system")
        opened = daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
        assert opened["why"].startswith("system, 48000 Hz, 2 channels")
        yield daemon
        daemon.stop()


@pytest.fixture
def recorder(server: Jack) -> Iterator[Recorder]:
    recorder = Recorder(server)
    yield recorder
    recorder.close()


@pytest.fixture(scope="session")
def built_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the small checkpoint, built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def engine(built_cache: Path) -> AudioLDM2:
    """An engine in this process, with the small checkpoint, for tests that leave it as it was."""
    from bridge.config import EngineConfig
    from bridge.engine.families import open_engine  # torch: seconds, for those tests that need it

    engine = open_engine(EngineConfig(model="untrained", compute="cpu"), built_cache)
    engine.load(lambda done, total, what: None)
    return engine  # type: ignore[return-value]
