"""Figures of the live part, for RESULTS.md: `python -m tests.bench.measure_live [--minutes 5] [--stream-minutes 10] [--realtime]
[--parts soak]`. Needs JACK, as tests/live/test_live.py does, and a C compiler.

Pads: from the packet to the first audible sample, at a block of 1,024 frames (21.3 ms). Panic: from the packet to the last audible
one. Stream: the quietest 20 ms, relative to the median. Soak: a looped voice while clips are made and 5,000 messages a second
come in; at the same time a client in C plays on the same server, and another one on a server of its own, because JACK reports a late
block to every client of a server, and waits for it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from tests.bench.steady_client import SteadyClient, steady_client
from tests.harness import Client, Daemon, pairs
from tests.jack_device import BLOCK, RATE, Recorder, jack

PRESSES, PANICS, RAIN = 100, 20, 5_000
PARTS = ["pads", "panics", "stream", "soak"]
NAMES = {os.SCHED_OTHER: "normal", os.SCHED_FIFO: "real-time", os.SCHED_RR: "real-time"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--stream-minutes", type=float, default=1.0)
    parser.add_argument(
        "--realtime", action="store_true", help="real-time priority for the device's threads, as on stage"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    minutes, parts = options.minutes, options.parts
    with jack(realtime=options.realtime) as server, tempfile.TemporaryDirectory() as place:
        os.environ.update(server.environment)
        daemon = Daemon(Path(place) / "clips", Path(place) / "home", "--audio-device", "system")
        daemon.wait_for(lambda line: line["event"] == "audio" and line["state"] == "open")
        recorder, direct = Recorder(server), Recorder(server, of_player=True)
        try:
            client = daemon.client()
            client.send("/bridge/pad/1/set", "kick", 0.2)
            print("| what | figure |\n|---|---|")
            print(f"| one block of the device | {1000 * BLOCK / RATE:.1f} ms |")
            print(f"| how the player's threads are scheduled | {', '.join(rendering(daemon))} |")
            if "pads" in parts:
                pads("alone", client, recorder, direct)
                busy = [
                    subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)
                ]
                try:
                    pads("beside a busy loop a core", client, recorder, direct)
                finally:
                    for process in busy:
                        process.kill()
                        process.wait()
            if "panics" in parts:
                panics(client, recorder, direct)
            if "stream" in parts:
                stream(options.stream_minutes, client, recorder)
        finally:
            recorder.close()
            direct.close()
        try:
            if "soak" in parts:
                with (
                    jack(realtime=options.realtime) as other,
                    steady_client(server) as beside,
                    steady_client(other) as alone,
                ):
                    soak(minutes, client, daemon.client(), {"its server": beside, "a server of its own": alone})
        finally:
            daemon.stop()


def ready(client: Client) -> None:
    """Wait until the pad has both takes."""
    while True:
        client.send("/bridge/pads")
        if client.until("/bridge/pad/1/state")[1][:2] == ["ready", 2.0]:
            return
        time.sleep(0.05)


def pads(what: str, client: Client, recorder: Recorder, direct: Recorder) -> None:
    """Time from the packet to the first block with sound, at the player and, one block later, at the monitor."""
    delays: dict[str, list[float]] = {"handed to the device": [], "at its monitor": []}
    for press in range(PRESSES):
        ready(client)
        time.sleep(0.3 + 0.0013 * press)
        at = time.monotonic()
        client.send("/bridge/pad/1/play")
        for times, device in zip(delays.values(), (direct, recorder), strict=True):
            times.append(1000 * device.wait_for_sound(at))
    for where, times in delays.items():
        times.sort()
        print(
            f"| pad, packet to sound {where}, {what}, p50 / p99 of {PRESSES} | "
            f"{statistics.median(times):.1f} / {times[-2]:.1f} ms |",
            flush=True,
        )


def panics(client: Client, recorder: Recorder, direct: Recorder) -> None:
    """Time from the packet to the last block with sound."""
    delays: dict[str, list[float]] = {"handed to the device": [], "at its monitor": []}
    for number in range(PANICS):
        client.send("/bridge/generate", "drone", 10.0, "steps", 1, "sink", "audio", "id", f"panic {number}")
        client.until("/bridge/done", job=f"panic {number}")
        recorder.wait_for_sound(time.monotonic())
        time.sleep(0.2 + 0.0013 * number)
        at = time.monotonic()
        client.send("/bridge/stop")
        time.sleep(0.5)
        for times, device in zip(delays.values(), (direct, recorder), strict=True):
            times.append(1000 * max(device.sounding_after(at), default=0.0))
    for where, times in delays.items():
        print(
            f"| panic, packet to the last block with sound {where}, p50 / most of {PANICS} | "
            f"{statistics.median(times):.1f} / {max(times):.1f} ms |",
            flush=True,
        )


def stream(minutes: float, client: Client, recorder: Recorder) -> None:
    """Loudness of a stream whose prompt changes now and then, without other jobs."""
    before = len(recorder.heard())
    client.send("/bridge/stream/start", "rain", 8.0)
    end, states = time.monotonic() + 60 * minutes, set()
    prompts = itertools.cycle(["wind", "rain"])
    while time.monotonic() < end:
        time.sleep(min(20.0, 30 * minutes))
        client.send("/bridge/stream/set", next(prompts), 8.0)
        states.add(str(client.until("/bridge/stream/state")[1][0]))
    client.send("/bridge/stream/stop")
    heard = recorder.heard()[before:, 0]
    window = RATE // 50
    first = int(np.nonzero(heard)[0][0]) + 2 * RATE  # skip the fade-in
    levels = np.sqrt(
        np.mean(heard[first : first + len(heard[first:]) // window * window].reshape(-1, window) ** 2, axis=1)
    )
    levels = levels[: -3 * 50]  # and the fade-out
    quietest = 20 * np.log10(levels.min() / np.median(levels))
    print(
        f"| stream, {minutes:g} minutes, {sorted(states)}: quietest 20 ms against the median | {quietest:.1f} dB |",
        flush=True,
    )
    time.sleep(3.0)


def soak(minutes: float, client: Client, other: Client, in_c: dict[str, SteadyClient]) -> None:
    """Underflows of a looped voice under load, and what clients in C missed, `in_c` by where they play. Without the recorder: it would
    be a second client of the device, in the process that sends 5,000 messages a second, and JACK reports one late client to all."""
    client.send("/bridge/generate", "drone", 10.0, "steps", 1, "sink", "audio", "gain", 0.2, "id", "soak")
    voice = pairs(client.until("/bridge/done", job="soak")[1], 3)["voice"]
    client.send(f"/bridge/voice/{voice}/loop", 1)
    ending = threading.Event()
    sent = [0]

    def rain() -> None:
        while not ending.is_set():
            started = time.monotonic()
            for _ in range(RAIN // 50):
                other.send("/bridge/set/seconds", 2.0)
            sent[0] += RAIN // 50
            time.sleep(max(0.0, 1 / 50 - (time.monotonic() - started)))

    time.sleep(1.0)
    before, stolen = underflows(client), steal_s()
    thread = threading.Thread(target=rain)
    thread.start()
    clips, again, end, began = 0, 0, time.monotonic() + 60 * minutes, time.monotonic()
    while time.monotonic() < end:
        client.send("/bridge/generate", "kick", 1.0, "id", f"clip {clips}")
        while True:
            try:
                client.until("/bridge/done", job=f"clip {clips}", timeout_s=10.0)
                break
            except AssertionError:  # UDP may lose an ask; sent again with its id, it is the same job
                again += 1
                client.send("/bridge/generate", "kick", 1.0, "id", f"clip {clips}")
        clips += 1
    ending.set()
    thread.join()
    time.sleep(2.0)  # the player reports them now and then
    late = underflows(client) - before
    theirs = {where: steady.stop() for where, steady in in_c.items()}
    took = time.monotonic() - began
    print(
        f"| {minutes:g} minutes, {clips} clips made ({again} asks sent again), {sent[0] / took:.0f} messages a second: "
        f"underflows | {late} (before, with the recorders and the busy loops: {before}; the machine's host took "
        f"{100 * (steal_s() - stolen) / took / (os.cpu_count() or 1):.1f} % of the cores' time for others) |"
    )
    for where, figures in theirs.items():
        print(
            f"| … of a client in C on {where}: blocks missed | {figures.missed} ({figures.xruns} reports of the server; at most "
            f"{figures.late_ms:.1f} ms late) |"
        )


def rendering(daemon: Daemon) -> list[str]:
    """The scheduling of the player's threads."""
    for child in psutil.Process(daemon.process.pid).children(recursive=True):
        if any("libportaudio" in mapped.path for mapped in child.memory_maps()):
            return sorted({NAMES[os.sched_getscheduler(thread.id)] for thread in child.threads()})
    raise AssertionError("no player")


def steal_s() -> float:
    """Seconds that the host of this virtual machine gave to others, of all cores, since it started (proc_stat(5))."""
    return float(psutil.cpu_times().steal)


def underflows(client: Client) -> int:
    """Underflows since the device was opened."""
    client.send("/bridge/status")
    return int(pairs(client.until("/bridge/status")[1], 1)["underflows"])


if __name__ == "__main__":
    main()
