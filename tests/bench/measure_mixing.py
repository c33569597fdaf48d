"""Our mixer compared with rtmixer's, for RESULTS.md: `python -m tests.bench.measure_mixing [--seconds 60]`.

Each plays 32 voices through a JACK dummy device, 256 frames a block, while a loop keeps every core busy: underflows and share
of a core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.jack_device import Jack

VOICES = 32

OURS = """
import sys, time, numpy as np, resource
from bridge.player.mixer import Mixer
from bridge.player import device
from bridge.player.output import Output
seconds, voices = float(sys.argv[1]), int(sys.argv[2])
chosen = device.choose("system", device.outputs())
mixer = Mixer(chosen.sample_rate, chosen.channels)
samples = np.random.default_rng(0).normal(0, 0.01, (48_000 * 5, 1)).astype(np.float32)
for number in range(voices):
    mixer.requests.append(mixer.voice(number, samples, loop=True))
output = Output(chosen, mixer)
time.sleep(1)
before, used = output.underflows, sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
time.sleep(seconds)
used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - used
print(output.underflows - before, round(100 * used / seconds, 1), flush=True)
import os; os._exit(0)
"""
THEIRS = """
import sys, time, numpy as np, resource
import sounddevice, rtmixer
seconds, voices = float(sys.argv[1]), int(sys.argv[2])
samples = np.random.default_rng(0).normal(0, 0.01, 48_000 * int(seconds + 5)).astype(np.float32)
mixer = rtmixer.Mixer(device="system", channels=2, samplerate=48_000, latency="low", qsize=256)
mixer.start()
for number in range(voices):
    mixer.play_buffer(samples, channels=[1])
time.sleep(1)
mixer.wait(mixer.fetch_and_reset_stats())
used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
time.sleep(seconds)
used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - used
action = mixer.fetch_and_reset_stats()
mixer.wait(action)
print(action.stats.output_underflows, round(100 * used / seconds, 1), flush=True)
import os; os._exit(0)
"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    seconds = options.parse_args().seconds
    print(f"| {VOICES} voices, {seconds:g} s, a busy loop a core | underflows | % of a core |\n|---|---|---|")
    for name, code in (("ours, in NumPy, ahead of the device", OURS), ("rtmixer's, in C", THEIRS)):
        server = Jack(block=256)
        server.start()
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
        try:
            run = subprocess.run(
                [sys.executable, "-c", code, str(seconds), str(VOICES)],
                env={**os.environ, **server.environment}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            for process in busy:
                process.kill()
                process.wait()
            server.stop()
        figures = run.stdout.split() or [run.stderr[-300:], ""]
        print(f"| {name} | {figures[0]} | {figures[1]} |")


if __name__ == "__main__":
    main()
