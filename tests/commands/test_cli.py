"""The command line: one sentence and a documented exit code for each fault, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from bridge.checkpoints.find import STARTER_FOLDER
from bridge.cli import EXIT_CODES, parser
from bridge.errors import ClipbridgeError
from tests.harness import RUN, STAND_IN, START_S, Client, Daemon, called, clipbridge, environment, pairs, small_disk

ROOT = Path(__file__).parents[2]


def refuses(run: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One sentence, the right exit code, no traceback."""
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr and run.stderr.startswith("clipbridge: ") and len(run.stderr.splitlines()) == 1
    for word in words:
        assert word in run.stderr


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A UDP port of a program that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield udp.getsockname()[1]


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A UDP port of a program that echoes each datagram, followed by rubbish."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.1)
        done = threading.Event()

        def echo() -> None:
            while not done.is_set():
                try:
                    data, sender = udp.recvfrom(65_536)
                except TimeoutError:
                    continue
                udp.sendto(data, sender)
                udp.sendto(b"not OSC", sender)

        thread = threading.Thread(target=echo)
        thread.start()
        yield udp.getsockname()[1]
        done.set()
        thread.join()


# ---- run ----


def test_a_port_that_another_program_holds_is_reported(home: Path, tmp_path: Path, silent_port: int) -> None:
    run = clipbridge(home, "run", "--folder", str(tmp_path), "--osc-port", str(silent_port))
    refuses(run, 4, "Another program", "--osc-port")


def test_a_second_instance_ends_because_one_is_running(home: Path, daemon: Daemon, tmp_path: Path) -> None:
    run = clipbridge(home, "run", "--folder", str(tmp_path), "--osc-port", str(daemon.port))
    refuses(run, 5, "running already")


def test_a_folder_that_cannot_be_written_is_reported(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refuses(clipbridge(home, "run", "--folder", str(tmp_path / "file" / "clips"), "--osc-port", "0"), 6)
    refuses(clipbridge(home, "run", "--folder", str(tmp_path / "file"), "--osc-port", "0"), 6, "is a file")
    if sys.platform == "linux":
        refuses(clipbridge(home, "run", "--folder", "/proc/clips", "--osc-port", "0"), 6, "cannot be made")
    refuses(clipbridge(home, "run", "--folder", "x" * 400, "--osc-port", "0"), 6)


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes exist on Linux")
def test_a_folder_whose_name_cannot_be_sent_to_hosts_is_refused(home: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "run", "--osc-port", "0", "--folder", os.fsencode(tmp_path) + b"/m\xfcsik"],
        env=environment(home), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 6 and b"UTF-8" in run.stderr and b"Traceback" not in run.stderr


def test_a_full_disk_is_reported_at_start(home: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        run = clipbridge(home, "run", "--folder", str(disk / "clips"), "--osc-port", "0")
        refuses(run, 6, "Only 1.0 MB are free", str(disk / "clips"), "--folder")
        assert not list(disk.iterdir()), "something was left in the folder"


@pytest.mark.parametrize("model", ["cvssp/audioldm2", "/no/such/folder", "x" * 400, "~nosuchuser/x"])
def test_a_missing_checkpoint_is_reported_at_once(home: Path, tmp_path: Path, model: str) -> None:
    refuses(clipbridge(home, "run", "--folder", str(tmp_path), "--osc-port", "0", "--model", model), 7)


@pytest.mark.parametrize(
    "options",
    [
        ("--set", "ocs.port=1"),
        ("--set", "osc.port"),
        ("--set", "osc.port=" + "9" * 5_000),
        ("--osc-port", "70000"),
        ("--osc-host", "0.0.0.0"),
        ("--osc-host", "example.org"),
        ("--osc-host", "192.0.2.1", "--set", "osc.allow=192.0.2.2"),
        ("--folder", "~nosuchuser/x"),
    ],
)
def test_a_wrong_setting_is_reported(home: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    arguments = options if "--folder" in options else (*options, "--folder", str(tmp_path))
    refuses(called(home, "run", *arguments), 8)


def test_wrong_usage_ends_with_2(home: Path) -> None:
    assert called(home, "run", "--compute", "tpu").returncode == 2
    assert called(home, "dance").returncode == 2
    refuses(called(home, "generate", "rain", "long"), 2, "quotes")
    refuses(called(home, "generate", "x" * 70_000), 2, "long")
    refuses(called(home, "generate", "rain", "1e39"), 2)
    refuses(called(home, "generate", "rain", "--osc-port", "0"), 2)
    refuses(called(home, "generate", "a\udcff"), 2)


def test_a_checkpoint_that_is_odd_inside_is_reported_once_and_restart_tries_again(
    start_daemon: Callable[..., Daemon], home: Path, tmp_path: Path, daemon: Daemon
) -> None:
    import shutil

    odd = shutil.copytree(STARTER_FOLDER, tmp_path / "my checkpoint")
    index = json.loads((odd / "model_index.json").read_text())
    index["language_model"] = ["transformers", "GPT2Model"]  # as real ones do
    (odd / "model_index.json").write_text(json.dumps(index))
    config = odd / "scheduler" / "scheduler_config.json"
    good = config.read_text()
    config.write_text(json.dumps({**json.loads(good), "timestep_spacing": "odd", "prediction_type": 7}))
    started = start_daemon("--model", str(odd), wait=False)
    client = started.client()
    client.send("/bridge/generate", "x", 0.2, "id", 1)
    _, values = client.until("/bridge/failed", timeout_s=START_S)
    assert values[:2] == [1, "no_model"] and "/bridge/restart" in values[2]
    assert client.ask("/bridge/status")[1][0] == "failed"
    client.send("/bridge/generate", "x", 0.2, "id", 2)
    assert client.until("/bridge/failed")[1][:2] == [2, "no_model"]
    config.write_text(good)
    client.send("/bridge/restart")
    client.until("/bridge/restart")
    client.send("/bridge/generate", "x", 0.2, "steps", 2, "id", 3)
    address, values = client.end_of(3, timeout_s=START_S)
    assert address == "/bridge/done" and pairs(values, 3)["model"] == "my checkpoint"


@pytest.mark.daemon
@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_output_that_nobody_reads_does_not_stop_the_daemon(home: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*STAND_IN, "--json", "--folder", str(tmp_path)],
        env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    port = json.loads(process.stdout.readline())["osc_port"]
    client = Client(port)
    try:
        for number in range(2):  # 2 × 50 lines of 2 kB: three times what a pipe holds
            client.send("/bridge/generate", "x" * 2_000, 0.1, "steps", 50, "id", number)
            assert client.end_of(number, timeout_s=START_S)[0] == "/bridge/done"
        assert client.ask("/bridge/ping", 1)[0] == "/bridge/pong"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        client.close()


@pytest.mark.daemon
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_that_nohup_ignores_stays_ignored(home: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *STAND_IN[1:], "--json", "--folder", str(tmp_path)],
        env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    port = json.loads(process.stdout.readline())["osc_port"]
    client = Client(port)
    try:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert client.ask("/bridge/status")[1][0] != "stopping"
        process.terminate()
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        client.close()


@pytest.mark.daemon
def test_plain_lines_are_written_where_there_is_no_terminal(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*RUN, "--folder", str(tmp_path / "clips")],
            env=environment(home), stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while "Ready" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        port = int(log.read_text().split("OSC on port ")[1].split(",")[0])
        done = clipbridge(home, "generate", "rain", "0.2", "--steps", "2", "--osc-port", str(port))
        assert done.returncode == 0
    finally:
        process.terminate()
        process.wait(20)
    lines = log.read_text().splitlines()
    assert lines[-1] == "Stopped." and "\r" not in log.read_text() and "\x1b" not in log.read_text()
    assert sum("The starter is in use" in line for line in lines) == 1 and "Warning" not in log.read_text()
    path = Path(done.stdout.strip())
    assert any(line.startswith("rain  0.2 s  seed ") and line.endswith(f"-> {path.name}") for line in lines)


# ---- generate ----


def test_generate_prints_the_path_alone_and_what_was_heard_beside_it(home: Path, daemon: Daemon) -> None:
    run = clipbridge(
        home, "generate", "my kick from the shell", "0.3", "--steps", "2", "--seed", "7", "--osc-port", str(daemon.port)
    )
    assert run.returncode == 0 and run.stderr == "heard: kick\n"
    assert soundfile.info(run.stdout.strip()).frames == 14_400


def test_generate_prints_every_take_best_first(home: Path, daemon: Daemon) -> None:
    run = called(home, "generate", "several", "0.2", "--steps", "2", "--takes", "3", "--osc-port", str(daemon.port))
    assert len(run.stdout.splitlines()) == 3 and all(
        soundfile.info(path).frames == 9_600 for path in run.stdout.splitlines()
    )


@pytest.mark.skipif(sys.platform == "win32", reason="opens a POSIX terminal")
def test_a_bar_is_shown_on_a_terminal(home: Path, daemon: Daemon) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "generate", "bar", "1", "--steps", "30", "--osc-port", str(daemon.port)],
        env=environment(home), stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4_096):
            shown += chunk
    except OSError:  # the end of a terminal on Linux
        pass
    finally:
        os.close(ours)
        process.communicate(timeout=30)
    assert b"%" in shown and process.returncode == 0


def test_generate_tells_json_lines_to_programs(home: Path, daemon: Daemon) -> None:
    run = called(home, "generate", "json", "0.3", "--steps", "2", "--json", "--osc-port", str(daemon.port))
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert (
        events[0]["event"] == "queued" and events[-1]["event"] == "done" and len({event["id"] for event in events}) == 1
    )


def test_generate_without_a_daemon_says_how_to_start_one(home: Path, silent_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        free = udp.getsockname()[1]
    for port in (free, silent_port):
        refuses(called(home, "generate", "rain", "--osc-port", str(port)), 3, "clipbridge run")


def test_generate_is_not_fooled_by_another_program_on_the_port(home: Path, echo_port: int) -> None:
    refuses(clipbridge(home, "generate", "rain", "--osc-port", str(echo_port), timeout_s=20), 3)


def test_generate_says_what_was_wrong_with_the_ask(home: Path, daemon: Daemon) -> None:
    port = str(daemon.port)
    refuses(called(home, "generate", "rain", "999", "--osc-port", port), 2, "seconds must be 0.1 to 150")
    refuses(called(home, "generate", "rain", "--preset", "drun", "--osc-port", port), 2, "did you mean drum")
    refuses(called(home, "generate", "rain", "--seed", "x", "--osc-port", port), 2, "seed must be a whole number")


def test_generate_tells_when_a_prompt_was_too_long_for_the_model(home: Path, daemon: Daemon) -> None:
    run = called(home, "generate", "word " * 700, "0.1", "--steps", "1", "--osc-port", str(daemon.port))
    assert run.returncode == 0 and "left out" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_interrupting_generate_cancels_the_job(home: Path, daemon: Daemon, client: Client) -> None:
    listener = daemon.client()
    listener.ask("/bridge/subscribe")
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "generate", "long", "20", "--steps", "250", "--osc-port", str(daemon.port)],
        env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        listener.until("/bridge/progress")
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130 and out == "" and "Traceback" not in error and "clipbridge: cancelled" in error
    listener.until("/bridge/cancelled")
    listener.send("/bridge/unsubscribe")


# ---- presets, and the rest ----


def test_presets_are_listed_and_broken_ones_named(home: Path) -> None:
    run = called(home, "presets")
    assert run.returncode == 0 and "drum" in run.stdout and "One drum hit" in run.stdout
    folder = home / "config" / "clipbridge" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / "mine.toml").write_text('description = "Mine: 雨"')
        (folder / "broken.toml").write_text("secnods = 3")
        run = called(home, "presets")
        assert run.returncode == 8 and "(yours)" in run.stdout and "broken.toml:1:" in run.stderr
        listed = json.loads(called(home, "presets", "--json").stdout)
        assert "mine" in {preset["name"] for preset in listed["presets"]} and len(listed["faults"]) == 1
    finally:
        for file in folder.iterdir():
            file.unlink()


def test_output_into_a_pipe_that_closes_early_causes_no_error(home: Path) -> None:
    command = f'"{sys.executable}" -m bridge presets | head -1; echo ${{PIPESTATUS[0]}}'
    run = subprocess.run(["bash", "-c", command], env=environment(home), capture_output=True, text=True, check=True)
    assert "Traceback" not in run.stderr and "Error" not in run.stderr


def test_every_exit_code_is_documented() -> None:
    def all_errors(cls: type[ClipbridgeError]) -> Iterator[type[ClipbridgeError]]:
        yield cls
        for sub in cls.__subclasses__():
            yield from all_errors(sub)

    page = (ROOT / "bridge" / "README.md").read_text("utf-8")
    for error in all_errors(ClipbridgeError):
        assert f"{error.exit_code} " in EXIT_CODES and f"| {error.exit_code} |" in page, error


def test_every_option_of_the_command_line_is_documented() -> None:
    page = (ROOT / "bridge" / "README.md").read_text("utf-8")
    keys = (ROOT / "host_scripts" / "OSC.md").read_text("utf-8")
    for name, command in parser()[1].items():
        for option in command._option_string_actions:
            key = f"| `{option.removeprefix('--').replace('-', '_')}` |"
            assert option in page or option in ("-h", "--help") or (name == "generate" and key in keys), option
