"""How long a job will take, learned from earlier jobs: nothing is assumed about the machine."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from pathlib import Path
from statistics import median_low

from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.messages import Cost
from bridge.system.keeping import KeptFile

# A clip with a source takes this much of what a clip without one takes for as many steps, before that is learned (measured on the
# starter): there is more to encode and to decode.
OF_A_SOURCE = {"vary": 1.1, "vary hits": 2.0, "continue": 1.1, "continue hits": 1.0, "fill": 1.0}
LEAST_FACTOR, MOST_FACTOR = 0.1, 20.0

# The median of the last three runs follows a laptop that gets hot within two jobs, and ignores a single job that had to
# share the machine.
RUNS = 3
MAX_POINTS = 64
MAX_KEYS, MAX_ETA_BYTES = 16, 1_000_000

Curves = dict[str, list[tuple[float, list[float]]]]
"""Name of a curve → its points: seconds of sound, and the seconds of computing of the last runs."""


class Curve:
    """Seconds of computing over seconds of sound, as straight lines between measured points."""

    def __init__(self) -> None:
        self._points: dict[float, deque[float]] = {}

    @property
    def points(self) -> list[tuple[float, list[float]]]:
        """The measured points; see Curves."""
        return [(x, list(runs)) for x, runs in self._points.items()]

    def learn(self, x: float, y: float) -> None:
        """Add a measurement: `y` seconds of computing for `x` seconds of sound."""
        x = round(x, 2)
        runs = self._points.pop(x, deque(maxlen=RUNS))
        runs.append(y)
        self._points[x] = runs  # moved to the end: the length measured longest ago is forgotten first
        if len(self._points) > MAX_POINTS:
            del self._points[next(iter(self._points))]

    def at(self, x: float) -> float | None:
        """Seconds of computing expected for `x` seconds of sound; None without a measurement."""
        if not self._points:
            return None
        points = sorted((length, median_low(runs)) for length, runs in self._points.items())
        place = bisect_left(points, (x, 0.0))
        if place == len(points):  # longer than any measured length: continue the last line
            x1, y1 = points[-1]
            slope = (y1 - points[-2][1]) / (x1 - points[-2][0]) if len(points) > 1 else y1 / x1
            return y1 + max(slope, 0.0) * (x - x1)
        x1, y1 = points[place]
        if place == 0:
            return y1  # shorter than any measured length: overheads dominate, so the shortest is close
        x0, y0 = points[place - 1]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


class Eta:
    """Learns from every run of the engine and predicts the next."""

    def __init__(self) -> None:
        # By the network's evaluations in each unit of work: two with guidance, one without.
        self._unit = {2: Curve(), 1: Curve()}
        self._rest = Curve()
        self._deliver = Curve()
        self._factors = {way: deque([factor], maxlen=RUNS) for way, factor in OF_A_SOURCE.items()}
        self.whole_s = 0.0  # if each clip costs as much as one of this length, however short it is; else 0

    def learn(self, cost: Cost) -> None:
        """Remember a run of the engine."""
        self._unit[cost.evaluations].learn(cost.sound_s, cost.per_unit_s)
        self._rest.learn(cost.sound_s, cost.fixed_s)

    def learn_source(self, prompt: Prompt, seconds: float) -> None:
        """Remember how long the engine worked on a prompt with a source."""
        plain = self._plain_seconds(prompt)
        if plain and prompt.source is not None:
            self._factors[_way(prompt.source)].append(min(max(seconds / plain, LEAST_FACTOR), MOST_FACTOR))

    def learn_delivery(self, prompt: Prompt, deliver_s: float) -> None:
        """Remember how long shaping and writing took."""
        self._deliver.learn(prompt.seconds * prompt.takes, deliver_s)

    def engine_seconds(self, prompt: Prompt) -> float:
        """Expected seconds in the engine; 0 without a measurement."""
        factor = 1.0 if prompt.source is None else median_low(self._factors[_way(prompt.source)])
        return factor * self._plain_seconds(prompt)

    def _plain_seconds(self, prompt: Prompt) -> float:
        sound = (self.whole_s or prompt.seconds) * prompt.takes
        evaluations = prompt.evaluations
        unit = self._unit[evaluations].at(sound)
        if unit is None and (other := self._unit[3 - evaluations].at(sound)) is not None:
            unit = other * evaluations / (3 - evaluations)
        return 0.0 if unit is None else unit * prompt.units + (self._rest.at(sound) or 0.0)

    def seconds(self, prompt: Prompt) -> float:
        """Expected seconds until the clip is delivered; 0 without a measurement."""
        engine = self.engine_seconds(prompt)
        return engine and engine + (self._deliver.at(prompt.seconds * prompt.takes) or 0.0)

    def points(self) -> Curves:
        """The points of all curves."""
        return {name: curve.points for name, curve in self._curves().items()}

    def recall(self, stored: Curves) -> None:
        """Learn from an earlier run of the daemon. Call it before anything is measured: the newest runs count."""
        for name, curve in self._curves().items():
            for x, runs in stored.get(name, []):
                for seconds in runs:
                    curve.learn(x, seconds)

    def _curves(self) -> dict[str, Curve]:
        return {"guided": self._unit[2], "unguided": self._unit[1], "rest": self._rest, "deliver": self._deliver}


def _way(source: Source) -> str:
    """The key of OF_A_SOURCE. What has a tempo is mostly varied and continued by its hits."""
    return f"{source.how} hits" if source.bpm and source.how != "fill" and source.parts != "whole" else source.how


class EtaFile:
    """The file with the learned times, by checkpoint and compute. Read once, at the start; written on a thread."""

    def __init__(self, file: Path) -> None:
        self._stored = _read(file)
        self._file = KeptFile(file, "times of clips")

    def recall(self, eta: Eta, key: str) -> None:
        """Teach `eta` what is stored under `key`."""
        eta.recall(self._stored.get(key, {}))

    def save(self, eta: Eta, key: str) -> None:
        """Store what `eta` learned."""
        self._stored.pop(key, None)
        self._stored[key] = eta.points()
        while len(self._stored) > MAX_KEYS:
            del self._stored[next(iter(self._stored))]
        state = dict(self._stored)
        self._file.keep(lambda: state)

    def wait(self, seconds: float) -> None:
        """Wait until the file is written, at most `seconds`."""
        self._file.wait(seconds)


def _read(file: Path) -> dict[str, Curves]:
    """Key → the learned times; {} if the file is missing or invalid."""
    try:
        if file.stat().st_size > MAX_ETA_BYTES:
            return {}
        stored: dict[str, Curves] = json.loads(file.read_text("utf-8"))
        for curves in stored.values():
            for points in curves.values():
                for x, runs in points:
                    if not (0.01 <= x < 1e5 and len(runs) <= RUNS and all(0 <= seconds < 1e5 for seconds in runs)):
                        return {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return stored
