"""Plays a scenario to a real daemon over real UDP and writes down what comes back, as lines that can be compared."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from tests.golden import wire
from tests.golden.masks import Masks
from tests.golden.steps import File, KillPlayer, Lines, Listen, Ref, Scenario, Step
from tests.harness import Daemon

WAIT_S = 30.0
# What comes at its own pace is written down as a sequence at the end of the scenario, wherever it came in between.
PACED = ("/bridge/progress", "/bridge/voice", "/bridge/stream/state", "/bridge/audio")
Line = list[Any]


@dataclass
class Ear:
    """A socket of a client, what came to it, and where reading stands."""

    name: str
    udp: socket.socket
    came: list[tuple[str, str, list[Any]]] = field(default_factory=list)
    since: int = 0  # the last request: what came before it

    @property
    def port(self) -> int:
        return int(self.udp.getsockname()[1])

    def read(self, timeout_s: float) -> tuple[str, str, list[Any]]:
        """The next message. Raises TimeoutError."""
        self.udp.settimeout(timeout_s)
        return wire.decode(self.udp.recv(65_536))


class Player:
    """One scenario with one daemon."""

    def __init__(self, daemon: Daemon, scenario: Scenario) -> None:
        self.daemon, self.scenario = daemon, scenario
        self.masks = Masks(daemon.folder.absolute().as_posix(), scenario.drawn)
        self.lines: list[Line] = []
        self._ears: dict[str, Ear] = {}
        self._kept: dict[str, Any] = {}
        self._sequences: dict[tuple[str, ...], list[Line]] = {}
        self._from = len(daemon.lines)

    def play(self) -> list[Line]:
        """All steps; the transcript."""
        try:
            for step in self.scenario.steps:
                if isinstance(step, Step):
                    self._step(step)
                elif isinstance(step, File):
                    self._file(step)
                elif isinstance(step, Lines):
                    self._json(step)
                elif isinstance(step, KillPlayer):
                    self._kill_player()
                elif isinstance(step, Listen):
                    ear = self._ear(step.by)
                    known = sum(_wanted(message, step.until, step.match) for message in ear.came[ear.since :])
                    self._gather(step.until if known < step.times else (), step.by, step.times - known, step.match)
            return [*self.lines, *self._ordered()]
        finally:
            for ear in self._ears.values():
                ear.udp.close()

    # ---- sending ----

    def _ear(self, name: str) -> Ear:
        if name not in self._ears:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            udp.bind(("127.0.0.1", 0))
            self._ears[name] = Ear(name, udp)
        return self._ears[name]

    def _step(self, step: Step) -> None:
        ear, values = self._ear(step.by), tuple(self._filled(value) for value in step.values)
        address = self._address(step.address)
        data = step.raw if step.raw is not None else wire.encode(address, values)
        shown = wire.decode(wire.encode(step.address, tuple(_shown(value) for value in step.values)))
        head = ">" if step.by == "a" else f">{step.by}"
        self.lines.append(
            [head, step.note] if step.raw is not None else [head, shown[0], shown[1], *map(_cut, shown[2])]
        )
        for other in self._ears.values():
            other.since = len(other.came)
        for _ in range(step.repeat):
            ear.udp.sendto(data, ("127.0.0.1", self.daemon.port))
        self._gather(step.until, step.at or step.by, step.times, step.match, step.fold)
        if step.keep:
            self._keep(step)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if not isinstance(value, Ref):
            return value
        kind, _, name = value.name.partition(":")
        if kind == "port":
            return self.daemon.port if name == "daemon" else self._ear(name).port
        if kind == "folder":
            return self.daemon.folder.absolute().as_posix()
        return self._kept[value.name]

    def _address(self, address: str) -> str:
        return address.replace("$voice", str(self._kept.get("voice", 0)))

    def _keep(self, step: Step) -> None:
        """Remember what a later step needs: `path:NAME` of the last clip, `voice` of the last one that began."""
        for _address, _tags, values in self._ears[step.at or step.by].came[::-1]:
            if step.keep == "voice" and _address in ("/bridge/voice", "/bridge/done"):
                self._kept["voice"] = values[0] if _address == "/bridge/voice" else values[values.index("voice") + 1]
                return
            if step.keep != "voice" and _address == "/bridge/done":
                self._kept[step.keep] = values[1]
                return
        raise AssertionError(f"nothing to keep for {step.keep}")

    # ---- listening ----

    def _gather(self, until: tuple[str, ...], at: str, times: int, match: tuple[Any, ...], fold: bool = False) -> None:
        """Read until one of `until` came to `at` so often, then whatever else came to anybody before a ping is answered."""
        came: dict[str, list[tuple[str, str, list[Any]]]] = {name: [] for name in self._ears}
        end, missing = time.monotonic() + WAIT_S, times if until else 0
        while missing:
            try:
                message = self._ear(at).read(max(0.01, end - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"none of {until} {match} came: {came[at][-5:]}") from None
            came[at].append(message)
            missing -= _wanted(message, until, match)
        for name, ear in list(self._ears.items()):
            token = f"barrier {secrets.token_hex(6)}"
            ear.udp.sendto(wire.encode("/bridge/ping", (token,)), ("127.0.0.1", self.daemon.port))
            while (message := ear.read(WAIT_S)) != ("/bridge/pong", "s", [token]):
                came.setdefault(name, []).append(message)
        for name in sorted(came):
            self._ears[name].came += came[name]
            self._write(name, came[name], fold)

    def _write(self, name: str, came: list[tuple[str, str, list[Any]]], fold: bool) -> None:
        head = "<" if name == "a" else f"<{name}"
        written: list[Line] = []
        for address, tags, values in came:
            if self._of_others(address, values):
                continue
            masked = [self._number(value) for value in self.masks.message(address, values)]
            if address in PACED or address.endswith("/state"):
                self._paced(name, address, tags, values, masked)
                continue
            written.append([head, address, tags, *map(_cut, masked)])
            if address in ("/bridge/done", "/bridge/take") or address.endswith("/saved"):
                written += self._facts(
                    values[0] if address.endswith("/saved") else values[2 if "take" in address else 1]
                )
        if fold:
            groups = itertools.groupby(written, lambda line: line[:3])
            written = [[*key, f"{len(list(lines))} times"] for key, lines in groups]
        self.lines += written

    def _of_others(self, address: str, values: list[Any]) -> bool:
        """Whether it is about a pad or a kit that this scenario did not ask for: other tests leave some."""
        asked = [step for step in self.scenario.steps if isinstance(step, Step)]
        if address.startswith("/bridge/pad/"):
            return not any(step.address.split("/")[:4] == address.split("/")[:4] for step in asked)
        if address.startswith("/bridge/kit/"):
            return not any(step.address == "/bridge/kit" and str(values[0]) == str(*step.values[:1]) for step in asked)
        return False

    def _number(self, value: Any) -> Any:
        """Without the number of a voice or of a port."""
        if isinstance(value, str):
            return value.replace(f"/bridge/voice/{self._kept.get('voice', 0)}/", "/bridge/voice/$voice/")
        ports = {ear.port: name for name, ear in self._ears.items()}
        return f"~port {ports[value]}" if type(value) is int and value in ports else value

    def _paced(self, name: str, address: str, tags: str, values: list[Any], masked: list[Any]) -> None:
        if address == "/bridge/progress":
            before = self._sequences.setdefault((name, address, json.dumps(values[0])), [])
            if not before or before[-1][-1] > values[1]:  # a clip that missed its tempo is made a second time
                before.append([tags, *masked, "rises", 0.0])
            before[-1][-1] = values[1]
            return
        number = [masked[0]] if address == "/bridge/voice" else []
        before = self._sequences.setdefault((name, address, *map(str, number)), [])
        entry = [tags, *masked[len(number) :]]
        if "/pad/" in address and entry[1] == "filling":
            assert 0.0 <= entry[2] <= 1.0
            entry[2] = "~fraction"
        if entry[1] == "~on":
            entry[2] = "~seconds"  # 0 too, where it is thin
        if entry[1] == "filling" and before and before[-1][1] == "filling" and before[-1][3:] == entry[3:]:
            return  # how often it told how far it is does not count
        if not before or before[-1] != entry:
            before.append(entry)

    def _ordered(self) -> list[Line]:
        lines: list[Line] = []
        for (name, address, *more), entries in sorted(self._sequences.items(), key=lambda one: one[0][:2]):
            head = "<" if name == "a" else f"<{name}"
            if address == "/bridge/progress":
                lines += [[head, address, *entry[:-1]] for entry in entries]
            else:
                lines.append([head, address, *more, *entries])
        return lines

    def _facts(self, path: str) -> list[Line]:
        if not path:
            return []
        info = soundfile.info(path)
        return [["file", info.format, info.subtype, info.frames, info.samplerate, info.channels]]

    # ---- beside the wire ----

    def _file(self, step: File) -> None:
        base = self.daemon.inbox if step.place == "inbox" else self.daemon.home / "config" / "clipbridge" / "presets"
        file = base / step.name
        self.lines.append(["file", step.place, step.name, step.text])
        if step.text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(step.text, "utf-8")
            os.replace(part, file)
        self._gather(step.until, step.by, step.times, step.match)

    def _json(self, step: Lines) -> None:
        """Event names, keys in their order and JSON types of what `run --json` said, each once."""
        start = 0 if step.all else self._from
        self.daemon.wait_for(lambda line: all(line.get(key) == value for key, value in step.until.items()), start=start)
        seen: list[Line] = []
        for line in self.daemon.lines[start:]:
            if line["event"] in step.events:
                entry = ["json", line["event"], *(f"{key} {type(value).__name__}" for key, value in line.items())]
                if entry not in seen:
                    seen.append(entry)
        self.lines += sorted(seen, key=lambda line: (step.events.index(line[1]), len(line)))

    def _kill_player(self) -> None:
        """End the process that plays, as a fault would."""
        others = {self.daemon.child("engine").pid, self.daemon.child("shaper").pid}
        import psutil

        children = psutil.Process(self.daemon.process.pid).children(recursive=True)
        (player,) = [c for c in children if "spawn_main" in " ".join(c.cmdline()) and c.pid not in others]
        player.kill()


def _wanted(message: tuple[str, str, list[Any]], until: tuple[str, ...], match: tuple[Any, ...]) -> bool:
    return message[0] in until and tuple(message[2][: len(match)]) == match


def _shown(value: Any) -> Any:
    """A request's value as it stands in the transcript."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return f"${value.name}" if isinstance(value, Ref) else value


def _cut(value: Any) -> Any:
    """A long text by its beginning and its length."""
    return f"{value[:40]}… {len(value)} characters" if isinstance(value, str) and len(value) > 160 else value


def same(expected: Any, actual: Any) -> bool:
    """Whether a recorded value or line is what came; what was measured may differ a little."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        one, other = expected["~about"], actual["~about"]
        return abs(one - other) <= 0.02 * max(1.0, abs(one))
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return type(expected) is type(actual) and bool(expected == actual)


def read_transcript(file: Path) -> dict[str, list[Line]]:
    """Scenario → lines."""
    found: dict[str, list[Line]] = json.loads(file.read_text("utf-8"))
    return found


def write_transcript(file: Path, scenarios: dict[str, list[Line]]) -> None:
    """One message a line, scenarios by name."""
    parts = [
        json.dumps(name) + ": [\n" + ",\n".join(" " + json.dumps(line, ensure_ascii=False) for line in lines) + "\n]"
        for name, lines in sorted(scenarios.items())
    ]
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")
